"""ReleaseCounts: what card and report.html count of the chains of a release, problem by problem.

The counts of many problems are those of each, merged: a problem that stays as it was is not read again. Counters have
few keys (names beyond MOST_NAMES are counted together).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from cotfactory.curation.languages import likeliest_language
from cotfactory.publishing.agreement import Agreement
from cotfactory.publishing.diversity import Diversity
from cotfactory.publishing.licenses import NOT_STATED
from cotfactory.publishing.personal_data import PersonalDataCount
from cotfactory.publishing.products.rl import LeftOut
from cotfactory.publishing.refusal_count import RefusalCount
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.drop_reasons import Label
from cotfactory.schemas.group import Group
from cotfactory.schemas.spending import NOTHING_SPENT, Spending

MOST_NAMES = 50
OTHERS = "(all others)"
LONGEST_NAME = 100
PASS_RATE_BINS = ("0 %", "1-20 %", "21-40 %", "41-60 %", "61-80 %", "81-99 %", "100 %")
NOT_GRADED = "not graded"
LANGUAGE_SHARE = 0.05


@dataclass
class Yield:
    """What became of the chains that were asked for, and what they took."""

    asked: int = 0
    correct: int = 0
    kept: int = 0
    bought: Spending = NOTHING_SPENT

    def merge(self, other: Self) -> None:
        """Add what became of others."""
        self.asked += other.asked
        self.correct += other.correct
        self.kept += other.kept
        self.bought += other.bought


@dataclass
class ReleaseCounts:
    """Counts of the chains of one problem, or of those of many.

    `yields` breaks down by teacher, domain, source and difficulty (the pass rate of the group); `days` are those on
    which chains were bought (UTC). `lengths` counts output tokens in powers of two: the key k stands for lengths from
    2^(k-1) up to, not including, 2^k. `grades` are counted by grader and its version. `flags` are those of kept chains;
    `kept_weak` counts those of them whose tests they could have forged; `without_rl` the problems that have no
    row in `rl`, by reason. Tokens and money are those of the chains and of the earlier steps that led to them.
    """

    yields: dict[str, dict[str, Yield]] = field(
        default_factory=lambda: {"teacher": {}, "domain": {}, "source": {}, "difficulty": {}}
    )
    days: dict[str, Yield] = field(default_factory=dict)
    lengths: dict[str, Counter[int]] = field(default_factory=lambda: {"correct": Counter(), "other": Counter()})
    pass_rates: Counter[str] = field(default_factory=Counter)
    grades: dict[str, Counter[str]] = field(default_factory=dict)
    licenses: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    flags: Counter[Label] = field(default_factory=Counter)
    without_rl: Counter[LeftOut] = field(default_factory=Counter)
    kept_weak: int = 0
    refusals: RefusalCount = field(default_factory=RefusalCount)
    personal_data: PersonalDataCount = field(default_factory=PersonalDataCount)
    agreement: Agreement = field(default_factory=Agreement)
    diversity: Diversity = field(default_factory=Diversity)

    def add(self, groups: Sequence[Group], without_rl: LeftOut | None = None) -> None:
        """Count all groups of one problem; `without_rl` says why it has no row in `rl`."""
        for group in groups[:1]:
            _counted(self.licenses, group.problem.license or NOT_STATED)
            _counted(self.languages, likeliest_language(group.problem.question) or NOT_STATED)
        if without_rl is not None:
            self.without_rl[without_rl] += 1
        self.agreement.add(groups)
        self.diversity.add(groups)
        for group in groups:
            self.refusals.add(group)
            self._add(group)

    def merge(self, other: Self) -> None:
        """Add the counts of further problems."""
        for by, yields in other.yields.items():
            for name, counts in yields.items():
                _yield_of(self.yields[by], name).merge(counts)
        for day, counts in other.days.items():
            self._day(day).merge(counts)
        for verdict, lengths in other.lengths.items():
            self.lengths[verdict].update(lengths)
        for counter, more in ((self.licenses, other.licenses), (self.languages, other.languages)):
            for name, count in more.items():
                _counted(counter, name, count)
        self.pass_rates.update(other.pass_rates)
        for grader, versions in other.grades.items():
            self.grades.setdefault(grader, Counter()).update(versions)
        self.flags.update(other.flags)
        self.without_rl.update(other.without_rl)
        self.kept_weak += other.kept_weak
        self.refusals.merge(other.refusals)
        self.personal_data.merge(other.personal_data)
        self.agreement.merge(other.agreement)
        self.diversity.merge(other.diversity)

    @property
    def graders(self) -> Mapping[tuple[str, str], int]:
        """Count the grades by the name and the version of their grader."""
        return {
            (grader, version): count for grader, versions in self.grades.items() for version, count in versions.items()
        }

    def main_languages(self) -> list[str]:
        """Return the languages (ISO 639) of at least 5 % of the questions whose language shows, the commonest first."""
        told = Counter({name: count for name, count in self.languages.items() if name not in (NOT_STATED, OTHERS)})
        return [name for name, count in told.most_common() if count >= LANGUAGE_SHARE * told.total()]

    def labels(self) -> list[tuple[Label, int]]:
        """Return the flags of kept chains with their counts, the most frequent first."""
        return sorted(self.flags.items(), key=lambda counted: (-counted[1], counted[0]))

    def _add(self, group: Group) -> None:
        difficulty = _difficulty(group)
        if difficulty != NOT_GRADED:
            self.pass_rates[difficulty] += 1
        names = {
            "teacher": group.teacher,
            "domain": group.problem.domain or NOT_STATED,
            "source": group.problem.source,
            "difficulty": difficulty,
        }
        counts = [_yield_of(self.yields[by], name) for by, name in names.items()]
        for graded, decision in zip(group.candidates, group.decisions, strict=True):
            candidate, grade = graded.candidate, graded.grade
            correct, took = grade.verdict == "correct", Spending.of(candidate)
            for total in (*counts, self._day(_date(candidate))):
                total.asked += 1
                total.correct += correct
                total.kept += decision.kept
                total.bought += took
            if decision.kept:
                self.flags.update(decision.flags)
                self.kept_weak += grade.evidence.weak
            self.lengths["correct" if correct else "other"][graded.output_tokens.bit_length()] += 1
            self.grades.setdefault(grade.grader, Counter())[grade.grader_version] += 1
        for step in group.earlier_steps:
            took = Spending.of(step.candidate)
            for total in (*counts, self._day(_date(step.candidate))):
                total.bought += took

    def _day(self, day: str) -> Yield:
        return _yield_of(self.days, day, most=5_000)


def _date(candidate: Candidate) -> str:
    return candidate.created_at.date().isoformat()


def _difficulty(group: Group) -> str:
    rate = group.pass_rate.rate
    if rate is None:
        return NOT_GRADED
    if rate >= 1:
        return PASS_RATE_BINS[-1]
    return PASS_RATE_BINS[0] if rate <= 0 else PASS_RATE_BINS[1 + min(4, int(rate * 5 - 1e-9))]


def _name(known: Iterable[str], count: int, name: str, most: int) -> str:
    name = name[:LONGEST_NAME]
    return name if count < most or name in known else OTHERS


def _yield_of(yields: dict[str, Yield], name: str, most: int = MOST_NAMES) -> Yield:
    return yields.setdefault(_name(yields, len(yields), name, most), Yield())


def _counted(counter: Counter[str], name: str, count: int = 1) -> None:
    counter[_name(counter, len(counter), name, MOST_NAMES)] += count

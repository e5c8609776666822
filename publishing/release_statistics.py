"""ReleaseStatistics: what card and report.html show of a release's chains, gathered in one pass, in bounded memory.

Counters have few keys (names beyond MOST_NAMES are counted together) and of the chains only a sample is held: those
with the smallest sha of their id, so that the same chains are shown for the same data in any order of arrival.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cotfactory.curation.languages import likeliest_language
from cotfactory.publishing.agreement import Agreement
from cotfactory.publishing.diversity import Diversity
from cotfactory.publishing.licenses import NOT_STATED
from cotfactory.publishing.personal_data import PersonalDataCount
from cotfactory.publishing.products.rl import LeftOut
from cotfactory.publishing.refusal_count import RefusalCount
from cotfactory.publishing.shown_chain import ShownChain, sha_key, shown_chain
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.drop_reasons import Label
from cotfactory.schemas.grade import Decision
from cotfactory.schemas.group import GradedCandidate, Group
from cotfactory.schemas.spending import NOTHING_SPENT, Spending

KEPT_SHOWN, DROPPED_SHOWN = 300, 200
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


@dataclass
class _Sample:
    """The chains with the smallest key; `size` of them."""

    size: int
    heap: list[tuple[int, str, ShownChain]] = field(default_factory=list)

    def add(self, key: int, group: Group, graded: GradedCandidate, decision: Decision) -> None:
        if len(self.heap) < self.size:
            heapq.heappush(self.heap, (-key, graded.candidate.candidate_id, shown_chain(group, graded, decision)))
        elif key < -self.heap[0][0]:
            heapq.heapreplace(self.heap, (-key, graded.candidate.candidate_id, shown_chain(group, graded, decision)))

    def chains(self) -> list[ShownChain]:
        return [chain for _, _, chain in sorted(self.heap, key=lambda entry: -entry[0])]


@dataclass
class ReleaseStatistics:
    """Counts and a sample of the chains that passed by.

    `yields` breaks down by teacher, domain, source and difficulty (the pass rate of the group); `days` are those on
    which chains were bought (UTC). `lengths` counts output tokens in powers of two: the key k stands for lengths from
    2^(k-1) up to, not including, 2^k. `flags` are those of kept chains; `kept_weak` counts those of
    them whose tests they could have forged; `without_rl` the problems that have no
    row in `rl`, by reason. Tokens and money are those of the chains and of the earlier steps that led to them.
    """

    yields: dict[str, dict[str, Yield]] = field(
        default_factory=lambda: {"teacher": {}, "domain": {}, "source": {}, "difficulty": {}}
    )
    days: dict[str, Yield] = field(default_factory=dict)
    lengths: dict[str, Counter[int]] = field(default_factory=lambda: {"correct": Counter(), "other": Counter()})
    pass_rates: Counter[str] = field(default_factory=Counter)
    graders: Counter[tuple[str, str]] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    flags: Counter[Label] = field(default_factory=Counter)
    without_rl: Counter[LeftOut] = field(default_factory=Counter)
    kept_weak: int = 0
    refusals: RefusalCount = field(default_factory=RefusalCount)
    personal_data: PersonalDataCount = field(default_factory=PersonalDataCount)
    agreement: Agreement = field(default_factory=Agreement)
    diversity: Diversity = field(default_factory=Diversity)
    _kept: _Sample = field(default_factory=lambda: _Sample(KEPT_SHOWN))
    _dropped: dict[str, _Sample] = field(default_factory=dict)

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

    def main_languages(self) -> list[str]:
        """Return the languages (ISO 639) of at least 5 % of the questions whose language shows, the commonest first."""
        told = Counter({name: count for name, count in self.languages.items() if name not in (NOT_STATED, OTHERS)})
        return [name for name, count in told.most_common() if count >= LANGUAGE_SHARE * told.total()]

    def labels(self) -> list[tuple[Label, int]]:
        """Return the flags of kept chains with their counts, the most frequent first."""
        return sorted(self.flags.items(), key=lambda counted: (-counted[1], counted[0]))

    def kept(self) -> list[ShownChain]:
        """Return the sample of the kept chains, the smallest sha first."""
        return self._kept.chains()

    def dropped(self) -> list[ShownChain]:
        """Return the sample of the dropped chains: of each reason one in turn, so that no reason hides another."""
        waiting = [sample.chains() for _, sample in sorted(self._dropped.items())]
        turns = (chains[turn] for turn in range(DROPPED_SHOWN) for chains in waiting if turn < len(chains))
        return [chain for chain, _ in zip(turns, range(DROPPED_SHOWN), strict=False)]

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
            for total in (*counts, self._day(candidate)):
                total.asked += 1
                total.correct += correct
                total.kept += decision.kept
                total.bought += took
            if decision.kept:
                self.flags.update(decision.flags)
                self.kept_weak += grade.evidence.weak
            self.lengths["correct" if correct else "other"][graded.output_tokens.bit_length()] += 1
            self.graders[grade.grader, grade.grader_version] += 1
            sample = self._kept if decision.reason is None else self._of_reason(decision.reason)
            sample.add(sha_key(candidate.candidate_id, group.problem.problem_id), group, graded, decision)
        for step in group.earlier_steps:
            took = Spending.of(step.candidate)
            for total in (*counts, self._day(step.candidate)):
                total.bought += took

    def _day(self, candidate: Candidate) -> Yield:
        return _yield_of(self.days, candidate.created_at.date().isoformat(), most=5_000)

    def _of_reason(self, reason: str) -> _Sample:
        return self._dropped.setdefault(reason, _Sample(DROPPED_SHOWN))


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


def _counted(counter: Counter[str], name: str) -> None:
    counter[_name(counter, len(counter), name, MOST_NAMES)] += 1

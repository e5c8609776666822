"""RunSummary: what a run did, as `--json` prints it; Funnel: how many were left after each stage."""

from collections import Counter
from dataclasses import dataclass, field, fields

from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.drop_reasons import DropReason
from cotfactory.schemas.grade import VERDICTS, Decision
from cotfactory.schemas.group import Group
from cotfactory.schemas.judge_facts import JudgeFacts
from cotfactory.schemas.manifest import FunnelStage, TeacherShare
from cotfactory.schemas.mutant_check import MutantCheck
from cotfactory.schemas.record import Record
from cotfactory.schemas.spending import NOTHING_SPENT, Books, Spending
from cotfactory.schemas.teacher_spec import TeacherSpec


class Tokens(Record):
    """Tokens bought by this run."""

    input: int
    output: int


class ReleaseSummary(Record):
    """The release a run made or, when nothing changed or what is new was held back, found."""

    path: str
    version: str
    rows_sha: str
    rows: dict[str, int]
    unchanged: bool
    held_back: str | None = None


class PublishedSummary(Record):
    """Where a run's release is on the Hub; `is_new` is False when it was there already."""

    repo: str
    tag: str
    url: str
    is_new: bool


class RunSummary(Record):
    """What one run did. `candidates` are the chains the recipe uses, bought by whichever run; `teacher_calls`,
    `tokens` and `cost_usd` are this run's own; `reused` are chains that earlier runs bought. `mutants` says how many
    falsified answers were made of accepted ones, and how many of them the graders accepted: it must be none; `alarms`
    what looked wrong about the answers that this run bought. `rollouts` that label steps are counted nowhere else.
    `unconfirmed_usd` is the most that this run may have been billed beyond `cost_usd`, for sendings without an answer;
    `budget` tells what was spent of it in all runs.
    `dropped` counts the chains that are not kept by their reasons, `dropped_problems` the problems of which none was
    asked for. `missing` requests that the recipe wants were left unsent or failed, `first_error` is what the first
    of these met."""

    recipe: str
    run_id: str
    problems: int
    candidates: int
    teacher_calls: int
    failed_calls: int
    lost_in_flight: int
    reused: int
    verdicts: dict[str, int]
    dropped: dict[str, int]
    dropped_problems: dict[str, int]
    kept: int
    rollouts: int
    tokens: Tokens
    cost_usd: float
    unconfirmed_usd: float = 0.0
    budget: Books | None = None
    funnel: tuple[FunnelStage, ...]
    mutants: MutantCheck | None
    alarms: tuple[Alarm, ...]
    release: ReleaseSummary | None
    published: PublishedSummary | None = None
    missing: int = 0
    first_error: str | None = None
    seconds: float

    def text(self) -> str:
        """Return the one line that is left to say once the progress display has told the rest."""
        return self.release.path if self.release else f"{self.recipe}: no release"


@dataclass
class _TeacherCount:
    candidates: int = 0
    earlier_steps: int = 0
    correct: int = 0
    kept: int = 0
    bought: Spending = NOTHING_SPENT


@dataclass
class Tally:
    """Counts what passes through curation; a chain of two equal problems counts for each."""

    problems: int = 0
    asked: int = 0
    complete: int = 0
    answered: int = 0
    kept: int = 0
    kept_with_calls: int = 0
    kept_turns: int = 0
    kept_later_turns: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    dropped: Counter[DropReason] = field(default_factory=Counter)
    dropped_problems: Counter[DropReason] = field(default_factory=Counter)
    teachers: dict[str, _TeacherCount] = field(default_factory=dict)
    sandbox_images: set[str] = field(default_factory=set)

    def add_chains(self, group: Group) -> None:
        """Count one teacher's attempts at one problem, whatever is decided of them."""
        teacher = self._teacher(group.teacher)
        for graded in group.candidates:
            candidate, verdict = graded.candidate, graded.grade.verdict
            self.asked += 1
            self.complete += candidate.is_finished
            self.answered += verdict in ("correct", "incorrect")
            self.verdicts[verdict] += 1
            if graded.grade.evidence.image_digest is not None:
                self.sandbox_images.add(graded.grade.evidence.image_digest)
            teacher.candidates += 1
            teacher.correct += verdict == "correct"
        teacher.earlier_steps += len(group.earlier_steps)
        for graded in (*group.candidates, *group.earlier_steps):
            teacher.bought += Spending.of(graded.candidate)

    def add_decision(self, teacher: str, decision: Decision, *, calls: bool, turn: int) -> None:
        """Count what was decided of one of the teacher's chains; `calls`: it called a tool.

        `turn` is the number of its turn in a conversation, 0 where it is of none.
        """
        self.kept += decision.kept
        self.kept_with_calls += decision.kept and calls
        self.kept_turns += decision.kept and turn > 0
        self.kept_later_turns += decision.kept and turn > 1
        if decision.reason is not None:
            self.dropped[decision.reason] += 1
        self._teacher(teacher).kept += decision.kept

    def add(self, part: "Tally") -> None:
        """Count what another tally did, of other problems."""
        counts = ("problems", "asked", "complete", "answered", "kept")
        for name in (*counts, "kept_with_calls", "kept_turns", "kept_later_turns"):
            setattr(self, name, getattr(self, name) + getattr(part, name))
        self.verdicts.update(part.verdicts)
        self.dropped.update(part.dropped)
        self.dropped_problems.update(part.dropped_problems)
        self.sandbox_images |= part.sandbox_images
        for name, count in part.teachers.items():
            total = self._teacher(name)
            for counted in fields(count):
                setattr(total, counted.name, getattr(total, counted.name) + getattr(count, counted.name))

    def _teacher(self, name: str) -> _TeacherCount:
        return self.teachers.setdefault(name, _TeacherCount())

    def add_rollout(self, teacher: str, candidate: Candidate) -> None:
        """Count a rollout of one of the teacher's chains: what it cost, and nothing else."""
        self._teacher(teacher).bought += Spending.of(candidate)

    def add_judge(self, judge: JudgeFacts) -> None:
        """Count what the judge of the chains cost."""
        self._teacher(judge.teacher).bought += judge.bought

    def rollouts(self) -> int:
        """Return how many rollouts label steps."""
        return sum(teacher.bought.rollouts for teacher in self.teachers.values())

    def funnel(self, rows: int | None = None) -> tuple[FunnelStage, ...]:
        """Return problems -> asked -> complete -> answered -> correct -> kept (-> rows)."""
        counts = {
            "problems": self.problems,
            "asked": self.asked,
            "complete": self.complete,
            "answered": self.answered,
            "correct": self.verdicts["correct"],
            "kept": self.kept,
        }
        if rows is not None:
            counts["rows"] = rows
        return tuple(FunnelStage(stage=stage, count=count) for stage, count in counts.items())

    def verdict_counts(self) -> dict[str, int]:
        """Return the verdicts, each named even when there is none."""
        return {verdict: self.verdicts[verdict] for verdict in VERDICTS}

    def shares(self, teachers: tuple[TeacherSpec, ...]) -> tuple[TeacherShare, ...]:
        """Return what each teacher of the recipe contributed."""
        return tuple(_share(spec, self.teachers.get(spec.name, _TeacherCount())) for spec in teachers)


def _share(spec: TeacherSpec, count: _TeacherCount) -> TeacherShare:
    return TeacherShare(
        teacher=spec.name,
        model=spec.model,
        license=spec.license,
        strategy=spec.strategy,
        candidates=count.candidates,
        earlier_steps=count.earlier_steps,
        rollouts=count.bought.rollouts,
        correct=count.correct,
        kept=count.kept,
        input_tokens=count.bought.input_tokens,
        output_tokens=count.bought.output_tokens,
        cost_usd=count.bought.cost_usd,
    )

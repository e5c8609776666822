"""Release manifest: files, hashes, recipe, parents, counts, spend."""

from datetime import datetime
from typing import Any

from pydantic import Field, model_validator

from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.candidate import StrategyName
from cotfactory.schemas.decontamination import Decontamination
from cotfactory.schemas.drop_reasons import DropReason
from cotfactory.schemas.grown_facts import GrownFacts
from cotfactory.schemas.judge_facts import JudgeFacts
from cotfactory.schemas.mutant_check import MutantCheck
from cotfactory.schemas.people_figures import PeopleFigures
from cotfactory.schemas.policy_progress import PolicyProgress
from cotfactory.schemas.record import Record
from cotfactory.schemas.regrade import Regrade


class ReleasedFile(Record):
    """One file of a release, by its path inside the release folder."""

    path: str
    rows: int | None
    bytes: int
    sha256: str


class FunnelStage(Record):
    """How many were left after one stage: problems, asked, complete, answered, correct, kept, rows."""

    stage: str
    count: int


class TeacherShare(Record):
    """What one teacher contributed to a release, over all runs that bought it.

    Tokens and money are those of `candidates`, of the `earlier_steps` that its strategy took on the way to them, and of
    the `rollouts` that label the steps of some of them.
    """

    teacher: str
    model: str
    license: str | None
    strategy: StrategyName = "solve"
    candidates: int
    earlier_steps: int = 0
    rollouts: int = 0
    correct: int
    kept: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


class StrengthOfTests(Record):
    """How many simple mutants of their reference solutions the tests of some code problems notice.

    `fifths` counts those problems by the share that is noticed: up to 20 %, ..., above 80 %.
    """

    problems: int
    mutants: int
    noticed: int
    fifths: tuple[int, int, int, int, int]


class ReleaseFacts(Record):
    """What the run that made a release says of it: who made it, when, and how many were left after each stage.

    `recipe_id` says whether two recipes ask for the same; `problems` names the file of the workspace's problems
    table that they came from. `funnel` ends before the rows; `dropped` counts candidates by the reason of their
    decision, `dropped_problems` the problems that were not asked by theirs, `kept_with_calls` the kept chains that
    call a tool, `kept_turns` those that are turns of a conversation, and `kept_later_turns` those of them that are not
    its first. `unconfirmed_usd` is the most that was billed beyond what `teachers` cost, for requests without an
    answer. `sandbox_images` are the digests of the images in which programs were graded and calls were run.
    `decontamination` is None where the recipe names no benchmark; `mutants` is what came of the watch on the
    graders, `alarms` are those of all runs of the recipe so far; `regrades` tell what became of the verdicts of
    chains that one version of a grader judged after another, `people` what reviews say of graders and of each
    other, `policies` how the policies fared that rolled out its problems, `judge` what is found of the recipe's
    judge, `grown` of the problems that a teacher wrote, source by source.
    """

    code_version: str
    recipe_id: str
    problems: str
    created_at: datetime
    funnel: tuple[FunnelStage, ...]
    verdicts: dict[str, int]
    dropped: dict[DropReason, int]
    dropped_problems: dict[DropReason, int] = Field(default_factory=dict)
    kept_with_calls: int = 0
    kept_turns: int = 0
    kept_later_turns: int = 0
    teachers: tuple[TeacherShare, ...]
    unconfirmed_usd: float = 0.0
    sandbox_images: tuple[str, ...] = ()
    decontamination: Decontamination | None = None
    mutants: MutantCheck | None = None
    alarms: tuple[Alarm, ...] = ()
    regrades: tuple[Regrade, ...] = ()
    people: PeopleFigures | None = None
    policies: tuple[PolicyProgress, ...] = ()
    judge: JudgeFacts | None = None
    grown: tuple[GrownFacts, ...] = ()


class Manifest(Record):
    """All that is needed to say what a release is and to make it again.

    `rows_sha` is the sha256 over the sorted row ids and row contents of every product: it does not depend on
    row order, file layout, compression or a library's version. `recipe` is the recipe as JSON, without folders
    and logins. `files` are all but the manifest itself, `contract_sha` is the sha256 of each product's contract.
    `facts` are the run's own, as it told them. `test_strength` is None without code problems; `without_rl` counts the
    problems that were asked and have no row in `rl`, by reason (empty where `rl` is not released); `kept_weak` the kept
    programs whose tests had to run within their reach (0 unless the recipe allows them). `graders` names
    the versions that judged, by grader; a manifest of an older form has none.
    """

    name: str
    version: str
    parent: str | None
    rows_sha: str
    recipe: str
    rows: dict[str, int]
    files: tuple[ReleasedFile, ...]
    contract_sha: dict[str, str]
    facts: ReleaseFacts
    test_strength: StrengthOfTests | None = None
    without_rl: dict[str, int] = Field(default_factory=dict)
    kept_weak: int = 0
    graders: dict[str, str] = Field(default_factory=dict)

    @property
    def funnel(self) -> tuple[FunnelStage, ...]:
        """The run's funnel, down to the rows of all products."""
        return (*self.facts.funnel, FunnelStage(stage="rows", count=sum(self.rows.values())))

    @model_validator(mode="before")
    @classmethod
    def _facts_of_older_form(cls, read: Any) -> Any:
        """Read a manifest in which the facts stood among the other fields: a data set keeps what it was published with.

        Its funnel ended with the rows.
        """
        if not isinstance(read, dict) or "facts" in read:
            return read
        facts = {name: read[name] for name in ReleaseFacts.model_fields if name in read}
        if isinstance(funnel := facts.get("funnel"), list):
            facts["funnel"] = [stage for stage in funnel if not isinstance(stage, dict) or stage.get("stage") != "rows"]
        return {**{name: value for name, value in read.items() if name not in facts}, "facts": facts}

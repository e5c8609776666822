"""Release manifest: files, hashes, recipe, parents, counts, spend."""

from datetime import datetime

from pydantic import Field

from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.candidate import StrategyName
from cotfactory.schemas.decontamination import Decontamination
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


class Manifest(Record):
    """All that is needed to say what a release is and to make it again.

    `rows_sha` is the sha256 over the sorted row ids and row contents of every product: it does not depend on
    row order, file layout, compression or a library's version. `recipe` is the recipe as JSON, without folders
    and logins; `recipe_id` says whether two recipes ask for the same; `problems` names the file of the workspace's
    problems table that they came from. `files` are all but the manifest itself, `dropped` counts by reason,
    `contract_sha` is the sha256 of each product's contract, and `sandbox_images` are the digests of the images in
    which programs were graded. `test_strength` is None without code problems, `decontamination` where the recipe
    names no benchmark; `alarms` are those of all runs of the recipe so far. `without_rl` counts the problems
    that were asked and have no row in `rl`, by reason (empty where `rl` is not released); `regrades` tell what became
    of the verdicts of chains that one version of a grader judged after another.
    """

    name: str
    version: str
    parent: str | None
    created_at: datetime
    code_version: str
    rows_sha: str
    recipe_id: str
    recipe: str
    problems: str
    rows: dict[str, int]
    files: tuple[ReleasedFile, ...]
    funnel: tuple[FunnelStage, ...]
    verdicts: dict[str, int]
    dropped: dict[str, int]
    teachers: tuple[TeacherShare, ...]
    contract_sha: dict[str, str]
    sandbox_images: tuple[str, ...] = ()
    test_strength: StrengthOfTests | None = None
    decontamination: Decontamination | None = None
    alarms: tuple[Alarm, ...] = ()
    without_rl: dict[str, int] = Field(default_factory=dict)
    regrades: tuple[Regrade, ...] = ()

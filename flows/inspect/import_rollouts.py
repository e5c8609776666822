"""Import other people's rollouts and data sets: the problem file and the recordings that the project reads already."""

import re
from pathlib import Path

from cotfactory.flows.inspect.second_opinion import SecondOpinion
from cotfactory.flows.settings import hub_access
from cotfactory.generators.imports.formats import FORMATS
from cotfactory.generators.imports.import_files import PROBLEMS, RECORDINGS, ImportFiles
from cotfactory.generators.imports.import_source import source_rows
from cotfactory.generators.imports.imported import NotThisFormat
from cotfactory.generators.problems.row import did_you_mean
from cotfactory.graders.boxes import boxes
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import InputError, ProblemSourceError
from cotfactory.schemas.problem import ANSWER_KINDS, AnswerKind
from cotfactory.schemas.record import Record


class ImportRequest(Record):
    """What is imported, and how it is read."""

    source: str
    form: str
    out: Path | None = None
    revision: str = "main"
    split: str = "train"
    answer_kind: AnswerKind | None = None
    license: str | None = None
    model: str = "unknown"


class ImportSummary(Record):
    """What an import wrote, and what came to nothing: counts by reason, and where each was met first."""

    problems: int
    recordings: int
    models: dict[str, int]
    left_out: dict[str, int]
    first_left_out: dict[str, str]
    out: str
    second_opinion: SecondOpinion | None = None

    def text(self) -> str:
        """Return the counts for people."""
        models = ", ".join(f"{count:,} of {model}" for model, count in self.models.items()) or "none"
        left_out = [
            f"left out: {count:,} {reason} (first: {self.first_left_out[reason]})"
            for reason, count in self.left_out.items()
        ]
        counts = f"{counted(self.problems, 'problem')}, {counted(self.recordings, 'recording')}: {models}"
        opinion = [self.second_opinion.text()] if self.second_opinion else []
        return "\n".join([counts, *left_out, f"{self.out}/{PROBLEMS}", f"{self.out}/{RECORDINGS}", *opinion])


def import_rollouts(request: ImportRequest) -> ImportSummary:
    """Write `problems.jsonl`, `recordings.jsonl.gz` and `rewards.jsonl.gz` of a file, folder or dataset of the Hub.

    The rows are read as a stream; the files appear whole or not at all. Raises InputError for an unknown format,
    ProblemSourceError for a row that is not of the format (named with its line), WorkspaceError for `out`.
    """
    read = FORMATS.get(request.form)
    if read is None:
        raise InputError(
            f"Unknown format {request.form!r}: expected one of {', '.join(FORMATS)}",
            f"name it with --as{did_you_mean(request.form, FORMATS)}",
        )
    out = request.out or Path(f"{Path(_name_of(request.source)).name}-{request.form}")
    with ImportFiles(
        out,
        _name_of(request.source),
        answer_kind=request.answer_kind,
        license_of_rows=request.license,
        model=request.model,
        answer_in=_boxed_answer,
    ) as files:
        for where, row in source_rows(request.source, request.revision, request.split, hub_access()):
            if row is None:
                files.leave_out("failed", where)
                continue
            try:
                for imported in read(row):
                    files.add(imported, where)
            except NotThisFormat as error:
                raise ProblemSourceError(
                    f"{where} is no row of {request.form}: {error}", "name another format with --as"
                ) from error
    counts = dict(files.counts)
    return ImportSummary(
        problems=counts.pop("problems", 0),
        recordings=counts.pop("recordings", 0),
        models=dict(files.models),
        left_out=counts,
        first_left_out=files.first_left_out,
        out=str(out.resolve()),
    )


def answer_kind_of(given: str | None) -> AnswerKind | None:
    """Return an answer kind by its name. Raises InputError."""
    for kind in ANSWER_KINDS:
        if given == kind:
            return kind
    if given is None:
        return None
    raise InputError(f"Unknown answer kind {given!r}: expected one of {', '.join(ANSWER_KINDS)}", "fix --answer-kind")


def _boxed_answer(solution: str) -> str | None:
    """Return the answer that a worked solution boxes last: the reference, where a row has no other."""
    found = boxes(solution) if "box" in solution else []
    return found[-1] if found else None


def _name_of(source: str) -> str:
    r"""Return what the problems say they come from: `ORG/NAME`, or a file's name without its endings."""
    path = Path(source)
    return re.sub(r"\.(jsonl|parquet|csv)(\.gz)?$", "", path.name) if path.exists() else source

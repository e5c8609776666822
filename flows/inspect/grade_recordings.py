"""Grade recorded completions against a problem file: no teacher, no workspace, one JSON line out for each."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cotfactory.flows.host.grading_tools import open_grading
from cotfactory.generators.local_teachers.recordings import read_recordings
from cotfactory.generators.problems.file_source import load_file
from cotfactory.generators.teacher.reasoning import split
from cotfactory.graders.custom_grader import custom_grader
from cotfactory.graders.grading import grade_batch
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import RecordingError, WorkspaceError
from cotfactory.schemas.finish_reason import finish_reason_of
from cotfactory.schemas.grade import VERDICTS, Grade
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import FileSource
from cotfactory.schemas.record import Record
from cotfactory.schemas.recording import Recording
from cotfactory.schemas.teaching import Completion, Sampling, Usage

BATCH = 256


class GradedRecordings(Record):
    """How many recordings were graded, by verdict, and where the grades are."""

    problems: int
    recordings: int
    verdicts: dict[str, int]
    out: str

    def text(self) -> str:
        """Return the counts for people."""
        counts = ", ".join(f"{count:,} {verdict}" for verdict, count in self.verdicts.items())
        return f"{counted(self.recordings, 'recording')} of {counted(self.problems, 'problem')}: {counts}\n{self.out}"


def grade_recordings(problems: Path, recordings: Path, out: Path, grader: str | None = None) -> GradedRecordings:
    """Grade every recording against the problem with its `problem_id` and write the grades to `out`.

    A line is `{problem_id, sample, verdict, reason, extracted_answer}`, in the order of the recordings; `weak` is there
    too, and true, where a program passed tests that it could have reached. `out` appears whole or not at all. `grader`
    is one of the user's own, `FILE.py:FUNCTION`. Raises ProblemSourceError, RecordingError, GraderError, or
    WorkspaceError for `out`.
    """
    source = FileSource(source="file", path=str(problems.resolve()))
    own = custom_grader(grader)
    by_id = {problem.source_row_id: problem.graded_by(own) for problem in load_file(source, Path.cwd())}
    verdicts: Counter[str] = Counter()
    aside = out.with_name(f"{out.name}.writing")
    try:
        with open_grading(list(by_id.values()), grader) as tools, aside.open("w", encoding="utf-8") as file:
            stream = _pairs(recordings, by_id)
            while batch := list(itertools.islice(stream, BATCH)):
                grades = grade_batch([(problem, candidate) for _, problem, candidate in batch], tools)
                for (recording, _, _), grade in zip(batch, grades, strict=True):
                    verdicts[grade.verdict] += 1
                    file.write(_line(recording, grade))
        aside.replace(out)
    except OSError as error:
        raise WorkspaceError(f"{out} cannot be written: {error.strerror}", "choose another --out") from error
    finally:
        aside.unlink(missing_ok=True)
    counts = {verdict: verdicts[verdict] for verdict in VERDICTS}
    return GradedRecordings(problems=len(by_id), recordings=verdicts.total(), verdicts=counts, out=str(out.resolve()))


def _pairs(recordings: Path, by_id: dict[str, Problem]) -> Iterator[tuple[Recording, Problem, Candidate]]:
    for number, recording in enumerate(read_recordings(recordings), start=1):
        problem = by_id.get(recording.problem_id)
        if problem is None:
            raise RecordingError(
                f"Recording {number} of {recordings} is of problem {recording.problem_id!r}, which the problem file "
                "does not hold: expected the id of one of its problems",
                "give the problem file these completions were recorded from",
            )
        yield recording, problem, recorded_candidate(recording, problem)


def recorded_candidate(recording: Recording, problem: Problem) -> Candidate:
    """Return a recorded completion as the candidate it would have been."""
    completion = Completion(
        content=recording.response,
        reasoning=recording.reasoning,
        finish_reason=finish_reason_of(recording.finish_reason),
        model=recording.model,
        usage=Usage(),
        latency_ms=0.0,
    )
    reasoning, response = split(completion)
    return Candidate(
        candidate_id=content_id([recording.problem_id, recording.model, recording.sample, recording.response]),
        problem_id=problem.problem_id,
        teacher=recording.model,
        prompt_id="",
        sampling=Sampling(),
        sample_index=recording.sample,
        reasoning=reasoning,
        response=response,
        finish_reason=completion.finish_reason,
        finish_reason_raw=recording.finish_reason,
        usage=Usage(),
        cost_usd=None,
        latency_ms=0.0,
        created_at=datetime.now(UTC),
    )


def _line(recording: Recording, grade: Grade) -> str:
    line = {
        "problem_id": recording.problem_id,
        "sample": recording.sample,
        "verdict": grade.verdict,
        "reason": grade.reason,
        "extracted_answer": grade.extracted_answer,
        **({"weak": True} if grade.evidence.weak else {}),
    }
    return json.dumps(line, ensure_ascii=False) + "\n"

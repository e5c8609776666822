"""Second opinion: where our verdict on imported completions and that of their source differ, row by row."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from cotfactory.flows.host.grading_tools import open_grading
from cotfactory.flows.inspect.grade_recordings import BATCH, recorded_candidate
from cotfactory.generators.imports.import_files import PROBLEMS, RECORDINGS, REWARDS, TheirReward, read_rewards
from cotfactory.generators.local_teachers.recordings import read_recordings
from cotfactory.generators.problems.file_source import load_file
from cotfactory.graders.grader import Tools
from cotfactory.graders.grading import grade_batch, self_test
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import FileSource
from cotfactory.schemas.record import Record
from cotfactory.schemas.recording import Recording

DIFFERENCES = "second_opinion.jsonl"
Compared = Literal["same", "differs", "theirs_unknown", "theirs_partial", "ours_ungraded", "reference_unusable"]
"""What became of one reward beside our verdict. A partial one (above 0, below 1) says neither right nor wrong; a
reference that its own grader does not accept tells nothing of anybody."""


class Difference(Record):
    """One completion that its source and we judge differently, with all that its makers need to look at it."""

    where: str
    problem_id: str
    model: str
    sample: int
    grader: str
    reward: float
    verdict: str
    reason: str
    extracted_answer: str | None
    reference: str
    compared_as: str | None
    grader_version: str
    question: str
    response: str

    def line(self) -> str:
        """Return the difference for people, in one line."""
        theirs = "right" if self.reward >= 1 else "wrong"
        read = "no answer" if self.extracted_answer is None else json.dumps(self.extracted_answer, ensure_ascii=False)
        return (
            f"{self.where}: {self.grader} says {theirs} ({self.reward:g}), we say {self.verdict} ({self.reason}): "
            f"read {read}, reference {json.dumps(self.reference, ensure_ascii=False)}"
        )


class SecondOpinion(Record):
    """How many rewards were held beside our verdicts, and what came of it, by their grader."""

    compared: dict[str, dict[Compared, int]]
    out: str

    def text(self) -> str:
        """Return the counts for people."""
        lines = [
            f"{grader}: " + ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
            for grader, counts in self.compared.items()
        ]
        return "\n".join([*(lines or ["the source gave no rewards: nothing to compare"]), self.out])


def second_opinion(folder: Path, show: Callable[[str], None]) -> SecondOpinion:
    """Grade the recordings of an import and tell `show` each one that its source judged otherwise.

    The same goes, with question and response, to `second_opinion.jsonl` in the folder. Raises as `grade_recordings`.
    """
    source = FileSource(source="file", path=str((folder / PROBLEMS).resolve()))
    problems = {problem.source_row_id: problem for problem in load_file(source, Path.cwd())}
    counts: dict[str, Counter[Compared]] = {}
    out = folder / DIFFERENCES
    aside = out.with_name(f"{out.name}.writing")
    try:
        with open_grading(list(problems.values())) as tools, aside.open("w", encoding="utf-8") as file:
            for judged in _judged(folder, problems, tools):
                outcome = _compare(judged)
                counts.setdefault(judged.reward.grader, Counter())[outcome] += 1
                if outcome == "differs":
                    difference = _difference(judged)
                    show(difference.line())
                    file.write(json.dumps(difference.model_dump(mode="json"), ensure_ascii=False) + "\n")
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    compared = {grader: dict(outcomes) for grader, outcomes in counts.items()}
    return SecondOpinion(compared=compared, out=str(out.resolve()))


class _Judged(Record):
    """One reward of the source beside our grade of the same completion."""

    reward: TheirReward
    recording: Recording
    grade: Grade
    problem: Problem
    is_usable: bool


def _judged(folder: Path, problems: Mapping[str, Problem], tools: Tools) -> Iterator[_Judged]:
    """Yield every reward with the grade of its completion; rewards lie in the order of the recordings."""
    rewards = itertools.groupby(read_rewards(folder / REWARDS), lambda reward: reward.recording_key)
    key, told = next(rewards, (None, iter(())))
    usable: dict[str, bool] = {}
    for recording, grade in _graded(folder / RECORDINGS, problems, tools):
        if key != (recording.problem_id, recording.model, recording.sample):
            continue
        problem = problems[recording.problem_id]
        if recording.problem_id not in usable:
            usable[recording.problem_id] = self_test(problem, tools).verdict == "correct"
        for reward in told:
            yield _Judged(
                reward=reward,
                recording=recording,
                grade=grade,
                problem=problem,
                is_usable=usable[recording.problem_id],
            )
        key, told = next(rewards, (None, iter(())))


def _graded(recordings: Path, problems: Mapping[str, Problem], tools: Tools) -> Iterator[tuple[Recording, Grade]]:
    stream = read_recordings(recordings)
    while batch := list(itertools.islice(stream, BATCH)):
        pairs = [(problems[recording.problem_id], recording) for recording in batch]
        grades = grade_batch([(problem, recorded_candidate(recording, problem)) for problem, recording in pairs], tools)
        yield from zip(batch, grades, strict=True)


def _compare(judged: _Judged) -> Compared:
    reward, verdict = judged.reward.reward, judged.grade.verdict
    if reward is None:
        return "theirs_unknown"
    if not judged.is_usable:
        return "reference_unusable"
    if verdict == "ungraded":
        return "ours_ungraded"
    if 0 < reward < 1:
        return "theirs_partial"
    return "same" if (reward >= 1) == (verdict == "correct") else "differs"


def _difference(judged: _Judged) -> Difference:
    reward, grade = judged.reward, judged.grade
    assert reward.reward is not None
    return Difference(
        where=reward.where,
        problem_id=reward.problem_id,
        model=reward.model,
        sample=reward.sample,
        grader=reward.grader,
        reward=reward.reward,
        verdict=grade.verdict,
        reason=grade.reason,
        extracted_answer=grade.extracted_answer,
        reference=grade.evidence.reference or judged.problem.answer,
        compared_as=grade.evidence.compared_as,
        grader_version=f"{grade.grader} {grade.grader_version}",
        question=judged.problem.question,
        response=judged.recording.response,
    )

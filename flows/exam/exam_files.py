"""Find and read the exams of a folder: rows of (gold, candidate, expected), attack programs, labelled recordings.

    *.jsonl, *.jsonl.gz whose rows hold `gold` and `candidate`      one row, one question
    code_attacks.jsonl with code_attack_problems.jsonl              programs that are all wrong
    [X.]problems with [X.]recordings and, if it is there, [X.]labels   recorded chains; without labels only counted

What a row expects is `adjudicated` (null: the row is left out), `expected_equal` or `expected`.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cotfactory.flows.inspect.grade_recordings import recorded_candidate
from cotfactory.generators.local_teachers.recordings import read_recordings
from cotfactory.generators.problems.file_source import load_file
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import ProblemSourceError, RecordingError
from cotfactory.schemas.ids import problem_id
from cotfactory.schemas.problem import AnswerKind, Problem
from cotfactory.schemas.problem_sources import FileSource
from cotfactory.schemas.recording import Recording

UNNAMED_CHOICES = ("",) * 10
"""A row about a letter names no options."""


@dataclass(frozen=True)
class Question:
    """One thing to grade: who it is, what breaks the exam down (its rule or class), and what is right.

    Any of `problems` may accept it (a row with several golds). `is_answer` says that the response is a bare answer.
    `expected` None is a chain without a label.
    """

    name: str
    rule: str
    problems: tuple[Problem, ...]
    candidate: Candidate
    expected: bool | None
    is_answer: bool = False


@dataclass(frozen=True)
class Exam:
    """A name and its questions."""

    name: str
    questions: tuple[Question, ...]

    @property
    def needs_sandbox(self) -> bool:
        """Whether programs have to run."""
        return any(question.problems[0].answer_kind == "code" for question in self.questions)


def find_exams(folder: Path) -> Iterator[Exam]:
    """Yield the exams of a folder and its subfolders, in the order of their paths.

    Raises ProblemSourceError or RecordingError for a file that is an exam and cannot be read.
    """
    if not folder.is_dir():
        raise ProblemSourceError(f"{folder} is no folder, expected one that holds exams", "see cotfactory exam --help")
    for path in sorted((*folder.rglob("*.jsonl"), *folder.rglob("*.jsonl.gz"))):
        name = path.name.removesuffix(".gz").removesuffix(".jsonl")
        label = str(path.relative_to(folder).with_name(name))
        if name == "code_attacks":
            yield Exam(label, tuple(_attacks(path)))
        elif name == "recordings" or name.endswith(".recordings"):
            problems = beside(path, name.removesuffix("recordings") + "problems")
            if problems is not None:
                label = folder.name if label == "recordings" else label.removesuffix("/recordings")
                label = label.removesuffix(".recordings")
                yield Exam(label, tuple(_recorded(problems, path, name)))
        else:
            first = next(rows_of(path), {})
            if {"gold", "candidate"} <= set(first):
                yield Exam(label, tuple(_written(path)))


def beside(path: Path, name: str) -> Path | None:
    """Return the file `name`.jsonl or `name`.jsonl.gz in the folder of `path`; None where there is neither."""
    return next((found for end in (".jsonl", ".jsonl.gz") if (found := path.with_name(name + end)).exists()), None)


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a file, one a line. Raises ProblemSourceError."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                row = json.loads(line) if line.strip() else None
                if row is not None and not isinstance(row, dict):
                    raise ValueError(f"line {number} is no JSON object")
                if row is not None:
                    yield row
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise ProblemSourceError(f"{path} cannot be read: {error}", "an exam is a file of JSON objects") from error


def _written(path: Path) -> Iterator[Question]:
    for number, row in enumerate(rows_of(path), start=1):
        expected = next((row[key] for key in ("adjudicated", "expected_equal", "expected") if key in row), None)
        if expected is None:
            continue
        golds = row["gold"] if isinstance(row["gold"], list) else [row["gold"]]
        kind: AnswerKind = "choice" if row.get("kind") == "mcq" else row.get("answer_kind", "math")
        rule = row.get("rule") or row.get("class") or row.get("suite") or "row"
        is_answer = "rule" in row or row.get("kind") in ("answer", "parse", "normalise")
        problems = tuple(_problem(str(gold), kind, row.get("question"), row.get("choices")) for gold in golds)
        name = str(row.get("id") or f"line {number}")
        candidate = _candidate(name, str(row["candidate"]), problems[0])
        yield Question(name, str(rule), problems, candidate, bool(expected), is_answer)


def _problem(gold: str, kind: AnswerKind, question: str | None, choices: list[str] | None) -> Problem:
    offered = tuple(choices) if choices else UNNAMED_CHOICES
    answer = gold[:1] if kind == "choice" else gold
    return Problem(
        problem_id=problem_id(question or gold, None, gold, None, "exam"),
        source="exam",
        source_row_id=gold,
        question=question or "(not recorded)",
        choices=offered if kind == "choice" else None,
        answer=answer,
        answer_kind=kind,
        split_group=gold,
    )


def _candidate(name: str, response: str, problem: Problem) -> Candidate:
    recording = Recording(problem_id=name, question=problem.question, model="exam", sample=0, response=response)
    # What stands before a `</think>` is part of the trap: the graders get the text whole.
    return recorded_candidate(recording, problem).model_copy(update={"response": response, "reasoning": None})


def _load(path: Path) -> dict[str, Problem]:
    source = FileSource(source="file", path=str(path.resolve()))
    return {problem.source_row_id: problem for problem in load_file(source, Path.cwd())}


def _attacks(path: Path) -> Iterator[Question]:
    problems_path = beside(path, "code_attack_problems")
    if problems_path is None:
        raise ProblemSourceError(f"{path} has no code_attack_problems.jsonl beside it", "put the two into one folder")
    problems = _load(problems_path)
    for row in rows_of(path):
        problem = problems[f"attack/{row['problem']}"]
        candidate = _candidate(row["id"], f"```python\n{row['program']}\n```", problem)
        yield Question(row["id"], row["class"], (problem,), candidate, expected=False)


def _recorded(problems_path: Path, path: Path, name: str) -> Iterator[Question]:
    problems = _load(problems_path)
    labels_path = beside(path, name.removesuffix("recordings") + "labels")
    labels = {(row["problem_id"], row["sample"]): row["correct"] for row in rows_of(labels_path)} if labels_path else {}
    for recording in read_recordings(path):
        problem = problems.get(recording.problem_id)
        if problem is None:
            raise RecordingError(
                f"{path} holds a completion of {recording.problem_id!r}, which {problems_path} does not",
                "put the problem file of these recordings beside them",
            )
        who = f"{recording.problem_id} #{recording.sample}"
        expected = labels.get((recording.problem_id, recording.sample))
        yield Question(who, recording.model, (problem,), recorded_candidate(recording, problem), expected)

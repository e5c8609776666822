"""The files of an import: problems, recordings and the rewards that their source gave, written row by row."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from hashlib import blake2b
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from cotfactory.generators.imports.imported import Imported, ImportedCompletion, ImportedProblem
from cotfactory.generators.problems.row import problem_from_row
from cotfactory.schemas.errors import ProblemSourceError, RecordingError, WorkspaceError
from cotfactory.schemas.problem import AnswerKind
from cotfactory.schemas.record import Record

PROBLEMS = "problems.jsonl"
RECORDINGS = "recordings.jsonl.gz"
REWARDS = "rewards.jsonl.gz"


class TheirReward(Record):
    """What the source of a recording said of it: a line of `rewards.jsonl.gz`, in the order of the recordings.

    `where` is the place in the source, for whoever tells its makers; `reward` None: the source does not know.
    """

    problem_id: str
    model: str
    sample: int
    where: str
    grader: str
    reward: float | None

    @property
    def recording_key(self) -> tuple[str, str, int]:
        """Which recording it is about."""
        return self.problem_id, self.model, self.sample


def read_rewards(path: Path) -> Iterator[TheirReward]:
    """Yield the rewards of an import. Raises RecordingError for a file that is not as an import writes it."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                yield TheirReward.model_validate_json(line)
    except (OSError, EOFError, ValueError) as error:
        raise RecordingError(f"{path} is not what an import wrote: {error}", "import again") from error


class ImportFiles:
    """Writes an import into a folder: each problem once, its completions numbered as they come, none twice.

    Memory grows with the number of problems and rollouts (some 100 bytes each), never with their texts. Used as a
    context: the three files appear when it ends well, and not at all when it does not.
    """

    def __init__(
        self,
        folder: Path,
        source: str,
        *,
        answer_kind: AnswerKind | None,
        license_of_rows: str | None,
        model: str,
        answer_in: Callable[[str], str | None],
    ) -> None:
        self.counts: Counter[str] = Counter()
        """`problems` and `recordings` that were written, and what was left out by reason."""
        self.models: Counter[str] = Counter()
        self.first_left_out: dict[str, str] = {}
        """Reason -> where it was met first."""
        self._folder, self._source, self._model = folder, source, model
        self._answer_kind, self._license, self._answer_in = answer_kind, license_of_rows, answer_in
        self._ids: dict[bytes, str | None] = {}  # problem -> its id in the files, None where it cannot be one
        self._used_ids: set[str] = set()
        self._samples: Counter[tuple[bytes, str]] = Counter()
        self._rollouts: set[bytes] = set()
        self._files: dict[str, IO[str]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> "ImportFiles":
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._files = {name: self._opened(name) for name in (PROBLEMS, RECORDINGS, REWARDS)}
        except OSError as error:
            raise self._unwritable(error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._stack.close()
            for name in self._files:
                aside = self._aside(name)
                if kind is None:
                    aside.replace(self._folder / name)
                else:
                    aside.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def add(self, imported: Imported, where: str) -> None:
        """Write what a row holds; what cannot be used is counted by its reason. Raises WorkspaceError."""
        if not imported.completions:
            self.leave_out(imported.why_none, where)
            return
        key = _key_of(imported.problem)
        if key not in self._ids:
            self._ids[key] = self._add_problem(imported.problem, key, where)
        problem_id = self._ids[key]
        for completion in imported.completions:
            if problem_id is None:
                self.leave_out("unusable_problem", where)
            elif self._is_repeated(completion):
                self.leave_out("repeated", where)
            else:
                self._add_completion(completion, imported.problem, key, problem_id, where)

    def leave_out(self, reason: str, where: str) -> None:
        """Count something that came to nothing."""
        self.counts[reason] += 1
        self.first_left_out.setdefault(reason, where)

    def _add_problem(self, problem: ImportedProblem, key: bytes, where: str) -> str | None:
        name = self._name_of(problem, key)
        row = {
            "id": name,
            "question": problem.question,
            "answer": problem.answer or self._answer_in(problem.solution or "") or "",
            "answer_kind": self._answer_kind or ("choice" if problem.choices else "math"),
            "choices": list(problem.choices) if problem.choices else None,
            "solution": problem.solution,
            "domain": problem.domain,
            "source": self._source,
            "license": self._license,
        }
        try:
            problem_from_row(row, where)
        except ProblemSourceError:
            return None
        given = {field: value for field, value in row.items() if value is not None}
        self._write(PROBLEMS, json.dumps(given, ensure_ascii=False))
        self._used_ids.add(name)
        self.counts["problems"] += 1
        return name

    def _name_of(self, problem: ImportedProblem, key: bytes) -> str:
        """Return the source's id of a problem; where another problem has it already, a part of the hash tells them."""
        name = (problem.source_row_id or f"row-{len(self._ids)}").strip()
        return f"{name}-{key.hex()[:8]}" if name in self._used_ids else name

    def _is_repeated(self, completion: ImportedCompletion) -> bool:
        """Whether this very rollout came before: its id and what it says, never its words alone."""
        if completion.rollout_id is None:
            return False
        key = _digest([completion.rollout_id, completion.model, completion.reasoning, completion.response])
        if key in self._rollouts:
            return True
        self._rollouts.add(key)
        return False

    def _add_completion(
        self, completion: ImportedCompletion, problem: ImportedProblem, key: bytes, problem_id: str, where: str
    ) -> None:
        model = completion.model or self._model
        recording: dict[str, Any] = {
            "problem_id": problem_id,
            "question": problem.question,
            "model": model,
            "sample": self._samples[key, model],
            "response": completion.response,
            "finish_reason": completion.finish_reason,
        }
        if completion.reasoning is not None:
            recording["reasoning"] = completion.reasoning
        if completion.turns:
            recording["turns"] = [turn.model_dump(exclude_defaults=True) for turn in completion.turns]
        line = json.dumps(recording, ensure_ascii=False)
        if not _is_unicode(line):
            self.leave_out("not_unicode", where)
            return
        self._write(RECORDINGS, line)
        self._samples[key, model] += 1
        self.models[model] += 1
        self.counts["recordings"] += 1
        place = ", ".join(filter(None, (where, completion.place)))
        told = {"problem_id": problem_id, "model": model, "sample": recording["sample"], "where": place}
        for grader, reward in completion.rewards.items():
            self._write(REWARDS, json.dumps({**told, "grader": grader, "reward": reward}))

    def _write(self, name: str, line: str) -> None:
        try:
            self._files[name].write(line + "\n")
        except OSError as error:
            raise self._unwritable(error) from error

    def _opened(self, name: str) -> IO[str]:
        if not name.endswith(".gz"):
            return self._stack.enter_context(self._aside(name).open("w", encoding="utf-8"))
        raw = self._stack.enter_context(self._aside(name).open("wb"))
        # No name and no time inside: the same import gives the same bytes. Texts shrink well at the fastest level.
        packed = self._stack.enter_context(gzip.GzipFile("", "wb", 1, raw, mtime=0))
        return self._stack.enter_context(TextIOWrapper(packed, "utf-8"))

    def _aside(self, name: str) -> Path:
        return self._folder / f"{name}.writing"

    def _unwritable(self, error: OSError) -> WorkspaceError:
        return WorkspaceError(f"{self._folder} cannot be written: {error.strerror}", "choose another --out")


def _key_of(problem: ImportedProblem) -> bytes:
    """Return what makes a problem the same one in another row: all that decides how it is asked and checked."""
    return _digest([problem.question, problem.answer, problem.choices, None if problem.answer else problem.solution])


def _is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8: half a surrogate pair is no character that anybody could read."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _digest(parts: Iterable[object]) -> bytes:
    return blake2b(json.dumps(list(parts)).encode(), digest_size=16).digest()

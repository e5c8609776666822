"""Files of recorded completions (JSONL, also `.gz`): read them, and count what was recorded of each question.

    {"problem_id": "gsm8k/test/0", "question": "Janet's ducks lay ...", "model": "gpt-3-6b", "sample": 0,
     "response": "She sells 16 - 3 - 4 = 9 eggs ...", "reasoning": "...", "finish_reason": "stop"}

`reasoning`, `finish_reason` and `turns` may be left out. Other keys are ignored, unless one looks like a misspelling of
these: a `reasoning_content` that nobody reads would silently lose all thinking.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, BinaryIO, cast

from pydantic import ValidationError

from cotfactory.schemas.errors import RecordingError
from cotfactory.schemas.expected import expected
from cotfactory.schemas.finish_reason import finish_reason_of
from cotfactory.schemas.recording import Recording

FIELDS = frozenset(Recording.model_fields)
OPTIONAL = [name for name, field in Recording.model_fields.items() if not field.is_required()]
FORMAT_HINT = "a line is a JSON object with problem_id, question, model, sample, response"


def read_recordings(path: Path) -> Iterator[Recording]:
    """Yield the completions of a file in its order; blank lines are skipped.

    Raises RecordingError, naming file and line, for a file that cannot be read or holds no completion, for a
    line that breaks the format, and for a second completion with the same problem, model and sample.
    """
    first_lines: dict[tuple[str, str, int], int] = {}
    for number, line in _numbered_lines(path):
        recording = _read_line(path, number, line)
        key = (recording.problem_id, recording.model, recording.sample)
        if first_lines.setdefault(key, number) != number:
            raise RecordingError(
                f"{path}, line {number}: sample {recording.sample} of {recording.model!r} for problem "
                f"{recording.problem_id!r} was already recorded in line {first_lines[key]}",
                "number the completions of a problem and model from 0, each number once",
            )
        yield recording
    if not first_lines:
        raise RecordingError(f"{path} holds no recorded completion, at least one was expected", FORMAT_HINT)


def _numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, numbered from 1."""
    try:
        with _open(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except FileNotFoundError as error:
        raise RecordingError(f"no recordings file {path}", "check the path") from error
    except (OSError, EOFError) as error:
        reason = str(error) or "it ends in the middle"
        raise RecordingError(f"the recordings file {path} cannot be read: {reason}", "check the file") from error


def _open(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _read_line(path: Path, number: int, line: bytes) -> Recording:
    where = f"{path}, line {number}"
    try:
        row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        raise RecordingError(f"{where}: not UTF-8 (byte {error.start})", "save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{where}: not JSON: {error}", FORMAT_HINT) from error
    if not isinstance(row, dict):
        raise RecordingError(f"{where}: {type(row).__name__} where an object was expected", FORMAT_HINT)
    _refuse_misspelt(where, row)
    try:
        recording = Recording.model_validate({key: value for key, value in row.items() if key in FIELDS})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise RecordingError(f"{where}: {key}: {expected(first)}", FORMAT_HINT) from error
    if not recording.question.strip() or recording.sample < 0:
        raise RecordingError(f"{where}: an empty question or a negative sample", FORMAT_HINT)
    return recording


def _refuse_misspelt(where: str, row: dict[str, Any]) -> None:
    for key in row.keys() - FIELDS:
        meant = get_close_matches(key, sorted(FIELDS - row.keys()), n=1)
        if meant:
            raise RecordingError(
                f"{where}: the key {key!r} is not read, but looks like {meant[0]!r}", "rename or remove it"
            )


@dataclass(frozen=True)
class RecordingCounts:
    """How many completions were recorded of each question, by model, without keeping the completions.

    `ambiguous` are questions recorded under several problem ids (the same words, other choices). A prompt does
    not tell those problems apart, so their completions are not replayed at all.
    """

    models: tuple[str, ...]
    by_question: Mapping[str, Mapping[str, int]]
    ambiguous: frozenset[str]

    def available(self, question: str, model: str) -> int:
        """Return how many samples the replay teacher has for a question when `model` is asked."""
        counts = self.by_question.get(question.strip(), {})
        return counts.get(model, 0) if model in self.models else sum(counts.values())


def replayable(path: Path) -> Iterator[Recording]:
    """Yield the completions of a file that may be answered with.

    Those that their endpoint broke off are no samples, and the end of a conversation of several turns is no answer to
    its first question alone.
    """
    return (
        recording
        for recording in read_recordings(path)
        if finish_reason_of(recording.finish_reason) != "error" and not recording.turns
    )


def count_recordings(path: Path) -> RecordingCounts:
    """Return what a file of recordings holds, reading it once. Raises RecordingError as `read_recordings`."""
    counts: dict[str, Counter[str]] = {}
    problem_ids: dict[str, str] = {}
    models: set[str] = set()
    ambiguous: set[str] = set()
    for recording in replayable(path):
        question = recording.question.strip()
        counts.setdefault(question, Counter())[recording.model] += 1
        models.add(recording.model)
        if problem_ids.setdefault(question, recording.problem_id) != recording.problem_id:
            ambiguous.add(question)
    kept = {question: dict(by_model) for question, by_model in counts.items() if question not in ambiguous}
    return RecordingCounts(tuple(sorted(models)), kept, frozenset(ambiguous))

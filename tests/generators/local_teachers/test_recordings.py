import gzip
import json
from pathlib import Path

import pytest

from cotfactory.generators.local_teachers.recordings import count_recordings, read_recordings
from cotfactory.schemas.errors import RecordingError
from cotfactory.schemas.recording import Recording


def line(**changes: object) -> dict[str, object]:
    """A good line; a change to None leaves the key out."""
    row: dict[str, object] = {
        "problem_id": "p1",
        "question": "How many eggs?",
        "model": "m1",
        "sample": 0,
        "response": "A: 3",
    }
    return {key: value for key, value in {**row, **changes}.items() if value is not None}


def write(path: Path, *rows: dict[str, object] | str) -> Path:
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz"])
def test_lines_become_recordings_in_order(tmp_path: Path, name: str) -> None:
    path = write(
        tmp_path / name,
        line(),
        "",
        line(sample=1, response="", reasoning="Three\u2028eggs", finish_reason="length", label=True),
    )
    assert list(read_recordings(path)) == [
        Recording(problem_id="p1", question="How many eggs?", model="m1", sample=0, response="A: 3"),
        Recording(
            problem_id="p1",
            question="How many eggs?",
            model="m1",
            sample=1,
            response="",
            reasoning="Three\u2028eggs",
            finish_reason="length",
        ),
    ]


def test_a_byte_order_mark_and_windows_line_ends_are_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(line()).encode() + b"\r\n")
    assert len(list(read_recordings(path))) == 1


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("{broken", r"line 2: not JSON"),
        ("[1, 2]", r"line 2: list where an object was expected"),
        (line(response=None), r"line 2: response: is missing"),
        (line(sample=-1), r"line 2: an empty question or a negative sample"),
        (line(question="  "), r"line 2: an empty question or a negative sample"),
        (line(sample="first"), r"line 2: sample: expected a whole number"),
        (line(response=["A: 3"]), r"line 2: response: expected text"),
        # What nobody reads would be lost without a word.
        (line(sample=1, reasoning_content="..."), r"line 2: the key 'reasoning_content' .* looks like 'reasoning'"),
        (line(sample=1, finish_reson="length"), r"line 2: the key 'finish_reson' .* looks like 'finish_reason'"),
        (line(), r"line 2: sample 0 of 'm1' for problem 'p1' was already recorded in line 1"),
        ("[" * 100_000, r"line 2: not JSON"),  # deeper than any parser goes
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, bad: dict[str, object] | str, message: str) -> None:
    path = write(tmp_path / "r.jsonl", line(), bad)
    with pytest.raises(RecordingError, match=message) as caught:
        list(read_recordings(path))
    assert str(path) in str(caught.value)
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_bytes_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(json.dumps(line()).encode() + b"\n\xff\xfe{}\n")
    with pytest.raises(RecordingError, match=r"line 2: not UTF-8 \(byte 0\)"):
        list(read_recordings(path))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no recordings file"):
        list(read_recordings(tmp_path / "missing.jsonl"))
    with pytest.raises(RecordingError, match="cannot be read"):
        list(read_recordings(tmp_path))
    with pytest.raises(RecordingError, match="holds no recorded completion"):
        list(read_recordings(write(tmp_path / "empty.jsonl", "", "")))
    plain = tmp_path / "plain.jsonl.gz"
    plain.write_text(json.dumps(line()))
    with pytest.raises(RecordingError, match="cannot be read"):
        list(read_recordings(plain))
    cut = write(tmp_path / "cut.jsonl.gz", *(line(sample=sample) for sample in range(50)))
    cut.write_bytes(cut.read_bytes()[:-20])
    with pytest.raises(RecordingError, match="cannot be read"):
        list(read_recordings(cut))


def test_counts_are_by_model_where_the_model_was_recorded(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.jsonl",
        line(),
        line(sample=1),
        line(model="m2"),
        line(problem_id="p2", question="How many boxes? ", model="m2"),
    )
    counts = count_recordings(path)
    assert counts.models == ("m1", "m2")
    assert counts.available("How many eggs?", "m1") == 2
    assert counts.available("How many eggs?", "m2") == 1
    assert counts.available("How many eggs?", "someone else") == 3  # all models together
    assert counts.available(" How many boxes?", "m1") == 0  # m1 was recorded, but not here
    assert counts.available("How many boxes?", "someone else") == 1
    assert counts.available("How many hens?", "m1") == 0


def test_a_question_of_two_problems_is_not_replayed(tmp_path: Path) -> None:
    # The same words with other choices: the letter B of one is not the letter B of the other.
    path = write(tmp_path / "r.jsonl", line(), line(problem_id="p2"), line(problem_id="p3", question="Another?"))
    counts = count_recordings(path)
    assert counts.ambiguous == {"How many eggs?"}
    assert counts.available("How many eggs?", "m1") == 0
    assert counts.available("Another?", "m1") == 1

"""ANSWERS as a teacher: `cotfactory replay`, which streams to whoever asks for it."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.trainers.answers import ANSWERS
from tests.trainers.small_release import PROBLEMS

EACH = 4
"""Answers to each problem."""


@contextmanager
def replayed_answers(place: Path) -> Iterator[str]:
    """Serve ANSWERS to the model name `m`; each request for a problem gets its next answer."""
    questions = {problem["id"]: problem["question"] for problem in PROBLEMS}
    counts: Counter[str] = Counter()
    lines = []
    for problem, text in ANSWERS:
        line = {"problem_id": problem, "question": questions[problem], "model": "m", "response": text}
        lines.append(json.dumps(line | {"sample": counts[problem]}))
        counts[problem] += 1
    assert set(counts.values()) == {EACH}
    recordings = place / "recordings.jsonl"
    recordings.write_text("\n".join(lines) + "\n")
    words = [sys.executable, "-m", "cotfactory", "replay", str(recordings), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        served = re.search(r"http://\S+/v1", process.stdout.readline())
        assert served is not None
        try:
            yield served[0]
        finally:
            process.terminate()

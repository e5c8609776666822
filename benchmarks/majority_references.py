"""How often an answer that recorded chains agree on is right, and whether the printed interval says so.

    COTFACTORY_SHARED=FOLDER python benchmarks/majority_references.py [--draws 100] [--problems 1000] [--known 0.1]

Run by hand. GSM8K problems whose answers are hidden are voted on by the recorded chains of four models, by the rules of
a grown source. A share of them is taken for known, drawn by chance: what they say of the precision is held against what
is true of all that was agreed on. Every draw takes other problems, and other known ones.
"""

import argparse
import os
import random
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from cotfactory.generators.local_teachers.recordings import read_recordings
from cotfactory.generators.problems.file_source import load_file
from cotfactory.graders.grader import Tools, open_tools
from cotfactory.graders.grading import accepts, grade_batch, same_answer
from cotfactory.graders.votes import Vote, agreed
from cotfactory.reviewing.estimate import clopper_pearson
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import FileSource
from cotfactory.schemas.recording import Recording
from cotfactory.schemas.teaching import Sampling, Usage

VOTES, MIN_SHARE, TEACHERS = 4, 0.6, 2


def main() -> None:
    """Print the precision and, over all draws, how often the interval holds it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--problems", type=int, default=1_000)
    parser.add_argument("--known", type=float, default=0.1, help="share of the problems whose answer is not hidden")
    options = parser.parse_args()
    folder = Path(os.environ["COTFACTORY_SHARED"]) / "data/gsm8k"
    path = str(folder / "test.problems.jsonl")
    problems = {problem.source_row_id: problem for problem in load_file(FileSource(source="file", path=path), folder)}
    said: dict[str, list[Recording]] = defaultdict(list)
    for recording in read_recordings(folder / "test.recordings.jsonl.gz"):
        said[recording.problem_id].append(recording)
    with open_tools() as tools:
        right = {row: is_right(problem, said[row], tools) for row, problem in problems.items()}
    covered = 0
    for draw in range(options.draws):
        chance = random.Random(draw)  # noqa: S311
        chosen = chance.sample(sorted(problems), options.problems)
        known = chance.sample(chosen, round(options.known * len(chosen)))
        voted, measured = [right[row] for row in chosen], [right[row] for row in known]
        found = [answer for answer in measured if answer is not None]
        low, high = clopper_pearson(sum(found), len(found))
        truth = [answer for answer in voted if answer is not None]
        share = sum(truth) / len(truth)
        covered += low <= share <= high
        if draw == 0:
            print(
                f"{len(truth):,} of {len(chosen):,} problems were agreed on, {share:.4f} of them rightly; measured on "
                f"{len(found)} known ones: {sum(found) / len(found):.4f} [{low:.4f}, {high:.4f}]"
            )
    print(f"the interval held the truth in {covered} of {options.draws} draws")


def is_right(problem: Problem, chains: list[Recording], tools: Tools) -> bool | None:
    """Return whether the answer that the chains agree on is the reference; None where they agree on none."""
    hidden = problem.model_copy(update={"answer": "", "solution": None, "reference_by": "open"})
    grades = grade_batch([(hidden, candidate_of(hidden, chain)) for chain in chains], tools)
    votes = [Vote(chain.model, grade.extracted_answer) for chain, grade in zip(chains, grades, strict=True)]
    found = agreed(votes, VOTES, MIN_SHARE, TEACHERS, lambda one, other: same_answer(hidden, one, other, tools))
    return None if found is None else accepts(problem, found.forms[0], tools)


def candidate_of(problem: Problem, recording: Recording) -> Candidate:
    """Return a recorded chain as a candidate."""
    return Candidate(
        candidate_id=f"{recording.problem_id}-{recording.model}-{recording.sample}",
        problem_id=problem.problem_id,
        teacher=recording.model,
        prompt_id="",
        sampling=Sampling(),
        sample_index=recording.sample,
        reasoning=recording.reasoning,
        response=recording.response,
        finish_reason=recording.finish_reason or "stop",
        usage=Usage(),
        cost_usd=None,
        latency_ms=0.0,
        created_at=datetime.now(UTC),
    )


if __name__ == "__main__":
    main()

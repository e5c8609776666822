"""`cotfactory serve` under a fifth of faults: is any of them a zero, and is what was answered for still there?

    python -m benchmarks.reward_faults [--seconds S] [--seed S]

Run by hand; about a minute and a half. Clients ask for the rewards of formulas and programs, one at a time and eight
at once, while algebra workers are killed, the line to the Docker engine is cut for a third of the time, and the server
is killed (SIGKILL) five times in the middle of requests. Afterwards `cotfactory grade` grades the same completions
in peace.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import cotfactory
from benchmarks.rewards import family
from tests.flows.serve.reward_server import RewardServer, serving
from tests.graders.sandbox.engine_line import EngineLine

KILLS = 5
BATCH = 8
CLIENTS = 6
WORKER_KILLED_EVERY_S = 1.0
ENGINE_AWAY_S, ENGINE_THERE_S = 1.5, 3.5
FACTORS = range(2, 12)
OPTIONS = ("--seal-every", "1", "--wait-for-programs", "5")


@dataclass
class Answers:
    """The rewards that clients were told, by completion; what was lost on its way, and the faults that were made."""

    rewards: dict[str, float | None] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    without_reply: int = 0
    killed_workers: int = 0
    cuts: int = 0


def main() -> None:
    """Serve under faults, and print the books."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each server lives")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="cotf-") as home:  # short: the path of a socket may have 107 bytes
        folder, answers = Path(home), Answers()
        problems = folder / "problems.jsonl"
        problems.write_text("".join(json.dumps(problem) + "\n" for problem in _problems()))
        for lifetime in range(KILLS + 1):
            _one_lifetime(problems, answers, lifetime, options)
        with serving(problems, "--workspace", str(folder / "w")):
            pass  # what the last one left is sealed and graded
        _print_books(answers, _graded_in_peace(folder, answers), folder / "w")


def _problems() -> Iterator[dict[str, Any]]:
    for factor in FACTORS:
        about = {"question": f"Write sin({2 * factor}x)+{factor} otherwise.", "answer_kind": "math"}
        yield {"id": f"sine-{factor}", "answer": rf"\sin({2 * factor}x)+{factor}", **about}
        about = {"question": f"Write f(n), n times {factor}.", "answer_kind": "code", "answer": ""}
        cases = [{"args": [n], "expected": n * factor} for n in (1, 4)]
        yield {"id": f"times-{factor}", **about, "tests": {"kind": "calls", "entry_point": "f", "cases": cases}}


def _completion(chance: random.Random, name: str) -> tuple[str, str]:
    """Return a problem and a text that is said once: of two in three the answer is right."""
    factor, said = chance.choice(FACTORS), chance.choice(FACTORS[:3])
    said = chance.choice((factor, factor, said))
    if chance.random() < 0.5:
        return f"times-{factor}", f"# {name}\n```python\ndef f(n):\n    return n * {said}\n```"
    # Written otherwise than the reference, and never alike: a worker of algebra is asked.
    shift = chance.randrange(10**6)
    written = rf"2\sin({factor}x)\cos({factor}x)+{said}+\sqrt{{{shift}}}-\sqrt{{{shift}}}"
    return f"sine-{factor}", rf"{name}: \boxed{{{written}}}"


def _one_lifetime(problems: Path, answers: Answers, lifetime: int, options: argparse.Namespace) -> None:
    """Serve for some seconds, then kill the server; the last one ends well."""
    home, stop = problems.parent, threading.Event()
    line = EngineLine(home)
    with serving(problems, "--workspace", str(home / "w"), *OPTIONS, DOCKER_HOST=line.url) as server:
        threads = [
            threading.Thread(target=_ask, args=(server, answers, f"{lifetime}-{number}", options.seed, stop))
            for number in range(CLIENTS)
        ]
        threads.append(threading.Thread(target=_kill_workers, args=(server.process.pid, answers, stop)))
        threads.append(threading.Thread(target=_cut_and_mend, args=(line, home, answers, stop)))
        for thread in threads:
            thread.start()
        time.sleep(options.seconds)
        if lifetime < KILLS:
            server.kill()
        stop.set()
        for thread in threads:
            thread.join()


def _cut_and_mend(line: EngineLine, folder: Path, answers: Answers, stop: threading.Event) -> None:
    """Have the engine away for a third of the time."""
    while not stop.wait(ENGINE_THERE_S):
        line.cut()
        answers.cuts += 1
        stop.wait(ENGINE_AWAY_S)
        line = EngineLine(folder)
    line.cut()


def _ask(server: RewardServer, answers: Answers, name: str, seed: int, stop: threading.Event) -> None:
    chance, number = random.Random(f"{seed} {name}"), 0  # noqa: S311
    while not stop.is_set():
        asked = []
        for _ in range(chance.choice((1, BATCH))):
            number += 1
            asked.append(_completion(chance, f"{name}-{number}"))
        answers.problems.update({text: problem for problem, text in asked})
        try:
            rewards = _rewards(server, asked)
        except (OSError, urllib.error.URLError, HTTPException):
            answers.without_reply += len(asked)
            return
        answers.rewards.update(zip((text for _, text in asked), rewards, strict=True))


def _rewards(server: RewardServer, asked: Sequence[tuple[str, str]]) -> list[float | None]:
    """Ask as NeMo-Gym does for one, and as TRL does for several."""
    if len(asked) > 1:
        found: list[float | None] = server.rewards([problem for problem, _ in asked], [text for _, text in asked])[
            "rewards"
        ]
        return found
    ((problem, text),) = asked
    output = [{"type": "message", "content": [{"type": "output_text", "text": text}]}]
    reply = server.post("/verify", {"problem_id": problem, "response": {"output": output}})
    if reply.status != 200:
        raise SystemExit(f"/verify: HTTP {reply.status}: {reply.body}")
    return [None if reply.body["mask_sample"] else reply.body["reward"]]


def _kill_workers(process_id: int, answers: Answers, stop: threading.Event) -> None:
    """Kill one of the server's children's children now and then: the workers of algebra."""
    while not stop.wait(WORKER_KILLED_EVERY_S):
        members = family(process_id)
        if workers := [member for member, parent in members.items() if parent in members and parent != process_id]:
            with suppress(ProcessLookupError):
                os.kill(random.choice(workers), signal.SIGKILL)  # noqa: S311
                answers.killed_workers += 1


def _graded_in_peace(folder: Path, answers: Answers) -> dict[str, str]:
    """Return the verdict of `cotfactory grade` on each completion that was answered for."""
    recordings, graded = folder / "recordings.jsonl", folder / "grades.jsonl"
    texts, questions = list(answers.rewards), {problem["id"]: problem["question"] for problem in _problems()}
    with recordings.open("w") as file:
        for sample, text in enumerate(texts):
            problem = answers.problems[text]
            row = {"problem_id": problem, "question": questions[problem], "model": "policy", "sample": sample}
            file.write(json.dumps(row | {"response": text}) + "\n")
    words = [sys.executable, "-m", "cotfactory", "grade", str(folder / "problems.jsonl"), str(recordings)]
    subprocess.run([*words, "--out", str(graded)], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - ourselves
    rows = (json.loads(line) for line in graded.read_text().splitlines())
    return {text: row["verdict"] for text, row in zip(texts, rows, strict=True)}


def _print_books(answers: Answers, verdicts: dict[str, str], workspace: Path) -> None:
    told = Counter((verdicts[text], reward) for text, reward in answers.rewards.items())
    masked = sum(count for (_, reward), count in told.items() if reward is None)
    met = masked + answers.without_reply
    share = met / (len(answers.rewards) + answers.without_reply)
    print(f"{len(answers.rewards):,} completions answered for, {answers.without_reply} without a reply")
    print(f"killed: {KILLS} servers, {answers.killed_workers:,} workers; the engine cut {answers.cuts} times")
    print(f"{share:.0%} of completions got no reward; what the others were told:")
    for (verdict, reward), count in sorted(told.items(), key=str):
        print(f"  graded {verdict:10} in peace, reward {reward}: {count:,}")
    zeros = sum(count for (verdict, reward), count in told.items() if verdict == "correct" and reward == 0.0)
    ones = sum(count for (verdict, reward), count in told.items() if verdict != "correct" and reward == 1.0)
    rows = cotfactory.sql(
        workspace,
        """SELECT response, verdict, reward FROM candidates LEFT JOIN grades USING (candidate_id, problem_id)
           LEFT JOIN rewards USING (candidate_id, problem_id)""",
    ).to_pylist()
    kept = Counter(row["response"] for row in rows)
    lost = sum(text not in kept for text in answers.rewards)
    doubled = sum(count > 1 for count in kept.values())
    right = {text for text, verdict in verdicts.items() if verdict == "correct"}
    stored_zeros = sum(row["reward"] == 0.0 and row["response"] in right for row in rows)
    ungraded = sum(row["verdict"] is None for row in rows)
    print(
        f"zeros that `grade` would not give: {zeros} told, {stored_zeros} stored; ones that it would not give: {ones}"
    )
    print(f"answered for and lost: {lost}; stored twice: {doubled}; stored without a grade: {ungraded}")


if __name__ == "__main__":
    main()

"""The arms of the proof: what each lets a student learn from, of the same problems, and nothing else that differs.

`strict` and `answer` are releases as they are made, with and without the check of steps. `majority` takes the answer
that most samples of a problem give for right, `unverified` takes anything: views of `all_graded`, which no release has
as chains to learn from.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq

from cotfactory.schemas.curation import Curation
from cotfactory.schemas.errors import InputError
from cotfactory.schemas.release_rules import Product

Row = Mapping[str, Any]
Choose = Callable[[Iterable[Row]], list[Row]]


@dataclass(frozen=True)
class Arm:
    """How one arm curates and releases, and which rows of a problem may be learned from, in the order of samples."""

    name: str
    means: str
    curation: Curation
    product: Product
    choose: Choose = list
    unverified: Literal["majority", "anything"] | None = None

    def chains(self, release: Path) -> dict[str, tuple[str, str]]:
        """Return, by problem, the (question, chain) that is learned from: of those left the first one by its id."""
        rows: dict[str, list[Row]] = defaultdict(list)
        for path in sorted((release / self.product).glob("train-*.parquet")):
            for row in pq.read_table(path).to_pylist():
                rows[row["problem_id"]].append(row)
        chosen = {problem: self.choose(sorted(found, key=_id)) for problem, found in sorted(rows.items())}
        return {problem: _turns(found[0]) for problem, found in chosen.items() if found}


def _id(row: Row) -> str:
    return str(row["candidate_id"])


def _turns(row: Row) -> tuple[str, str]:
    if "messages" in row:
        return row["messages"][-2]["content"], row["messages"][-1]["content"]
    return row["prompt"][-1]["content"], row["response"]


def _voted(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that give the answer which most of them give; of equal counts the one that sorts first."""
    answered = [row for row in rows if row["extracted_answer"]]
    votes = Counter(sorted(row["extracted_answer"] for row in answered))
    return [row for row in answered if row["extracted_answer"] == votes.most_common(1)[0][0]]


def _finished(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["response"].strip()]


STRICT = Arm("strict", "right answer and every step holds", Curation(), "sft")
ARMS: dict[str, Arm] = {
    "strict": STRICT,
    "answer": Arm("answer", "right answer alone", Curation(drop_wrong_steps=False), "sft"),
    "majority": Arm("majority", "the answer of most samples", Curation(), "all_graded", _voted, "majority"),
    "unverified": Arm("unverified", "anything", Curation(), "all_graded", _finished, "anything"),
}


def chosen_arms(names: Iterable[str], curation: Curation | None) -> tuple[Arm, ...]:
    """Return the arms by name, and `recipe`, whose curation is the reader's own. Raises InputError."""
    names = list(names)
    unknown = [name for name in names if name not in ARMS]
    if unknown or not names or len(set(names)) < len(names):
        raise InputError(
            f"--arms is {','.join(names)!r}: expected some of {', '.join(ARMS)}, each once", "name them with commas"
        )
    arms = tuple(ARMS[name] for name in names)
    own = replace(STRICT, name="recipe", means="the recipe's curation", curation=curation or Curation())
    return arms if curation is None else (*arms, own)

"""Examined chains of earlier runs: a chain is examined once by the same rules, with the same verdict, at its problem.

What a chain is on its own depends on its text, its problem, its grade and the rules with their thresholds; the id of
its examination is a hash of these. A threshold that changes makes other ids, and its chains are examined again.
A problem has a key, too: a hash of all that its groups are made of, by ids and times alone. Where that is known, its
chains are not even read.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from cotfactory.curation.chain_checks.findings import ChainFinding
from cotfactory.curation.decontaminate import BenchmarkIndex
from cotfactory.curation.known_chains import SIGNATURE, Chain, ExaminedProblem, KnownChain
from cotfactory.flows.host.code_id import code_id
from cotfactory.flows.summary import Tally
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.grade import Decision
from cotfactory.schemas.group import Group
from cotfactory.schemas.ids import content_id, content_id_of_all
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.record import Record
from cotfactory.schemas.review import PEOPLE
from cotfactory.warehouse.arrow_rows import arrow_rows
from cotfactory.warehouse.examined import ExaminedRows
from cotfactory.warehouse.tables import SCHEMAS

OF_SELECTION = frozenset(
    ("near_duplicates", "decontaminate", "difficulty", "max_per_problem", "prefer", "max_per_domain",
     "max_domain_share", "held_out"),
)  # fmt: skip
"""Keys of `curation` that decide among chains and say nothing of one alone; of benchmarks their texts count."""


def rules_id(curation: Curation, benchmarks: BenchmarkIndex | None, *, allow_weak: bool) -> str:
    """Return the id of all that examines a chain."""
    return content_id(
        {
            "code": code_id(),
            "curation": curation.model_dump(mode="json", exclude=set(OF_SELECTION)),
            "equations": curation.prefer == "most_different",
            "benchmarks": texts_id(benchmarks),
            "allow_weak": allow_weak,
        }
    )


def texts_id(benchmarks: BenchmarkIndex | None) -> str | None:
    """Return a hash of all texts of the benchmarks; None without any."""
    return None if benchmarks is None else content_id_of_all(text.model_dump() for text in benchmarks.texts)


def groups_id(recipe: Recipe, rules: str) -> str:
    """Return the id of all that a recipe makes groups of stored chains by, and examines them by."""
    by = recipe.model_dump(mode="json", exclude={"name", "problems", "curation", "budget", "release", "shard_problems"})
    difficulty = recipe.curation.difficulty
    return content_id(
        {
            "rules": rules,
            "difficulty": None if difficulty is None else difficulty.model_dump(mode="json"),
            "signed": recipe.curation.near_duplicates.within != "off",
            **by,
        }
    )


class ProblemFacts(Record):
    """What curation knows of a problem beside its chains: what the rules for all of them need, and what is counted.

    `turn` is its number in a conversation, 0 where it stands alone. `teachers` have a group each, with so many chains
    as `sizes` says. `tally` counts what is not decided; `earlier`
    are the decisions about the steps that led to the chains, as `curating.earlier_decisions` makes them.
    """

    domain: str
    turn: int
    outside: str | None
    operations: tuple[str, ...]
    teachers: tuple[str, ...]
    sizes: tuple[int, ...]
    tally: Tally
    earlier: tuple[Decision, ...]


class KnownProblem(NamedTuple):
    """A problem whose chains were judged on their own."""

    chains: ExaminedProblem
    facts: ProblemFacts


class ExaminedChains:
    """What the workspace knows of chains by one set of rules; `examined` counts those that nobody had looked at."""

    def __init__(self, rows: ExaminedRows, rules: str) -> None:
        self._rows, self._rules = rows, rules
        self.examined = self.seen = 0

    def look_up(self, chains: Sequence[Chain]) -> list[KnownChain | None]:
        """Return what is known of each chain, None of one that was not examined by these rules."""
        rows = self._rows.look_up([self._id(chain) for chain in chains])
        self.seen += len(rows)
        self.examined += sum(row is None for row in rows)
        return [
            None if row is None else _known({**row, "sample_index": chain[1].candidate.sample_index})
            for row, chain in zip(rows, chains, strict=True)
        ]

    def knows_problem(self, keys: Sequence[str]) -> list[bool]:
        """Return of each key of a problem whether `problems` knows it."""
        return self._rows.knows_problem(keys)

    def problems(self, problem_ids: Sequence[str], keys: Sequence[str]) -> list[KnownProblem]:
        """Return the problems with these ids and known keys, and keep what is known of them."""
        table = self._rows.problems(keys)
        self._rows.note(table)
        rows = iter(table.to_pylist())
        self.seen += len(table)
        return [_known_problem(problem_id, rows) for problem_id in problem_ids]

    def note(
        self, problems: Sequence[KnownProblem], groups: Sequence[Sequence[Group]], keys: Sequence[str | None]
    ) -> None:
        """Keep what the chains of some problems were found to be; `groups` are those of each problem, `keys` its key.

        Raises WorkspaceError when the disk refuses.
        """
        rows = [row for problem in zip(problems, groups, keys, strict=True) for row in self._rows_of(*problem)]
        self._rows.note(arrow_rows(rows, SCHEMAS["examined"]))

    def _rows_of(self, problem: KnownProblem, groups: Sequence[Group], key: str | None) -> list[dict[str, object]]:
        chains = [(group.problem, graded) for group in groups for graded in group.candidates]
        known = [chain for group in problem.chains.groups for chain in group]
        of_problem = {"problem_key": key, "problem_chains": len(chains)}
        rows: list[dict[str, object]] = [
            {
                "examined_id": self._id(chain),
                **found.finding.model_dump(),
                "signature": None if found.signature is None else base64.b64encode(found.signature.tobytes()).decode(),
                **of_problem,
            }
            for chain, found in zip(chains, known, strict=True)
        ]
        for row in rows[:1]:
            row["problem_facts"] = problem.facts.model_dump_json()
        return rows

    def _id(self, chain: Chain) -> str:
        problem, graded = chain
        candidate, grade = graded.candidate, graded.grade
        return content_id(
            (
                self._rules,
                problem.problem_id,
                candidate.candidate_id,
                graded.text,  # of a chain that was bought twice another one may be read
                (candidate.strategy, candidate.parent_id, candidate.finish_reason),
                (grade.verdict, grade.extracted_answer, grade.evidence.weak, graded.tool_difference),
                (grade.reason, grade.evidence.detail) if grade.grader == PEOPLE else None,  # what they found of steps
                self._id((problem.follows, graded.before)) if problem.follows and graded.before else None,
            )
        )


def _known(row: Mapping[str, Any]) -> KnownChain:
    signature = row["signature"]
    finding = ChainFinding.model_validate({name: row[name] for name in ChainFinding.model_fields})
    return KnownChain(finding, None if signature is None else np.frombuffer(base64.b64decode(signature), SIGNATURE)[0])


def _known_problem(problem_id: str, rows: Iterator[Mapping[str, Any]]) -> KnownProblem:
    """Take the rows of one problem from `rows`: the facts are in the first of them."""
    first = next(rows)
    facts = ProblemFacts.model_validate_json(first["problem_facts"])
    chains = chain([first], rows)
    groups = tuple(tuple(_known(next(chains)) for _ in range(size)) for size in facts.sizes)
    return KnownProblem(ExaminedProblem(problem_id, groups, facts.outside, facts.operations), facts)

"""Examined chains of earlier runs: a chain is examined once by the same rules, with the same verdict, at its problem.

What a chain is on its own depends on its text, its problem, its grade and the rules with their thresholds; the id of
its examination is a hash of these. A threshold that changes makes other ids, and its chains are examined again.
"""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from cotfactory.curation.chain_checks.findings import ChainFinding
from cotfactory.curation.decontaminate import BenchmarkIndex
from cotfactory.curation.known_chains import SIGNATURE, Chain, KnownChain
from cotfactory.flows.host.code_id import code_id
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.ids import content_id, content_id_of_all
from cotfactory.schemas.review import PEOPLE
from cotfactory.warehouse.examined import ExaminedRows

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
        return [None if row is None else _known(row, chain) for row, chain in zip(rows, chains, strict=True)]

    def note(self, chains: Sequence[Chain], found: Sequence[KnownChain]) -> None:
        """Keep what these chains were found to be. Raises WorkspaceError when the disk refuses."""
        self._rows.note(
            {
                "examined_id": self._id(chain),
                **known.finding.model_dump(exclude={"sample_index"}),
                "signature": None if known.signature is None else base64.b64encode(known.signature.tobytes()).decode(),
            }
            for chain, known in zip(chains, found, strict=True)
        )

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
            )
        )


def _known(row: dict[str, Any], chain: Chain) -> KnownChain:
    signature = row.pop("signature")
    del row["examined_id"]
    finding = ChainFinding.model_validate({**row, "sample_index": chain[1].candidate.sample_index})
    return KnownChain(finding, None if signature is None else np.frombuffer(base64.b64decode(signature), SIGNATURE)[0])

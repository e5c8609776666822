"""The contract of a release as a whole: shares, sums and what must be the same in all of its products."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import duckdb
import yaml
from pydantic import Field, ValidationError

from cotfactory.data_contracts.check import open_duckdb
from cotfactory.data_contracts.contract import CONTRACTS, Expectation
from cotfactory.data_contracts.great_expectations_adapter import FrameExpectation, broken_by
from cotfactory.data_contracts.report import EXAMPLES, WHOLE, ContractReport, ExpectationResult
from cotfactory.data_contracts.violations import literal
from cotfactory.schemas.errors import ContractError
from cotfactory.schemas.record import Record
from cotfactory.schemas.release_rules import Product, StopAbove

CLAIMS: dict[Product, tuple[tuple[str, str], ...]] = {
    "sft": (("candidate_id", "verdict"),),
    "sft_chat_reasoning_content": (("candidate_id", "verdict"),),
    "sft_chat_no_reasoning": (("candidate_id", "verdict"),),
    "sft_tools": (("candidate_id", "verdict"),),
    "sft_turns": (("candidate_id", "verdict"),),
    "sft_policy": (("candidate_id", "verdict"),),
    "preference": (("chosen_id", "chosen_verdict"), ("rejected_id", "rejected_verdict")),
    "preference_conversations": (("chosen_id", "chosen_verdict"), ("rejected_id", "rejected_verdict")),
    "preference_text": (("chosen_id", "chosen_verdict"), ("rejected_id", "rejected_verdict")),
    "kto": (("candidate_id", "verdict"),),
    "kto_text": (("candidate_id", "verdict"),),
    "rl": (),
    "self_correction": (("wrong_id", "wrong_verdict"), ("right_id", "right_verdict")),
    "all_graded": (("candidate_id", "verdict"),),
    "steps": (("candidate_id", "verdict"),),
    "reviews": (("candidate_id", "verdict"),),
}
"""In which columns a product says which verdict about which chain."""


class ReleaseContract(Record):
    """What is promised of all products together; the expectations are about the numbers of `ReleaseNumbers`."""

    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    about: str
    expectations: Annotated[tuple[Expectation, ...], Field(min_length=1)]

    def without(self, number: str) -> "ReleaseContract":
        """Return the contract without what it says of one number, which nobody worked out."""
        left = tuple(each for each in self.expectations if number not in each.columns())
        return self.model_copy(update={"expectations": left})


class PeopleNumbers(Record):
    """What people's reviews must come to, and what they do: -1 for an alpha, 0 for a precision that nobody knows yet.

    Without a demand the numbers say nothing, and none is broken.
    """

    alpha: float = -1.0
    alpha_wanted: float = -1.0
    precision_low: float = 0.0
    precision_low_wanted: float = 0.0


class GrownNumbers(Record):
    """How precise the answers of grown problems are, by the lower end of an interval, and what the recipe demands.

    Of the origins in use that one tells which is worst; one that nobody has measured has 0.
    """

    precision_low: float = 0.0
    precision_low_wanted: float = 0.0


class RunCounts(Record):
    """What the run counted, apart from the rows: `funnel`, `dropped` and the `kept_` ones as in the manifest.

    `rows_before` are the rows of the last release of the very same recipe, if there is one, `people` what reviews say,
    `grown` what is known of the answers of grown problems.
    """

    funnel: dict[str, int]
    verdicts: dict[str, int]
    dropped: dict[str, int]
    kept_with_calls: int = 0
    kept_turns: int = 0
    kept_later_turns: int = 0
    mutants_accepted: int
    rows_before: dict[Product, int]
    people: PeopleNumbers = PeopleNumbers()
    grown: GrownNumbers = GrownNumbers()


class ReleaseNumbers(Record):
    """What the expectations look at, and examples for some of it; rows and rows due of `sft`, `sft_tools` and
    `sft_turns` are None without that product.
    """

    rows: int
    asked: int
    judged: int
    complete: int
    answered: int
    correct: int
    verdicts_correct: int
    kept: int
    kept_or_dropped: int
    sft_rows: int | None
    sft_rows_due: int | None
    sft_tools_rows: int | None
    sft_tools_rows_due: int | None
    sft_turns_rows: int | None
    sft_turns_rows_due: int | None
    graded_rows_too_many: int
    chains_with_two_verdicts: int
    groups_on_both_sides: int
    rows_in_the_wrong_file: int
    contaminated_rows: int
    mutants_accepted: int
    truncated_share: float
    truncated_limit: float
    ungraded_share: float
    ungraded_limit: float
    rows_lost_share: float
    rows_lost_limit: float
    people_alpha: float = -1.0
    people_alpha_wanted: float = -1.0
    people_precision_low: float = 0.0
    people_precision_low_wanted: float = 0.0
    grown_precision_low: float = 0.0
    grown_precision_low_wanted: float = 0.0
    examples: dict[str, tuple[str, ...]] = Field(default_factory=dict)


def load_release_contract(folder: Path = CONTRACTS) -> ReleaseContract:
    """Read and check `release.yaml`. Raises ContractError for one that is missing, broken, or about no such number."""
    try:
        contract = ReleaseContract.model_validate(yaml.safe_load((folder / "release.yaml").read_text("utf-8")))
    except OSError as error:
        raise ContractError(f"Cannot read the contract release.yaml: {error.strerror}") from error
    except (yaml.YAMLError, ValidationError) as error:
        raise ContractError(f"The contract release.yaml breaks its format: {' '.join(str(error).split())}") from error
    for expectation in contract.expectations:
        for name in expectation.columns():
            if name not in ReleaseNumbers.model_fields:
                raise ContractError(f"The contract release.yaml is about {name!r}, which is no number of a release")
    return contract


def check_release(contract: ReleaseContract, numbers: ReleaseNumbers) -> ContractReport:
    """Run every expectation of `contract` on the numbers of a release."""
    asked = [FrameExpectation(each.means, each.type, each.arguments()) for each in contract.expectations]
    frame = numbers.model_dump(exclude={"examples"})
    broken = broken_by(frame, asked)
    results = []
    for each in contract.expectations:
        found = tuple(example for name in each.columns() for example in numbers.examples.get(name, ()))
        told = tuple(f"{name} = {_told(frame[name])}" for name in each.columns())
        results.append(
            ExpectationResult(
                name=each.type,
                column=", ".join(each.columns()),
                means=each.means,
                checked=1,
                failed=int(each.means in broken),
                examples=(*told, *found)[:EXAMPLES] if each.means in broken else (),
            )
        )
    return ContractReport(product=WHOLE, version=contract.version, rows=numbers.rows, results=tuple(results))


def _told(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def measure_release(
    files: Mapping[Product, Sequence[Path]],
    rows: Mapping[Product, int],
    counts: RunCounts,
    limits: StopAbove,
    contaminated: Path,
) -> ReleaseNumbers:
    """Work out the numbers of a release from its `files` (every product's shards) and what the run counted.

    `rows` are the rows of every product of the recipe, with or without a file; `contaminated` is a Parquet file with
    the ids, in a column `id`, of chains and problems that must not be there.
    """
    funnel, verdicts = counts.funnel, counts.verdicts
    asked, kept = funnel.get("asked", 0), funnel.get("kept", 0)
    lost = [1 - rows.get(product, 0) / before for product, before in counts.rows_before.items() if before]
    with open_duckdb() as duck:
        found = {name: _found(duck, query) for name, query in _queries(files, contaminated).items()}
        graded = _graded_too_many(duck, files.get("all_graded", ()), verdicts)
    return ReleaseNumbers(
        rows=sum(rows.values()),
        asked=asked,
        judged=sum(verdicts.values()),
        complete=funnel.get("complete", 0),
        answered=funnel.get("answered", 0),
        correct=funnel.get("correct", 0),
        verdicts_correct=verdicts.get("correct", 0),
        kept=kept,
        kept_or_dropped=kept + sum(counts.dropped.values()),
        sft_rows=rows.get("sft"),
        sft_rows_due=kept - counts.kept_with_calls - counts.kept_later_turns if "sft" in rows else None,
        sft_tools_rows=rows.get("sft_tools"),
        sft_tools_rows_due=counts.kept_with_calls if "sft_tools" in rows else None,
        sft_turns_rows=rows.get("sft_turns"),
        sft_turns_rows_due=counts.kept_turns if "sft_turns" in rows else None,
        graded_rows_too_many=graded,
        mutants_accepted=counts.mutants_accepted,
        truncated_share=1 - funnel.get("complete", 0) / asked if asked else 0.0,
        truncated_limit=limits.truncated,
        ungraded_share=verdicts.get("ungraded", 0) / asked if asked else 0.0,
        ungraded_limit=limits.ungraded,
        rows_lost_share=max([0.0, *lost]),
        rows_lost_limit=limits.rows_lost,
        **{f"people_{name}": number for name, number in counts.people},
        **{f"grown_{name}": number for name, number in counts.grown},
        examples={name: examples for name, (_, examples) in found.items()},
        **{name: count for name, (count, _) in found.items()},
    )


def _queries(files: Mapping[Product, Sequence[Path]], contaminated: Path) -> dict[str, str]:
    """Return, by the name of a number, the query of the ids that it counts."""
    everything = " UNION ALL ".join(
        f"SELECT row_id, problem_id, split_group, split, filename FROM {_rows(shards)}" for shards in files.values()
    )
    claims = " UNION ALL ".join(
        f"SELECT {chain} AS id, {verdict} AS verdict FROM {_rows(shards)}"
        for product, shards in files.items()
        for chain, verdict in CLAIMS[product]
    )
    published = f"SELECT problem_id AS id FROM ({everything})" + (
        f" UNION ALL SELECT id FROM ({claims})" if claims else ""
    )
    listed = _rows([contaminated])
    return {
        "groups_on_both_sides": (
            f"SELECT split_group AS id FROM ({everything}) GROUP BY split_group HAVING min(split) <> max(split)"
        ),
        "rows_in_the_wrong_file": (
            f"SELECT row_id AS id FROM ({everything}) WHERE split_part(parse_filename(filename), '-', 1) <> split"
        ),
        "contaminated_rows": f"SELECT id FROM ({published}) SEMI JOIN {listed} AS listed USING (id)",
        "chains_with_two_verdicts": (
            f"SELECT id FROM ({claims}) GROUP BY id HAVING min(verdict) <> max(verdict)"
            if claims
            else "SELECT '' AS id WHERE false"
        ),
    }


def _rows(shards: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(literal(str(path)) for path in shards)}], filename = true)"


def _found(duck: duckdb.DuckDBPyConnection, query: str) -> tuple[int, tuple[str, ...]]:
    count = int(duck.sql(f"SELECT count(*) FROM ({query})").fetchall()[0][0])
    if not count:
        return 0, ()
    rows = duck.sql(f"SELECT DISTINCT id FROM ({query}) ORDER BY id LIMIT {EXAMPLES}").fetchall()
    return count, tuple(str(row[0]) for row in rows)


def _graded_too_many(duck: duckdb.DuckDBPyConnection, shards: Sequence[Path], verdicts: Mapping[str, int]) -> int:
    """Return how many more rows of a verdict `all_graded` has than the run counted, over all verdicts."""
    if not shards:
        return 0
    found = duck.sql(f"SELECT verdict, count(*) FROM {_rows(shards)} GROUP BY verdict").fetchall()
    return sum(max(0, int(count) - verdicts.get(verdict, 0)) for verdict, count in found)

"""Problems from a dataset on the Hugging Face Hub, read at one commit through a column map."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import regex
from pydantic import SecretStr

from cotfactory.generators.problems.formats.benchmark_row import problem_fields
from cotfactory.generators.problems.row import problem_from_row
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.problem import CHOICE_LETTERS, Problem
from cotfactory.schemas.problem_sources import HubSource
from cotfactory.schemas.record import Record

PATTERN_TIMEOUT_S = 2.0
COMMIT = re.compile(r"[0-9a-f]{40}")


class HubAccess(Record):
    """The key for the Hub (None: as its libraries find one) and the folder that caches datasets.

    The address is not here: the libraries take it from HF_ENDPOINT when they are imported, and `datasets` has
    look-ups that nothing else redirects.
    """

    token: SecretStr | None = None
    cache_folder: Path


class HubSplit(Record):
    """One split of a dataset on the Hub, all of its columns."""

    repo: str
    revision: str = "main"
    config: str | None = None
    split: str = "train"


def read_split(wanted: HubSplit, hub: HubAccess) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (where, row) of every row of a split, as a stream, all from the one commit that the revision names.

    Raises `ProblemSourceError` for what is not there, and for a Hub that cannot be reached.
    """
    import datasets

    commit, _ = _commit_of(wanted, hub)
    try:
        split = datasets.load_dataset(
            f"hf://datasets/{wanted.repo}",
            wanted.config,
            split=wanted.split,
            revision=commit,
            token=_key(hub),
            streaming=True,
            cache_dir=str(hub.cache_folder / commit),
        )
    except Exception as error:  # every failure of the library means the same to whoever imports
        raise _unreadable(wanted, error) from error
    for number, row in enumerate(_fetched(iter(split), wanted)):
        yield f"row {number} of {wanted.repo}, split {wanted.split}", row


def load_hub(source: HubSource, hub: HubAccess) -> Iterator[Problem]:
    """Yield the problems of one split, in its order, at most `source.limit` of them.

    The revision is resolved to a commit first: all rows come from it, and `source_revision` names it. With a
    limit rows are streamed, else the split is cached. `source_row_id` is the `id` column, or `train/17`
    (counted from 0) without one. A row without a usable answer (null, the index -1 of a hidden label, no
    match of `answer_pattern`) is kept with an empty one: the gold self-test drops it and counts it. With a `format`
    rows are read as that data set has them.

    Raises `ProblemSourceError` for a repository, revision, config, split or column that is not there, a Hub
    that cannot be reached, a pattern that matches no row, a repeated id or a row that breaks the format.
    """
    pattern = _compiled(source.answer_pattern)
    commit, is_answering = _commit_of(source, hub)
    label_names, rows = _open_split(source, hub, commit, is_answering)
    first_seen: dict[str, int] = {}
    answered = False
    for index, raw in enumerate(_fetched(rows, source)):
        where = f"row {index} of {source.repo}, split {source.split}"
        row = _problem_row(raw, source, where, f"{source.split}/{index}")
        if source.format is None:
            row["answer"] = _answer(row, source, label_names, pattern, where)
        problem = problem_from_row(row, where, source_revision=commit)
        answered = answered or problem.answer_kind == "code" or bool(problem.answer)
        if problem.source_row_id in first_seen:
            raise ProblemSourceError(
                f"Duplicate id {problem.source_row_id!r} in {where}: it was used in row "
                f"{first_seen[problem.source_row_id]}, expected an id of its own for each problem",
                "leave `id` out of `columns`: rows are then named by their place",
            )
        first_seen[problem.source_row_id] = index
        yield problem
    if first_seen and not answered:
        column = source.columns.answer if source.columns else None
        raise ProblemSourceError(
            f"No row of {source.repo}, split {source.split} has an answer: expected one in column "
            f"{column!r}" + (f" matching {source.answer_pattern!r}" if pattern else ""),
            "fix `columns.answer` or `answer_pattern`, or choose a split whose answers are public",
        )


def _compiled(answer_pattern: str | None) -> regex.Pattern[str] | None:
    if answer_pattern is None:
        return None
    try:
        pattern = regex.compile(answer_pattern)
    except regex.error as error:
        raise ProblemSourceError(
            f"answer_pattern {answer_pattern!r} is not a regular expression: {error}", "fix `answer_pattern`"
        ) from error
    if pattern.groups < 1:
        raise ProblemSourceError(
            f"answer_pattern {answer_pattern!r} has no group: expected one around the reference answer",
            "put the answer in brackets, as in `#### (.+)`",
        )
    return pattern


def _commit_of(source: HubSource | HubSplit, hub: HubAccess) -> tuple[str, bool]:
    """Return the commit that the revision names, and whether the Hub said so.

    When the Hub does not answer, only a full commit that is in the cache can be named.
    """
    from huggingface_hub import HfApi

    try:
        found = HfApi(token=_key(hub)).dataset_info(source.repo, revision=source.revision).sha
    except Exception as error:  # every failure of the library means the same to a recipe
        if COMMIT.fullmatch(source.revision) and (hub.cache_folder / source.revision).is_dir():
            return source.revision, False
        raise _unreadable(source, error) from error
    return str(found), True


def _open_split(
    source: HubSource, hub: HubAccess, commit: str, is_answering: bool
) -> tuple[list[str] | None, Iterator[dict[str, Any]]]:
    """Return the label names of the answer column, where it has some, and the rows, mapped columns only."""
    import datasets

    try:
        with _offline(datasets.config, not is_answering):
            split = datasets.load_dataset(
                f"hf://datasets/{source.repo}",  # a plain name would prefer a local folder of that name
                source.config,
                split=source.split,
                revision=commit,
                token=_key(hub),
                streaming=source.limit is not None,
                # when the Hub fails, the library takes the newest revision in the cache: let it be this one
                cache_dir=str(hub.cache_folder / commit),
            )
            columns = split.column_names or list(next(iter(split), {}))
    except Exception as error:  # every failure of the library means the same to a recipe
        raise _unreadable(source, error) from error
    wanted = _wanted_columns(source, columns)
    missing = sorted(wanted - set(columns))
    if missing and columns:
        raise ProblemSourceError(
            f"{source.repo} has no column {missing[0]!r}: expected one of {', '.join(columns)}",
            "fix `columns` in the recipe" if source.columns else "name the format that its rows have",
        )
    features = split.features or {}
    label_names = getattr(features.get(source.columns.answer), "names", None) if source.columns else None
    return label_names, islice(split.select_columns(sorted(wanted)), source.limit)


def _wanted_columns(source: HubSource, columns: Sequence[str]) -> set[str]:
    """Return the columns that are read: those of the map, or of the format all needed ones and what is there."""
    if source.format is not None:
        from cotfactory.generators.problems.formats.formats import FORMATS  # a tenth of the start of a command

        fields = FORMATS[source.format].model_fields
        return {name for name, field in fields.items() if field.is_required() or name in columns}
    named = source.columns.model_dump() if source.columns else {}
    return {column for column in named.values() if column is not None}


@contextmanager
def _offline(config: Any, is_offline: bool) -> Iterator[None]:
    """Have `datasets` go to its cache at once, instead of asking a silent Hub six times (23 s)."""
    before = config.HF_HUB_OFFLINE
    config.HF_HUB_OFFLINE = before or is_offline
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE = before


def _key(hub: HubAccess) -> str | None:
    return hub.token.get_secret_value() if hub.token else None


def _fetched(rows: Iterator[dict[str, Any]], source: HubSource | HubSplit) -> Iterator[dict[str, Any]]:
    """Yield the rows; what fails while they are fetched is the source's error, what fails after is not."""
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except Exception as error:  # every failure of the library means the same to a recipe
            raise _unreadable(source, error) from error
        yield row


def _problem_row(raw: Mapping[str, Any], source: HubSource, where: str, place: str) -> dict[str, object]:
    """Return a dataset's row under the names of a problem file's fields."""
    row: dict[str, object] = {
        "id": place,
        "answer_kind": source.answer_kind,
        "source": source.repo,
        "license": source.license,
        "domain": source.domain,
    }
    if source.text is not None:
        row["text"] = source.text.model_dump()
    if source.program is not None:
        row["program"] = source.program
    if source.format is not None:
        from cotfactory.generators.problems.formats.formats import FORMATS  # a tenth of the start of a command

        found = problem_fields(raw, FORMATS[source.format], source.format, where)
    else:
        named = source.columns.model_dump() if source.columns else {}
        found = {field: raw[column] for field, column in named.items() if column is not None}
    return row | {field: value for field, value in found.items() if value is not None}


def _answer(
    row: dict[str, object],
    source: HubSource,
    label_names: list[str] | None,
    pattern: regex.Pattern[str] | None,
    where: str,
) -> object:
    """Return the row's reference answer, a choice as its letter; None when it has none.

    Choices may be `{"text": [...], "label": [...]}` (ARC): then the answer is one of the labels. Raises
    `ProblemSourceError` for a pattern that does not come to an end.
    """
    answer = row.get("answer")
    if source.answer_kind == "code" or answer is None:
        return None
    if source.answer_kind != "choice" and label_names and isinstance(answer, int):
        return label_names[answer] if 0 <= answer < len(label_names) else None
    if pattern is not None:
        try:
            match = pattern.search(str(answer), timeout=PATTERN_TIMEOUT_S)
        except TimeoutError as error:
            raise ProblemSourceError(
                f"answer_pattern {source.answer_pattern!r} searched {where} for more than {PATTERN_TIMEOUT_S:g} s",
                "write it without repetition inside repetition, such as (a+)+",
            ) from error
        answer = match.group(1) if match else None
    choices = row.get("choices")
    if isinstance(choices, dict) and {"text", "label"} <= choices.keys():
        row["choices"] = choices["text"]
        labels = list(choices["label"])
        answer = labels.index(answer) if answer in labels else answer
    if source.answer_kind == "choice" and type(answer) is int:
        return None if answer == -1 else CHOICE_LETTERS[answer : answer + 1] or answer
    return answer


def _unreadable(source: HubSource | HubSplit, error: Exception) -> ProblemSourceError:
    """Return what a failure of the Hub libraries means for a recipe."""
    name = f"{source.repo}@{source.revision}" + (f", config {source.config}" if source.config else "")
    first_line = next((line for line in str(error).splitlines() if line.strip()), "no reason given")
    return ProblemSourceError(
        f"Cannot read Hub dataset {name}, split {source.split}: {type(error).__name__}: {first_line.strip()}",
        "check `repo`, `revision`, `config` and `split`, that the Hub can be reached, and the token for "
        "private or gated data",
    )

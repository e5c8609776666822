"""Benchmarks of a recipe: read them, drop the problems that repeat them, and say how well that works."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cotfactory.curation.decontaminate import BenchmarkIndex, benchmark_index, contaminations, strongest
from cotfactory.curation.planted import false_alarms, planted_recall
from cotfactory.flows.settings import hub_access
from cotfactory.generators.problems.file_source import read_rows
from cotfactory.generators.problems.hub_source import load_hub
from cotfactory.schemas.curation import BenchmarkFile, BenchmarkHub, Curation
from cotfactory.schemas.decontamination import BenchmarkShare, BenchmarkText, Decontamination
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import ColumnMap, HubSource

BATCH = 1_000


def open_benchmarks(curation: Curation) -> BenchmarkIndex | None:
    """Return the index of the recipe's benchmarks; None when it names none.

    Raises ProblemSourceError for a benchmark that cannot be read, lacks a column or holds no text.
    """
    if not curation.decontaminate:
        return None
    texts: list[BenchmarkText] = []
    for number, benchmark in enumerate(curation.decontaminate, start=1):
        found = list(_from_file(benchmark) if isinstance(benchmark, BenchmarkFile) else _from_hub(benchmark))
        if not found:
            raise ProblemSourceError(
                f"Entry {number} of `curation.decontaminate` holds no text: expected at least one",
                "fix or remove that entry",
            )
        texts += found
    return benchmark_index(texts, curation.overlap)


def problem_hits(problems: Sequence[Problem], index: BenchmarkIndex | None) -> dict[str, str]:
    """Return the evidence, by problem id, against every problem whose question, choices, answer or solution hits."""
    found: dict[str, str] = {}
    if index is None:
        return found
    for start in range(0, len(problems), BATCH):
        batch = problems[start : start + BATCH]
        parts = {
            "question": [problem.question for problem in batch],
            "choices": [
                "\n".join((problem.question, *problem.choices)) if problem.choices else "" for problem in batch
            ],
            "answer": [problem.answer for problem in batch],
            "solution": [problem.solution or "" for problem in batch],
        }
        for where, texts in parts.items():
            for problem, hits in zip(batch, contaminations(texts, index, by_characters=True), strict=True):
                hit = strongest(hits)
                if hit is not None:
                    found.setdefault(problem.problem_id, hit.evidence(where))
    return found


def decontamination_of(
    index: BenchmarkIndex | None, problems: Mapping[str, str], candidates: Mapping[str, int]
) -> Decontamination | None:
    """Return the record for the card: `problems` is evidence by problem id, `candidates` a count by benchmark."""
    if index is None:
        return None
    texts = Counter(text.benchmark for text in index.texts)
    hit = Counter(evidence.partition(" row ")[0] for evidence in problems.values())
    clean, alarms = false_alarms(index)
    return Decontamination(
        benchmarks=tuple(
            BenchmarkShare(benchmark=name, texts=count, problems=hit[name], candidates=candidates.get(name, 0))
            for name, count in sorted(texts.items())
        ),
        planted=tuple(planted_recall(index)),
        clean=clean,
        false_alarms=alarms,
    )


def _from_file(benchmark: BenchmarkFile) -> Iterator[BenchmarkText]:
    path = Path(benchmark.path)
    for number, (where, row) in enumerate(read_rows(path), start=1):
        name = row.get(benchmark.id) if benchmark.id is not None else None
        for column in benchmark.columns:
            if column not in row:
                raise ProblemSourceError(
                    f"{where} has no column {column!r}: expected one of {', '.join(row)}",
                    "fix `columns` of that benchmark",
                )
            if row[column]:
                yield BenchmarkText(
                    benchmark=benchmark.name or path.name,
                    row=str(number if name is None else name),
                    column=column,
                    text=str(row[column]),
                )


def _from_hub(benchmark: BenchmarkHub) -> Iterator[BenchmarkText]:
    for column in benchmark.columns:
        # Read as problems whose question, and answer, is the column: the loader pins the revision and says what fails.
        source = HubSource(
            source="hub",
            repo=benchmark.repo,
            revision=benchmark.revision,
            config=benchmark.config,
            split=benchmark.split,
            columns=ColumnMap(question=column, answer=column),
            answer_kind="text",
        )
        for problem in load_hub(source, hub_access()):
            yield BenchmarkText(
                benchmark=f"{benchmark.repo}@{problem.source_revision[:12]}",
                row=problem.source_row_id,
                column=column,
                text=problem.question,
            )

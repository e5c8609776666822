"""Draw what people are asked about: chains of every stratum by chance, disputed ones, planted ones, pairs, problems."""

from collections.abc import Iterator
from datetime import datetime

from cotfactory.graders.answer_mutants import answers_with_known_truth
from cotfactory.reviewing.sampling import allocation
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.review import ItemKind, ReviewItem, ReviewQuestion
from cotfactory.schemas.review_rules import ReviewRules
from cotfactory.warehouse.found_chains import candidates_by_id, problems_by_id
from cotfactory.warehouse.review_population import ReviewPopulation, review_population
from cotfactory.warehouse.stored_reviews import latest_items, write_items
from cotfactory.warehouse.workspace import Workspace

SPARE = 4
"""Accepted chains that are looked at for each planted item: not every answer has a mutant."""


def drawn_items(workspace: Workspace, recipe: Recipe, rules: ReviewRules) -> tuple[list[ReviewItem], datetime]:
    """Return what people are asked about now, and when it was drawn: anew where chains or what is asked are others.

    A chain that is drawn again is the same item, and keeps what was said of it. Raises InputError where nothing is
    decided yet.
    """
    with review_population(workspace, recipe.name) as population:
        asked = rules.model_dump(mode="json", include={"questions", "sample"})
        draw_id = content_id([recipe.name, population.identity(), asked])
        known = latest_items(workspace, recipe.name)
        if known is not None and known[0][0].draw_id == draw_id:
            return known
        items = list(_items(workspace, population, rules, recipe.name, draw_id))
    return items, write_items(workspace, recipe.name, draw_id, items)


def _items(
    workspace: Workspace, population: ReviewPopulation, rules: ReviewRules, recipe: str, draw_id: str
) -> Iterator[ReviewItem]:
    def item(question: ReviewQuestion, kind: ItemKind, problem_id: str, *chains: str, **more: object) -> ReviewItem:
        return ReviewItem.model_validate(
            {
                "item_id": content_id([question, problem_id, *chains, more.get("response")]),
                "recipe": recipe,
                "draw_id": draw_id,
                "question": question,
                "kind": kind,
                "problem_id": problem_id,
                **dict(zip(("candidate_id", "other_id"), chains, strict=False)),
                **more,
            }
        )

    sample = rules.sample
    if "answer_right" in rules.questions:
        sizes = population.sizes()
        counts = allocation(sizes, sample.random)
        drawn = set()
        for row in population.drawn(counts):
            stratum = row["stratum"]
            drawn.add((row["candidate_id"], row["problem_id"]))
            numbers = {"stratum": stratum, "size": sizes[stratum], "drawn": counts[stratum]}
            yield item("answer_right", "random", row["problem_id"], row["candidate_id"], **numbers)
        disputed = [pair for pair in population.disputed(sample.disputed + len(drawn)) if pair not in drawn]
        for chain, problem in disputed[: sample.disputed]:
            yield item("answer_right", "disputed", problem, chain)
        for chain, problem, truth, response in _planted(workspace, population, sample.planted):
            yield item("answer_right", "planted", problem, chain, truth=truth, response=response)
    if "reference_right" in rules.questions:
        for problem in population.problems(sample.problems):
            yield item("reference_right", "chosen", problem)
    if "better_of_two" in rules.questions:
        for problem, *pair in population.pairs(sample.pairs):
            yield item("better_of_two", "chosen", problem, *pair)
    if "write" in rules.questions:
        for problem in population.unsolved(sample.problems):
            yield item("write", "chosen", problem)


def _planted(workspace: Workspace, population: ReviewPopulation, count: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield (candidate, problem, truth, response): a wrong answer and a right one in turn."""
    accepted = population.accepted(SPARE * count)
    chains = candidates_by_id(workspace, [chain for chain, _ in accepted])
    problems = problems_by_id(workspace, [problem for _, problem in accepted])
    made = 0
    for chain, problem in accepted:
        answers = answers_with_known_truth(problems[problem], chains[chain])
        if answers is not None and made < count:
            right, wrong = answers
            yield chain, problem, *(("no", wrong) if made % 2 == 0 else ("yes", right))
            made += 1

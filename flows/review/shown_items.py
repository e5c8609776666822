"""Items as the page shows them: texts looked up, cut into steps, and without signs that a browser obeys."""

from collections.abc import Iterable

from cotfactory.generators.ask.step_splitter import split_steps
from cotfactory.reviewing.review_page import ShownItem, ShownSolution
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.ids import seed_from
from cotfactory.schemas.printable import printable
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.review import ReviewItem
from cotfactory.warehouse.found_chains import candidates_by_id, problems_by_id
from cotfactory.warehouse.workspace import Workspace

MOST_STEPS = 60


def shown_items(workspace: Workspace, items: Iterable[ReviewItem]) -> dict[str, ShownItem]:
    """Return items as they are shown, by id; one whose problem or chain is stored no more is left out."""
    items = list(items)
    chain_ids = {name for item in items for name in (item.candidate_id, item.other_id) if name is not None}
    chains = candidates_by_id(workspace, chain_ids)
    problems = problems_by_id(workspace, {item.problem_id for item in items})
    shown = {}
    for item in items:
        names = [name for name in (item.candidate_id, item.other_id) if name is not None]
        if item.problem_id in problems and all(name in chains for name in names):
            found = [chains[name] for name in names]
            shown[item.item_id] = _shown(item, problems[item.problem_id], found)
    return shown


def second_is_first(person: str, item_id: str) -> bool:
    """Whether a person sees the two chains of a pair the other way round, so that no side is liked for its place."""
    return bool(seed_from("sides", person, item_id) & 1)


def _shown(item: ReviewItem, problem: Problem, chains: list[Candidate]) -> ShownItem:
    if item.response is not None:
        chains = [chain.model_copy(update={"response": item.response}) for chain in chains]
    return ShownItem(
        item_id=item.item_id,
        question=item.question,
        problem=printable(_asked(problem)),
        choices=tuple(map(printable, problem.choices or ())),
        reference=printable(problem.answer) or None,
        chains=tuple(map(_solution, chains)),
    )


def _asked(problem: Problem) -> str:
    """Return a question as people read it: of a later turn all before it, each with the answer that it was given."""
    if problem.follows is None:
        return problem.question
    answered = f" ({problem.follows.answer})" if problem.follows.answer else ""
    return f"{_asked(problem.follows)}{answered}\n\n{problem.question}"


def _solution(chain: Candidate) -> ShownSolution:
    thinks = bool(chain.reasoning and chain.reasoning.strip())
    steps = split_steps((chain.reasoning if thinks else chain.response) or "", MOST_STEPS)
    return ShownSolution(
        steps=tuple(printable(step).rstrip() for step in steps), response=printable(chain.response) if thinks else None
    )

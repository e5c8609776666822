"""Diversity is that of kept chains, counted in bounded memory, the same in any order of arrival."""

import pytest

from cotfactory.publishing import diversity
from cotfactory.publishing.diversity import Diversity
from cotfactory.publishing.shown_chain import shown_chain
from cotfactory.schemas.group import Group
from tests.publishing.made_groups import made_candidate, made_graded, made_group, made_problem


def group_of(number: int, *texts: str, question: str | None = None, kept: bool = True) -> Group:
    problem = made_problem(number)
    if question is not None:
        problem = problem.model_copy(update={"question": question})
    chains = [made_graded(made_candidate(problem, n, reasoning=None, response=text)) for n, text in enumerate(texts)]
    return made_group(problem, chains, kept=[kept] * len(chains))


def test_methods_are_different_sets_of_operations() -> None:
    found = Diversity()
    found.add([group_of(0, "First 3 + 4 = 7.", "Seven: 3 + 4.", "By 14 / 2 = 7.")])  # two of them compute alike
    found.add([group_of(1, "It is 7.", "By 2 * 3.")])  # one alone computes: nothing to compare
    found.add([group_of(2, "1 + 1", "2 + 2", kept=False)])
    told = found.figures([])
    assert (told.questions, told.problems, told.methods) == (2, 1, 2)


@pytest.mark.parametrize("held", [4_096, 256])
def test_forms_of_questions_leave_numbers_out(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diversity, "FORMS_HELD", held)
    found = Diversity()
    for number in range(2_000):
        question = f"Ann has {number} and {number + 1}.5 ducks of kind{chr(97 + number % 26)}{chr(97 + number // 40)}."
        found.add([group_of(number, "x", question=question)])
    forms = len({(number % 26, number // 40) for number in range(2_000)})
    assert found.figures([]).forms == pytest.approx(forms, rel=0.2 if held == 256 else 0)


def test_distinct_ngrams_and_telling_chains() -> None:
    group = group_of(0, "one two three four five", "one two three four six", "so the answer is what it is")
    shown = [shown_chain(group, *pair) for pair in zip(group.candidates, group.decisions, strict=True)]
    found = Diversity()
    found.add([group])
    told = found.figures(shown)
    assert told.distinct[2] == pytest.approx(11 / 14)  # three 2-grams stand there twice
    assert told.most_unlike[0].candidate_id == shown[2].candidate_id
    assert told.most_unlike[0].measure == "100% of its 4-grams are its own"
    assert len(told.longest) == 3
    assert Diversity().figures([]).distinct == {2: 0.0, 4: 0.0}

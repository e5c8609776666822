import itertools
import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from random import Random

import pytest

from cotfactory.generators.problems.chains import evaluate
from cotfactory.generators.problems.families.item import Item
from cotfactory.generators.problems.families.short_text import ALPHABET, COLOURS, MONTHS, WEEKDAYS
from cotfactory.generators.problems.families.story_words import NAMES
from cotfactory.generators.problems.procedural_source import FAMILIES, item_at, load_procedural, worked_procedural
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.ids import problem_id
from cotfactory.schemas.problem import CHOICE_LETTERS, Problem
from cotfactory.schemas.problem_sources import ProceduralSource
from tests.generators.arithmetic import equations, value, wrong_equations

EVERY = [(family, difficulty) for family in FAMILIES for difficulty in range(1, 6)]


def load(*families: str, count: int = 100, seed: int = 7, difficulty: int = 2) -> list[Problem]:
    return list(
        load_procedural(
            ProceduralSource(source="procedural", families=families, count=count, seed=seed, difficulty=difficulty)
        )
    )


def items(family: str, difficulty: int, count: int = 200) -> Iterator[Item]:
    return (item_at(f"{family}/11/{difficulty}/{index}") for index in range(count))


@pytest.mark.parametrize(("family", "difficulty"), EVERY)
def test_every_stated_step_is_right(family: str, difficulty: int) -> None:
    for problem in load(family, count=150, difficulty=difficulty):
        stated = equations(problem.solution or "")
        known = worked_procedural(problem)
        assert known is not None
        assert len(stated) == len(list(known.chain.equations())) >= 2, problem.solution
        assert wrong_equations(problem.solution or "") == [], problem.solution


@pytest.mark.parametrize(("family", "difficulty"), EVERY)
def test_the_solution_ends_in_the_answer(family: str, difficulty: int) -> None:
    for problem in load(family, count=150, difficulty=difficulty):
        assert problem.solution is not None
        *lines, last = problem.solution.splitlines()
        assert last.removeprefix("The answer is ").strip("$().") == problem.answer.strip("()")
        # A fraction may still be put together from the last step: `8 + 3 = 11`, that is 11/12.
        if problem.answer_kind == "math" and family != "fractions_decimals":
            answer = problem.answer.replace("\\frac{", "").replace("}{", "/").removesuffix("}")
            assert Fraction(equations("\n".join(lines))[-1][1]) == Fraction(answer)


@pytest.mark.parametrize("difficulty", range(1, 6))
def test_options_are_different_and_the_answer_is_one_of_them(difficulty: int) -> None:
    letters = set()
    for problem in load("multiple_choice", count=200, difficulty=difficulty):
        assert problem.choices is not None
        assert len(set(problem.choices)) == len(problem.choices) == {1: 4, 2: 4, 3: 5, 4: 6, 5: 8}[difficulty]
        assert problem.answer in CHOICE_LETTERS[: len(problem.choices)]
        letters.add(problem.answer)
    assert len(letters) == len(problem.choices or ())  # the right option stands at every place


def test_a_named_option_is_the_one_the_last_step_gives() -> None:
    for problem in load("multiple_choice", count=300, difficulty=3):
        assert problem.choices is not None
        right = problem.choices[CHOICE_LETTERS.index(problem.answer)]
        number = right.split(" ")[0]
        if number.isdigit():
            assert number == equations(problem.solution or "")[-1][1]
        elif ":" in number:
            hours, minutes = number.split(":")
            assert int(hours) * 60 + int(minutes) == int(equations(problem.solution or "")[-1][1])


def test_words_come_from_closed_sets() -> None:
    allowed = {*WEEKDAYS, *MONTHS, *ALPHABET, *COLOURS, *NAMES}
    answers = {problem.answer for problem in load("short_text", count=400)}
    assert answers <= allowed
    assert len(answers) > 60  # guessing does not pay


def test_weekdays_agree_with_the_calendar() -> None:
    """Counted out one day at a time, with nothing of the family's arithmetic."""
    checked = 0
    for problem in load("short_text", count=400, difficulty=2):
        if not problem.question.startswith("Today is "):
            continue
        start = problem.question.removeprefix("Today is ").split(".")[0]
        days = next(int(word) for word in problem.question.split() if word.isdigit())
        week = itertools.cycle(WEEKDAYS)
        assert next(day for day in week if day == start)
        assert next(itertools.islice(week, days - 1, None)) == problem.answer
        checked += 1
    assert checked > 20


def numbers_in(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


@pytest.mark.parametrize("difficulty", range(1, 6))
def test_solutions_satisfy_their_equations(difficulty: int) -> None:
    """Put into the equation as the question states it, with nothing of the way it was solved."""
    checked = 0
    for problem in load("linear_equations", count=300, difficulty=difficulty):
        equation = re.search(r"\$([^$]*=[^$]*)\$", problem.question)
        if equation is None:
            continue
        letter = next(character for character in equation[1] if character.isalpha())
        root = problem.answer.replace("\\frac{", "").replace("}{", "/").replace("}", "")
        text = re.sub(rf"(?<=\d)(?=[{letter}(])", "*", equation[1]).replace(letter, f"({root})")
        left, right = text.split(" = ")
        assert value(left) == value(right), problem.question
        checked += 1
    assert checked > 50


def test_answers_of_word_problems_satisfy_the_story() -> None:
    kinds: Counter[str] = Counter()
    for problem in load("linear_equations", count=1000, difficulty=4):
        numbers, found = numbers_in(problem.question), int(problem.answer) if problem.answer.isdigit() else 0
        if "sells tickets for" in problem.question:
            adult, child, count, takings = numbers
            adults = found if "How many adult" in problem.question else count - found
            assert adults * adult + (count - adults) * child == takings
            kinds["tickets"] += 1
        elif "times as old" in problem.question:
            now, years, later = numbers
            young = found // now
            assert young * now == found
            assert found + years == later * (young + years)
            kinds["ages"] += 1
        elif "hires out" in problem.question:
            high_fee, low_rate, low_fee, high_rate = numbers
            assert (found - high_fee) * high_rate == (found - low_fee) * low_rate
            kinds["tariffs"] += 1
        elif "consecutive" in problem.question:
            count, total = sorted(numbers)
            gap = 1 if "consecutive integers" in problem.question else 2
            smallest = found if "smallest" in problem.question else found - gap * (count - 1)
            assert sum(range(smallest, smallest + gap * count, gap)) == total
            assert gap == 1 or smallest % 2 == ("odd" in problem.question)
            kinds["consecutive"] += 1
    assert min(kinds[kind] for kind in ("tickets", "ages", "tariffs", "consecutive")) > 50


@pytest.mark.parametrize("difficulty", range(1, 6))
def test_expressions_have_the_value_that_is_asked_for(difficulty: int) -> None:
    checked = 0
    for problem in load("fractions_decimals", count=300, difficulty=difficulty):
        expression = re.search(r"\$([^$]*)\$", problem.question)
        if expression is None:
            continue
        text = re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"(\1/\2)", expression[1])
        for latex, sign in {"\\cdot": "*", "\\div": "/", "\\left": "", "\\right": ""}.items():
            text = text.replace(latex, sign)
        root = re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"\1/\2", problem.answer)
        assert value(text.strip()) == Fraction(root), problem.question
        checked += 1
    assert checked > 60


@pytest.mark.parametrize("difficulty", range(1, 6))
def test_a_story_tells_exactly_the_numbers_that_its_chain_uses(difficulty: int) -> None:
    for problem in load("arithmetic_stories", count=200, difficulty=difficulty):
        used = numbers_in(problem.split_group.rpartition("/")[2])
        assert sorted(numbers_in(problem.question)) == sorted(used), problem.question


@pytest.mark.parametrize("family", FAMILIES)
def test_difficulty_makes_the_way_longer(family: str) -> None:
    steps = [
        sum(len(list(item.worked.chain.equations())) for item in items(family, difficulty)) for difficulty in (1, 3, 5)
    ]
    sizes = [
        sum(sum(abs(result) > 100 for result in evaluate(item.worked.chain)) for item in items(family, difficulty))
        for difficulty in (1, 5)
    ]
    assert steps[0] * 1.1 < steps[1] < steps[2]
    assert sizes[0] < sizes[1] or family == "running_totals"  # whose totals stay small, for a small student


@pytest.mark.parametrize(("family", "difficulty"), [(family, d) for family in FAMILIES for d in (1, 4)])
def test_a_thousand_problems_differ(family: str, difficulty: int) -> None:
    problems = load(family, count=1000, difficulty=difficulty)
    assert len({problem.problem_id for problem in problems}) == 1000
    assert len({(problem.question, problem.choices) for problem in problems}) == 1000
    last_index = int(problems[-1].source_row_id.split("/")[-1])
    assert last_index < 1020  # hardly an index is skipped as a repeat


def test_a_larger_count_gives_the_same_problems_first() -> None:
    families = tuple(FAMILIES)
    few, many = load(*families, count=5), load(*families, count=40)
    for place, family in enumerate(families):
        assert few[5 * place : 5 * place + 5] == many[40 * place : 40 * place + 5]
        assert {problem.source for problem in many[40 * place : 40 * place + 40]} == {f"procedural/{family}"}


def test_neighbouring_seeds_share_nothing() -> None:
    # Seeded with seed + index, item 1 of seed 42 would be item 0 of seed 43.
    first = [problem.question for problem in load("arithmetic_stories", seed=42, count=300, difficulty=3)]
    second = [problem.question for problem in load("arithmetic_stories", seed=43, count=300, difficulty=3)]
    assert first[1] != second[0]
    assert not set(first) & set(second)


def test_problems_say_where_they_come_from() -> None:
    for problem in load(*FAMILIES, count=3, seed=5, difficulty=4):
        family = problem.source.removeprefix("procedural/")
        assert problem.source_row_id.startswith(f"{family}/5/4/")
        assert problem.license == "CC0-1.0"
        assert problem.domain
        assert problem.problem_id == problem_id(problem.question, problem.choices, problem.answer, None, problem.source)


def test_the_same_numbers_in_the_same_story_are_one_split_group() -> None:
    by_group: dict[str, set[str]] = {}
    for problem in load("short_text", count=1000, difficulty=1):
        by_group.setdefault(problem.split_group, set()).add(problem.question)
    shared = [questions for questions in by_group.values() if len(questions) > 1]
    assert shared  # the same numbers, told of other people
    assert len(by_group) > 300


def test_known_problems_do_not_change() -> None:
    """Their ids are in people's ledgers: an edited family asks and pays for all of its problems again."""
    problem = load("linear_equations", count=2, seed=42, difficulty=1)[1]
    assert problem.question == (
        "Mira sells tickets for a zoo: 10 dollars for an adult and 5 dollars for a child. Altogether 17 tickets "
        "are sold for 155 dollars. How many child tickets are sold?"
    )
    assert problem.answer == "3"
    assert problem.problem_id == "3d589ff33374970a1c14c1cb0679b0d0"


def test_an_unknown_family_is_named_with_those_there_are() -> None:
    with pytest.raises(ProblemSourceError, match=r"'geometry' does not exist.*arithmetic_stories, fractions"):
        load("short_text", "geometry")


def test_a_family_named_twice_is_refused() -> None:
    with pytest.raises(ProblemSourceError, match="'short_text' is named twice"):
        load("short_text", "multiple_choice", "short_text")


def test_a_family_that_runs_out_says_how_many_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def two_questions(rng: Random, difficulty: int) -> Item:
        return items_of_one_family[rng.randrange(2)]

    items_of_one_family = list(items("short_text", 1, 2))
    monkeypatch.setitem(FAMILIES, "two_questions", two_questions)
    assert len(load("two_questions", count=2)) == 2
    with pytest.raises(ProblemSourceError, match="only 2 different problems at difficulty 2, 3 were asked for"):
        load("two_questions", count=3)


def test_another_problem_is_not_taken_for_one_of_ours() -> None:
    problem = load("short_text", count=1)[0]
    assert worked_procedural(problem) is not None
    assert worked_procedural(problem.model_copy(update={"source": "someone/else"})) is None
    assert worked_procedural(problem.model_copy(update={"question": "Edited by hand?"})) is None
    assert worked_procedural(problem.model_copy(update={"source_row_id": "no row of ours"})) is None

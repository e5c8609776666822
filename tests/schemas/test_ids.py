"""Ids depend on content alone, and on all of the content that matters."""

import hashlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.schemas.ids import (
    content_id,
    content_id_of_all,
    follow_up_id,
    grade_id,
    grade_ids,
    problem_id,
    prompt_id,
    request_id,
    request_ids,
    seed_from,
)
from cotfactory.schemas.problem import CallCase, CallTests
from cotfactory.schemas.teaching import Message, Sampling
from tests.builders import a_problem

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_a_tolerance_is_part_of_a_problem_and_no_tolerance_changes_no_id() -> None:
    plain = problem_id("How long?", None, "3.14", None, "s")
    assert plain == problem_id("How long?", None, "3.14", None, "s", None)
    assert (
        len({plain, *(problem_id("How long?", None, "3.14", None, "s", tolerance) for tolerance in ("0.01", "0.1"))})
        == 3
    )
    assert plain == content_id(
        {"question": "How long?", "choices": None, "answer": "3.14", "tests": None, "source": "s"}
    )


@given(st.dictionaries(st.text(), json_values, min_size=2))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert content_id(value) == content_id(dict(reversed(value.items())))


@given(json_values, json_values)
def test_different_values_have_different_ids(a: object, b: object) -> None:
    same_text = repr(a) == repr(b)
    if not same_text and a != b:
        assert content_id(a) != content_id(b)


def test_an_id_is_stable_over_releases() -> None:
    """A changed hash would make everyone pay for everything again: this value may never change."""
    assert content_id({"b": [1, "é"], "a": None}) == "bccb46da7f8860c9492baa4b6352ae16"


@given(st.lists(json_values))
def test_the_id_of_a_stream_is_that_of_the_list(values: list[object]) -> None:
    assert content_id_of_all(iter(values)) == content_id(values)


def test_an_id_is_that_of_compact_utf8_json() -> None:
    """Another separator, order or escape would be another id, and everything would be paid for again."""
    written = '{"a":null,"b":[1,"é"]}'.encode()
    assert content_id({"b": [1, "é"], "a": None}) == hashlib.blake2b(written, digest_size=16).hexdigest()


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_what_json_cannot_write_has_no_id(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        content_id({"a": number})


REQUEST = {"prompt": "p", "model": "m", "sampling": Sampling(temperature=0.7), "sample_index": 3}


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "q"},
        {"model": "n"},
        {"sampling": Sampling(temperature=0.8)},
        {"sampling": Sampling(temperature=0.7, seed=1)},
        {"sampling": Sampling(temperature=0.7, max_completion_tokens=9)},
        {"sample_index": 4},
        {"extra_body": {"min_p": 0.1}},
    ],
)
def test_a_request_id_covers_what_is_sent(change: dict[str, object]) -> None:
    assert request_id(**(REQUEST | change)) != request_id(**REQUEST)  # type: ignore[arg-type]


def test_a_parameter_that_is_not_sent_is_not_in_the_id() -> None:
    sampling = Sampling(temperature=0.7, top_p=None)
    assert request_id("p", "m", sampling, 3, {}) == request_id(**REQUEST)  # type: ignore[arg-type]


def test_a_sample_without_a_seed_is_that_of_the_base_0() -> None:
    """0 was sent by default once: nobody pays again for what was bought then."""
    assert request_id("p", "m", Sampling(temperature=0.7, seed=0), 3) == request_id(**REQUEST)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"parent": "q"},
        {"turn": Message(role="user", content="Sure?")},
        {"turn": Message(role="system", content="Check it.")},
        {"model": "n"},
        {"sampling": Sampling(temperature=0.8)},
        {"sample_index": 4},
        {"extra_body": {"min_p": 0.1}},
    ],
)
def test_the_id_of_a_later_turn_covers_what_it_follows_and_what_it_says(change: dict[str, object]) -> None:
    follow_up = {key: value for key, value in REQUEST.items() if key != "prompt"} | {
        "parent": "p",
        "turn": Message(role="user", content="Check it."),
    }
    assert follow_up_id(**(follow_up | change)) != follow_up_id(**follow_up)  # type: ignore[arg-type]


def test_ids_are_stable_over_releases_for_all_that_is_hashed() -> None:
    """What is bought is found again by these alone: a change of any makes everyone pay for everything again."""
    problem, turn = a_problem(), Message(role="user", content="Check it.")
    assert {
        "prompt": prompt_id([turn]),
        "request": request_id("p", "m", Sampling(temperature=0.7), 3),
        "follow-up": follow_up_id("p", turn, "m", Sampling(temperature=0.7), 3),
        "grade": grade_id("c", problem, "math", "1"),
        "seed": f"{seed_from('fractions', 42, 'é'):x}",
    } == {
        "prompt": "357c790a9d0ec580dc6288436df9adca",
        "request": "69abffe98f597c330d934dcdaee874ca",
        "follow-up": "b96968fa44d59b10c7784bc96954428b",
        "grade": "250d255842144402fc8594326faff010",
        "seed": "5a687a7b7162d4c9",
    }


@given(st.text(), st.text(), st.dictionaries(st.text(), json_values), st.lists(st.integers(0, 2**40), max_size=3))
def test_ids_that_are_made_together_are_those_made_alone(
    prompt: str, model: str, body: dict[str, Any], indexes: list[int]
) -> None:
    """Also where what is sent beside the messages looks like the parts of what is hashed."""
    sampling, problem = Sampling(temperature=0.7, seed=3), a_problem()
    shared = {
        "prompt": prompt,
        "model": model,
        "sampling": sampling.identity(),
        **({"extra_body": body} if body else {}),
    }
    alone = tuple(content_id({**shared, "sample_index": index}) for index in indexes)
    assert request_ids(prompt, model, sampling, indexes, body) == alone
    graded = tuple(content_id([chain, problem.problem_id, model, "1"]) for chain in (prompt, model))
    assert grade_ids((prompt, model), problem, model, "1") == graded


def test_a_prompt_id_covers_roles_and_texts() -> None:
    user, system = Message(role="user", content="x"), Message(role="system", content="x")
    assert len({prompt_id([user]), prompt_id([system]), prompt_id([system, user]), prompt_id([user, system])}) == 4


def test_a_grade_is_held_against_one_problem_by_one_version() -> None:
    problem, other = a_problem(), a_problem(answer="43")
    ids = {
        grade_id("c", problem, "math", "1"),
        grade_id("c", other, "math", "1"),
        grade_id("c", problem, "math", "2"),
        grade_id("d", problem, "math", "1"),
    }
    assert len(ids) == 4


def test_neighbouring_seeds_do_not_overlap() -> None:
    """`seed + index` would make item 1 of seed 42 item 0 of seed 43."""
    first = {seed_from("family", 42, index) for index in range(1000)}
    second = {seed_from("family", 43, index) for index in range(1000)}
    assert not first & second


@pytest.mark.parametrize(
    "change", [{"question": "g?"}, {"choices": ["a", "b"]}, {"answer": "8"}, {"tests": None}, {"source": "t"}]
)
def test_a_problem_id_covers_what_is_asked_and_how_it_is_checked(change: dict[str, Any]) -> None:
    tests = CallTests(entry_point="f", cases=(CallCase(args=(1,), expected=2),))
    problem: dict[str, Any] = {"question": "f?", "choices": None, "answer": "7", "tests": tests, "source": "s"}
    assert problem_id(**(problem | change)) != problem_id(**problem)

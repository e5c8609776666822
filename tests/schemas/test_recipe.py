"""A recipe that cannot work is refused whole, before anything is asked."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from cotfactory.schemas.recipe import Recipe

RECIPE: dict[str, Any] = {
    "name": "r",
    "problems": [{"source": "file", "path": "p.jsonl"}],
    "teachers": [{"name": "t", "model": "m"}],
    "release": {"license": "mit"},
}
TEACHER = {"name": "t", "model": "m"}
PRICED = {"name": "t", "model": "m", "price": {"input": 1, "output": 2}, "sampling": {"max_tokens": 100}}


def test_the_smallest_recipe_is_enough() -> None:
    recipe = Recipe.model_validate(RECIPE)
    assert recipe.attempts.max == 4
    assert recipe.release.products == ("sft", "rl")


def test_a_number_of_attempts_is_a_fixed_maximum() -> None:
    assert Recipe.model_validate(RECIPE | {"attempts": 8}).attempts.is_fixed
    assert Recipe.model_validate(RECIPE | {"attempts": 8}).attempts.max == 8


@pytest.mark.parametrize(
    "change",
    [
        {"extra_body": {"min_p": 0.1}},
        {"system": "Think."},
        {"sampling": {"seed": 1}},
        {"sampling": {"max_completion_tokens": 9}},
        {"sampling": {"top_k": -1}},
    ],
)
def test_teachers_of_one_model_may_differ_in_whatever_is_sent(change: dict[str, Any]) -> None:
    recipe = Recipe.model_validate(RECIPE | {"teachers": [TEACHER, TEACHER | {"name": "u"} | change]})
    assert [teacher.name for teacher in recipe.teachers] == ["t", "u"]


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_a_budget_takes_either_limit(limit: str) -> None:
    recipe = Recipe.model_validate(RECIPE | {"teachers": [PRICED | {"sampling": {limit: 9}}], "budget": {"usd": 1}})
    assert recipe.teachers[0].sampling.output_limit == 9
    assert recipe.teachers[0].sampling.limited_to(12).sent() == {limit: 12}


@pytest.mark.parametrize(("given", "requests"), [(True, 10_000), ({"requests": 7}, 7), ({}, 10_000)])
def test_batch_may_be_true_or_say_how_large(given: object, requests: int) -> None:
    (spec,) = Recipe.model_validate(RECIPE | {"teachers": [{"name": "t", "model": "m", "batch": given}]}).teachers
    assert spec.batch is not None
    assert spec.batch.requests == requests


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "colour"),  # an unknown key at the top
        ({"teachers": [{"name": "t", "model": "m", "temprature": 1}]}, "temprature"),  # and a nested one
        ({"problems": []}, "problems"),
        ({"problems": [{"source": "ftp", "path": "x"}]}, "ftp"),
        ({"attempts": {"max": 0}}, "max"),
        ({"attempts": True}, "attempts"),
        ({"teachers": [PRICED], "budget": {"usd": float("inf")}}, "finite"),
        ({"teachers": [{"name": "t", "model": "m", "base_url": "127.0.0.1:8000/v1"}]}, "base_url"),
        ({"teachers": [PRICED]}, "no money budget"),  # a price, but nothing stops the spending
        ({"budget": {"usd": 1}}, "no price"),  # a budget nobody can hold
        ({"teachers": [PRICED | {"sampling": {}}], "budget": {"usd": 1}}, "max_tokens"),  # no worst case
        ({"teachers": [{"name": "t", "model": "m"}, {"name": "t", "model": "n"}]}, "'t'"),
        ({"teachers": [{"name": "t", "model": "m"}, {"name": "u", "model": "m"}]}, "very same samples"),
        ({"teachers": [{"name": "t", "model": "m", "base_url": "http://x", "simulated": True}]}, "at most one"),
        ({"teachers": [{"name": "t", "model": "m", "simulated": {"slipped": 0.9, "hedged": 0.9}}]}, "more than 1"),
        ({"teachers": [{"name": "t", "model": "m", "batch": True, "simulated": True}]}, "expected an endpoint"),
        ({"teachers": [{"name": "t", "model": "m", "batch": True, "recordings": "f"}]}, "expected an endpoint"),
        ({"teachers": [{"name": "t", "model": "m", "batch": {"requests": 50_001}}]}, "requests"),  # of one batch
        ({"teachers": [{"name": "t", "model": "m", "batch": {}, "limits": {"concurrency": 8}}]}, "limits.concurrency"),
        ({"teachers": [TEACHER | {"extra_body": {"messages": []}}]}, "'messages', which is not its to set"),
        ({"teachers": [TEACHER | {"extra_body": {"stream": True}}]}, "the teacher's own keys"),
        ({"teachers": [TEACHER | {"extra_body": {"seed": 1}}]}, "sampling: {seed: ...}"),
        ({"teachers": [TEACHER | {"extra_body": {"min_p": float("nan")}}]}, "extra_body.min_p.*\n.*a finite number"),
        ({"teachers": [TEACHER | {"extra_body": {"day": date(2026, 1, 1)}}]}, "extra_body.day"),  # YAML has dates
        ({"teachers": [TEACHER | {"extra_body": ["min_p"]}]}, "extra_body"),
        ({"teachers": [TEACHER | {"headers": {"X Y": "1"}}]}, "'X Y' is no name of a header"),
        ({"teachers": [TEACHER | {"headers": {"X:Y": "1"}}]}, "'X:Y' is no name of a header"),
        ({"teachers": [TEACHER | {"headers": {"Host": "h"}}]}, "'Host' is not a recipe's to set"),
        ({"teachers": [TEACHER | {"headers": {"X-A": "1", "x-a": "2"}}]}, "'x-a' is given twice"),
        ({"teachers": [TEACHER | {"headers": {"X-A": "1"}, "simulated": True}]}, "expected an endpoint"),
        ({"teachers": [TEACHER | {"system": ""}]}, "system"),
        ({"teachers": [TEACHER | {"base_urls": []}]}, "base_urls"),
        ({"teachers": [TEACHER | {"base_urls": ["http://a/v1", "http://a/v1/"]}]}, "named twice"),
        ({"teachers": [TEACHER | {"base_urls": ["http://a"], "base_url": "http://b"}]}, "at most one"),
        ({"teachers": [TEACHER | {"base_urls": ["http://a"], "batch": True}]}, "a batch lies at one endpoint"),
        ({"teachers": [TEACHER | {"start": "vllm serve m"}]}, "no {port}"),
        ({"teachers": [TEACHER | {"start": "vllm serve 'm --port {port}"}]}, "start is no command"),
        ({"teachers": [TEACHER | {"start": "serve {port}", "simulated": True}]}, "at most one"),
        ({"teachers": [TEACHER | {"wait_for_s": 5, "recordings": "r.jsonl"}]}, "expected an endpoint"),
        (
            {"teachers": [TEACHER | {"sampling": {"max_tokens": 1, "max_completion_tokens": 1}}]},
            "two names of one limit",
        ),
        ({"teachers": [TEACHER | {"sampling": {"top_k": 0}}]}, "top_k"),  # some take it for none, some for all
        ({"teachers": [TEACHER | {"sampling": {"top_k": -2}}]}, "top_k"),
        # No seed is the base 0, under whichever names the samples are asked for.
        ({"teachers": [TEACHER, TEACHER | {"name": "u", "sampling": {"seed": 0}}]}, "very same samples"),
        ({"release": {"license": "mit", "products": ["sft", "soup"]}}, "soup"),
        ({"release": {"products": ["sft"]}}, "license"),
        ({"name": "../etc"}, "name"),  # it becomes a folder
        (
            {"problems": [{"source": "hub", "repo": "a/b", "columns": {"question": "q"}, "answer_kind": "maths"}]},
            "math",
        ),
    ],
)
def test_a_mistake_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Recipe.model_validate(RECIPE | change)

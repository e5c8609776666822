"""Answers that a format sets apart: tags, JSON objects, fenced blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.statements.wrappers import json_answer, opened, set_apart, tagged_answers

JSON = [
    ('{"answer": 42}', "42"),
    ('{"answer": 4.20}', "4.20"),  # as written
    ('{"final_answer": "x"}', "x"),
    ('{"Final Answer": "x", "answer": "y"}', "x"),  # the final one counts
    ('{"answer": true}', "True"),
    ('{"answer": ["a", "b"]}', "a, b"),
    ('{"result": {"answer": "x"}}', "x"),
    ('{"answer": "\\frac{1}{2}"}', "\\frac{1}{2}"),  # not escaped: JSON would read a form feed
    ('{"answer": "\\\\frac{1}{2}"}', "\\frac{1}{2}"),
    ('{"answer": null}', None),
    ('{"answer": ""}', None),
    ('{"value": 42}', None),  # no name that means the answer
    ('{"answer": 42', None),
    ('[{"answer": 42}]', "42"),
    ('{"answers": [42]}', "42"),
    ('{"final": {"answer": 42}}', "42"),
    ("[42]", None),
    ('{"a": ' * 50_000 + "1" + "}" * 50_000, None),
]


@pytest.mark.parametrize(("text", "answer"), JSON)
def test_answer_of_a_json_object(text: str, answer: str | None) -> None:
    assert json_answer(text) == answer


OPENED = [
    ("```\n42\n```", "42"),
    ('```json\n{"answer": 42}\n```', "42"),
    ('Here it is:\n```json\n{"answer": 42}\n```', "42"),
    ("```\n42\n```\nand more", "```\n42\n```\nand more"),
    ("```\n1\n```\n```\n2\n```", "```\n1\n```\n```\n2\n```"),  # two blocks set nothing apart
    ('Here it is:\n{"answer": 42}', "42"),
    ("so we get\n{1, 2}", "so we get\n{1, 2}"),
    ("{1, 2}", "{1, 2}"),  # a set
    ("42", "42"),
]


@pytest.mark.parametrize(("text", "inside"), OPENED)
def test_a_block_or_an_object_is_opened(text: str, inside: str) -> None:
    assert opened(text) == inside


def test_tags_set_an_answer_apart() -> None:
    assert tagged_answers("so <answer>\n42\n</answer>") == ["42"]
    assert tagged_answers("<ANSWER>42</ANSWER>") == ["42"]
    assert tagged_answers("[ANSWER]42[/ANSWER]") == ["42"]
    assert tagged_answers("<answer></answer>") == []
    assert tagged_answers("<answer>41") == []
    assert tagged_answers("<answer>41<answer>42</answer>") == ["42"]
    assert set_apart("<answer>41</answer> <answer>42</answer>") is None
    assert set_apart("<answer>42</answer> <answer>42</answer>") == "42"


@given(st.text(alphabet='{}"answer:[],\\ 1`\n<>/', max_size=120))
def test_any_text_is_opened_or_left(text: str) -> None:
    assert isinstance(opened(text), str)
    assert isinstance(tagged_answers(text), list)


@pytest.mark.parametrize(
    "bait", ["<answer>" * 60_000, "```\n" * 100_000, '{"' * 100_000 + "}", "<answer>" + "x" * 500_000]
)
def test_megabytes_of_bait_come_back(bait: str) -> None:
    tagged_answers(bait)
    opened(bait)

"""A rollout goes on from a beginning: one message with all of it, and an id that is that of its words."""

from cotfactory.generators.ask.rollout_strategy import RolloutStrategy
from cotfactory.schemas.ids import prompt_id, request_id
from cotfactory.schemas.teacher_spec import TeacherSpec
from tests.builders import a_problem

SPEC = TeacherSpec.model_validate({"name": "t", "model": "m", "sampling": {"max_tokens": 50}, "retry_truncated": 400})


def test_the_message_has_problem_beginning_and_form() -> None:
    (message,) = RolloutStrategy(SPEC).go_on(a_problem(), "6 * 7:\n\nsix sevens \\boxed{maybe}\n\n")
    assert message.role == "user"
    assert message.content.startswith("What is 6 * 7?\n")
    assert "<beginning>\n6 * 7:\n\nsix sevens \\boxed{maybe}\n</beginning>" in message.content
    assert message.content.endswith("put the final answer, and only it, in \\boxed{}.")
    assert "42" not in message.content


def test_ids_are_those_of_the_words() -> None:
    strategy = RolloutStrategy(SPEC)
    prompt = prompt_id(strategy.go_on(a_problem(), "Six sevens"))
    ids = strategy.ids_of_samples(prompt, 3)
    assert ids == tuple((request_id(prompt, "m", SPEC.sampling, index),) for index in range(3))
    assert prompt != prompt_id(strategy.go_on(a_problem(), "Six sevens are"))
    assert prompt == prompt_id(strategy.go_on(a_problem(), "Six sevens \n"))


def test_a_rollout_is_one_request() -> None:
    strategy = RolloutStrategy(SPEC)  # although samples of this teacher may take two
    assert len(strategy.steps) == len(strategy.samplings) == 1
    assert strategy.name_of(0) == "rollout"

"""Alarms: raised once, as soon as they rest on enough samples, and never by sound answers."""

import random

import pytest

from cotfactory.generators.teacher.completions import UNNAMED
from cotfactory.generators.teacher.teacher_watch import REFUSAL, SignReader, TeacherWatch, UsualAnswers, is_same_model
from cotfactory.schemas.alarm import Alarm, AlarmKind
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.recipe import Alarms
from cotfactory.schemas.teaching import Usage
from tests.builders import a_candidate

LONG = "Two ducks and three ducks are five ducks, as one counts them one after the other along the pond. "


def candidate(number: int, **changes: object) -> Candidate:
    made = a_candidate(
        "The answer is 5.",
        candidate_id=f"c{number}",
        problem=f"p{number // 4}",
        reasoning=f"{LONG} {number}",
        sample_index=number % 4,
        usage=Usage(output_tokens=100),
        latency_ms=200.0,
    )
    return made.model_copy(update=changes)


def watch(usual: UsualAnswers | None = None, *, wants_reasoning: bool = False) -> TeacherWatch:
    return TeacherWatch("t", "deepseek-r1", Alarms(min_samples=20), usual, wants_reasoning=wants_reasoning)


def raised(watching: TeacherWatch, candidates: list[Candidate], model: str = "deepseek-r1") -> list[Alarm]:
    reader = SignReader("deepseek-r1")
    return [alarm for bought in candidates for alarm in watching.count(reader.read(bought, model))]


def test_sound_answers_raise_nothing() -> None:
    usual = UsualAnswers(samples=1000, output_tokens=80, latency_ms=150)
    assert raised(watch(usual, wants_reasoning=True), [candidate(number) for number in range(200)]) == []


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("truncated", {"finish_reason": "length"}),
        ("refusals", {"response": "I'm sorry, but I can't help with that."}),
        ("no_reasoning", {"reasoning": None}),
        ("not_sampling", {"reasoning": LONG * 2}),
        ("slow", {"latency_ms": 9_000.0}),
        ("dear", {"usage": Usage(output_tokens=4_000)}),
    ],
)
def test_each_alarm_is_raised_once_and_not_before_it_rests_on_enough(
    kind: AlarmKind, changes: dict[str, object]
) -> None:
    watching = watch(UsualAnswers(samples=1000, output_tokens=100, latency_ms=200), wants_reasoning=True)
    assert raised(watching, [candidate(number, **changes) for number in range(19)]) == []
    alarms = raised(watching, [candidate(number, **changes) for number in range(19, 200)])
    assert [alarm.kind for alarm in alarms] == [kind]
    assert str(alarms[0].seen) in alarms[0].text or kind in ("slow", "dear")


def test_a_wrong_model_is_an_alarm() -> None:
    assert [alarm.kind for alarm in raised(watch(), [candidate(n) for n in range(50)], model="gpt-4o")] == [
        "wrong_model"
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"response": "5", "reasoning": None},  # short answers are often the same
        {"problem_id": "one", "reasoning": f"{LONG}{LONG}"},  # 19 comparisons are too few
    ],
)
def test_equal_texts_that_mean_nothing(changes: dict[str, object]) -> None:
    few = [candidate(number, **changes) for number in range(20)]
    assert [alarm.kind for alarm in raised(watch(), few)] == []


def test_an_endpoint_that_names_no_model_is_not_accused() -> None:
    assert raised(watch(), [candidate(number) for number in range(50)], model=UNNAMED) == []


def test_a_file_of_recordings_may_hold_those_of_any_model() -> None:
    watching = TeacherWatch("t", None, Alarms(), None, wants_reasoning=False)
    assert raised(watching, [candidate(number) for number in range(200)], model="gpt-3-6b") == []


def test_a_teacher_that_goes_bad_late_is_noticed_as_soon() -> None:
    watching = watch()
    assert raised(watching, [candidate(number) for number in range(5_000)]) == []
    reader = SignReader("deepseek-r1")
    for number in range(5_000, 5_200):
        if alarms := watching.count(reader.read(candidate(number, finish_reason="length"), "deepseek-r1")):
            break
    assert [(alarm.kind, alarm.seen, alarm.samples) for alarm in alarms] == [("truncated", 136, 500)]


def test_luck_raises_nothing() -> None:
    """A teacher that truncates 15 % where 20 % are allowed, looked at after each of 20,000 samples."""
    draw = random.Random(1)
    drawn = (candidate(number, finish_reason="length" if draw.random() < 0.15 else "stop") for number in range(20_000))
    assert raised(watch(), list(drawn)) == []


def test_few_comparisons_raise_nothing_and_old_problems_are_forgotten() -> None:
    # Every problem has one sample here: nothing can be compared, however alike the texts are.
    alike = [candidate(number, problem_id=f"p{number}", reasoning=LONG * 2) for number in range(5_000)]
    assert raised(watch(), alike) == []


def test_without_earlier_runs_nobody_knows_what_is_slow_or_dear() -> None:
    changes: dict[str, object] = {"latency_ms": 1e6, "usage": Usage(output_tokens=10**6)}
    for usual in (None, UsualAnswers(samples=3, output_tokens=1, latency_ms=1)):
        assert raised(watch(usual), [candidate(number, **changes) for number in range(100)]) == []


def test_unless_the_recipe_asks_for_reasoning_it_may_be_missing() -> None:
    assert (
        raised(watch(), [candidate(number, reasoning=None, response=f"{LONG}{number}") for number in range(99)]) == []
    )


@pytest.mark.parametrize(
    ("text", "refuses"),
    [
        ("I'm sorry, but I can't assist with that request.", True),
        ("I’m sorry, I cannot help you with this.", True),
        ("Unfortunately, I am unable to provide that.", True),
        ("I can't answer this.", True),
        ("I cannot find integers a and b, so there is no solution.", False),  # a proof, not a refusal
        ("Sorry, I made a mistake above. 2 + 2 = 4.", False),
        ("We cannot divide by zero here.", False),
    ],
)
def test_refusals(text: str, refuses: bool) -> None:
    assert (REFUSAL.match(text) is not None) is refuses


@pytest.mark.parametrize(
    ("declared", "answered", "same"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("deepseek-ai/DeepSeek-R1", "deepseek-r1", True),
        ("m", "M", True),
        ("mistral-large-latest", "mistral-large-2411", True),
        ("claude-3-5-sonnet", "claude-3-5-sonnet@20241022", True),
        ("deepseek-r1", "deepseek-v3", False),
        ("gpt-4o", "gpt-4o-mini", False),  # a router that falls back to a smaller one
        ("deepseek-r1", "deepseek-r1-distill-qwen-7b", False),
        ("qwen3:32b", "qwen3:8b", False),
        ("gpt-4", "gpt-3.5", False),
    ],
)
def test_names_of_the_same_model(declared: str, answered: str, same: bool) -> None:
    assert is_same_model(declared, answered) is same

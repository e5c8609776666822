"""Items and answers in the files of Label Studio and Argilla, for those who review there.

A task of Label Studio is `{"data": {...}}`, its export has `annotations[].result[].value`; a record of Argilla has
`fields` and, once somebody answered, `responses` by question. Both carry our item id along.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

from cotfactory.reviewing.review_page import ASKED, ShownItem, ShownSolution
from cotfactory.schemas.errors import InputError
from cotfactory.schemas.problem import CHOICE_LETTERS
from cotfactory.schemas.review import ANSWERS

ExchangeFormat = Literal["label-studio", "argilla"]
EXCHANGE_FORMATS: tuple[ExchangeFormat, ...] = get_args(ExchangeFormat)
Row = Mapping[str, Any]

LABEL_STUDIO_CONFIG = """<View>
  <Text name="asked" value="$asked"/>
  <Text name="problem" value="$problem"/>
  <Text name="reference" value="$reference"/>
  <Text name="chain" value="$chain"/>
  <Text name="other" value="$other"/>
  <Choices name="answer" toName="chain" choice="single" required="true">
    <Choice value="yes"/><Choice value="no"/><Choice value="first"/><Choice value="second"/><Choice value="unsure"/>
  </Choices>
  <Number name="first_wrong_step" toName="chain"/>
  <TextArea name="reason" toName="chain"/>
</View>
"""
"""The labelling interface that its tasks need; steps are counted from 1, as the text shows them."""


class GivenAnswer(NamedTuple):
    """What somebody said elsewhere; `step` counts from 1, `at` is ISO 8601 or None, `seconds` 0 where nobody tells."""

    item_id: str
    who: str
    answer: str
    step: int | None
    reason: str
    seconds: float
    at: str | None


def exported(form: ExchangeFormat, items: Sequence[ShownItem]) -> list[dict[str, Any]]:
    """Return items as the rows of a file; `write` has no answer that these forms could hold."""
    asked = [item for item in items if item.question != "write"]
    if form == "label-studio":
        return [{"data": _fields(item)} for item in asked]
    return [{"id": item.item_id, "fields": _fields(item), "metadata": {"question": item.question}} for item in asked]


def given_answers(form: ExchangeFormat, rows: object) -> list[GivenAnswer]:
    """Return the answers of a file. Raises InputError for rows of another shape."""
    if not isinstance(rows, list):
        raise InputError("The file holds no list of tasks or records", f"export it from {form} as JSON")
    found = []
    for number, row in enumerate(rows, 1):
        try:
            found += list(READERS[form](row))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise InputError(
                f"Row {number} is none of {form}'s: {type(error).__name__}: {error}", "export it as JSON"
            ) from error
    return found


def checked_answer(given: GivenAnswer, item: ShownItem) -> GivenAnswer:
    """Return an answer whose word and step are some of the item's. Raises InputError."""
    if given.answer not in ANSWERS[item.question]:
        raise InputError(
            f"{given.who} says {given.answer[:40]!r} of item {item.item_id}",
            f"expected one of {', '.join(ANSWERS[item.question])}",
        )
    if given.step is not None and not (item.chains and 1 <= given.step <= len(item.chains[0].steps)):
        raise InputError(f"{given.who} names step {given.step} of item {item.item_id}", "it has no such step")
    return given


def _fields(item: ShownItem) -> dict[str, str]:
    chains = [*map(_told, item.chains), "", ""]
    return {
        "item_id": item.item_id,
        "asked": ASKED[item.question],
        "problem": "\n".join([item.problem, *_lettered(item.choices)]),
        "reference": item.reference or "",
        "chain": chains[0],
        "other": chains[1],
    }


def _lettered(choices: Sequence[str]) -> list[str]:
    return [f"({letter}) {choice}" for letter, choice in zip(CHOICE_LETTERS, choices, strict=False)]


def _told(chain: ShownSolution) -> str:
    steps = [f"[{number}] {step}" for number, step in enumerate(chain.steps, 1)]
    return "\n".join(steps if chain.response is None else [*steps, "", chain.response])


def _of_label_studio(task: Row) -> Iterator[GivenAnswer]:
    for annotation in task.get("annotations", ()):
        if annotation.get("was_cancelled"):
            continue
        values = {result["from_name"]: result["value"] for result in annotation["result"]}
        if "answer" not in values:
            continue
        by = annotation.get("completed_by")
        step = values.get("first_wrong_step", {}).get("number")
        yield GivenAnswer(
            item_id=str(task["data"]["item_id"]),
            who=str(by.get("email") or by["id"]) if isinstance(by, Mapping) else str(by),
            answer=str(values["answer"]["choices"][0]),
            step=None if step is None else int(step),
            reason="\n".join(map(str, values.get("reason", {}).get("text", ()))),
            seconds=float(annotation.get("lead_time") or 0.0),
            at=annotation.get("created_at"),
        )


def _of_argilla(record: Row) -> Iterator[GivenAnswer]:
    responses: dict[str, dict[str, Any]] = {
        question: {str(each["user_id"]): each["value"] for each in given}
        for question, given in (record.get("responses") or {}).items()
    }
    for who, answer in responses.get("answer", {}).items():
        step = responses.get("first_wrong_step", {}).get(who)
        yield GivenAnswer(
            item_id=str(record["fields"]["item_id"]),
            who=who,
            answer=str(answer),
            step=None if step in (None, "") else int(str(step)),
            reason=str(responses.get("reason", {}).get(who) or ""),
            seconds=0.0,
            at=record.get("updated_at"),
        )


READERS: Mapping[ExchangeFormat, Callable[[Row], Iterator[GivenAnswer]]] = {
    "label-studio": _of_label_studio,
    "argilla": _of_argilla,
}

"""Conversations: a row with `turns` is read as one problem a turn, each with its own answer, asked after the last."""

import json
from collections.abc import Mapping, Sequence

from cotfactory.generators.problems.row import FIELDS, did_you_mean, shown
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.ids import content_id, turn_id
from cotfactory.schemas.problem import ConversationTurn, Problem

MOST_TURNS = 20
OF_THE_ROW = ("id", "source", "license", "domain", "turns")
"""Fields that a conversation has as a whole."""
OF_A_TURN = tuple(field for field in FIELDS if field not in OF_THE_ROW)
"""Fields that each of its turns has by itself; `answer_kind` may also stand beside `turns`, for all of them."""
FIX = 'write {"id": ..., "turns": [{"question": ..., "answer": ..., "answer_kind": ...}, ...]}'


def turn_rows(row: Mapping[str, object], where: str) -> list[tuple[str, dict[str, object]]]:
    """Return (where, row) of each turn of a conversation, `ID#1` and on; of any other row itself alone.

    Raises `ProblemSourceError` for `turns` that are none.
    """
    if row.get("turns") in (None, "", []):
        return [(where, dict(row))]
    where_all = f"problem {row.get('id')!r} ({where})"
    turns = _turns(row["turns"], where_all)
    beside = [field for field in OF_A_TURN if field != "answer_kind" and row.get(field) not in (None, "", [])]
    if beside:
        raise ProblemSourceError(
            f"{where_all} has {beside[0]!r} beside `turns`: expected it in a turn, the first question in the first one",
            FIX,
        )
    given = {field: row[field] for field in ("source", "license", "domain", "answer_kind") if field in row}
    return [
        (f"turn {number} of {where}", {**given, **_turn(turn, number, where_all), **_name(row, number)})
        for number, turn in enumerate(turns, start=1)
    ]


def conversation(turns: Sequence[Problem]) -> list[Problem]:
    """Return the problems of one row's turns with their places in the conversation; a single one as it is.

    All of them share the split group of the first: no conversation is on both sides of a hold-out.
    """
    if len(turns) == 1:
        return list(turns)
    conversation_id = content_id([turn.problem_id for turn in turns])
    placed: list[Problem] = []
    for number, turn in enumerate(turns, start=1):
        place = ConversationTurn(
            conversation_id=conversation_id,
            number=number,
            turns=len(turns),
            follows=placed[-1] if placed else None,
        )
        own = {"problem_id": turn_id(conversation_id, number), "split_group": turns[0].split_group, "turn": place}
        placed.append(turn.model_copy(update=own))
    return placed


def _name(row: Mapping[str, object], number: int) -> dict[str, object]:
    return {"id": f"{row['id']}#{number}"} if row.get("id") not in (None, "") else {}


def _turns(given: object, where: str) -> list[object]:
    """Return the list of turns, also where a cell that holds only text (CSV) writes it as JSON."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError) as error:
            raise ProblemSourceError(
                f"'turns' of {where} is {shown(given)}: expected JSON, got {error}", FIX
            ) from error
    if not isinstance(given, list) or not 2 <= len(given) <= MOST_TURNS:
        found = f"a list of {len(given)}" if isinstance(given, list) else shown(given)
        raise ProblemSourceError(
            f"'turns' of {where} is {found}: expected a list of 2 to {MOST_TURNS} turns",
            FIX + "; a single question is written without `turns`",
        )
    return given


def _turn(given: object, number: int, where: str) -> dict[str, object]:
    if not isinstance(given, Mapping):
        raise ProblemSourceError(
            f"Turn {number} of {where} is {shown(given)}: expected an object with question, answer and answer_kind", FIX
        )
    turn = {str(field): value for field, value in given.items() if value is not None or field == "answer"}
    unknown = next((field for field in turn if field not in OF_A_TURN), None)
    if unknown is not None:
        belongs = ": it belongs beside `turns`" if unknown in OF_THE_ROW else did_you_mean(unknown, OF_A_TURN)
        raise ProblemSourceError(
            f"Unknown field {unknown!r} in turn {number} of {where}: expected {', '.join(OF_A_TURN)}",
            f"move, rename or remove it{belongs}",
        )
    if turn.get("answer_kind") == "rubric":
        raise ProblemSourceError(
            f"Turn {number} of {where} has answer_kind rubric: expected math, choice, text or code in a conversation",
            "a judge sees a single question and its answer; leave that turn out",
        )
    return turn

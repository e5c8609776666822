"""Whether a returned value is the expected one by a problem's own judge: near, in any order, or in an argument.

Both sides are the typed JSON of `graders.sandbox.values`, and the returned one may be anything that a hostile program
wrote in its place. Expectations are written as JSON: a list there is also a tuple here.
"""

import json
from collections.abc import Callable
from typing import Any

from cotfactory.graders.code.compare import NotAValueError, canonical, json_key, number, parse
from cotfactory.graders.code.printed_text import is_near
from cotfactory.graders.sandbox.values import encode
from cotfactory.schemas.judging import CallJudge

FLOAT_NOISE = CallJudge(relative=1e-11)
"""How far two floats may be apart that differ by the order of their arithmetic."""


class RaisedError(NotAValueError):
    """The call raised an exception and returned nothing."""


def judged_same(expected: object, returned: bytes | str, judge: CallJudge) -> bool:
    """Whether what came back is what is expected, as the judge sees it; raises NotAValueError."""
    value = parse(returned)
    canonical(value, in_json=True)
    wanted = encode(expected)
    if judge.has_tolerance:
        return _near(wanted, value, judge, _real)
    if judge.any_order:
        return _sorted(wanted, judge) == _sorted(value, judge)
    return canonical(wanted, in_json=True) == canonical(value, in_json=True)


def same_floats(expected: object, returned: bytes | str) -> bool:
    """Whether what came back is what is expected but for the noise of float arithmetic; raises NotAValueError.

    `0.1 * 3` for 0.3. Integers have no noise: they, and what is expected where they come back, must be the same.
    """
    value = parse(returned)
    canonical(value, in_json=True)
    return _near(encode(expected), value, FLOAT_NOISE, _float)


def changed_argument(given: tuple[Any, ...], returned: bytes | str, place: int) -> str:
    """Return what an argument is after a call, as its encoding; raises NotAValueError.

    `returned` is all that came of the call, as `run_whole_call` writes it.
    """
    whole = parse(returned)
    if isinstance(whole, dict) and "raised" in whole:
        raise RaisedError("the call raised an exception")
    if not isinstance(whole, dict) or not {"value", "args"} <= whole.keys():
        raise NotAValueError("the call did not return")
    after = whole["args"] if whole["args"] is not None else given
    if not isinstance(after, list | tuple) or not place < len(after):
        raise NotAValueError(f"no argument {place}")
    return json.dumps(after[place])


def _near(wanted: Any, value: Any, judge: CallJudge, read: Callable[[Any], float | None]) -> bool:
    """Whether two encoded values are the same, the numbers that `read` finds in them within the tolerance."""
    items, found = _items(wanted), _items(value)
    if items is not None and found is not None:
        return len(items) == len(found) and all(
            _near(item, other, judge, read) for item, other in zip(items, found, strict=True)
        )
    pairs, others = _pairs(wanted), _pairs(value)
    if pairs is not None and others is not None:
        return pairs.keys() == others.keys() and all(
            _near(item, others[key], judge, read) for key, item in pairs.items()
        )
    if is_near(read(wanted), read(value), judge.absolute, judge.relative):
        return True
    return canonical(wanted, in_json=True) == canonical(value, in_json=True)


def _sorted(value: Any, judge: CallJudge) -> str:
    """Return one text for all orders of a list's items; of a value that is no list its own."""
    items = _items(value)
    if items is None:
        return canonical(value, in_json=True)
    texts = [_sorted(item, judge) if judge.any_order == "nested" else canonical(item, in_json=True) for item in items]
    return "[" + ",".join(sorted(texts)) + "]"


def _items(value: Any) -> list[Any] | None:
    """Return the items of an encoded list or tuple, None for anything else."""
    if isinstance(value, dict) and set(value) == {"t"}:
        value = value["t"]
    return value if isinstance(value, list) else None


def _pairs(value: Any) -> dict[str, Any] | None:
    """Return the values of an encoded dict by the texts of their keys, None for anything else."""
    if not isinstance(value, dict) or set(value) != {"d"}:
        return None
    return {canonical(json_key(key), in_json=True): item for key, item in value["d"]}


def _float(value: Any) -> float | None:
    """Return an encoded float, None for anything else."""
    return _real(value) if isinstance(value, dict) and set(value) == {"f"} else None


def _real(value: Any) -> float | None:
    """Return an encoded int or float as a float, None for anything else and for what no float holds."""
    try:
        found = number(value)
        return None if found is None else float(found)
    except OverflowError:
        return None

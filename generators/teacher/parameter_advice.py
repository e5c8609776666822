"""What to change in a recipe whose parameters an endpoint refuses, read from what it says."""

import re

_REFUSES = re.compile(
    r"unsupported|not support|not permitted|extra|forbidden|unexpected|unrecognized|unknown|not allowed|invalid|"
    r"must be|use '", re.IGNORECASE,
)  # fmt: skip
_ADVICE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"max_completion_tokens"), "name the limit `max_completion_tokens` in `sampling`, not `max_tokens`"),
    (re.compile(r"stream.{0,20}(?:mode|only|enable)|non.?stream|only.{0,20}stream", re.IGNORECASE),
     "set `stream: true`"),
    (re.compile(r"\bseed\b"), "set `seed: null` in `sampling`"),
    (re.compile(r"\btemperature\b"), "take `temperature` out of `sampling`"),
    (re.compile(r"\b(top_p|top_k|reasoning_effort|max_tokens)\b"), "take `{name}` out of `sampling`, or change it"),
    (re.compile(r"\bn\b (?:must be|should be)|['\"]n['\"]"), "leave `limits.samples_per_request` at 1"),
)  # fmt: skip


def parameter_advice(said: str) -> str:
    """Return what to change where an endpoint refuses a parameter; empty where it speaks of something else.

    >>> parameter_advice("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    'name the limit `max_completion_tokens` in `sampling`, not `max_tokens`'
    """
    if _REFUSES.search(said) is None and "stream" not in said:
        return ""
    for pattern, advice in _ADVICE:
        if (found := pattern.search(said)) is not None:
            return advice.format(name=found[found.lastindex or 0])
    return ""

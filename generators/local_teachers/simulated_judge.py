"""The simulated judge: a criterion is true of an answer that holds all that the criterion has in quotation marks.

One without quotation marks is true of any answer of more than a few words that does not just give the criterion back.
"""

import re

_ANSWER = re.compile(r"(?s)(JUDGE-[0-9a-f]{8}) ANSWER BEGINS\n(.*)\n\1 ANSWER ENDS")
_CRITERION = re.compile(r"(?m)^(\d+)\. (.+)$")
_QUOTED = re.compile(r"[\"“]([^\"”]+)[\"”]")
FEW_WORDS = 8


def judged(prompt: str) -> str | None:
    """Return the judgement that a prompt asks for; None where it asks for none."""
    found = _ANSWER.search(prompt)
    if found is None:
        return None
    mark, answer = found[1], found[2].casefold()
    criteria = prompt[found.end() :].partition("Criteria:\n")[2]
    lines = [
        f"{mark} {number}: {'yes' if _is_true(text, answer) else 'no'}" for number, text in _CRITERION.findall(criteria)
    ]
    return "\n".join(["Each criterion is held against the answer.", *lines])


def _is_true(criterion: str, answer: str) -> bool:
    if criterion.casefold() in answer:
        return False
    wanted = [phrase.casefold() for phrase in _QUOTED.findall(criterion)]
    return all(phrase in answer for phrase in wanted) if wanted else len(answer.split()) > FEW_WORDS

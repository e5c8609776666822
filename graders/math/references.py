r"""What a reference answer says: the answer itself, a box, several boxes, or a whole solution that states it.

A reference is trusted, so that all its boxes belong to the answer: `\boxed{1} papers and \boxed{2} bins` is the list
1, 2. A solution that says "the final answer is ..." or ends in `#### 18` is read like a response.
"""

from cotfactory.graders.boxes import boxes
from cotfactory.graders.extract import final_answer
from cotfactory.graders.math.latex import unescaped

SHORT_CHARS = 300
"""Boxes of a longer reference are the steps of a solution: its last statement counts."""

_STATED = ("hash_line", "final_answer", "answer_is", "boxed")


def reference_answer(reference: str) -> str:
    """Return the answer that a reference states, the reference itself when it is nothing else.

    >>> reference_answer("\\\\boxed{1} papers and \\\\boxed{2} bins"), reference_answer("2 + 2 = 4\\n#### 4")
    ('1, 2', '4')
    """
    text = unescaped(reference)
    if "\\boxed" in text and len(text) <= SHORT_CHARS:
        return ", ".join(box for box in boxes(text) if box) or text
    if "\\boxed" in text or "####" in text or "nswer" in text:
        found = final_answer(text)
        if found.answer and found.rule in _STATED and not found.others:
            return found.answer
    return text

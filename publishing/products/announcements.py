"""Steps that only announce, as "Okay, let me think." does: what states nothing can be neither right nor wrong."""

import re

LONGEST = 200
"""Characters of a step that is no more than an announcement."""
_STATES = re.compile(r"[\d=<>≤≥±×÷√∑∫%$\\^{}+*/|]")
_INTERJECTIONS = (
    r"(?:(?:ok(?:ay)?|al(?:l )?right|sure|well|hmm+|so|now|first(?:ly)?|great|good|yes|of course|certainly)\b"
    r"[\s,.!:;-]*)"
)
_ANNOUNCED = (
    r"(?:let(?:'s|’s| us| me)|i(?:'ll|’ll| will| need to| have to| want to| should| am going to)"
    r"|we(?:'ll|’ll| will| need to| have to| want to| should| are going to| are asked)"
    r"|(?:the )?(?:user|problem|question) (?:asks|wants|is asking)|here(?:'s|’s| is| are| we)"
    r"|to (?:solve|answer|find|work|do)|step by step|solution|reasoning|explanation|thinking)\b"
)
_ANNOUNCEMENT = re.compile(rf"\W*{_INTERJECTIONS}{{0,4}}(?:{_ANNOUNCED}|\W*$)", re.IGNORECASE)


def states_something(step: str) -> bool:
    r"""Return whether a step says anything that can be right or wrong.

    >>> [states_something(step) for step in ("Step by step:\n", "Okay, let me think. ", "So 9 + 9 = 18.", "Bob lies.")]
    [False, False, True, True]
    """
    text = step.strip()
    if len(text) > LONGEST or _STATES.search(text):
        return True
    return not (text.endswith((":", "：")) or _ANNOUNCEMENT.match(text))

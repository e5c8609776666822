"""Read the problem that a teacher wrote: one problem between its tags, whole, without its solution.

`correct` says that it can be read as one, not that it is a good one. What nobody could be asked is `no_answer`: nothing
or several between the tags, a text that was cut, several problems under numbers, one that tells its answer or speaks of
the problem that it was made from.
"""

import re

from cotfactory.graders.grader import Tools
from cotfactory.graders.stated_answers import answer_text
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Evidence, Grade
from cotfactory.schemas.problem import Problem

WRITTEN_PROBLEM_VERSION = "1"
SHORTEST, LONGEST = 20, 4_000
"""Characters of a problem."""

_TAG = re.compile(r"</?problem>", re.IGNORECASE)
_NUMBERED = re.compile(r"(?im)^[ \t#*]{0,8}(?:problem|question|exercise|task)[ \t]{0,3}#?\d{1,3}\b")
_SOLVED = re.compile(r"\\boxed|####|(?im:^[ \t#*]{0,8}(?:answer|solution)[ \t*]{0,4}:)")
_SPEAKS_OF_ITS_SEED = re.compile(
    r"\b(?:original|previous|above) (?:problem|question)\b|\b(?:problem|question) above\b", re.IGNORECASE
)
_STANDS_IN = re.compile(r"\[(?:insert|your|new|the)?[^\]\n]{0,20}problem[^\]\n]{0,20}\]|\.\.\.\Z", re.IGNORECASE)


def grade_written_problem(seed: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of a reply to the request for a problem; the problem is its extracted answer."""
    text, why_none = answer_text(candidate)
    question, reason = (None, why_none) if why_none else written_problem(text)
    return Grade(
        candidate_id=candidate.candidate_id,
        grader="written_problem",
        grader_version=WRITTEN_PROBLEM_VERSION,
        verdict="no_answer" if question is None else "correct",
        reason=reason,
        extracted_answer=question,
        evidence=Evidence(compared_as="written_problem"),
        duration_ms=0.0,
    )


def written_problem(reply: str) -> tuple[str | None, str]:
    """Return the problem that a reply holds, or None and the reason code.

    >>> written_problem("Sure! <problem>How many sides have 7 squares?</problem>")
    ('How many sides have 7 squares?', 'readable')
    >>> written_problem("How many sides have 7 squares?")[1]
    'no_problem'
    """
    tags = [(found.start(), found.end(), found[0].lower()) for found in _TAG.finditer(reply)]
    if [tag for *_, tag in tags] != ["<problem>", "</problem>"]:
        return None, "several_problems" if len(tags) > 2 else "no_problem"
    question = reply[tags[0][1] : tags[1][0]].strip()
    if not SHORTEST <= len(question) <= LONGEST:
        return None, "too_short" if len(question) < SHORTEST else "too_long"
    if len(_NUMBERED.findall(question)) > 1:
        return None, "several_problems"
    if _SOLVED.search(question):
        return None, "tells_its_answer"
    if _SPEAKS_OF_ITS_SEED.search(question):
        return None, "speaks_of_its_seed"
    return (None, "no_problem") if _STANDS_IN.search(question) else (question, "readable")

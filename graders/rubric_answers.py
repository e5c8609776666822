"""Grade by a rubric: rules decide what rules can, a judge's stored answers the rest; what they come to is a score.

A grader never calls a model. Where criteria are left for a judge, `grade_rubric` says `ungraded / not_judged`, unless
what the rules found settles it already; `flows/ask/judging.py` has the judge asked, and `judged_grade` makes the grade
of what it said.
"""

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import regex

from cotfactory.graders.grader import Tools
from cotfactory.graders.stated_answers import answer_text
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Evidence, Grade, Verdict
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.refusals import refusal
from cotfactory.schemas.rubric import NOT_JUDGED, NOT_TRUSTED, Criterion, Rubric, judgement_mark

RUBRIC_GRADER_VERSION = "1"
PATTERN_S = 0.25
"""What one pattern has; it comes from a problem file and may be hostile."""
LONGEST_SEARCHED = 200_000
LONGEST_DETAIL = 500

Holds = Mapping[int, bool]
"""By the number of a criterion, from 1: whether it is true of an answer."""


def grade_rubric(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of one candidate, as far as rules can say it; never raises for what a model wrote."""
    return by_rules_alone(problem, candidate)


def by_rules_alone(problem: Problem, candidate: Candidate) -> Grade:
    """Return the grade of one candidate, as far as rules can say it; no tool is needed for that."""
    started = time.perf_counter()
    assert problem.rubric is not None
    response, why_none = answer_text(candidate)
    if why_none is not None or not response.strip():
        return _grade(problem, candidate.candidate_id, "no_answer", why_none or "empty", None, started=started)
    found = by_rules(problem.rubric, response)
    if found is None:
        return _grade(problem, candidate.candidate_id, "ungraded", "pattern_timeout", None, started=started)
    best = {number: found.get(number, criterion.weight > 0) for number, criterion in _numbered(problem.rubric)}
    if problem.rubric.judged and problem.rubric.score(best) >= problem.rubric.pass_at:  # it may still pass
        return _grade(problem, candidate.candidate_id, "ungraded", NOT_JUDGED, response, started=started)
    return _scored(problem, candidate.candidate_id, response, best, started)


def by_rules(rubric: Rubric, response: str) -> dict[int, bool] | None:
    """Return which of the criteria that need no judge hold; None where a pattern takes too long."""
    found = {}
    for number, criterion in _numbered(rubric):
        if not criterion.is_judged:
            holds = _holds(criterion, response)
            if holds is None:
                return None
            found[number] = holds
    return found


def said_in(problem: Problem, judgement: Candidate) -> dict[int, bool] | None:
    """Return what a judgement says of the criteria that a judge decides; None where it cannot be read.

    Every one of them has one line, `JUDGE-1f3a9c02 3: yes`, or several that agree.
    """
    assert problem.rubric is not None
    response, why_none = answer_text(judgement)
    if why_none is not None or judgement.parent_id is None:
        return None
    mark = re.escape(judgement_mark(judgement.parent_id))
    said: dict[int, set[bool]] = {number: set() for number in problem.rubric.judged}
    for number, word in re.findall(rf"(?im)^[\W_]*{mark}[\W_]+(\d{{1,3}})[\W_]+(yes|no)\b", response):
        if int(number) in said:
            said[int(number)].add(word.lower() == "yes")
    if any(len(words) != 1 for words in said.values()):
        return None
    return {number: words.pop() for number, words in said.items()}


def grade_judgement(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of a judge's answer as an answer: `correct` where it can be read, whatever it says."""
    said = said_in(problem, candidate)
    return Grade(
        candidate_id=candidate.candidate_id,
        grader="judgement",
        grader_version=RUBRIC_GRADER_VERSION,
        verdict="no_answer" if said is None else "correct",
        reason="unreadable" if said is None else "readable",
        extracted_answer=None if said is None else _words(said),
        evidence=Evidence(compared_as="judgement"),
        duration_ms=0.0,
    )


def agreed(votes: Sequence[Holds | None]) -> dict[int, bool] | None:
    """Return what more than half of all votes say of each criterion; what they do not, does not hold.

    None where half of the votes or more cannot be read.
    """
    readable = [vote for vote in votes if vote is not None]
    if 2 * len(readable) <= len(votes):
        return None
    yes = Counter(number for vote in readable for number, holds in vote.items() if holds)
    return {number: 2 * yes[number] > len(votes) for number in readable[0]}


def judged_grade(
    problem: Problem, judged_id: str, response: str, votes: Sequence[Holds | None], distrust: str | None
) -> Grade:
    """Return the grade that a judge's votes give an answer.

    `distrust` is why the judge is not relied on: then it is `ungraded`, with what the judge said in its reason.
    """
    started = time.perf_counter()
    assert problem.rubric is not None
    rules, judged = by_rules(problem.rubric, response), agreed(votes)
    if judged is None or rules is None:
        reason = "pattern_timeout" if rules is None else "judge_unreadable"
        return _grade(problem, judged_id, "ungraded", reason, response, started=started)
    pitfalls = {number for number, criterion in _numbered(problem.rubric) if criterion.weight < 0}
    # A pitfall that as many see as do not is one.
    judged = judged | {number: _suspected(votes, number) for number in pitfalls & judged.keys()}
    said = _scored(problem, judged_id, response, rules | judged, started)
    if distrust is None:
        return said
    evidence = said.evidence.model_copy(update={"detail": f"{distrust}; {said.evidence.detail}"[:LONGEST_DETAIL]})
    return said.model_copy(
        update={"verdict": "ungraded", "reason": f"{NOT_TRUSTED}{said.verdict}", "evidence": evidence}
    )


def _suspected(votes: Sequence[Holds | None], number: int) -> bool:
    seen = [vote[number] for vote in votes if vote is not None]
    return 2 * sum(seen) >= len(seen)


def _scored(problem: Problem, candidate_id: str, response: str, holds: Holds, started: float) -> Grade:
    assert problem.rubric is not None
    score = problem.rubric.score(holds)
    passes = score >= problem.rubric.pass_at
    missed = [number for number, criterion in _numbered(problem.rubric) if holds[number] != (criterion.weight > 0)]
    detail = f"score {score:g} of {problem.rubric.pass_at:g}" + (f", against criteria {missed}" if missed else "")
    verdict: Verdict = "correct" if passes else "incorrect"
    reason = "criteria_met" if passes else "criteria_missed"
    return _grade(problem, candidate_id, verdict, reason, response, detail, started)


def _grade(
    problem: Problem,
    candidate_id: str,
    verdict: Verdict,
    reason: str,
    response: str | None,
    detail: str | None = None,
    started: float = 0.0,
) -> Grade:
    return Grade(
        candidate_id=candidate_id,
        grader="rubric",
        grader_version=rubric_version(problem),
        verdict=verdict,
        reason=reason,
        extracted_answer=response.strip() if response and verdict in ("correct", "incorrect") else None,
        evidence=Evidence(rule="whole_response", compared_as="rubric", reference=problem.answer or None, detail=detail),
        duration_ms=(time.perf_counter() - started) * 1000,
    )


def rubric_version(problem: Problem) -> str:
    """Return the version of the grader: ours, with the id of the judge where one decides."""
    return f"{RUBRIC_GRADER_VERSION}+{problem.judged_by}" if problem.judged_by else RUBRIC_GRADER_VERSION


def _holds(criterion: Criterion, response: str) -> bool | None:
    if criterion.refuses is not None:
        return (refusal(response) is not None) == criterion.refuses
    assert criterion.pattern is not None
    try:
        found = regex.search(criterion.pattern, response[:LONGEST_SEARCHED], flags=regex.IGNORECASE, timeout=PATTERN_S)
    except TimeoutError:
        return None
    return found is not None


def _words(said: Holds) -> str:
    return ", ".join(f"{number} {'yes' if holds else 'no'}" for number, holds in said.items())


def _numbered(rubric: Rubric) -> list[tuple[int, Criterion]]:
    return list(enumerate(rubric.criteria, 1))

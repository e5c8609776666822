"""Which candidates a row may show: kept ones, rejected ones (wrong, finished, without marks of thinking), or any.

Later turns of conversations are in products of their own: a row of another one would have a prompt that answers nothing
that was asked before, or teach a trainer to answer without thinking.
"""

from cotfactory.publishing.may_leave import may_leave
from cotfactory.schemas.group import GradedCandidate, Group
from cotfactory.schemas.reasoning_tags import MARKS


def kept(group: Group) -> list[GradedCandidate]:
    """Return the candidates that are published as chains to learn from, by their sample index.

    Those that rest on calls of a tool are none without them: see `kept_with_calls`; nor are later turns of
    conversations without what was said before: see `kept_turns`.
    """
    if group.problem.follows is not None:
        return []
    return [graded for graded in _kept(group) if not graded.turns]


def kept_turns(group: Group) -> list[GradedCandidate]:
    """Return the candidates that are published as turns of a conversation, first ones among them."""
    return _kept(group) if group.problem.turn is not None else []


def kept_with_calls(group: Group) -> list[GradedCandidate]:
    """Return the candidates that rest on calls of a tool and are published with them, by their sample index."""
    return [graded for graded in _kept(group) if graded.turns]


def _kept(group: Group) -> list[GradedCandidate]:
    pairs = zip(group.candidates, group.decisions, strict=True)
    return by_index([graded for graded, decision in pairs if decision.kept])


def rejected(group: Group) -> list[GradedCandidate]:
    """Return the candidates that may be shown as wrong, by their sample index.

    Their teacher ended them and they were graded `incorrect`: an `ungraded` or truncated chain is never rejected, as
    what is wrong with it is ours, or the token limit's. Nor is one whose response holds marks of thinking. Drafts
    that a strategy went on from are among them: they answer the same prompt. Of two later turns of conversations each
    answers another one.
    """
    if group.problem.follows is not None:
        return []
    drafts = [draft for draft, decision in group.drafts if decision.detail is None and may_leave(draft, decision)]
    return by_index(
        [
            graded
            for graded in (*publishable(group), *drafts)
            if graded.grade.verdict == "incorrect"
            and not graded.turns
            and graded.candidate.is_finished
            and graded.candidate.response.strip()
            and not MARKS.search(graded.candidate.response)
        ]
    )


def own_corrections(group: Group) -> list[tuple[GradedCandidate, GradedCandidate]]:
    """Return the kept candidates whose own draft was wrong, each with it (draft, candidate), by their sample index."""
    drafts = {draft.candidate.candidate_id for draft, _ in group.drafts}
    wrong = {
        graded.candidate.sample_index: graded for graded in rejected(group) if graded.candidate.candidate_id in drafts
    }
    return [
        (wrong[right.candidate.sample_index], right) for right in kept(group) if right.candidate.sample_index in wrong
    ]


def publishable(group: Group) -> list[GradedCandidate]:
    """Return the candidates whose text may be published at all, kept or not.

    A prompt that held the answer gives none, right or wrong, unless its chains are published (`keep_hinted`).
    """
    if group.strategy == "hint" and not any(decision.kept for decision in group.decisions):
        return []
    pairs = zip(group.candidates, group.decisions, strict=True)
    return [graded for graded, decision in pairs if may_leave(graded, decision)]


def by_index(candidates: list[GradedCandidate]) -> list[GradedCandidate]:
    """Return candidates in the order in which they were asked for."""
    return sorted(candidates, key=lambda graded: graded.candidate.sample_index)

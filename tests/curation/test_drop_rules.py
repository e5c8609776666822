"""Every check reads hostile chains in time that grows with their length alone."""

import pytest

from cotfactory.curation.chain_checks.findings import ExaminedChain
from cotfactory.curation.decontaminate import benchmark_index
from cotfactory.curation.drop_rules import CHAIN_RULES
from cotfactory.schemas.curation import Curation, Overlap
from cotfactory.schemas.decontamination import BenchmarkText
from cotfactory.schemas.grade import Evidence
from cotfactory.schemas.group import GradedCandidate
from tests.builders import a_candidate, a_grade, a_problem

# Each once made some pattern try every way to cut a text; a check that does so again never comes back.
HOSTILE = [
    "a: b, ", " ", "\n", "1 + 1 = 2 = ", "2x + 3 = 11 so ", "x=", "((", "[ ; stack: [\n", '"a" < ', "A and B swap: ",
    "the expected ", "I'm sorry ", "as an ", "$", "`", "é", "first is a, ", "20% of 5 ", "-1 ", "<|", "中",
]  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_chains_are_read_to_their_end(part: str) -> None:
    text = part * (30_000 // len(part))
    graded = GradedCandidate(candidate=a_candidate(text), grade=a_grade())
    chain = ExaminedChain(text=text, prompt=text[:1_000], problem=a_problem(text[:1_000]), graded=graded)
    index = benchmark_index([BenchmarkText(benchmark="b", row="1", column="c", text=text[:1_000])], Overlap())
    for reason, rule in CHAIN_RULES.items():
        (found,) = rule([chain], Curation(), index)
        assert found is None or len(found) < 1_000, reason


@pytest.mark.parametrize(("weak", "found"), [(True, ""), (False, None)])
def test_a_check_that_a_program_could_forge_drops_its_chain(weak: bool, found: str | None) -> None:
    grade = a_grade().model_copy(update={"evidence": Evidence(weak=weak)})
    graded = GradedCandidate(candidate=a_candidate("x"), grade=grade)
    chain = ExaminedChain(text="x", prompt="x", problem=a_problem("x"), graded=graded)
    assert CHAIN_RULES["weak_check"]([chain], Curation(), None) == [found]

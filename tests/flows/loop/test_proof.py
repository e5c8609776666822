import pytest

from cotfactory.flows.loop.arms import ARMS, chosen_arms
from cotfactory.flows.loop.estimates import Estimate, Measures
from cotfactory.flows.loop.proof import ArmRound, Proof
from cotfactory.flows.loop.proof_page import proof_page
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.errors import InputError


def share(percent: float, off: float = 3) -> Estimate:
    return Estimate(value=percent / 100, low=(percent - off) / 100, high=(percent + off) / 100)


def arm_round(number: int, valid: float) -> ArmRound:
    measured = Measures(
        problems=100, samples=800, valid=share(valid), claimed=share(valid + 5), pass_at_8=share(90), methods=1
    )
    return ArmRound(round=number, measured=measured, rows=80 * min(number, 1))


def proof(ahead: float = 30, **last: float) -> Proof:
    ends = {"strict": 75, "answer": 45, "unverified": 6} | last
    return Proof(
        rounds={name: (arm_round(0, 13), arm_round(1, valid)) for name, valid in ends.items()},
        means={name: ARMS[name].means for name in ends},
        unverified=("unverified",),
        strict_ahead_of={"answer": share(ahead, 4), "unverified": share(60)},
        seeds=1,
        problems_per_round=100,
        attempts=8,
        seconds=1.0,
    )


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (proof(), None),
        (proof(ahead=2), "not ahead of answer"),  # its interval holds 0
        (proof(strict=14), "learned nothing"),
        (proof(unverified=20), "unverified did not fall"),
    ],
)
def test_a_proof_says_what_does_not_hold(made: Proof, says: str | None) -> None:
    assert (says is None) == (made.broken() == [])
    assert says is None or says in made.text()
    assert ("The proof stands" in proof_page(made)) == (says is None)


def test_the_page_loads_nothing_and_shows_all_arms() -> None:
    page = proof_page(proof())
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert page.count("<svg") == 3
    assert all(f"<b>{name}</b>" in page for name in ("strict", "answer", "unverified"))


@pytest.mark.parametrize("names", [["strict", "loose"], ["strict", "strict"], [""]])
def test_an_arm_that_is_none_is_refused(names: list[str]) -> None:
    with pytest.raises(InputError, match="--arms"):
        chosen_arms(names, None)


def test_a_recipe_is_one_arm_more() -> None:
    own = chosen_arms(["strict"], Curation(drop_wrong_steps=False))[-1]
    assert (own.name, own.curation.drop_wrong_steps, own.product) == ("recipe", False, "sft")

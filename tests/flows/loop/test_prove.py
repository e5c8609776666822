"""The proof at its smallest, through the whole line: one round, and a base that was taught too little to be good."""

import asyncio
import shutil
from pathlib import Path

import pytest

from cotfactory.curation.chain_checks.chain_steps import wrong_step
from cotfactory.flows.loop.arms import ARMS
from cotfactory.flows.loop.proof import Proof
from cotfactory.flows.loop.prove import ProveRequest, prove
from cotfactory.flows.loop.run_prove import RoundProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.publishing.hub import HubTarget, publish_release
from cotfactory.publishing.hub_repository import Repository
from cotfactory.schemas.errors import PublishError

pytest.importorskip("torch")


def proved(workspace: Path, *arms: str) -> Proof:
    request = ProveRequest(
        tuple(ARMS[name] for name in arms), workspace, rounds=1, seeds=1, problems_per_round=40, base_steps=200
    )
    return asyncio.run(prove(request, DirectStages(), RoundProgress()))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prove")


@pytest.fixture(scope="module")
def proof(workspace: Path) -> Proof:
    return proved(workspace, "strict", "answer", "unverified")


def chains(workspace: Path, arm: str) -> dict[str, tuple[str, str]]:
    (release,) = (workspace / "releases" / f"prove-{arm}-0").iterdir()
    return ARMS[arm].chains(release)


def test_arms_learn_from_as_many_rows_of_the_same_base(proof: Proof) -> None:
    (before, after), (other_before, other_after) = proof.rounds["strict"], proof.rounds["answer"]
    assert before == other_before
    assert after.rows == other_after.rows > 0
    assert after.measured.problems == before.measured.problems > 0


def test_strict_keeps_no_wrong_step_and_answer_alone_does(proof: Proof, workspace: Path) -> None:
    def wrong(arm: str) -> list[str]:
        return [said for question, said in chains(workspace, arm).values() if wrong_step(question, said)]

    assert chains(workspace, "strict")
    assert not wrong("strict")
    assert wrong("answer")


@pytest.mark.slow
def test_the_same_seeds_give_the_same_table(proof: Proof, workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "students" / "student-0-base", tmp_path / "students" / "student-0-base")
    again = proved(tmp_path, "strict", "answer", "unverified")
    assert again.model_copy(update={"seconds": proof.seconds}) == proof


@pytest.mark.slow
def test_without_the_check_of_steps_the_proof_turns_red(
    proof: Proof, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of the test: what does no longer look at steps has nothing ahead of what never did."""
    shutil.copytree(workspace / "students" / "student-0-base", tmp_path / "students" / "student-0-base")
    monkeypatch.setattr("cotfactory.curation.drop_rules.wrong_step", lambda *_: None)
    broken = proved(tmp_path, "strict", "answer")
    assert broken.strict_ahead_of["answer"].value == 0
    assert "not ahead of answer" in "\n".join(broken.broken())


def test_what_nobody_verified_is_never_published(proof: Proof, workspace: Path) -> None:
    (release,) = (workspace / "releases" / "prove-unverified-0").iterdir()
    with pytest.raises(PublishError, match=r"release\.unverified: anything"):
        publish_release(release, Repository(name="org/name"), HubTarget(endpoint="http://127.0.0.1:9"))

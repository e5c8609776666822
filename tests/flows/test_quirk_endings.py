"""The shared server of endpoint quirks, each behaviour a run: it ends as its documentation says it should."""

import os
import re
from pathlib import Path

import pytest

from cotfactory.generators.teacher import limiter as limiter_module
from cotfactory.generators.teacher import teacher as teacher_module
from cotfactory.schemas.errors import TeacherError
from tests.flows.ask.test_money import run
from tests.flows.conftest import WriteRecipe
from tests.flows.test_quirk_server import behaviours, server  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.quirks,
    pytest.mark.skipif("COTFACTORY_SHARED" not in os.environ, reason="the shared server is not here"),
]
PROBLEMS = 8

STOPPED: dict[str, str] = {
    "openai_gpt5": "max_completion_tokens` in `sampling`",
    "stream_only": "not a chat completion",  # it streams nothing in that server
    "dashscope_thinking": "stream: true",
    "s401_one": "answered 401",
    "s402_all": "no credit left",
    "s429_quota_openai": "no credit left",
    "s504_all_billed": "answered 504",
    "azure_key": "answered 40",
    "azure_version": "answered 404",
    "needs_header": "x-tenant header required",
    "echo_key": r"Incorrect API key provided: Bearer \*\*\*",
    "r302_login": "a web page",
    "html_200": "a web page",
    "rl_huge": "it asks to wait 1 day",
    "err_in_200": "error inside a 200: 502",
    "err_in_200_ratelimit": "Rate limit exceeded",
    "err_in_200_context": "maximum context length",
    "choice_error": "broke an answer off",
    "finish_error": "broke an answer off",
    "finish_insufficient_system_resource": "broke an answer off",
    "choices_empty": "not a chat completion",
    "choices_null": "not a chat completion",
    "message_null": "not a chat completion",
    "cut_mid_body": "",
    "timeout_billed": "did not answer within",
}
"""Nothing that can be read ever comes, or nothing more: the teacher's error is the run's, in these words."""
STOPPED_LATER = {"s402_after6", "s401_one", "rl_huge"}
"""After some answers, which are kept."""
ONE_MISSING = {"s403_one", "s404_one", "s422_one"}
"""Every seventh request is refused for itself: its sample is missing, and all others are there."""


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher_module, "FIRST_DELAY_S", 0.01)
    monkeypatch.setattr(teacher_module, "SPORADIC_DELAY_S", 0.01)
    monkeypatch.setattr(limiter_module, "FIRST_PATIENCE_S", 1.0)
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-that-is-not-shown")


@pytest.mark.parametrize(
    "name", [name for name in behaviours() if name not in ("rl_minute_nohdr", "slow15")] + ["rl_huge"]
)
def test_how_a_run_ends(name: str, server: str, write_recipe: WriteRecipe, tmp_path: Path) -> None:  # noqa: F811
    spec = {
        "name": "t", "model": "m", "base_url": f"{server}/{name}/v1", "sampling": {"max_tokens": 2_000},
        "limits": {"concurrency": 4, "retries": 6, "timeout_s": 1.0 if name == "timeout_billed" else 15.0},
    }  # fmt: skip
    recipe = write_recipe(count=PROBLEMS, teachers=[spec], attempts=1)
    summary, stopped = run(recipe, tmp_path / "w")
    assert "a-key-that-is-not-shown" not in f"{stopped}{summary.first_error}"
    if name in STOPPED or name in STOPPED_LATER:
        assert isinstance(stopped, TeacherError)
        assert re.search(STOPPED.get(name, "no credit left"), str(stopped))
        assert (summary.candidates > 0) is (name in STOPPED_LATER)
        assert summary.missing == PROBLEMS - summary.candidates
    else:
        missing = 1 if name in ONE_MISSING else 0
        assert (summary.candidates, summary.missing, summary.failed_calls) == (PROBLEMS - missing, missing, missing)
        assert not isinstance(stopped, TeacherError)

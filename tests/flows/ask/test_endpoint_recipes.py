"""Each recipe of `recipes/endpoints` runs as it is against a server that is as strict as its endpoint says it is."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import yaml

import cotfactory
from tests.generators.endpoint_server import (
    EndpointServer,
    Rules,
    endpoint,
    shows_no_thinking,
    thinks_in_parts,
    thinks_in_reasoning,
    thinks_in_thought_tags,
)

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "recipes" / "endpoints"
KEY = "key-of-the-endpoint-0123"
STREAM = frozenset({"stream", "stream_options"})
COMMON = frozenset({"model", "messages", "temperature", "top_p", "max_tokens", "n", "stop"})
OFF = "thinking is off: the model would answer without it"

VLLM = Rules(model="Qwen/Qwen3-8B", wanted={"chat_template_kwargs.enable_thinking": (True, OFF)})
"""Takes any field; thinking is the chat template's affair."""
ENDPOINTS: Mapping[str, Rules] = {
    "vllm": VLLM,
    "sglang": Rules(
        model="deepseek-ai/DeepSeek-R1-Distill-Qwen-7B",
        wanted={"separate_reasoning": (True, OFF), "seed": (None, "seed")},
    ),
    "openai_reasoning": Rules(
        model="o4-mini",
        fields=STREAM | {"model", "messages", "n", "max_completion_tokens", "reasoning_effort"},
        refused={
            "max_tokens": "Unsupported parameter: 'max_tokens' is not supported with this model.",
            "temperature": "Unsupported value: 'temperature' does not support 0.7 with this model.",
        },
        message=shows_no_thinking,
    ),
    "openrouter": Rules(
        model="deepseek/deepseek-r1",
        headers={"HTTP-Referer": "https://example.org", "X-Title": "reasoning data"},
        wanted={"reasoning.effort": ("high", OFF), "provider.require_parameters": (True, "any provider may answer")},
        message=thinks_in_reasoning,
    ),
    "together": Rules(
        model="deepseek-ai/DeepSeek-R1",
        fields=COMMON | STREAM | {"repetition_penalty"},
        models=(200, [{"id": "deepseek-ai/DeepSeek-R1", "object": "model"}]),  # a bare array
    ),
    "azure": Rules(
        model="gpt-4.1-mini",
        headers={"api-key": KEY},
        query={"api-version": "2024-10-21"},
        models=(404, {"error": {"code": "404", "message": "Resource not found"}}),
        fields=COMMON | STREAM,
        message=shows_no_thinking,
    ),
    "gemini": Rules(
        model="gemini-2.5-flash",
        models=(200, {"object": "list", "data": [{"id": "models/gemini-2.5-flash", "object": "model"}]}),
        fields=COMMON | STREAM | {"extra_body"},
        wanted={"extra_body.google.thinking_config.include_thoughts": (True, OFF)},
        message=thinks_in_thought_tags,
    ),
    "deepseek": Rules(
        model="deepseek-chat", wanted={"thinking.type": ("enabled", OFF), "temperature": (None, "no temperature")}
    ),
    "mistral": Rules(
        model="magistral-medium-latest",
        fields=COMMON | {"stream", "random_seed"},
        refusal=422,
        message=thinks_in_parts,
    ),
    "ollama": Rules(model="qwen3:8b", fields=COMMON | STREAM | {"seed"}, message=thinks_in_reasoning),
    "groq": Rules(
        model="qwen/qwen3-32b",
        wanted={"reasoning_format": ("parsed", OFF), "max_tokens": (None, "max_tokens is deprecated")},
        message=thinks_in_reasoning,
    ),
    "dashscope": Rules(
        model="qwen3-235b-a22b-thinking-2507",
        wanted={
            "enable_thinking": (True, OFF),
            "stream": (True, "This model only support stream mode, please enable the stream parameter"),
        },
    ),
}
NO_THINKING = {"openai_reasoning", "azure"}
VLLM_COMMAND = """#!{python}
import asyncio, sys, threading
sys.path.insert(0, {root!r})
from tests.flows.ask.test_endpoint_recipes import VLLM
from tests.generators.endpoint_server import EndpointServer
assert sys.argv[1:3] == ["serve", VLLM.model], sys.argv
port = int(sys.argv[sys.argv.index("--port") + 1])
asyncio.run(EndpointServer(VLLM).serve(threading.Event(), asyncio.Event(), port))
"""
Serve = Callable[[Rules], EndpointServer]


def moved(url: str, serve: Callable[[str], EndpointServer]) -> tuple[str, EndpointServer]:
    """Return the URL of a server on loopback in place of a real one: the same path and query."""
    parts = urlsplit(url)
    server = serve(parts.path)
    return urlunsplit(("http", urlsplit(server.origin).netloc, parts.path, parts.query, "")), server


def on_loopback(name: str, folder: Path, stack: ExitStack) -> tuple[Path, list[EndpointServer]]:
    """Write a copy of a recipe, with problems beside it, that asks servers on loopback; return it and these."""
    recipe: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    (teacher,) = recipe["teachers"]

    def serve(path: str) -> EndpointServer:
        return stack.enter_context(endpoint(replace(ENDPOINTS[name], path=path)))

    servers = []
    if "base_url" in teacher:
        teacher["base_url"], server = moved(teacher["base_url"], serve)
        servers = [server]
    elif "base_urls" in teacher:
        both = [moved(url, serve) for url in teacher["base_urls"]]
        teacher["base_urls"], servers = [url for url, _ in both], [server for _, server in both]
    return write_recipe(name, recipe, folder), servers


def write_recipe(name: str, recipe: Mapping[str, Any], folder: Path) -> Path:
    """Write a recipe with three sums beside it."""
    lines = [
        {"id": str(n), "question": f"What is {n} + {n + 1}?", "answer": str(2 * n + 1), "answer_kind": "math"}
        for n in range(3)
    ]
    (folder / "problems.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_the_recipe_runs_at_its_endpoint(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (FOLDER / f"{name}.yaml").read_text("utf-8")
    (teacher,) = yaml.safe_load(text)["teachers"]
    for variable in (teacher.get("api_key_env", "UNUSED"), "AZURE_OPENAI_API_KEY"):
        monkeypatch.setenv(variable, KEY)
    command = tmp_path / "bin" / "vllm"
    command.parent.mkdir()
    command.write_text(VLLM_COMMAND.format(python=sys.executable, root=str(ROOT)))
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    with ExitStack() as stack:
        recipe, servers = on_loopback(name, tmp_path, stack)
        summary = cotfactory.run(recipe, tmp_path / "w")
    assert (summary.candidates, summary.failed_calls, summary.verdicts["correct"]) == (12, 0, 12)
    # A strict endpoint may once refuse to tell the bill of a stream; nothing else is refused.
    assert {refusal for server in servers for refusal in server.refusals} <= {
        "Extra inputs are not permitted: stream_options"
    }
    assert all(server.bodies for server in servers)
    authorized = {headers.get("Authorization") for server in servers for headers in server.headers}
    key = f"Bearer {KEY}" if "api_key_env" in teacher else "Bearer no-key"
    assert authorized == (set() if not servers else {None} if name == "azure" else {key})
    assert summary.release is not None
    rows = cotfactory.open_release(summary.release.path).table("sft").to_pylist()
    assert len(rows) == 12
    assert all(("I add" in (row["reasoning"] or "")) != (name in NO_THINKING) for row in rows)
    assert all("<thought>" not in row["response"] and "I add" not in row["response"] for row in rows)


def test_every_recipe_is_run_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(ENDPOINTS)


PLAYED = {
    "openai_reasoning": "openai_gpt5",
    "mistral": "mistral_strict",
    "azure": "azure_key",
    "together": "models_array",
    "gemini": "models_prefix",
    "ollama": "models_latest",
    "openrouter": "reasoning_details",
    "deepseek": "blank_lines",
    "groq": "reasoning_field",
}
"""Recipe -> the behaviour of the shared server that plays its endpoint."""


@pytest.fixture(scope="module")
def played() -> Iterator[str]:
    """Yield the address of the shared server of endpoints' behaviours."""
    if "COTFACTORY_SHARED" not in os.environ:
        pytest.skip("COTFACTORY_SHARED names no shared folder")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = Path(os.environ["COTFACTORY_SHARED"]) / "tools" / "quirk_server.py"
    process = subprocess.Popen([sys.executable, str(script), str(port)])
    try:
        with socket.socket() as line:
            deadline = time.monotonic() + 60
            while line.connect_ex(("127.0.0.1", port)) and time.monotonic() < deadline:
                time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", sorted(PLAYED))
def test_the_recipe_runs_at_the_shared_server(
    name: str, played: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AZURE_OPENAI_API_KEY", f"{name.upper()}_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(variable, KEY)
    recipe: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    (teacher,) = recipe["teachers"]
    teacher["base_url"] = f"http://{played}/{PLAYED[name]}/v1?{urlsplit(teacher['base_url']).query}".rstrip("?")
    teacher["stream"] = False  # it does not stream
    recipe["curation"] = {"near_duplicates": {"within": "off"}}  # it says the same again and again
    summary = cotfactory.run(write_recipe(name, recipe, tmp_path), tmp_path / "w")
    assert (summary.candidates, summary.failed_calls, summary.verdicts["correct"]) == (12, 0, 12)

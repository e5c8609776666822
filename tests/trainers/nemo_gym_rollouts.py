"""Roll out with NeMo-Gym's own agent and model servers; cotfactory stands where their resources server would.

Runs in NeMo-Gym's environment: `python nemo_gym_rollouts.py REWARD_URL TEACHER_URL ROWS.jsonl TIMES`; prints what the
agent returned for each row, as NeMo-Gym's models read it, and the aggregated metrics.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nemo_gym.base_resources_server import ReverifyMode
from nemo_gym.config_types import AggregateMetrics, BaseServerConfig
from nemo_gym.failure_kinds import is_registered
from nemo_gym.global_config import NEMO_GYM_CONFIG_DICT_ENV_VAR_NAME, NEMO_GYM_CONFIG_PATH_ENV_VAR_NAME
from nemo_gym.server_utils import ServerClient, get_response_json, raise_for_status
from omegaconf import OmegaConf
from responses_api_agents.simple_agent import app as agent_app
from responses_api_agents.simple_agent.app import SimpleAgentVerifyResponse

HOST = "127.0.0.1"
AGENT = Path(agent_app.__file__)
MODEL = AGENT.parents[2] / "responses_api_models" / "vllm_model" / "app.py"
START_S = 120.0


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(app: Path, name: str, config: str, port: int) -> Iterator[None]:
    """Run one of NeMo-Gym's servers as their launcher does."""
    told = {NEMO_GYM_CONFIG_DICT_ENV_VAR_NAME: config, NEMO_GYM_CONFIG_PATH_ENV_VAR_NAME: name}
    with subprocess.Popen([sys.executable, str(app)], env=os.environ | told, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + START_S
            while not is_listening(port):
                assert process.poll() is None, f"{name} ended with {process.returncode}"
                assert time.monotonic() < deadline, f"{name} does not listen"
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


def is_listening(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex((HOST, port)) == 0


def main(reward_url: str, teacher_url: str, rows: list[dict[str, Any]], times: int) -> None:
    agent, model, ours = free_port(), free_port(), urlsplit(reward_url)
    head = {"host": HOST, "port": free_port()}
    config = {
        "head_server": head,
        # Without an `entrypoint` their launcher starts no server of this name: it is only spoken to.
        "cotfactory": {"resources_servers": {"cotfactory": {"host": ours.hostname, "port": ours.port}}},
        "policy_model": {
            "responses_api_models": {
                "vllm_model": {
                    **{"entrypoint": "app.py", "host": HOST, "port": model},
                    **{"base_url": teacher_url, "api_key": "none", "model": "m"},
                    **{"return_token_id_information": False, "uses_reasoning_parser": True},
                }
            }
        },
        "simple_agent": {
            "responses_api_agents": {
                "simple_agent": {
                    **{"entrypoint": "app.py", "host": HOST, "port": agent},
                    "resources_server": {"type": "resources_servers", "name": "cotfactory"},
                    "model_server": {"type": "responses_api_models", "name": "policy_model"},
                }
            }
        },
        "dry_run": False,
    }
    client = ServerClient(head_server_config=BaseServerConfig(**head), global_config_dict=OmegaConf.create(config))
    text = OmegaConf.to_yaml(OmegaConf.create(config))
    os.environ[NEMO_GYM_CONFIG_DICT_ENV_VAR_NAME] = text
    with ExitStack() as stack:
        stack.enter_context(started(MODEL, "policy_model", text, model))
        stack.enter_context(started(AGENT, "simple_agent", text, agent))
        asyncio.run(rollouts(client, rows, times))


async def rollouts(client: ServerClient, rows: list[dict[str, Any]], times: int) -> None:
    replies = []
    for index, row in enumerate(rows):
        for _ in range(times):
            reply = await client.post(server_name="simple_agent", url_path="/run", json=row | {"_ng_task_index": index})
            await raise_for_status(reply)
            replies.append(await get_response_json(reply))
    # What a policy's server broke off has no verdict: the reply must say so in their words.
    broken = replies[0] | {"response": replies[0]["response"] | {"status": "failed"}}
    reply = await client.post(server_name="cotfactory", url_path="/verify", json=broken)
    await raise_for_status(reply)
    replies.append(await get_response_json(reply))
    reply = await client.post(
        server_name="cotfactory", url_path="/aggregate_metrics", json={"verify_responses": replies}
    )
    await raise_for_status(reply)
    metrics = AggregateMetrics.model_validate(await get_response_json(reply))
    reply = await client.get(server_name="cotfactory", url_path="/reverify_mode")
    mode = ReverifyMode(await get_response_json(reply))
    verified = [told(SimpleAgentVerifyResponse.model_validate(reply)) for reply in replies]
    print(json.dumps({"rollouts": verified, "metrics": metrics.model_dump(), "reverify_mode": mode.value}))


def told(found: SimpleAgentVerifyResponse) -> dict[str, Any]:
    assert found.failure_kind is None or is_registered(found.failure_kind)
    fields = ("reward", "mask_sample", "failure_kind", "failure_reason")
    return {
        "problem_id": (found.model_extra or {})["problem_id"],
        "response": found.response.output_text,
        **{name: getattr(found, name) for name in fields},
    }


if __name__ == "__main__":
    main(
        sys.argv[1],
        sys.argv[2],
        [json.loads(line) for line in Path(sys.argv[3]).read_text().splitlines()],
        int(sys.argv[4]),
    )

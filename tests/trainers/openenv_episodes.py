"""Play episodes in the example environment over OpenEnv's own client: `python openenv_episodes.py URL SAID.json`.

Runs in OpenEnv's environment. SAID is a list of [problem id, response]; prints the observations after the step.
"""

import asyncio
import json
import sys
from pathlib import Path

from openenv.core import GenericEnvClient


async def main(url: str, said: list[list[str]]) -> None:
    seen = []
    async with GenericEnvClient(base_url=url) as client:
        for problem, response in said:
            begun = await client.reset(problem_id=problem)
            assert (begun.reward, begun.done) == (None, False)
            ended = await client.step({"content": response})
            seen.append({**ended.observation, "reward": ended.reward, "done": ended.done})
    print(json.dumps(seen))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text())))

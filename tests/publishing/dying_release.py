"""Run as a program: make a release again and again, dying at each step on disk in turn, until one lives.

`python -m tests.publishing.dying_release FOLDER first` uses FOLDER/0, FOLDER/1, ... as workspaces. In workspace n
the process is gone, as by kill -9, just before its n-th rename, new folder, removal or opened file in there. With
`next` instead of `first` the workspace holds a release already, and the steps are the renames alone.
"""

import os
import sys
from pathlib import Path

import great_expectations  # noqa: F401 - loaded once here, not in every child

from cotfactory.publishing.release import ReleaseOutcome, write_release
from tests.publishing.made_groups import made_facts, made_mixed_group, made_recipe

STEPS = {"first": {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "open"}, "next": {"os.rename"}}


def release(workspace: Path, *numbers: int) -> ReleaseOutcome:
    """Release mixed groups of these numbers."""
    groups = [(made_mixed_group(number),) for number in numbers]
    folders = workspace / "releases", workspace / "staging"
    return write_release("ducks", groups, made_recipe("sft"), made_facts(problems=groups), *folders)


def die_at(step: int, workspace: Path, steps: set[str]) -> None:
    """Let this process die just before step number `step` in `workspace`."""
    seen = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in steps and str(workspace) in str(arguments[0]):
            seen += 1
            if seen > step:
                os._exit(9)

    sys.addaudithook(watch)


def main(folder: Path, which: str) -> None:
    step = 0
    while True:
        workspace = folder / str(step)
        child = os.fork()
        if child == 0:
            if which == "next":
                release(workspace, 1)
            die_at(step, workspace, STEPS[which])
            release(workspace, 1, 2)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            return
        assert os.waitstatus_to_exitcode(status) == 9, f"step {step} failed on its own"
        step += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

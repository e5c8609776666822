"""A Docker engine of a test's own, beside the machine's, that may be stopped and started again."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker

from cotfactory.graders.sandbox.pool import DEFAULT_IMAGE

ANSWERS_S = 60


class OwnEngine:
    """An engine under `folder`, with a socket and storage of its own and no network for its containers."""

    def __init__(self, folder: Path) -> None:
        self.url = f"unix://{folder}/engine.sock"
        self._folder = folder
        self._engine: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        # In a network of its own: an engine without a bridge removes the one of the machine's engine. And with mounts
        # of its own: whatever it leaves mounted goes with it, and does not keep its folder from being removed.
        command = [
            "unshare",
            "--net",
            "--mount",
            "dockerd",
            "-H",
            self.url,
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
        ]
        command += [f"--{option}={self._folder / option}" for option in ("data-root", "exec-root", "pidfile")]
        with (self._folder / "log").open("ab") as log:
            self._engine = subprocess.Popen(command, stdout=log, stderr=log)
        # The client itself waits for each answer, and starts over while there is no socket yet.
        subprocess.run(
            ["timeout", str(ANSWERS_S), "sh", "-c", f"until docker -H {self.url} info; do sleep 0.2; done"],
            capture_output=True,
            check=True,
        )

    def stop(self) -> None:
        """End it as a machine's service manager does, and wait until it has ended."""
        if self._engine is not None:
            self._engine.terminate()
            self._engine.wait(timeout=ANSWERS_S)


@contextmanager
def own_engine(folder: Path) -> Iterator[OwnEngine]:
    """Give a running engine that holds the sandbox image of the machine's own; all it stored is gone afterwards."""
    folder.mkdir(mode=0o700)
    engine = OwnEngine(folder)
    try:
        engine.start()
        save = subprocess.Popen(["docker", "save", DEFAULT_IMAGE], stdout=subprocess.PIPE)
        subprocess.run(["docker", "-H", engine.url, "load"], stdin=save.stdout, capture_output=True, check=True)
        assert save.wait() == 0
        yield engine
    finally:
        engine.stop()
        shutil.rmtree(folder, ignore_errors=True)


def containers_of(engine: OwnEngine) -> list[str]:
    """Return the ids of all containers of an engine."""
    client = docker.DockerClient(engine.url)
    try:
        return [str(container.id) for container in client.containers.list(all=True)]
    finally:
        client.close()


def may_start_engines() -> bool:
    """Whether this user can start an engine at all: root, with dockerd on the path."""
    return os.geteuid() == 0 and shutil.which("dockerd") is not None

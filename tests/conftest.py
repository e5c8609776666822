"""What tests of several rooms share: a Hub on loopback, the only one that the Hub's libraries know here."""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.publishing.hub_server import HubServer

# Speed is a benchmark's affair: a busy machine must not fail a test.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

# A shell's background jobs ignore Ctrl-C, those of `nohup` a hang-up, and so would every run that a test starts and
# sends one to: it would go on for ever. What has a handler here is as usual there.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda number, frame: None)

HUB = HubServer()
HF_HOME = tempfile.mkdtemp(prefix="cotfactory-hf-")

# The libraries read these once, when they are imported: the Hub on loopback, a cache of their own, no Xet (which
# that Hub does not speak), no bars, and no calls about updates and usage.
os.environ |= {
    "HF_ENDPOINT": HUB.endpoint,
    "HF_HOME": HF_HOME,
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
}
for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
    os.environ.pop(name, None)


@pytest.hookimpl(tryfirst=True)  # xdist reads the marks in a hook of its own
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together on one worker what shares fixtures: a file, what needs Docker, what counts Prefect's servers."""
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        group = next((name for name in ("prefect", "docker") if name in marks), item.nodeid.partition("::")[0])
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Stop where groups do not reach xdist, which reads them from the ends of ids: with pytest 9.2 they do not."""
    grouped = getattr(session.config.option, "loadgroup", False)
    if grouped and not all("@" in item.nodeid for item in session.items):
        raise pytest.UsageError("tests are not kept together by file: these versions of pytest and xdist do not fit")
    # A million objects, of modules and tests, that no collection frees: each run of a test would look through them.
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # bindings name what the interpreter's end leaves behind
    HUB.stop()
    shutil.rmtree(HF_HOME, ignore_errors=True)


@pytest.fixture
def hub_server() -> Iterator[HubServer]:
    """An empty Hub at HF_ENDPOINT, without a key."""
    HUB.start()
    HUB.reset()
    yield HUB
    HUB.reset()

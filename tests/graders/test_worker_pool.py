"""Worker processes that hang, die, eat memory or talk; and the pool that goes on."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cotfactory.graders.fork_server import WorkerReply
from cotfactory.graders.worker_pool import OneItem, Remembered, WorkerPool, WouldWait

Opener = Callable[..., WorkerPool]


@pytest.fixture
def opened() -> Iterator[Opener]:
    pools: list[WorkerPool] = []

    def start(function: str, **settings: float) -> WorkerPool:
        pools.append(WorkerPool(f"tests.graders.worker_targets:{function}", **{"size": 2, **settings}))  # type: ignore[arg-type]
        return pools[-1]

    yield start
    for pool in pools:
        pool.close()


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_no_process_before_the_first_job(opened: Opener) -> None:
    pool = opened("double")
    assert pool.process_ids == []
    assert pool.run(21) == WorkerReply("done", 42)
    assert len(pool.process_ids) == 1


def awake(pool: WorkerPool) -> list[int]:
    """Return the workers of a pool that has done a short job: on a busy machine even that may take a worker's time."""
    assert any(pool.run(0.0).value == "awake" for _ in range(100))
    return list(pool.process_ids)


def test_a_hung_worker_is_killed_and_replaced(opened: Opener) -> None:
    pool = opened("hang", timeout_s=0.5, size=1)
    (hung,) = awake(pool)
    assert pool.run(600.0) == WorkerReply("timeout")
    assert not is_running(hung)
    assert awake(pool) != [hung]


def test_a_job_that_kills_its_worker_is_tried_once_more(opened: Opener, tmp_path: Path) -> None:
    assert opened("die_once").run(str(tmp_path / "mark")) == WorkerReply("done", "second try")


def test_a_job_that_kills_two_workers_is_given_up(opened: Opener) -> None:
    assert opened("die").run(1) == WorkerReply("died")


def test_memory_is_limited(opened: Opener) -> None:
    pool = opened("fill_memory", memory_mb=512, timeout_s=20.0)
    assert pool.run(1) == WorkerReply("died")


def test_an_exception_is_a_reply(opened: Opener) -> None:
    assert opened("fail").run(1) == WorkerReply("failed", "KeyError: 'secret'")


def test_what_a_job_prints_does_not_reach_the_replies(opened: Opener) -> None:
    pool = opened("talk")
    assert [pool.run(value).value for value in (1, 2, 3)] == [1, 2, 3]


def test_workers_are_recycled(opened: Opener) -> None:
    pool = opened("process_id", size=1, jobs_per_worker=2)
    ids = [pool.run(value).value for value in range(4)]
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_a_question_is_asked_once(opened: Opener) -> None:
    pool = opened("process_id", size=1, jobs_per_worker=1)
    assert pool.run(7) == pool.run(7)  # another process would answer with another id
    assert pool.run(8) != pool.run(7)


def test_threads_share_the_workers(opened: Opener) -> None:
    pool = opened("double", size=2, timeout_s=20.0)
    with ThreadPoolExecutor(8) as threads:
        assert [reply.value for reply in threads.map(pool.run, range(40))] == [2 * value for value in range(40)]
    assert len(pool.process_ids) <= 2


def test_inside_asyncio(opened: Opener) -> None:
    pool = opened("hang", timeout_s=0.5)

    async def both() -> tuple[WorkerReply, WorkerReply]:
        late, prompt = await asyncio.gather(asyncio.to_thread(pool.run, 60.0), asyncio.to_thread(pool.run, 0.0))
        return late, prompt

    assert asyncio.run(both()) == (WorkerReply("timeout"), WorkerReply("done", "awake"))


def test_the_successor_of_a_killed_worker_comes_from_the_same_fork_server(opened: Opener) -> None:
    pool = opened("parent_id", size=1, jobs_per_worker=1)
    assert pool.run(1) == pool.run(2)  # two workers, one parent: nothing is imported again


def test_a_dead_fork_server_is_replaced(opened: Opener) -> None:
    pool = opened("parent_id", size=1, jobs_per_worker=1)
    first = pool.run(1).value
    assert isinstance(first, int)
    os.kill(first, signal.SIGKILL)
    second = pool.run(2)
    assert second.status == "done"
    assert second.value != first


def test_what_is_remembered_needs_no_worker(opened: Opener) -> None:
    pool = opened("double")
    remembered = Remembered(pool)
    with pytest.raises(WouldWait):
        remembered.run(4)
    assert pool.run(4) == remembered.run(4) == WorkerReply("done", 8)


def test_cpu_time_is_counted(opened: Opener) -> None:
    pool = opened("hang", timeout_s=0.5)
    pool.run(0.2)
    used = pool.cpu_s
    assert used > 0
    pool.run(60.0)
    assert pool.cpu_s >= used + 0.5  # a killed worker had its whole time limit


def test_a_fork_server_that_is_not_ready_is_not_waited_for_beyond_the_end(opened: Opener) -> None:
    pool = opened("double")
    assert pool.run(4, ends_at=time.monotonic()) == WorkerReply(
        "unserved"
    )  # importing takes longer than no time at all
    assert pool.wait_until_ready()
    assert pool.run(4, ends_at=time.monotonic() + 60) == WorkerReply("done", 8)


def test_a_fork_server_that_never_gets_ready() -> None:
    pool = WorkerPool("tests.graders.endless_import:double")
    try:
        assert pool.run(4, ends_at=time.monotonic() + 0.2) == WorkerReply("unserved")
    finally:
        pool.close()


def test_a_fork_server_that_cannot_import(opened: Opener) -> None:
    pool = opened("no_such_function")
    assert not pool.wait_until_ready()
    assert pool.run(1) == WorkerReply("died")


def test_a_starved_job_is_not_to_blame(opened: Opener) -> None:
    # It waits without using its processor, as a job on an overloaded machine does.
    pool = opened("wait", timeout_s=0.3)
    assert pool.run(0.0) == WorkerReply("done", None)
    assert pool.run(60.0, ends_at=time.monotonic() + 1.0) == WorkerReply("unserved")


def test_the_time_limit_is_cpu_time(opened: Opener) -> None:
    # A second of the clock without the processor is no second of the job's.
    assert opened("wait", timeout_s=0.3).run(1.0) == WorkerReply("done", None)


def test_what_used_its_time_is_remembered(opened: Opener) -> None:
    pool = opened("hang", timeout_s=0.3, size=1)
    assert pool.run(60.0) == Remembered(pool).run(60.0) == WorkerReply("timeout")


def test_a_job_cut_short_by_its_item_is_not_to_blame(opened: Opener) -> None:
    pool = opened("hang", timeout_s=30.0)
    assert pool.run(0.0) == WorkerReply("done", "awake")
    assert pool.run(60.0, ends_at=time.monotonic() + 0.3) == WorkerReply("unserved")


def test_without_a_free_place_nobody_waits_beyond_the_end(opened: Opener) -> None:
    pool = opened("hang", size=1, timeout_s=1.0)
    assert pool.wait_until_ready()
    with ThreadPoolExecutor(4) as threads:
        replies = list(threads.map(lambda s: pool.run(s, ends_at=time.monotonic() + 1.0), (60.0, 61.0, 62.0, 63.0)))
    assert {reply.status for reply in replies} <= {"timeout", "unserved"}
    assert "unserved" in {reply.status for reply in replies}


def test_the_jobs_of_one_item_share_its_time(opened: Opener) -> None:
    pool = opened("double")
    assert pool.run(4) == WorkerReply("done", 8)
    spent = OneItem(pool, patience_s=0.0)
    assert spent.run(5) == WorkerReply("unserved")
    assert spent.run(4) == WorkerReply("done", 8)  # what is remembered takes no time
    assert OneItem(pool, patience_s=60.0).run(5) == WorkerReply("done", 10)


def test_closing_ends_every_process(opened: Opener) -> None:
    pool = opened("double")
    pool.run(1)
    (worker,) = pool.process_ids
    pool.close()
    assert not is_running(worker)
    with pytest.raises(RuntimeError, match="closed"):
        pool.run(2)

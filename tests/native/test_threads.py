"""What only the flavour for threads does."""

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError, Future, as_completed

import pytest

from consul.threads import Consul
from consul.workers import Workers
from tests.agent import Agent


def test_futures(agent: Agent, prefix: str) -> None:
    with Consul(port=agent.port) as client:
        written = [client.kv.put(f"{prefix}/{number}", "x") for number in range(20)]
        assert all(isinstance(future, Future) for future in written)
        assert all(future.result(10) is True for future in as_completed(written, 10))
        assert len(client.kv.get(prefix, recurse=True).result(10).data) == 20
        assert client.wait_for_leader().result(10)


def test_a_write_wakes_a_query_that_waits(agent: Agent, prefix: str) -> None:
    with Consul(port=agent.port) as client, Consul(port=agent.port) as other:
        client.kv.put(prefix, "1").result(10)
        index, _ = client.kv.get(prefix).result(10)
        waiting = client.kv.get(prefix, index=index, wait="30s")
        assert client.kv.get(prefix).result(10).index == index
        assert not waiting.done()
        other.kv.put(prefix, "2").result(10)
        assert waiting.result(10).data["Value"] == b"2"


def test_close_cancels_what_has_not_begun(agent: Agent, prefix: str) -> None:
    client = Consul(port=agent.port, workers=1)
    index = client.kv.get(prefix).result(10).index
    running = client.kv.get(prefix, index=index, wait="1s")
    queued = client.kv.get(prefix)
    while not running.running():
        time.sleep(0.01)
    client.close()
    with pytest.raises(CancelledError):
        queued.result(1)
    assert running.result(10).data is None
    assert client.status.leader().result(10)
    client.close()


def test_workers_are_few_and_end() -> None:
    workers = Workers(3)
    before = threading.active_count()
    release = threading.Event()
    futures = [workers.submit(release.wait, 10) for _ in range(9)]
    assert threading.active_count() == before + 3
    release.set()
    assert all(future.result(10) for future in futures)
    assert workers.submit(len, "ab").result(10) == 2
    with pytest.raises(ZeroDivisionError):
        workers.submit(divmod, 1, 0).result(10)
    workers.close()
    while threading.active_count() > before:
        time.sleep(0.01)


def test_workers_must_be_positive() -> None:
    with pytest.raises(ValueError, match="workers"):
        Consul(workers=0)

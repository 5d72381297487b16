"""What only the flavour for threads does."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, Future, as_completed
from pathlib import Path

import pytest

from consul import ConnectionFailed
from consul.threads import Consul
from consul.transport.blocking.workers import Workers
from tests.agent import Agent
from tests.faults import Fault, FaultServer


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


def test_close_cancels_what_has_not_begun() -> None:
    with FaultServer() as server:
        server.fault = Fault(b"", "hang")
        client = Consul(port=server.port, workers=1)
        running = client.kv.get("fault")
        queued = client.kv.get("fault")
        query = client.kv.get("fault", index=7, wait="60s")
        while len(server.requests) < 2:
            time.sleep(0.01)
        client.close()
        with pytest.raises(CancelledError):
            queued.result(1)
        for future in (running, query):
            with pytest.raises((ConnectionFailed, RuntimeError)):
                future.result(1)
        with pytest.raises(RuntimeError, match="closed"):
            client.status.leader()
        client.close()


def test_blocking_queries_and_recipes_do_not_take_workers(agent: Agent, prefix: str) -> None:
    with Consul(port=agent.port, workers=1) as client:
        client.kv.put(prefix, "1").result(10)
        index, _ = client.kv.get(prefix).result(10)
        queries = [client.kv.get(prefix, index=index, wait="30s") for _ in range(20)]
        began = time.monotonic()
        assert client.wait_for_leader().result(10)
        assert client.kv.put(prefix, "2").result(10)
        assert all(query.result(10).data["Value"] == b"2" for query in queries)
        assert time.monotonic() - began < 5


def test_the_interpreter_does_not_wait_for_open_queries() -> None:
    code = (
        "import sys, time; from consul.threads import Consul;"
        "query = Consul(port=int(sys.argv[1])).kv.get('fault', index=7, wait='60s');"
        "time.sleep(0.5); print(query.running())"
    )
    with FaultServer() as server:
        server.fault = Fault(b"", "hang")
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", code, str(server.port)],
            capture_output=True,
            text=True,
            timeout=50,
            cwd=Path(__file__).parents[2],
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
        assert time.monotonic() - began < 10


def test_a_callback_that_calls_again(agent: Agent, prefix: str) -> None:
    with Consul(port=agent.port, workers=1) as client:
        again: Future[bool] = Future()

        def written(future: Future[bool]) -> None:
            client.kv.delete(prefix).add_done_callback(lambda done: again.set_result(done.result()))

        client.kv.put(prefix, "1").add_done_callback(written)
        assert again.result(10) is True


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

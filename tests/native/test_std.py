"""What only the blocking flavour does."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from consul.std import Consul
from tests.agent import Agent
from tests.flavours import missing

GEVENT = """
from gevent import monkey; monkey.patch_all()
import sys, time, gevent
from consul import Consul
with Consul(port=int(sys.argv[1])) as consul:
    consul.kv.put(sys.argv[2], "1")
    index, _ = consul.kv.get(sys.argv[2])
    start = time.monotonic()
    jobs = [gevent.spawn(consul.kv.get, sys.argv[2], index=index, wait="1s") for _ in range(20)]
    gevent.joinall(jobs, raise_error=True)
    taken = time.monotonic() - start
    assert 0.9 < taken < 4, taken
"""


def test_gevent_waits_for_twenty_at_once(agent: Agent, prefix: str) -> None:
    try:
        import gevent  # noqa: F401
    except ImportError as error:
        missing(str(error))
    done = subprocess.run(
        [sys.executable, "-c", GEVENT, str(agent.port), prefix],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr


def test_with_closes(agent: Agent) -> None:
    with Consul(port=agent.port) as client:
        assert client.status.leader()
    client.close()
    assert client.status.leader()
    client.close()


def test_async_with_names_the_right_statement() -> None:
    async def wrong() -> None:
        async with Consul():
            pass

    with pytest.raises(TypeError, match="use `with`"):
        asyncio.run(wrong())


def test_deadline_of_an_idle_blocking_query() -> None:
    with Consul() as client:
        assert client.describe.kv.get("x", index=1).request.deadline > 300 * 17 / 16
        assert client.describe.kv.get("x", index=1, wait="10s").request.deadline < 60

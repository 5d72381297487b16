"""What only the Twisted flavour does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent import Agent
from tests.flavours import Flavour, Twisted, needs

needs("twisted")

from twisted.internet import defer, task  # noqa: E402

from consul.twisted import Consul  # noqa: E402


@pytest.fixture
def twisted() -> Iterator[Flavour]:
    runner = Twisted()
    yield runner
    runner.stop()


def test_no_reactor_is_installed() -> None:
    code = (
        "import sys; from consul.twisted import Consul; Consul();"
        "assert 'twisted.internet.reactor' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_deferreds(agent: Agent, prefix: str, twisted: Flavour) -> None:
    @defer.inlineCallbacks
    def main() -> Generator[Any, Any, None]:
        client = Consul(port=agent.port)
        written = client.kv.put(prefix, "x")
        assert isinstance(written, defer.Deferred)
        assert (yield written) is True
        two = yield defer.gatherResults([client.kv.get(prefix), client.status.leader()])
        assert two[0].data["Value"] == b"x"
        yield client.close()
        yield client.close()

    twisted.call(main)


def test_async_with_and_a_write_that_wakes(agent: Agent, prefix: str, twisted: Flavour) -> None:
    async def main() -> None:
        from twisted.internet import reactor

        async with Consul(port=agent.port) as client, Consul(port=agent.port) as other:
            index = (await client.kv.get(prefix)).index
            queries = [client.kv.get(prefix, index=index, wait="30s") for _ in range(80)]
            await task.deferLater(reactor, 0.3)  # type: ignore[arg-type]
            assert await client.status.leader()
            assert not any(query.called for query in queries)
            await other.kv.put(prefix, "x")
            assert {(await query).data["Value"] for query in queries} == {b"x"}

    twisted.call(lambda: defer.ensureDeferred(main()))


def test_cancelling(agent: Agent, prefix: str, twisted: Flavour) -> None:
    async def main() -> None:
        from twisted.internet import reactor

        async with Consul(port=agent.port) as client:
            index = (await client.kv.get(prefix)).index
            query = client.kv.get(prefix, index=index, wait="60s")
            await task.deferLater(reactor, 0.2)  # type: ignore[arg-type]
            query.cancel()
            with pytest.raises(defer.CancelledError):
                await query
            assert await client.status.leader()

    twisted.call(lambda: defer.ensureDeferred(main()))


def test_with_names_the_right_statement() -> None:
    with pytest.raises(TypeError, match="use `async with`"), Consul():
        pass

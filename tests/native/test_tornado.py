"""What only the Tornado flavour does."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from tests.agent import Agent
from tests.flavours import needs

needs("tornado")

from tornado import gen  # noqa: E402
from tornado.concurrent import is_future  # noqa: E402
from tornado.ioloop import IOLoop  # noqa: E402

from consul.tornado import Consul  # noqa: E402


def run(function: Any) -> None:
    loop = IOLoop(make_current=False)
    try:
        loop.run_sync(function)
    finally:
        loop.close()


def test_yield(agent: Agent, prefix: str) -> None:
    client = Consul(port=agent.port)

    @gen.coroutine
    def main() -> Generator[Any, Any, None]:
        assert (yield client.kv.put(prefix, "x"))
        _, pair = yield client.kv.get(prefix)
        assert pair["Value"] == b"x"
        both = yield [client.kv.get(prefix), client.status.leader()]
        assert both[0].data == pair
        yield client.close()
        yield client.close()

    run(main)
    run(main)


def test_a_call_starts_before_it_is_awaited(agent: Agent, prefix: str) -> None:
    async def main() -> None:
        async with Consul(port=agent.port) as client, Consul(port=agent.port) as other:
            index = (await client.kv.get(prefix)).index
            query = client.kv.get(prefix, index=index, wait="30s")
            assert is_future(query)
            await gen.sleep(0.2)
            await other.kv.put(prefix, "x")
            done, _ = await asyncio.wait([query], timeout=10)
            assert done
            assert query.result().data["Value"] == b"x"

    run(main)


def test_blocking_queries_do_not_starve_a_plain_call(agent: Agent, prefix: str) -> None:
    async def main() -> None:
        async with Consul(port=agent.port) as client:
            index = (await client.kv.get(prefix)).index
            queries = [client.kv.get(prefix, index=index, wait="60s") for _ in range(50)]
            await gen.sleep(0.2)
            await gen.with_timeout(IOLoop.current().time() + 10, client.status.leader())
            assert not any(query.done() for query in queries)
            await client.kv.put(prefix, "x")
            await gen.multi(queries)

    run(main)


def test_with_names_the_right_statement() -> None:
    with pytest.raises(TypeError, match="use `async with`"), Consul():
        pass

"""What only the asyncio flavour does."""

from __future__ import annotations

import asyncio

import pytest

from tests.agent import Agent
from tests.flavours import needs

needs("aiohttp")

from consul.aio import Consul  # noqa: E402


def test_made_outside_of_a_loop_and_used_in_two(agent: Agent, prefix: str) -> None:
    client = Consul(port=agent.port, loop=None)

    async def use() -> None:
        async with client:
            assert await client.kv.put(prefix, "x")
            assert (await client.kv.get(prefix)).data["Value"] == b"x"

    asyncio.run(use())
    asyncio.run(use())


def test_with_names_the_right_statement() -> None:
    with pytest.raises(TypeError, match="use `async with`"), Consul():
        pass


def test_close_before_any_use_and_twice() -> None:
    async def main() -> None:
        client = Consul()
        await client.close()
        await client.close()

    asyncio.run(main())


def test_many_blocking_queries_do_not_starve_a_plain_call(agent: Agent, prefix: str) -> None:
    async def main() -> None:
        async with Consul(port=agent.port) as client, Consul(port=agent.port) as other:
            await client.kv.put(prefix, "1")
            index, _ = await client.kv.get(prefix)
            queries = [
                asyncio.create_task(client.kv.get(prefix, index=index, wait="60s"))
                for _ in range(150)
            ]
            await asyncio.sleep(0.5)
            await asyncio.wait_for(client.status.leader(), 10)
            assert not any(query.done() for query in queries)
            await other.kv.put(prefix, "2")
            answers = await asyncio.wait_for(asyncio.gather(*queries), 20)
            assert {answer.data["Value"] for answer in answers} == {b"2"}

    asyncio.run(main())


def test_a_cancelled_query_ends_and_the_client_goes_on(agent: Agent, prefix: str) -> None:
    async def main() -> None:
        async with Consul(port=agent.port) as client:
            index = (await client.kv.get(prefix)).index
            query = asyncio.create_task(client.kv.get(prefix, index=index, wait="60s"))
            await asyncio.sleep(0.2)
            query.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(query, 5)
            assert await client.status.leader()

    asyncio.run(main())


def test_a_cancelled_recipe_ends() -> None:
    async def main() -> None:
        async with Consul(port=1) as client:
            recipe = asyncio.create_task(client.wait_for_leader())
            await asyncio.sleep(0.2)
            recipe.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(recipe, 5)

    asyncio.run(main())


def test_an_application_in_the_place_of_the_token_is_ignored():
    with pytest.warns(DeprecationWarning, match="token"):
        client = Consul("127.0.0.1", 8500, object())
    assert client.token is None
    assert Consul("127.0.0.1", 8500, None).token is None

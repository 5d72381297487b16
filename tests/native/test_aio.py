"""What only the asyncio flavour does."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest

import consul as package
from tests.agent import Agent
from tests.faults import Fault, FaultServer
from tests.flavours import needs

needs("aiohttp")

import aiohttp  # noqa: E402

from consul.aio import Consul  # noqa: E402


def test_made_outside_of_a_loop_and_used_in_two(agent: Agent, prefix: str) -> None:
    client = Consul(port=agent.port, loop=None)

    async def use() -> None:
        assert await client.kv.put(prefix, "x")
        assert (await client.kv.get(prefix)).data["Value"] == b"x"

    asyncio.run(use())
    asyncio.run(use())
    asyncio.run(client.close())


def test_used_in_two_threads_at_once(agent: Agent, prefix: str) -> None:
    client = Consul(port=agent.port)
    failed: list[BaseException] = []

    async def use(name: str) -> None:
        for number in range(50):
            assert await client.kv.put(f"{prefix}/{name}", f"{name}{number}")
            value = (await client.kv.get(f"{prefix}/{name}")).data["Value"]
            assert value == f"{name}{number}".encode()

    def run(name: str) -> None:
        try:
            asyncio.run(use(name))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed


def test_the_first_calls_of_a_loop_share_one_session(agent: Agent) -> None:
    async def main() -> None:
        async with Consul(port=agent.port) as client:
            await asyncio.gather(*(client.status.leader() for _ in range(20)))
            assert client.http.session() is client.http.session()

    asyncio.run(main())


def test_a_session_of_the_users_own_is_used_and_not_closed() -> None:
    async def main(port: int) -> None:
        async with aiohttp.ClientSession(headers={"X-Mine": "yes"}) as session:
            async with Consul(port=port, session=session) as client:
                assert (await client.kv.get("good")).index == 7
                # aiohttp would repeat it, and be answered.
                server.script.append(Fault(b""))
                with pytest.raises(package.ConnectionFailed):
                    await client.kv.put("good", "1", cas=0)
            assert not session.closed

    with FaultServer() as server:
        asyncio.run(main(server.port))
        assert len(server.requests) == 2
        assert all("X-Mine: yes" in head for head in server.requests)


def test_a_write_on_a_kept_connection_is_never_sent_twice_by_aiohttp() -> None:
    async def main(port: int, **options: Any) -> None:
        async with Consul(port=port, **options) as client:
            assert (await client.kv.get("good")).index == 7
            server.script.append(Fault(b""))
            with pytest.raises(package.ConnectionFailed):
                await client.kv.put("good", "1", cas=0)

    with FaultServer() as server:
        asyncio.run(main(server.port))
        asyncio.run(main(server.port, retry=False))
        assert len(server.requests) == 4


def test_a_connection_that_changes_its_protocol_is_closed() -> None:
    async def fails(client: Consul) -> None:
        with pytest.raises(package.BadAnswer):
            await client.kv.get("fault")

    async def use(port: int) -> None:
        async with Consul(port=port, timeout=5, retry=None) as client:
            await fails(client)
            # In debug mode a response that nobody has closed warns of it.
            gc.collect()

    answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello"
    with FaultServer() as server:
        server.fault = Fault(answer)
        asyncio.run(use(server.port), debug=True)


def test_close_of_another_loops_connections(agent: Agent) -> None:
    client = Consul(port=agent.port)
    other = asyncio.new_event_loop()
    other.run_until_complete(client.status.leader())
    asyncio.run(client.close())
    # That loop was asked to close its own, which it does when it runs again.
    other.run_until_complete(asyncio.sleep(0.1))
    other.close()
    gc.collect()


def test_wait_for_around_a_call_leaves_the_client_usable(agent: Agent, prefix: str) -> None:
    async def main() -> None:
        async with Consul(port=agent.port, max_polls=1) as client:
            await client.kv.put(prefix, "1")
            index, _ = await client.kv.get(prefix)
            for _ in range(3):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(client.kv.get(prefix, index=index, wait="60s"), 0.1)
            assert (await client.kv.get(prefix, index=index, wait="100ms")).index == index

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


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda client: client.kv.get("a"), "kv.get"),
        (lambda client: client.agent.service.register("a"), "agent.service.register"),
        (lambda client: client.status.leader(), "status.leader"),
    ],
)
def test_a_call_that_nobody_awaits_is_named(call: Any, name: str) -> None:
    client = Consul(port=1)
    with pytest.warns(RuntimeWarning, match=rf"^coroutine '{name}' was never awaited"):
        call(client)
    coroutine = call(client)
    assert f"<coroutine object {name} at " in repr(coroutine)
    coroutine.close()

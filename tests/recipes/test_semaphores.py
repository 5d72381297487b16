"""Semaphores in a world without a server."""

from __future__ import annotations

import asyncio
import base64
import logging

import pytest

import consul
from consul.recipes import semaphores
from tests.recipes.storm import NOTHING, SemaphoreStorm, left_over

PREFIX = "service/job"


def value(world, key=f"{PREFIX}/.lock"):
    return base64.b64decode(world.model.keys[key]["Value"]).decode()


def test_as_go_writes_it(world):
    async def main():
        clients = [world.client() for _ in range(3)]
        one, two, three = (each.semaphore(f"{PREFIX}/", 2, "me") for each in clients)
        async with one, two:
            ids = sorted((one.session, two.session))
            assert value(world) == f'{{"Limit":2,"Holders":{{"{ids[0]}":true,"{ids[1]}":true}}}}'
            assert sorted(world.model.keys) == sorted(
                [f"{PREFIX}/.lock", *(f"{PREFIX}/{each}" for each in ids)]
            )
            assert {key["Flags"] for key in world.model.keys.values()} == {0xE0F69A2BAA414DE0}
            assert {each["Behavior"] for each in world.model.sessions.values()} == {"delete"}
            assert value(world, f"{PREFIX}/{ids[0]}") == "me"
            assert await three.holders() == [(each, b"me") for each in ids]
            before = len(clients[2].http.seen)
            assert await three.acquire(timeout=0) is False
            # No session was made for it.
            assert [each.method for each in clients[2].http.seen[before:]] == ["GET"]
            waiting = asyncio.create_task(three.acquire())
            await asyncio.sleep(1)
            began = world.now
            await one.release()
            assert await waiting
            assert world.now - began < 0.1
            await three.release()
        assert value(world) == '{"Limit":2,"Holders":{}}'
        assert list(world.model.keys) == [f"{PREFIX}/.lock"]
        assert left_over(world, *clients) == NOTHING
        assert await one.destroy()
        assert await one.destroy()
        assert world.model.keys == {}

    world.run(main())


def test_what_is_no_semaphore(world):
    async def main():
        client = world.client()
        semaphore = client.semaphore(PREFIX, 2)
        for text, flags, told in [
            ("precious", 0, "is no semaphore: it has the flags 0x0"),
            ("precious", semaphores.FLAGS, "is no semaphore: it says b'precious'"),
            ('{"Limit":0,"Holders":{}}', semaphores.FLAGS, "is no semaphore"),
            ('{"Limit":3,"Holders":{}}', semaphores.FLAGS, "has the limit 3, not 2"),
        ]:
            await client.kv.put(f"{PREFIX}/.lock", text, flags=flags)
            with pytest.raises(consul.LockConflict, match=told):
                await semaphore.acquire()
            assert value(world) == text
        assert left_over(world, client) == NOTHING

    world.run(main())


def test_holders_that_are_dead(world):
    async def main():
        client, rival = world.client(), world.client()
        dead = rival.semaphore(PREFIX, 1)
        await dead.acquire()
        world.model.end_session(dead.session)
        assert await client.semaphore(PREFIX, 1).holders() == []
        assert await client.semaphore(PREFIX, 1).destroy() is True
        async with client.semaphore(PREFIX, 1, timeout=0) as semaphore:
            assert semaphore.session in value(world)
            assert dead.session not in value(world)
            assert not dead.held
            assert await dead.release() is False

    world.run(main())


def test_nothing_is_left_where_the_session_stays(world):
    async def main():
        client = world.client()
        async with client.session_keeper("15s") as keeper:
            async with client.semaphore(PREFIX, 2, session=keeper):
                assert sorted(world.model.keys) == [f"{PREFIX}/.lock", f"{PREFIX}/{keeper.id}"]
            assert list(world.model.keys) == [f"{PREFIX}/.lock"]
            assert value(world) == '{"Limit":2,"Holders":{}}'

    world.run(main())


def test_how_a_place_is_lost(world):
    async def main():
        client, other = world.client(), world.client()
        semaphore = client.semaphore(PREFIX, 2)
        for harm, reason in [
            (lambda: other.kv.delete(f"{PREFIX}/.lock"), "taken off the list"),
            (lambda: other.kv.delete(f"{PREFIX}/{semaphore.session}"), "its entry was deleted"),
            (lambda: other.session.destroy(semaphore.session), "its entry was deleted"),
            (lambda: other.kv.put(f"{PREFIX}/.lock", "x"), "is no semaphore"),
        ]:
            assert await semaphore.acquire()
            await harm()
            assert await semaphore.lost.wait(1)
            assert reason in semaphore.lost.reason
            assert not semaphore.held
            await asyncio.sleep(1)
            assert left_over(world, client)[:2] == ([], [])
        await other.kv.delete(f"{PREFIX}/.lock")
        async with semaphore, client.semaphore(PREFIX, 2):
            await asyncio.sleep(50)
            assert semaphore.held
        assert left_over(world, client) == NOTHING

    world.run(main())


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"prefix": "/"}, ValueError, "prefix must not be empty"),
        ({"limit": 0}, ValueError, "limit must be 1 or more"),
        ({"limit": "2"}, TypeError, "limit must be a whole number"),
        ({"value": 3}, TypeError, "value must be str, bytes or None"),
        ({"session": "x", "ttl": 10}, ValueError, "session and ttl exclude each other"),
    ],
)
def test_wrong_options(world, options, error, text):
    with pytest.raises(error, match=text):
        world.client().semaphore(**{"prefix": PREFIX, "limit": 2, **options})


@pytest.mark.parametrize("session", ["own", "keeper", "given"])
@pytest.mark.parametrize("seeds", [range(start, start + 50) for start in range(0, 100, 50)])
def test_a_storm(caplog, seeds, session):
    caplog.set_level(logging.CRITICAL, "consul")
    for seed in seeds:
        SemaphoreStorm.of(seed, session)

"""Registrations in a world without a server."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest

import consul
from tests.recipes.world import World

CHECK = "service:web:ttl"


def test_critical_until_it_is_ready(world):
    async def main():
        client, beats = world.client(), []

        async def heartbeat():
            beats.append(world.now)
            return "warning", f"beat {len(beats)}"

        registration = client.registration("web", ttl="9s", heartbeat=heartbeat, port=80)
        async with registration:
            await asyncio.sleep(20)
            assert world.model.checks[CHECK] == ("critical", "not ready yet")
            assert registration.status == "critical"
            assert beats == []
            await registration.ready()
            assert world.model.checks[CHECK] == ("warning", "beat 1")
            began = world.now
            await asyncio.sleep(30)
            # At a third of the TTL.
            assert len(beats) == pytest.approx((world.now - began) / 3, abs=2)
        assert world.model.services == {}
        assert client.http._tasks == set()

    world.run(main())


@pytest.mark.parametrize(
    ("beat", "told"),
    [
        (None, ("passing", "")),
        ("critical", ("critical", "")),
        (("warning", "slow"), ("warning", "slow")),
        ((None, "fine"), ("passing", "fine")),
        (ZeroDivisionError("x"), ("critical", "ZeroDivisionError: x")),
        ("broken", ("critical", "ValueError: heartbeat must return None, a status or (status, ")),
        (3, ("critical", "ValueError: heartbeat must return None, a status or (status, note)")),
        (("passing", 3), ("critical", "TypeError: note must be str")),
        (("passing", "x" * 10_000), ("passing", "x" * 4000)),
    ],
)
def test_what_heartbeats_say(world, beat, told):
    def heartbeat():
        if isinstance(beat, Exception):
            raise beat
        return beat

    async def main():
        client = world.client()
        async with client.registration("web", ttl=9, heartbeat=heartbeat, ready=True):
            await asyncio.sleep(4)
            status, note = world.model.checks[CHECK]
            assert status == told[0]
            assert note.startswith(told[1])
            assert len(note) <= 4000

    world.run(main())


@pytest.mark.parametrize("options", [{}, {"ttl": 30, "ready": True}])
def test_what_is_forgotten_is_registered_again(world, options):
    async def main():
        client = world.client()
        async with client.registration("web", port=80, **options) as registration:
            await registration.maintenance(True, "works")
            for quiet in (0.01, 5, 50):
                await asyncio.sleep(quiet)
                world.model.forget()
                began = world.now
                while "web" not in world.model.services:
                    await asyncio.sleep(0.01)
                assert world.now - began < 2.1
                await asyncio.sleep(0.1)
                assert world.model.services["web"]["Maintenance"] == "true"
            # An agent that is away, and comes back without it.
            client.http.reachable = False
            world.model.forget()
            await asyncio.sleep(60)
            if options:
                assert registration.error is not None
            client.http.reachable = True
            await asyncio.sleep(2)
            assert "web" in world.model.services
            await asyncio.sleep(1)
            assert registration.error is None
            if options:
                assert world.model.checks[CHECK][0] == "passing"
            # It does not go round in circles.
            before = len(client.http.seen)
            await asyncio.sleep(20)
            assert len(client.http.seen) - before < 10
        assert world.model.services == {}
        assert client.http._tasks == set()

    world.run(main())


def test_a_storm(caplog):
    """Whatever fails and is forgotten, in the end it is there, and then it is not."""
    caplog.set_level(logging.CRITICAL, "consul")

    async def main(world):
        chance = world.chance
        client = world.client()
        with contextlib.suppress(consul.ConsulException):
            async with client.registration("web", ttl=9, ready=True) as registration:
                for _ in range(20):
                    await asyncio.sleep(chance.uniform(0, 5))
                    match chance.choice(["forget", "away", "lost", "update"]):
                        case "forget":
                            world.model.forget()
                        case "away":
                            client.http.reachable = False
                            world.loop.call_later(chance.uniform(0, 10), client.http.come_back)
                        case "lost":
                            world.lost = world.refused = chance.uniform(0, 0.5)
                        case "update":
                            with contextlib.suppress(consul.ConsulException):
                                await registration.update(tags=[str(world.now)])
                world.lost = world.refused = 0.0
                await asyncio.sleep(35)
                assert "web" in world.model.services
                assert world.model.checks[CHECK][0] == "passing"
            assert world.model.services == {}
        assert client.http._tasks == set()

    for seed in range(100):
        world = World(seed)
        try:
            world.run(main(world))
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        finally:
            world.loop.close()


def test_who_is_cancelled_while_it_drains(world):
    async def main():
        client = world.client()
        registration = client.registration("web", drain=100)
        await registration.start()
        closing = asyncio.create_task(registration.close())
        await asyncio.sleep(50)
        assert world.model.services["web"]["Maintenance"] == "true"
        closing.cancel()
        await asyncio.wait([closing])
        assert world.model.services == {}
        assert client.http._tasks == set()

    world.run(main())


def test_the_end_is_no_trouble(world, caplog):
    """Its own watch does not say that the service is gone, on a busy machine either."""
    caplog.set_level(logging.WARNING, "consul")

    async def main():
        client = world.client()
        wait = client.http.wait

        async def wait_and_be_late(signal, seconds):
            found = await wait(signal, seconds)
            await asyncio.sleep(0.05)
            return found

        client.http.wait = wait_and_be_late
        for _ in range(30):
            async with client.registration("web", port=80, ttl=9, ready=True):
                await asyncio.sleep(world.chance.uniform(0, 0.05))

    world.run(main())
    assert caplog.messages == []


def test_again_after_the_end(world):
    async def main():
        client = world.client()
        registration = client.registration("web", "web-1", tags=iter(["a"]))
        for _ in range(2):
            assert not registration.registered
            async with registration:
                await registration.start()
                assert registration.registered
                assert world.model.services["web-1"]["Tags"] == ["a"]
                await registration.update(meta={"a": "b"})
                assert world.model.services["web-1"]["Meta"] == {"a": "b"}
        assert registration.id == "web-1"
        registers = [each for each in client.http.seen if each.path.endswith("register")]
        assert len(registers) == 4

    world.run(main())


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"name": 3}, TypeError, "name must be str"),
        ({"port": 70000}, ValueError, "port must be a whole number from 0 to 65535"),
        ({"ttl": "x"}, ValueError, "ttl must be a duration"),
        ({"ttl": 0}, ValueError, "ttl must be above 0"),
        ({"heartbeat": len}, ValueError, "heartbeat needs ttl"),
        ({"ttl": 9, "heartbeat": 3}, TypeError, "heartbeat must be callable"),
        ({"deregister": 90}, ValueError, "deregister needs ttl"),
        ({"drain": "x"}, ValueError, "drain must be a duration"),
        ({"prt": 80}, TypeError, "prt"),
    ],
)
def test_wrong_options(world, options, error, text):
    with pytest.raises(error, match=text):
        world.client().registration(**{"name": "web", **options})

"""Locks and sessions in a world without a server: faults, the clock, and who competes."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest

import consul
from consul.recipes import contests, locks
from tests.recipes.storm import KEY, NOTHING, TTL, LockStorm, left_over
from tests.recipes.world import World


def sent(client, since=0):
    """The requests of *client*, without the queries for the key."""
    return [
        f"{request.method} {request.path.removeprefix('/v1/')}".split("/")[0]
        for request in client.http.seen[since:]
        if request.path != f"/v1/kv/{KEY}" or request.method != "GET"
    ]


# One after another


def test_five_requests(world):
    async def main():
        client = world.client()
        async with client.lock(KEY, "me") as lock:
            assert lock.held
            key = world.model.keys[KEY]
            assert (key["Flags"], key["Session"]) == (0x2DDCCBC058A50C18, lock.session)
            assert lock.fencing == key["ModifyIndex"]
            assert await client.lock(KEY).holder() == (lock.session, b"me")
        assert not lock.held
        # The first of the queries is the lock's, the second is the monitor's, the third is of who
        # asked for the holder.
        sessions, transaction, release, destroy = [
            "PUT session",
            "PUT txn",
            "PUT kv",
            "PUT session",
        ]
        assert sent(client) == [sessions, transaction, release, destroy]
        assert left_over(world, client) == NOTHING
        assert await lock.holder() is None
        assert await lock.destroy()
        assert await lock.destroy()
        assert world.model.keys == {}

    world.run(main())


def test_the_number_rises_across_a_deletion(world):
    async def main():
        client = world.client()
        lock, seen = client.lock(KEY), []
        for _ in range(3):
            async with lock:
                seen.append(lock.fencing)
            await lock.destroy()
        assert seen == sorted(set(seen))
        assert len(seen) == 3

    world.run(main())


def test_to_try_once(world):
    async def main():
        client, rival = world.client(), world.client()
        async with rival.lock(KEY) as held:
            began = world.now
            assert await client.lock(KEY).acquire(timeout=0) is False
            assert await client.lock(KEY, timeout=0).acquire() is False
            assert world.now - began < 0.1
            # No session was made for it.
            assert sent(client) == []
            world.model.end_session(held.session)
            # Free, and kept free by the servers.
            assert await client.lock(KEY).acquire(timeout=0) is False
            with pytest.raises(consul.LockNotAcquired, match="was not free within 0 s"):
                async with client.lock(KEY, timeout=0):
                    pass
            with contextlib.suppress(consul.LockLost):
                await held.release()
        await asyncio.sleep(15)
        assert await client.lock(KEY).acquire(timeout=0) is True

    world.run(main())


def test_who_waits_is_woken_at_once(world):
    async def main():
        client, rival = world.client(), world.client()
        held = rival.lock(KEY)
        await held.acquire()
        lock = client.lock(KEY)
        waiting = asyncio.create_task(lock.acquire())
        await asyncio.sleep(100)
        assert not waiting.done()
        began = world.now
        await held.release()
        assert await waiting
        assert world.now - began < 0.1
        await lock.release()

    world.run(main())


def test_the_time_is_over(world):
    async def main():
        client, rival = world.client(), world.client()
        async with rival.lock(KEY):
            began = world.now
            assert await client.lock(KEY).acquire(timeout="3s") is False
            assert 3 <= world.now - began < 3.1
            assert left_over(world, client)[2] == []
            assert len(world.model.sessions) == 1

    world.run(main())


def test_a_lock_delay_is_waited_for(world):
    async def main():
        client, rival = world.client(), world.client()
        held = rival.lock(KEY, lock_delay="4s")
        await held.acquire()
        world.model.end_session(held.session)
        ended = world.now
        async with client.lock(KEY):
            assert 4 <= world.now - ended < 5.1
        assert not await held.release()

    world.run(main())


def test_a_key_that_is_no_lock(world):
    async def main():
        client = world.client()
        await client.kv.put(KEY, "precious", flags=3)
        lock = client.lock(KEY)
        for step in (lock.acquire, lock.destroy, lock.holder):
            with pytest.raises(consul.LockConflict, match=f"key '{KEY}' is no lock: .* 0x3"):
                await step()
        assert (await client.kv.get(KEY)).data["Value"] == b"precious"
        assert left_over(world, client) == NOTHING

    world.run(main())


def test_what_is_written_in_between_is_not_overwritten(world):
    """Go reads the key, and then acquires it whatever it is by then."""

    async def main():
        client = world.client()
        take = locks.LockHold.take

        async def late(hold, pair):
            world.model._apply("set", KEY, "eA==", 3, None)
            return await take(hold, pair)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(locks.LockHold, "take", late)
            with pytest.raises(consul.LockConflict):
                await client.lock(KEY).acquire()
        assert (await client.kv.get(KEY)).data["Value"] == b"x"

    world.run(main())


def slow(client, path, seconds=0.0, *, lost=False, then=lambda: None):
    """Have the next answer of *path* come after *seconds*, or not at all; then do something.

    Returns the list of that request.
    """
    exchange, done = client.http.exchange, []

    async def exchanged(request):
        response = await exchange(request)
        if path in request.target and not done:
            done.append(request)
            await asyncio.sleep(seconds)
            then()
            if lost:
                raise ConnectionResetError
        return response

    client.http.failures = (*client.http.failures, ConnectionResetError)
    client.http.exchange = exchanged
    return done


def test_an_answer_that_was_lost(world):
    async def main():
        client = world.client()
        lock = client.lock(KEY)
        cut = slow(client, "/txn", lost=True)
        assert await lock.acquire()
        assert cut
        assert lock.fencing == world.model.keys[KEY]["ModifyIndex"]
        assert world.model.keys[KEY]["LockIndex"] == 1
        assert await lock.release()

    world.run(main())


async def lost(lock):
    """Why the lock is lost, for which it may take a second."""
    assert await lock.lost.wait(1)
    assert lock.lost.is_set()
    assert not lock.held
    return lock.lost.reason


def test_how_it_is_lost(world):
    async def main():
        client, other = world.client(), world.client()
        lock = client.lock(KEY, lock_delay=0.001)
        for harm, reason in [
            (lambda: other.kv.delete(KEY), "its key was deleted"),
            (
                lambda: other.kv.put(KEY, "", flags=locks.FLAGS, release=lock.session),
                "its key was released",
            ),
            (lambda: other.session.destroy(lock.session), "its key was released"),
        ]:
            assert await lock.acquire()
            assert not lock.lost.is_set()
            await harm()
            assert reason in await lost(lock)
            # Its session is not kept any longer.
            await asyncio.sleep(1)
            assert left_over(world, client)[:2] == ([], [])
            # It can be taken again without being given back.
        assert await lock.acquire()
        assert await lock.release()
        # A value that others write, and a raw acquire by the same session, are no loss.
        async with lock:
            await other.kv.put(KEY, "x", flags=locks.FLAGS)
            await other.kv.put(KEY, "y", flags=locks.FLAGS, acquire=lock.session)
            assert not await lock.lost.wait(5)
            assert lock.held

    world.run(main())


async def in_block(lock, harm, error=None):
    async with lock:
        await harm()
        await asyncio.sleep(1)
        if error is not None:
            raise error


def test_a_block_whose_lock_was_lost(world):
    async def main():
        client = world.client()

        def delete():
            return client.kv.delete(KEY)

        def nothing():
            return asyncio.sleep(0)

        with pytest.raises(consul.LockLost, match="was lost before its block had ended: its key"):
            await in_block(client.lock(KEY), delete)
        with pytest.raises(ZeroDivisionError) as raised:
            await in_block(client.lock(KEY), delete, ZeroDivisionError())
        assert "was lost before its block" in raised.value.__notes__[0]
        with pytest.raises(ZeroDivisionError) as raised:
            await in_block(client.lock(KEY), nothing, ZeroDivisionError())
        assert not hasattr(raised.value, "__notes__")
        assert left_over(world, client) == NOTHING

    world.run(main())


def test_the_deadline_is_of_the_renewal_that_was_sent(world):
    async def main():
        client = world.client()
        async with client.lock(KEY, ttl=TTL) as lock:
            # It is renewed.
            await asyncio.sleep(50)
            assert lock.held
            client.http.reachable = False
            began = world.now
            assert await lock.lost.wait()
            # At most the TTL since the last renewal, which is a third of it ago.
            assert TTL * 2 / 3 - 0.1 <= world.now - began <= TTL
            assert lock.lost.reason.startswith("session ")
            client.http.reachable = True
            with contextlib.suppress(consul.LockLost):
                await lock.release()
            return

    with contextlib.suppress(consul.LockLost):
        world.run(main())


def test_the_clock_is_looked_at(world):
    """A suspended machine has no timer that runs, but its clock has gone on."""

    async def main():
        client = world.client()
        lock = client.lock(KEY, ttl=TTL)
        await lock.acquire()
        waiting = lock.lost
        assert lock.held
        client.http.ahead += TTL
        assert not lock.held
        assert waiting.is_set()
        # It stays so, whatever is heard afterwards.
        client.http.ahead -= TTL
        assert not lock.held
        assert await lock.release() is False

    world.run(main())


def test_renewals_survive_an_election(world):
    async def main():
        client = world.client()
        async with client.lock(KEY, ttl=TTL) as lock:
            await asyncio.sleep(3)
            world.model.lose_leader()
            await asyncio.sleep(6)
            world.model.find_leader()
            await asyncio.sleep(50)
            assert lock.held

    world.run(main())


def test_a_given_session_is_adopted(world):
    """As by a process that was restarted."""

    async def main():
        client = world.client()
        session = await client.session.create(ttl=TTL)
        first = client.lock(KEY, "a", session=session)
        await first.acquire()
        with pytest.raises(consul.LockConflict, match="held in this process already"):
            await client.lock(KEY, session=session).acquire()
        contests._taken.clear()
        again = world.client().lock(KEY, session=session, timeout=0)
        async with again:
            assert (again.session, again.fencing) == (session, first.fencing)
            # It is renewed, and not destroyed.
            await asyncio.sleep(3 * TTL)
            assert again.held
        assert list(world.model.sessions) == [session]
        assert world.model.keys[KEY].get("Session") is None

    world.run(main())


def test_a_given_session_that_has_ended(world):
    async def main():
        client, rival = world.client(), world.client()
        unknown = "00000000-0000-4000-8000-000000000000"
        with pytest.raises(consul.InvalidSession):
            await client.lock(KEY, session=unknown).acquire()
        with pytest.raises(consul.NotReady):
            await client.lock(KEY, session=client.session_keeper()).acquire()
        async with rival.lock(KEY):
            async with client.session_keeper(TTL) as keeper:
                waiting = asyncio.create_task(client.lock(KEY, session=keeper).acquire())
                await asyncio.sleep(1)
                world.model.end_session(keeper.id)
                with pytest.raises(consul.InvalidSession, match="has ended"):
                    await waiting
            assert not keeper.held
            assert len(rival.http._tasks) == 2
        assert left_over(world, client, rival) == NOTHING

    world.run(main())


def test_several_locks_of_one_session(world):
    async def main():
        client = world.client()
        async with client.session_keeper(TTL, "many") as keeper:
            one, two = (client.lock(f"k/{n}", session=keeper) for n in "ab")
            async with one, two:
                assert one.session == two.session == keeper.id
                assert one.held
                world.model.end_session(keeper.id)
                await asyncio.sleep(TTL / 2)
                assert not one.held
                assert not two.held
                assert keeper.lost.is_set()
                with contextlib.suppress(consul.LockLost):
                    await one.release()
                    await two.release()

    world.run(main())


def test_a_lock_is_not_reentrant(world):
    async def main():
        lock = world.client().lock(KEY)
        assert await lock.release() is False
        for name in ("lost", "session", "fencing"):
            with pytest.raises(consul.NotReady):
                getattr(lock, name)
        async with lock:
            with pytest.raises(consul.LockConflict, match="held or being acquired already"):
                await lock.acquire(timeout=0)
            with pytest.raises(consul.LockConflict, match="release it first"):
                await lock.destroy()
            assert lock.held
            assert await world.client().lock(KEY).destroy() is False
        assert await lock.release() is False

    world.run(main())


def test_a_client_that_is_closed_gives_its_locks_back(world):
    async def main():
        client = world.client()
        lock = client.lock(KEY, lock_delay=15)
        await lock.acquire()
        await client.close()
        assert not lock.held
        assert left_over(world, client) == NOTHING
        # Not by the end of its session, after which there would be a lock-delay.
        assert await world.client().lock(KEY).acquire(timeout=0)

    world.run(main())


def test_a_lock_that_is_forgotten(world):
    async def main():
        client = world.client()
        await client.lock(KEY).acquire()
        await asyncio.sleep(1)
        assert left_over(world, client) == NOTHING

    world.run(main())


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"key": ""}, ValueError, "key must not be empty"),
        ({"key": "/a"}, ValueError, "key must not start with '/'"),
        ({"key": 3}, TypeError, "key must be str"),
        ({"value": 3}, TypeError, "value must be str, bytes or None"),
        ({"ttl": "soon"}, ValueError, "ttl must be a duration"),
        ({"ttl": 0}, ValueError, "ttl must be above 0"),
        ({"lock_delay": -1}, ValueError, "lock_delay must be a duration"),
        ({"timeout": "x"}, ValueError, "timeout must be a duration"),
        ({"session": 3}, TypeError, "session must be str"),
        ({"session": "x", "ttl": 10}, ValueError, "session and ttl exclude each other"),
        ({"node_checks": "serfHealth"}, TypeError, "node_checks must be"),
    ],
)
def test_wrong_options(world, options, error, text):
    with pytest.raises(error, match=text):
        world.client().lock(**{"key": KEY, **options})


# Sessions


def test_a_session_that_is_kept(world, caplog):
    caplog.set_level(logging.INFO, "consul.recipes")

    async def main():
        client = world.client()
        keeper = client.session_keeper(TTL, "web", behavior="delete", node_checks=[])
        assert not keeper.held
        for name in ("id", "lost"):
            with pytest.raises(consul.NotReady):
                getattr(keeper, name)
        async with keeper:
            (session,) = world.model.sessions.values()
            assert session["ID"] == keeper.id == await keeper.start()
            assert session["Name"].startswith("web ")
            assert (session["TTL"], session["Behavior"]) == ("10s", "delete")
            began = world.now
            await asyncio.sleep(100)
            assert keeper.held
            renewals = [r for r in client.http.seen if "renew" in r.path]
            assert len(renewals) == pytest.approx((world.now - began) / (TTL / 3), abs=2)
        assert left_over(world, client) == NOTHING
        assert not keeper.held
        assert not keeper.lost.is_set()
        assert await keeper.lost.wait() is False
        # Again, with another session.
        before = keeper.id
        assert await keeper.start() != before
        world.model.end_session(keeper.id)
        assert await keeper.lost.wait(TTL / 3 + 1)
        assert keeper.lost.reason == "the server has ended it"
        await keeper.close()

    world.run(main())
    assert len([line for line in caplog.messages if "is kept" in line]) == 2
    assert len([line for line in caplog.messages if "is lost" in line]) == 1


def test_a_session_whose_id_was_lost(world):
    async def main():
        client = world.client()
        world.lost = 1.0
        keeper = client.session_keeper(TTL)
        task = asyncio.create_task(keeper.start())
        await asyncio.sleep(0.2)
        assert len(world.model.sessions) == 1
        world.lost = 0.0
        with pytest.raises(consul.ConnectionFailed):
            await task
        assert left_over(world, client) == NOTHING

    world.run(main())


# What comes at the wrong moment


@pytest.mark.parametrize("path", ["session/create", "session/renew"])
def test_the_deadline_counts_from_when_it_was_sent(world, path):
    async def main():
        client = world.client()

        def cut():
            client.http.reachable = False

        slow(client, path, 3, then=cut)
        keeper = client.session_keeper(TTL)
        await keeper.start()
        while path not in client.http.seen[-1].path:
            await asyncio.sleep(0.01)
        asked = world.now - 3 if path.endswith("create") else world.now
        assert await keeper.lost.wait(60)
        assert world.now - asked <= TTL + 0.1
        await keeper.close()

    world.run(main())


def test_a_session_that_ends_while_its_lock_is_waited_for(world):
    async def main():
        client, rival = world.client(), world.client()
        held = rival.lock(KEY)
        await held.acquire()
        lock = client.lock(KEY)
        waiting = asyncio.create_task(lock.acquire())
        await asyncio.sleep(1)
        (session,) = set(world.model.sessions) - {held.session}
        world.model.end_session(session)
        began = world.now
        await held.release()
        assert await waiting
        # With another one, and not when the end of the former one is noticed.
        assert lock.session != session
        assert world.now - began < 0.5
        await lock.release()
        assert left_over(world, client, rival) == NOTHING

    world.run(main())


def test_an_answer_that_came_too_late(world):
    async def main():
        client = world.client()

        def suspended():
            client.http.ahead += TTL

        slow(client, "/txn", then=suspended)
        lock = client.lock(KEY, ttl=TTL, lock_delay=0.001)
        assert await lock.acquire()
        assert lock.held
        assert await lock.release()
        assert left_over(world, client) == NOTHING

    world.run(main())


def test_what_the_server_says_of_a_release(world):
    async def main():
        client = world.client()
        lock = client.lock(KEY)
        # Its answer was lost.
        slow(client, "release=", lost=True)
        await lock.acquire()
        assert await lock.release() is True
        # It was released by another one just now, of which nothing was heard yet.
        await lock.acquire()
        world.model._apply("release", KEY, "", locks.FLAGS, lock.session)
        assert await lock.release() is False
        assert left_over(world, client) == NOTHING

    world.run(main())


def test_two_locks_of_one_process(world):
    """They share the queries for the key; what one knows is old for the other."""

    async def main():
        client = world.client()
        one, two = client.lock(KEY), client.lock(KEY)
        await one.acquire()
        for _ in range(10):
            waiting = asyncio.create_task(two.acquire())
            await asyncio.sleep(1)
            await one.release()
            assert await waiting
            assert not await two.lost.wait(1)
            one, two = two, one
        await one.release()
        assert left_over(world, client) == NOTHING

    world.run(main())


# Cancelled at any moment


async def held_for(lock, seconds):
    async with lock:
        await asyncio.sleep(seconds)


async def cancelled(world, session, lost):
    """Cancel who takes the lock, while another one has it or not."""
    chance = world.chance
    client, rival = world.client(), world.client()
    keeper, given = client.session_keeper(TTL), None
    if session == "keeper":
        await keeper.start()
        given = keeper
    elif session == "given":
        given = await client.session.create(ttl=TTL)
    world.lost = lost
    other = asyncio.create_task(held_for(rival.lock(KEY), chance.uniform(0, 0.05)))
    task = asyncio.create_task(held_for(client.lock(KEY, session=given), 0.01))
    await asyncio.sleep(chance.uniform(0, 0.1))
    task.cancel()
    await asyncio.wait([task, other])
    error = None if task.cancelled() else task.exception()
    assert isinstance(error, (consul.ConsulException, type(None))), error
    world.lost = 0.0
    if lost:
        # What was to free it may have been lost as well.
        await keeper.close()
        await asyncio.sleep(31)
        assert left_over(world, client, rival) == NOTHING
        return
    sessions, *others = left_over(world, client, rival)
    assert len(sessions) == (0 if given is None else 1)
    assert others == [[], list(client.http._tasks), []]
    assert len(client.http._tasks) == (session == "keeper")
    await keeper.close()


@pytest.mark.parametrize("session", ["own", "keeper", "given"])
@pytest.mark.parametrize("lost", [0.0, 0.1])
def test_nothing_is_left_by_who_is_cancelled(session, lost):
    for seed in range(150):
        world = World(seed)
        try:
            world.run(cancelled(world, session, lost))
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        finally:
            world.loop.close()


# Everything at once


@pytest.mark.parametrize("session", ["own", "keeper", "given"])
@pytest.mark.parametrize("seeds", [range(start, start + 50) for start in range(0, 200, 50)])
def test_a_storm(caplog, seeds, session):
    caplog.set_level(logging.CRITICAL, "consul")
    for seed in seeds:
        LockStorm.of(seed, session)

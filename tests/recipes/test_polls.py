"""Watches in a world without a server: the rules of blocking queries, faults, and the clock."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import itertools
import logging

import pytest

import consul
from consul import base
from consul.core.request import Response
from consul.recipes import polls
from consul.recipes.polls import Door, Position, Rate, Read
from tests.recipes.world import World


def described(**options):
    """A client that describes calls only."""
    return base.Consul(**options)


# Position


def position(read="kv", last=None):
    client = described()
    found = Position(
        {
            "kv": lambda: Read(client, client.kv.get, ("k",), {}),
            "event": lambda: Read(client, client.event.list, (), {}),
            "hash": lambda: Read(client, client.agent.service.get, ("web",), {}),
        }[read]()
    )
    found.last = last
    return found


def indexed(index, **headers):
    return {"x-consul-index": str(index), **headers}


def params(call):
    return dict(call.request.params)


@pytest.mark.parametrize(
    ("last", "headers", "waited", "hold", "next", "data"),
    [
        # The first answer, and news after it.
        (None, indexed(7), 0.0, None, 7, True),
        (7, indexed(9), 3.0, 300, 9, True),
        # The wait is over.
        (7, indexed(7), 300.0, 300, 7, True),
        (7, indexed(7), 317.0, 300, 7, True),
        # It came too early to be the end of the wait.
        (7, indexed(7), 3.0, 300, None, True),
        # The index fell.
        (7, indexed(3), 3.0, 300, None, True),
        # Nothing is known below 1, and nothing without an index.
        (None, indexed(0), 0.0, None, None, True),
        (None, {}, 0.0, None, None, True),
        (7, {}, 3.0, 300, None, True),
        (7, indexed("x"), 3.0, 300, None, True),
        # An agent without data.
        (7, indexed(1), 300.0, 300, None, False),
        (None, indexed(1, **{"x-consul-query-backend": "streaming"}), 0.0, None, None, False),
        # A cluster where nothing was ever written.
        (None, indexed(1, **{"x-consul-query-backend": "blocking-query"}), 0.0, None, 1, True),
        (1, indexed(1), 300.0, 300, 1, True),
        (1, indexed(2), 5.0, 300, 2, True),
    ],
)
def test_the_position_after_an_answer(last, headers, waited, hold, next, data):
    found = position(last=last)
    assert found.take(headers, waited, hold) is data
    assert found.last == next
    assert params(found.call()) == ({} if next is None else {"index": str(next)})


def test_a_fallen_index_begins_another_history():
    found = position(last=7)
    found.take(indexed(3), 3.0, 300)
    assert found.history == 1
    found.take(indexed(3), 0.0, None)
    found.take(indexed(9), 3.0, 300)
    assert found.history == 1


def test_events_have_no_order():
    found = position("event", last=7)
    assert found.take(indexed(3), 3.0, 300)
    assert (found.last, found.history) == (3, 0)
    assert params(found.call()) == {"index": "3"}


def test_a_hash_is_what_the_next_one_waits_for():
    found = position("hash")
    assert params(found.call()) == {}
    assert found.take({"x-consul-contenthash": "abc", "x-consul-index": "1"}, 0.0, None)
    assert params(found.call()) == {"hash": "abc"}
    assert found.take({"x-consul-contenthash": "abc"}, 3.0, 300)
    assert params(found.call()) == {}


# Rate and door


def test_the_rate():
    rate = Rate(3, 2)
    assert [rate.pause(10.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 1.0]
    # What was not used is saved up, but not more than the burst.
    assert [rate.pause(1000.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


def test_one_knocks():
    door = Door()
    opened = door.opened
    assert [door.take(), door.take()] == [True, False]
    assert not opened
    door.open()
    assert opened
    assert not door.opened
    assert [door.take(), door.take()] == [True, False]


# What can be read


def test_what_is_no_read():
    client = described()
    for read, args, error, text in [
        (len, ("k",), TypeError, "read must be a method of the client"),
        ("kv.get", ("k",), TypeError, "read must be a method of the client"),
        (client.kv.update, ("k", str), TypeError, "read must be a single read"),
        (client.kv.put, ("k", "v"), ValueError, "read must be one that can wait"),
        (client.status.leader, (), ValueError, "read must be one that can wait"),
    ]:
        with pytest.raises(error, match=text):
            Read(client, read, args, {})
    with pytest.raises(ValueError, match="the same client"):
        Read(described(), client.kv.get, ("k",), {})
    with pytest.raises(TypeError, match="index is the watch's own business"):
        Read(client, client.kv.get, ("k",), {"index": 3})
    with pytest.raises(TypeError, match="unexpected keyword argument 'recursive'"):
        Read(client, client.kv.get, ("k",), {"recursive": True})


def test_a_partial_is_a_read():
    client = described()
    part = functools.partial(functools.partial(client.kv.get, "k"), recurse=True)
    assert params(Read(client, part, (), {"wait": "5s"}).first) == {"recurse": "1"}


@pytest.mark.parametrize(
    ("own", "error", "text"),
    [
        ({"rate": 3}, TypeError, "rate must be"),
        ({"rate": (0.5, 1)}, ValueError, "burst of 1"),
        ({"rate": (20, 0)}, ValueError, "rate must be above 0"),
        ({"give_up": "soon"}, ValueError, "give_up must be a duration"),
        ({"on_error": 3}, TypeError, "on_error must be callable"),
        ({"skip_first": 3}, TypeError, "skip_first must be"),
    ],
)
def test_wrong_options(world, own, error, text):
    client = world.client()
    with pytest.raises(error, match=text):
        client.watch(client.kv.get, "k", **own)


# Watches


def data(answer):
    """The value of a key's answer."""
    return None if answer[1] is None else answer[1]["Value"].decode()


def test_the_present_state_then_each_change(world):
    async def work():
        client, other = world.client(), world.client()
        async with client.watch(client.kv.get, "k") as watch:
            seen = [data(await watch.next())]
            for value in ("a", "b"):
                await other.kv.put("k", value)
                seen.append(data(await watch.next()))
            await other.kv.delete("k")
            seen.append(data(await watch.next()))
        return seen, await watch.next(), client.http._tasks

    assert world.run(work()) == ([None, "a", "b", None], None, set())


def test_what_says_the_same_is_no_news(world):
    async def work():
        client, other = world.client(), world.client()
        await other.kv.put("k", "a")
        async with client.watch(client.kv.get, "p/", recurse=True) as watch:
            assert (await watch.next())[1] is None
            await asyncio.sleep(1)
            reads = len(client.http.seen)
            # It wakes on any write, as long as there never was such a key.
            for value in range(5):
                await other.kv.put("k", str(value))
                await asyncio.sleep(1)
            assert len(client.http.seen) == reads + 5
            with pytest.raises(consul.Timeout, match=r"no change of GET /v1/kv/p/\?recurse=1"):
                await watch.next(timeout=10)

    world.run(work())


def test_what_is_written_in_other_bytes_is_no_news(world):
    async def work():
        client, other = world.client(), world.client()
        answer, count = world.model.answer, itertools.count()

        async def spaced(request):
            found = await answer(request)
            return consul.base.Response(found.code, found.headers, found.body + b" " * next(count))

        async with client.watch(client.session.list) as watch:
            world.model.answer = spaced
            assert (await watch.next())[1] == []
            await asyncio.sleep(1)
            # Any write wakes it.
            await other.kv.put("k", "a")
            with pytest.raises(consul.Timeout):
                await watch.next(timeout=10)
            assert len([1 for request in client.http.seen if request.hold is not None]) > 1
            await other.session.create()
            assert len((await watch.next(timeout=1))[1]) == 1

    world.run(work())


def test_the_first_is_skipped(world):
    async def work():
        client, other = world.client(), world.client()
        await other.kv.put("k", "a")
        async with client.watch(client.kv.get, "k", skip_first=True) as watch:
            with pytest.raises(consul.Timeout):
                await watch.next(timeout=5)
            await other.kv.put("k", "b")
            assert data(await watch.next(timeout=5)) == "b"

    world.run(work())


def test_who_is_slow_gets_the_newest(world):
    async def work():
        client, other = world.client(), world.client()
        async with client.watch(client.kv.get, "k") as watch:
            await watch.next()
            for value in range(10):
                await other.kv.put("k", str(value))
                await asyncio.sleep(0.1)
            return data(await watch.next())

    assert world.run(work()) == "9"


def test_equal_watches_share_their_queries(world):
    async def work():
        client, other = world.client(), world.client()
        first = client.watch(client.kv.get, "k")
        await first.next()
        await asyncio.sleep(1)
        others = [client.watch(client.kv.get, "k") for _ in range(3)]
        for each in others:
            # A read of its own, for the present state.
            assert await each.next() == await client.kv.get("k")
        assert len(client.http._tasks) == 1
        different = [
            client.watch(client.kv.get, "k", token="other"),
            client.watch(client.kv.get, "k", consistency="stale"),
            client.watch(client.kv.get, "k", raw=True),
        ]
        for each in different:
            await each.next()
        assert len(client.http._tasks) == 4
        await other.kv.put("k", "a")
        answers = [await each.next(timeout=1) for each in (first, *others)]
        # The very same, which costs nothing.
        assert all(each is answers[0] for each in answers)
        for each in (first, *others, *different):
            assert len(client.http._tasks) > 0
            await each.close()
        assert client.http._tasks == set()

    world.run(work())


def test_a_newcomer_is_told_the_present_state(world):
    """Not what the others were told before, even where their query is late."""

    async def work():
        client, other = world.client(), world.client()
        first = client.watch(client.kv.get, "k")
        await first.next()
        # As far as the first one's query knows, there is nothing yet.
        late = asyncio.Event()
        answer = world.model.answer

        async def slow(request):
            found = await answer(request)
            if "index" in dict(request.params):
                await late.wait()
            return found

        world.model.answer = slow
        await other.kv.put("k", "a")
        newcomer = client.watch(client.kv.get, "k")
        assert data(await newcomer.next()) == "a"
        late.set()
        # It is not told twice, and goes on with what comes.
        with pytest.raises(consul.Timeout):
            await newcomer.next(timeout=5)
        assert data(await first.next()) == "a"
        await other.kv.put("k", "b")
        assert data(await newcomer.next(timeout=5)) == "b"

    world.run(work())


def test_a_new_token_begins_another_poll(world):
    async def work():
        client = world.client(token="first-token")
        old = client.watch(client.kv.get, "k")
        await old.next()
        client.token = "second-token"
        new = client.watch(client.kv.get, "k")
        await new.next()
        assert len(client.http._tasks) == 2
        tokens = [dict(request.headers)["X-Consul-Token"] for request in client.http.seen]
        assert tokens[-1] == "second-token"

    world.run(work())


def test_one_that_is_dropped_ends(world):
    async def work():
        client = world.client()
        watch = client.watch(client.kv.get, "k")
        await watch.next()
        assert len(client.http._tasks) == 1
        del watch
        gc.collect()
        await asyncio.sleep(0.01)
        assert client.http._tasks == set()

    world.run(work())


def test_a_loop_that_is_cancelled_ends_it(world):
    async def work():
        client = world.client()
        watch = client.watch(client.kv.get, "k")

        async def loop():
            async for _ in watch:
                pass

        task = asyncio.ensure_future(loop())
        await asyncio.sleep(5)
        assert len(client.http._tasks) == 2
        task.cancel()
        await asyncio.sleep(0.01)
        assert client.http._tasks == set()
        # One call that is cancelled, for example by a time limit, does not end it.
        watch = client.watch(client.kv.get, "k")
        await watch.next()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(watch.next(), 3)
        assert len(client.http._tasks) == 1
        with pytest.raises(consul.Timeout):
            await watch.next(timeout=3)

    world.run(work())


def test_two_that_wait_for_the_next_one(world):
    async def work():
        client = world.client()
        watch = client.watch(client.kv.get, "k")
        await watch.next()
        waiting = asyncio.ensure_future(watch.next())
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        with pytest.raises(RuntimeError, match="still waited for"):
            await watch.next()
        await watch.close()
        assert await waiting is None

    world.run(work())


def test_the_client_is_closed(world):
    async def work():
        client = world.client()
        watch = client.watch(client.kv.get, "k")
        await watch.next()
        waiting = asyncio.ensure_future(watch.next())
        await asyncio.sleep(1)
        await client.close()
        with pytest.raises(consul.Closed):
            await waiting
        with pytest.raises(consul.Closed):
            await watch.next()

    world.run(work())


def test_user_code_is_called_outside_the_poll(world):
    async def work():
        client, other = world.client(), world.client()
        watch = client.watch(client.kv.get, "k")
        seen = []

        async def callback(answer):
            seen.append(data(answer))
            await asyncio.sleep(100)

        task = asyncio.ensure_future(watch.run(callback))
        await asyncio.sleep(1)
        for value in range(5):
            await other.kv.put("k", str(value))
            await asyncio.sleep(1)
        # The poll has gone on.
        assert data(world_news(client)) == "4"
        await asyncio.sleep(150)
        await watch.close()
        await task
        return seen

    assert world.run(work()) == [None, "4"]


def world_news(client):
    (poll,) = client.http.shared[polls.Polls]._polls.values()
    return poll.news.answer


# Troubles


def answering(world, *answers):
    """Have the model answer with these first: texts are what a 500 says."""
    left = list(answers)
    real = world.model.answer

    async def answer(request):
        if not left:
            return await real(request)
        status, body = left.pop(0)
        return consul.base.Response(status, {}, body.encode())

    world.model.answer = answer
    return left


#: Answers that raise, at the beginning and later: status, text and the error.
FINAL = [
    (400, "bad", consul.BadRequest),
    (405, "bad", consul.ClientError),
    (401, "ACL support disabled", consul.ACLDisabled),
    (403, "Permission denied", consul.ACLPermissionDenied),
    # As 1.8 says it of a filter in a read of health.
    (500, "Failed to create boolean expression evaluator: 1:8", consul.ServerError),
]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        *FINAL,
        (403, "ACL not found", consul.ACLPermissionDenied),
        (404, "no such page", consul.NotFound),
    ],
)
def test_what_is_raised_first(world, status, body, error):
    async def work():
        client = world.client()
        answering(world, (status, body))
        watch = client.watch(client.kv.get, "k")
        for _ in range(2):
            with pytest.raises(error):
                await watch.next()
        assert isinstance(watch.error, error)
        assert client.http._tasks == set()

    world.run(work())


@pytest.mark.parametrize(("status", "body", "error"), FINAL)
def test_what_is_raised_later(world, status, body, error):
    async def work():
        client = world.client()
        watch = client.watch(client.kv.get, "k")
        await watch.next()
        await asyncio.sleep(1)
        answering(world, (status, body))
        world.model.lose_leader()
        with pytest.raises(error):
            await watch.next()

    world.run(work())


@pytest.mark.parametrize("text", ["ACL not found", "ACL system must be bootstrapped before"])
def test_a_good_token_is_believed_in_for_a_while(world, text):
    async def work():
        client, other = world.client(), world.client()
        watch = client.watch(client.kv.get, "k")
        await watch.next()
        left = answering(world, *[(403, text)] * 20)
        world.model.lose_leader()
        await asyncio.sleep(5)
        world.model.find_leader()
        assert isinstance(watch.error, consul.ACLPermissionDenied)
        while left:
            await asyncio.sleep(0.1)
        await other.kv.put("k", "a")
        assert data(await watch.next(timeout=1)) == "a"
        assert watch.error is None
        answering(world, *[(403, text)] * 1000)
        world.model.lose_leader()
        began = world.now
        with pytest.raises(consul.ACLPermissionDenied):
            await watch.next()
        assert 29 < world.now - began < 32

    world.run(work())


def test_one_knocks_for_all(world, caplog):
    """So an agent that is away is not run over, and all go on within a second of its return."""

    async def work():
        client, other = world.client(), world.client()
        watches = [client.watch(client.kv.get, f"k{n}") for n in range(20)]
        for watch in watches:
            await watch.next()
        client.http.reachable = False
        world.model.lose_leader()
        await asyncio.sleep(3)
        world.model.find_leader()
        before = len(client.http.seen)
        await asyncio.sleep(60)
        # One every half second.
        assert 110 <= len(client.http.seen) - before <= 122
        assert all(isinstance(watch.error, consul.ConnectionFailed) for watch in watches)
        for n in range(20):
            await other.kv.put(f"k{n}", "new")
        client.http.reachable = True
        began = world.now
        for watch in watches:
            assert data(await watch.next()) == "new"
        assert world.now - began < 1
        assert [watch.error for watch in watches] == [None] * 20

    with caplog.at_level(logging.INFO, "consul.recipes"):
        world.run(work())
    lines = [record for record in caplog.records if "/v1/kv/k7 " in record.getMessage() + " "]
    # One line for each change of trouble.
    assert [record.levelname for record in lines[:1]] == ["WARNING"]
    assert len(caplog.records) <= 20 * 4


def test_the_one_who_knocks_leaves(world):
    async def work():
        client, other = world.client(), world.client()
        watches = [client.watch(client.kv.get, f"k{n}") for n in range(5)]
        for watch in watches:
            await watch.next()
        client.http.reachable = False
        world.model.lose_leader()
        await asyncio.sleep(3)
        world.model.find_leader()
        # Each of them but the last, so the one who knocks is among them.
        for watch in watches[:-1]:
            await watch.close()
        await other.kv.put("k4", "new")
        await asyncio.sleep(1)
        client.http.reachable = True
        assert data(await watches[-1].next(timeout=1)) == "new"

    world.run(work())


def test_other_failures_are_asked_about_less_and_less(world):
    async def work():
        client, other = world.client(), world.client()
        heard = []
        watch = client.watch(client.kv.get, "k", on_error=heard.append)
        await watch.next()
        await asyncio.sleep(1)
        left = answering(world, *[(500, "broken")] * 1000)
        world.model.lose_leader()
        await asyncio.sleep(600)
        # Up to every 30 s.
        assert 20 < 1000 - len(left) < 60
        assert [type(error) for error in heard] == [consul.NoLeader, consul.ServerError]
        left.clear()
        world.model.find_leader()
        await other.kv.put("k", "a")
        assert data(await watch.next(timeout=31)) == "a"

    world.run(work())


def test_giving_up(world):
    async def work():
        client = world.client()
        watch = client.watch(client.kv.get, "k", give_up="20s")
        await watch.next()
        patient = client.watch(client.kv.get, "k")
        await patient.next()
        client.http.reachable = False
        world.model.lose_leader()
        began = world.now
        with pytest.raises(consul.ConsulException):
            await watch.next()
        assert 19 < world.now - began < 21
        with pytest.raises(consul.Timeout):
            await patient.next(timeout=60)

    world.run(work())


def test_a_restored_snapshot(world):
    async def work():
        client, other = world.client(), world.client()
        await other.kv.put("k", "old")
        saved = {name: dict(key) for name, key in world.model.keys.items()}
        index = world.model.index
        for value in range(50):
            await other.kv.put("k", str(value))
        async with client.watch(client.kv.get, "k") as watch:
            assert data(await watch.next()) == "49"
            await asyncio.sleep(1)
            world.model.restore(saved, index)
            assert data(await watch.next(timeout=1)) == "old"
            await other.kv.put("k", "new")
            assert data(await watch.next(timeout=1)) == "new"

    world.run(work())


def test_a_flood_is_limited_and_its_end_is_told(world):
    async def work():
        client, other = world.client(), world.client()
        async with client.watch(client.kv.get, "k") as watch:
            await watch.next()
            before = len(client.http.seen)
            for value in range(1000):
                await other.kv.put("k", str(value))
            took = world.now - 1000
            assert len(client.http.seen) - before <= 20 + 2 * took + 1
            answer = None
            while data(answer) != "999" if answer else True:
                answer = await watch.next(timeout=2)

    world.run(work())


# Watched values


def test_a_watched_value(world):
    async def work():
        client, other = world.client(), world.client()
        await other.kv.put("k", "a")
        watched = client.watched(client.kv.get, "k")
        assert client.http._tasks == set()
        with pytest.raises(consul.NotReady, match="no answer yet"):
            _ = watched.value
        assert (await watched.wait())["Value"] == b"a"
        assert watched.value["Value"] == b"a"
        assert watched.index == world.model.index
        await asyncio.sleep(100)
        assert 99 < watched.age < 101
        seen = []
        remove = watched.on_change(lambda pair: seen.append(pair["Value"]))
        broken = watched.on_change(lambda pair: 1 / 0)
        await other.kv.put("k", "b")
        found = await watched.wait_until(lambda pair: pair["Value"] == b"b", timeout=5)
        assert found["Value"] == b"b"
        await asyncio.sleep(1)
        remove()
        remove()
        await other.kv.put("k", "c")
        await asyncio.sleep(1)
        broken()
        assert seen == [b"b"]
        with pytest.raises(consul.Timeout, match=r"not within 3 s: <Watched GET /v1/kv/k>"):
            await watched.wait_until(lambda pair: False, timeout=3)
        # The last good value stays.
        client.http.reachable = False
        world.model.lose_leader()
        await asyncio.sleep(30)
        assert watched.value["Value"] == b"c"
        assert watched.age > 30
        assert isinstance(watched.error, consul.ConnectionFailed)
        await watched.close()
        assert watched.value["Value"] == b"c"
        assert client.http._tasks == set()
        with pytest.raises(consul.Closed):
            await watched.wait_until(lambda pair: False)

    world.run(work())


def test_a_watched_value_that_cannot_be_read(world):
    async def work():
        client = world.client()
        answering(world, (403, "Permission denied"))
        async with client.watched(client.kv.get, "k") as watched:
            with pytest.raises(consul.ACLPermissionDenied):
                await watched.wait()
            with pytest.raises(consul.ACLPermissionDenied):
                _ = watched.value

    world.run(work())


def test_a_watched_value_that_is_dropped_ends(world):
    async def work():
        client = world.client()
        watched = client.watched(client.kv.get, "k")
        await watched.wait()
        del watched
        gc.collect()
        await asyncio.sleep(0.01)
        assert client.http._tasks == set()

    world.run(work())


def test_a_client_that_only_describes():
    client = described()
    with pytest.raises(TypeError, match="describes calls only"):
        client.watch(client.kv.get, "k")
    with pytest.raises(TypeError, match="describes calls only"):
        client.watched(client.kv.get, "k")


# Everything at once


async def storm(world):
    """The network, the cluster and the processes fail at random while keys are written."""
    chance, model = world.chance, world.model
    clients = [world.client() for _ in range(3)]
    other = world.client()
    names = ["a", "b"]
    written = {name: {None} for name in names}
    seen = {}

    async def follow(client, name):
        items = seen[client, name] = []
        async for answer in client.watch(client.kv.get, name):
            items.append(data(answer))

    async def write(name, value):
        written[name].add(value)
        with contextlib.suppress(consul.ConsulException):
            await other.kv.put(name, value)

    async def trouble():
        client = chance.choice(clients)
        match chance.randrange(6):
            case 0:
                model.lose_leader()
                await asyncio.sleep(chance.uniform(0, 20))
                model.find_leader()
            case 1:
                client.http.reachable = False
                await asyncio.sleep(chance.uniform(0, 20))
                client.http.reachable = True
            case 2:
                await client.pause(chance.uniform(0, 20))
            case 3:
                # It was suspended: time has passed that its timers know nothing of.
                client.http.ahead += chance.uniform(0, 600)
            case 4:
                keys = {name: dict(key) for name, key in model.keys.items()}
                index = model.index
                await asyncio.sleep(chance.uniform(0, 5))
                model.restore(keys, index)
            case 5:
                with contextlib.suppress(consul.ConsulException):
                    await other.kv.delete(chance.choice(names))

    tasks = [asyncio.ensure_future(follow(c, name)) for c in clients for name in names]
    for number in range(40):
        if chance.random() < 0.3:
            await trouble()
        await write(chance.choice(names), f"{number:04}")
        await asyncio.sleep(chance.uniform(0, 2))
    world.refused = world.lost = 0.0
    keys = {name: dict(key) for name, key in model.keys.items()}
    index = model.index
    for name in names:
        await write(name, "last")
    if chance.random() < 0.3:
        # The last that happens is a snapshot.
        await asyncio.sleep(1.5)
        model.restore(keys, index)
    # Not in less: a query may have been lost by now, and its agent is believed to be away.
    await asyncio.sleep(1.5)
    for (_, name), items in seen.items():
        assert items[-1] == data(await other.kv.get(name))
        assert set(items) <= written[name]
        assert all(one != next for one, next in itertools.pairwise(items))
    assert not any(task.done() for task in tasks)


@pytest.mark.parametrize("batch", range(8))
def test_the_last_value_arrives_whatever_happens(batch):
    for seed in range(batch * 50, batch * 50 + 50):
        world = World(seed, refused=0.1, lost=0.1)
        try:
            world.run(storm(world))
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        finally:
            world.loop.close()


def test_what_is_the_same_is_not_parsed():
    client = described()
    call = client.kv.get("k")
    body = b'[{"Key": "k", "Value": null}]'
    response = Response(200, {"x-consul-index": "7"}, body)
    first = polls.hearing(call).decode(response)
    assert first.answer.data["Key"] == "k"
    again = polls.hearing(call, first.body).decode(response)
    assert (again.same, again.answer) == (True, None)
    other = polls.hearing(call, first.body).decode(response._replace(code=404, body=b""))
    assert (other.same, other.answer.data) == (False, None)


def test_an_index_that_fell_while_the_agent_was_away(world):
    async def main():
        client, other = world.client(), world.client()
        for value in "abc":
            await other.kv.put("k", value)
        watch = client.watch(client.kv.get, "k")
        assert (await watch.next()).data["Value"] == b"c"
        await asyncio.sleep(10)
        client.http.reachable = False
        world.model._wake()
        await asyncio.sleep(10)
        world.model.restore({}, 10)
        await other.kv.put("k", "d")
        await asyncio.sleep(10)
        client.http.reachable = True
        assert (await watch.next(timeout=1)).data["Value"] == b"d"
        await watch.close()

    world.run(main())

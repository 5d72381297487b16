"""The trial recipe in every flavour: what is cancelled, told, lost or closed ends, cleaned up."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import time
from concurrent.futures import CancelledError
from functools import partial
from random import Random

import pytest

from consul import Retry, std
from consul.core.signal import NEVER
from consul.core.steps import Now, Spawn, Wait, beside, sleep
from consul.transport.blocking.connections import AbortableConnection
from tests.faults import Fault, FaultServer
from tests.network.together import raw, together
from tests.recipes.trial import Holder, performed

#: Seconds that are surely too long for what happens at once, on a busy machine as well.  What goes
#: wrong takes until a long poll of 60 s or a session of 10 s ends.
LONG = 5.0
#: What flavours cancel with.
CANCELLATIONS = ("Cancelled", "CancelledError")
#: Calls cut by a cancellation are not to be repeated under either.
POLICIES = {"retry": Retry(), "retry-connect": Retry(connect=True)}
GEVENT = bool(os.environ.get("CONSUL_TEST_GEVENT"))


@pytest.fixture
def hanging():
    """A server that answers no request for the key "fault"."""
    with FaultServer() as server:
        server.fault = Fault(b"", "hang")
        yield server


@pytest.fixture
def make_holder(agent, prefix):
    """Makes holders of keys of their own."""
    made = []

    def make(client, **options):
        name = f"{prefix}-{len(made)}"
        made.append(Holder(client.describe, f"{prefix}/{len(made)}", name, **options))
        return made[-1]

    return make


def assert_nothing_left(agent, client, holder):
    assert client.http._tasks == set()
    assert holder.name not in [session["Name"] for session in agent.get("/v1/session/list")]
    status, body = agent.request("GET", f"/v1/kv/{holder.key}")
    assert status == 404 or "Session" not in json.loads(body)[0]
    # What has begun has run to the end of its `finally:`.
    assert holder.report == [] or holder.report[-1] == "cleaned"


def until(condition):
    """Wait until *condition* is true; False where it takes too long."""
    end = time.monotonic() + 2 * LONG
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


async def cancelled_after(steps, seconds):
    """Cancel a task after some seconds: the task, and how long it took to end."""
    task = await Spawn(steps)
    await sleep(seconds)
    began = await Now()
    task.cancel()
    assert await Wait(task.done, 10 * LONG)
    return task, await Now() - began


@pytest.mark.behaviour("Recipes", "A task that is cancelled ends at once, its finally: included")
def test_cancelled_at_any_moment(make_client, flavour, agent, make_holder):
    client = make_client(port=agent.port)
    chance = Random(flavour.name)
    moments = [0.0, 0.001, 0.003] + [chance.uniform(0, 0.06) for _ in range(8)]
    for moment in moments:
        holder = make_holder(client)
        task, seconds = client.run(cancelled_after(holder.steps(), moment))
        assert seconds < LONG, moment
        assert type(task.error).__name__ in CANCELLATIONS, moment
        assert_nothing_left(agent, client, holder)


def test_cancelled_while_it_holds(make_client, agent, make_holder):
    client = make_client(port=agent.port)
    holder = make_holder(client)

    async def scenario():
        task = await Spawn(holder.steps())
        assert await Wait(holder.held, 10 * LONG)
        # The monitor's poll is open.
        await sleep(0.3)
        began = await Now()
        task.cancel()
        task.cancel()
        await Wait(task.done)
        # It has ended: this does nothing.
        task.cancel()
        return await Now() - began

    assert client.run(scenario()) < LONG
    assert holder.report == ["begun", None, "cleaned"]
    assert not holder.lost
    assert_nothing_left(agent, client, holder)


def test_cancelled_again_while_it_cleans_up(make_client, agent, make_holder):
    client = make_client(port=agent.port)
    for number in range(8):
        holder = make_holder(client)

        async def scenario(holder=holder, pause=number * 0.0005):
            task = await Spawn(holder.steps())
            assert await Wait(holder.held, 10 * LONG)
            await sleep(0.02)
            while not await Wait(task.done, pause):
                task.cancel()
                await sleep(0.0005)

        client.run(scenario())
        assert_nothing_left(agent, client, holder)


@pytest.mark.behaviour("Recipes", "A recipe notices at once what someone else did to its lock")
def test_session_destroyed_by_someone_else(make_client, agent, make_holder):
    client = make_client(port=agent.port)
    # The keeper would notice only after 30 s, the monitor's poll ends after 60 s.
    holder = make_holder(client, ttl=60, renewal=30, on_lost=lambda: "told")

    async def scenario():
        async with beside(holder.steps()) as task:
            assert await Wait(holder.held, 10 * LONG)
            await sleep(0.3)
            began = await Now()
            await client.describe.session.destroy(holder.session)
            assert await Wait(holder.lost, 10 * LONG)
            assert await Wait(task.done, 10 * LONG)
            return task.value, await Now() - began

    value, seconds = client.run(scenario())
    assert value == "lost"
    assert seconds < LONG
    assert holder.report == ["begun", None, "told", "cleaned"]
    assert_nothing_left(agent, client, holder)


@pytest.mark.behaviour("Recipes", "The long poll of a recipe is cut where the recipe ends")
def test_told_to_end(make_client, agent, make_holder):
    client = make_client(port=agent.port)
    holder = make_holder(client, renewal=0.1)

    async def scenario():
        task = await Spawn(holder.steps())
        assert await Wait(holder.held, 10 * LONG)
        await sleep(0.4)
        began = await Now()
        holder.end.set()
        assert await Wait(task.done, 10 * LONG)
        return task.value, await Now() - began

    value, seconds = client.run(scenario())
    assert value == "ended"
    assert seconds < LONG
    assert holder.report == ["begun", None, "cleaned"]
    assert_nothing_left(agent, client, holder)
    # The key is free for the next one, and the client can be used on.
    again = Holder(client.describe, holder.key, holder.name)
    again.end.set()
    assert client.run(again.steps()) == "never held"
    assert_nothing_left(agent, client, again)


def test_user_code_is_waited_for(make_client, agent, make_holder):
    """What it returns is the flavour's: a value, a future, a coroutine or a Deferred."""
    client = make_client(port=agent.port)
    plain = raw(client)
    holder = make_holder(client, on_held=lambda: plain.kv.put(f"{holder.key}-seen", "1"))

    async def scenario():
        async with beside(holder.steps()):
            assert await Wait(holder.held, 10 * LONG)
            holder.end.set()
            await sleep(0.2)

    client.run(scenario())
    assert holder.report == ["begun", True, "cleaned"]
    assert_nothing_left(agent, client, holder)


def test_an_error_of_user_code_ends_it(make_client, agent, make_holder):
    client = make_client(port=agent.port)

    def fail():
        raise LookupError("user")

    holder = make_holder(client, on_held=fail)
    with pytest.raises(LookupError, match="user"):
        client.run(holder.steps())
    assert holder.report == ["begun", "cleaned"]
    assert_nothing_left(agent, client, holder)


async def inside(steps):
    async with beside(steps):
        await Wait(NEVER)


async def apart(steps):
    """It does not look after its task."""
    await Spawn(steps)
    await Wait(NEVER)


def closing(plain, holder, found):
    """Close the client, and note in *found* how far its holder had come when that was done."""
    pending = plain.close()

    def done(result=None):
        found.extend(holder.report)
        return result

    async def awaited():
        done(await pending)

    if pending is None:
        return done()
    return pending.addCallback(done) if hasattr(pending, "addCallback") else awaited()


@pytest.mark.behaviour("Recipes", "Closing the client ends recipes and waits for their finally:")
@pytest.mark.parametrize("scenario", [inside, apart, None], ids=["inside", "apart", "alone"])
def test_closed_at_any_moment(make_client, flavour, agent, make_holder, scenario):
    chance = Random(flavour.name)
    moments = [0.0, 0.3] + [chance.uniform(0, 0.06) for _ in range(4)]
    for moment in moments:
        client = make_client(port=agent.port)
        plain = raw(client)
        holder = make_holder(client)
        found = []

        close = partial(closing, plain, holder, found)
        steps = holder.steps()
        ran, closed = together(
            flavour,
            (0, lambda s=steps, p=plain: p.run(s if scenario is None else scenario(s))),
            (moment, close),
        )
        # They are still untouched where the close came first.
        steps.close()
        assert closed.error is None, moment
        assert closed.seconds < 2 * LONG, moment
        if flavour.name == "threads" and isinstance(ran.error, CancelledError):
            # There it had been asked for, and no thread had begun it.
            assert holder.report == []
        else:
            assert isinstance(ran.error, RuntimeError), (moment, ran)
            assert str(ran.error).endswith("is closed"), moment
        # It was there when close() was done.
        assert found == holder.report, moment
        assert_nothing_left(agent, client, holder)


def test_closed_twice_at_a_time(make_client, flavour, agent, make_holder):
    """The second close() must not cut what the first one waits for."""
    client = make_client(port=agent.port)
    plain = raw(client)
    holder = make_holder(client)
    ran, *closed = together(
        flavour,
        (0, lambda: plain.run(inside(holder.steps()))),
        *[(moment, plain.close) for moment in (0.3, 0.3, 0.301, 0.302, 0.303)],
    )
    assert [close.error for close in closed] == [None] * 5
    assert isinstance(ran.error, RuntimeError)
    assert_nothing_left(agent, client, holder)


async def requested(server):
    """Wait until the server has a request, and hangs."""
    while not server.requests:
        await sleep(0.01)
    await sleep(0.1)


@pytest.mark.behaviour("Recipes", "A call that is cancelled is cut, and not made again")
@pytest.mark.parametrize("policy", POLICIES)
def test_open_call_is_cut(make_client, hanging, policy):
    client = make_client(port=hanging.port, retry=POLICIES[policy])

    async def scenario():
        task = await Spawn(performed(client.describe.kv.get("fault", index=7, wait="60s")))
        await requested(hanging)
        began = await Now()
        task.cancel()
        await Wait(task.done)
        seconds = await Now() - began
        # Long enough for a repeat.
        await sleep(0.4)
        return task, seconds

    task, seconds = client.run(scenario())
    assert seconds < LONG
    assert type(task.error).__name__ in CANCELLATIONS
    assert until(lambda: hanging.left)
    assert len(hanging.requests) == 1


@pytest.mark.parametrize("moment", ["before the call is known", "while it connects"])
def test_stop_that_comes_between(make_client, flavour, hanging, monkeypatch, moment):
    """The runner has looked for a stop, and there is nothing to cut yet."""
    if flavour.name not in ("std", "threads"):
        pytest.skip("it is in one thread, where nothing comes between")
    client, tasks = make_client(port=hanging.port), []
    kind, name = std.HTTPClient, "exchange"
    if moment == "while it connects":
        kind, name = AbortableConnection, "_new_conn"
    proceed = getattr(kind, name)

    def stopped(*args):
        assert until(lambda: tasks)
        tasks[0].cancel()
        return proceed(*args)

    monkeypatch.setattr(kind, name, stopped)

    async def scenario():
        tasks.append(await Spawn(performed(client.describe.kv.get("fault"))))
        return await Wait(tasks[0].done, 10 * LONG)

    began = time.monotonic()
    assert client.run(scenario())
    assert time.monotonic() - began < LONG
    assert hanging.requests == []


def test_pause_of_a_repeat_is_cut(make_client):
    with FaultServer() as server:
        server.fault = Fault(b"HTTP/1.1 429 Slow\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n")
        client = make_client(port=server.port, retry=Retry(limit=60), timeout=100)

        async def scenario():
            task = await Spawn(performed(client.describe.kv.get("fault")))
            await requested(server)
            began = await Now()
            task.cancel()
            await Wait(task.done)
            return task, await Now() - began

        task, seconds = client.run(scenario())
        assert seconds < LONG
        assert type(task.error).__name__ in CANCELLATIONS
        assert len(server.requests) == 1


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", ["call", "recipe"])
def test_cancelled_by_the_user(make_client, flavour, hanging, policy, kind):
    """By the means of the flavour: of the future, the task or the Deferred."""
    if flavour.name == "std" and not GEVENT:
        pytest.skip("a blocking call returns nothing that could be cancelled")
    plain = raw(make_client(port=hanging.port, retry=POLICIES[policy]))
    finally_ran = []

    async def recipe():
        try:
            await plain.describe.kv.get("fault", index=7, wait="60s")
        finally:
            finally_ran.append((await plain.describe.kv.get("good"))[0])

    def start():
        if kind == "recipe":
            return plain.run(recipe())
        return plain.kv.get("fault", index=7, wait="60s")

    calls = []

    def begin():
        call = start()
        calls.append(asyncio.ensure_future(call) if inspect.iscoroutine(call) else call)
        return calls[-1]

    if GEVENT:
        import gevent

        killed = gevent.spawn(start)
        assert until(lambda: hanging.requests)
        began = time.monotonic()
        killed.kill()
        assert time.monotonic() - began < LONG
    else:
        other = raw(make_client(port=hanging.port))

        async def stop():
            await requested(hanging)
            calls[0].cancel()

        ran, stopped = together(flavour, (0, begin), (0, lambda: other.run(stop())))
        assert type(ran.error).__name__ == "CancelledError", ran
        assert ran.seconds < 2 * LONG
        assert stopped.error is None
        assert calls[0].cancelled() if hasattr(calls[0], "cancelled") else calls[0].called
    time.sleep(0.3)
    assert until(lambda: hanging.left)
    paths = [path.partition("?")[0] for path in hanging.paths()]
    if kind == "recipe":
        assert finally_ran == [7]
        assert paths == ["/v1/kv/fault", "/v1/kv/good"]
    else:
        assert paths == ["/v1/kv/fault"]

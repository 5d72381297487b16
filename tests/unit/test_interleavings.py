"""The trial recipe in any order of things, under a fake clock and with a small model of Consul.

`World` is one more flavour: its client has the verbs of `consul.core.client.HTTPClient`, and all
that is made of them is the library's own: the driver, repeats, turns, tasks and the close.  A tape
of bytes chooses what happens next: which task goes on, how long a request takes, what becomes of
its answer, and when someone cancels, destroys a session or closes the client.
"""

from __future__ import annotations

import heapq
import json
from functools import partial
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consul.base import Consul
from consul.core.client import HTTPClient
from consul.core.request import Response
from consul.core.retry import Retry
from consul.core.settings import Settings
from consul.core.signal import NEVER
from consul.core.steps import CLEANUP, Cancelled, Now, Spawn, Task, Wait, beside, drive, sleep
from consul.core.turns import Turns
from consul.core.values import seconds as to_seconds
from consul.exceptions import ConnectionFailed, ConsulException, Timeout
from tests.recipes.trial import LATE, Holder

KEY = "jobs/lock"
#: Seconds of a request, and of its answer, on the way.
LATENCIES = (0.0, 0.0, 0.002, 0.3)
#: What becomes of a request: "refused" makes no connection, "dropped" breaks it before the server
#: acts, "lost" after it, and "silent" leaves the caller waiting.
FATES = ("answered",) * 6 + ("refused", "dropped", "lost", "silent")
#: Seconds from and to which nothing comes through, or not even that.
OUTAGES = ((0, 0), (0, 0), (1, 16), (4, 13), (4, 60))
#: More than any run takes.
ENOUGH_STEPS = 20_000
#: Seconds beyond `CLEANUP` that a task may take: each of its last calls has a little time in any
#: case, and a holder may make a pause twice.
GRACE = 2 * LATE + 0.5
#: A tape that has come to its end goes on with zeros.
tapes = st.binary(min_size=500, max_size=500).map(lambda tape: tape.rstrip(b"\0"))
few = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    suppress_health_check=list(HealthCheck),
)
many = settings(few, max_examples=600)


class Pending:
    """What a task waits for: an answer, or a signal."""

    def __init__(self, running):
        self.running, self.over = running, False
        self.undo = lambda: None

    def finish(self, value=None, error=None):
        if not self.over:
            self.abandon()
            self.running.ready = value, error
            self.running.lossy = True

    def abandon(self):
        if not self.over:
            self.over = True
            self.running.pending = None
            self.undo()


class Running:
    """A recipe that the world performs."""

    def __init__(self, world, steps, parent):
        self.world, self.steps, self.parent = world, steps, parent
        self.children = []
        #: Whether it may end before the tasks that it began.
        self.careless = False
        self.task = Task(self.stop)
        self.driver = drive(steps, self.perform, world.http._sending)
        self.pending = None
        #: The outcome that it goes on with; None while it waits.
        self.ready = None, None
        #: Whether a cancellation replaces that outcome.
        self.lossy = False
        self.begun = self.told = False
        self.told_at = None

    def stop(self):
        if self.told_at is None:
            self.told_at = self.world.now
        if not self.begun:
            self.steps.close()
            self.driver.close()
            self.end(error=Cancelled())
        elif self.pending is not None:
            self.pending.abandon()
            self.ready = None, Cancelled()
        elif self.world.loop_like and self.lossy:
            # An event loop throws it in although the answer is there.
            self.ready = None, Cancelled()
        else:
            self.told = True

    def perform(self, step):
        if self.told and not self.world.loop_like:
            # A thread looks before each step.
            self.told = False
            raise Cancelled
        return self.world.http._perform(step)

    def go_on(self):
        """One step, or for a loop all steps up to the next wait."""
        world, self.begun = self.world, True
        while True:
            (value, error), self.ready, self.lossy = self.ready, None, False
            world.current = self
            try:
                outcome = self.driver.send(value) if error is None else self.driver.throw(error)
            except StopIteration as stop:
                return self.end(stop.value)
            except BaseException as failure:
                return self.end(error=failure)
            finally:
                world.current = None
            if not isinstance(outcome, Pending):
                self.ready = outcome, None
            elif not outcome.over:
                self.pending = outcome
            if self.told and world.loop_like and self.pending is not None:
                self.told = False
                self.pending.abandon()
                self.ready = None, Cancelled()
            if not (world.loop_like and self.ready and not self.lossy and self.ready[1] is None):
                return None

    def end(self, value=None, error=None):
        self.ready = self.pending = None
        self.world.running.remove(self)
        self.world.http._tasks.discard(self.task)
        self.task.end(value, error)
        took = 0.0 if self.told_at is None else self.world.now - self.told_at
        assert took <= CLEANUP + GRACE, f"{self.steps} took {took} s to end"
        assert self.careless or all(child.task.done for child in self.children), "a task is left"


class Ordered(dict):
    """A set that keeps its order, so that a tape always tells the same story."""

    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)


class Simulated(HTTPClient):
    """The client of a world."""

    def __init__(self, world, **options):
        self.world = world
        #: Blocking queries that are open.
        self.open_polls = 0
        super().__init__(Settings(retry=Retry(connect=True), **options))

    def _start(self):
        super()._start()
        self._tasks = Ordered()

    def _perform(self, step):
        return self.world.now if isinstance(step, Now) else super()._perform(step)

    def wait(self, signal, seconds):
        world, pending = self.world, Pending(self.world.current)
        watcher = partial(pending.finish, True)

        def undo():
            signal.unwatch(watcher)
            world.watched -= 1

        world.watched += 1
        pending.undo = undo
        if seconds is not None:
            world.after(max(0.0, seconds), lambda: pending.finish(bool(signal)))
        signal.watch(watcher)
        return pending

    def spawn(self, steps):
        return self.world.begin(steps, self.world.current)

    def _attempt(self, call):
        world, pending = self.world, Pending(self.world.current)
        fate = world.choose(FATES) if world.faulty else "answered"
        if world.outage[0] <= world.now - 1000 < world.outage[1]:
            fate = "silent"
        world.faults += fate != "answered"

        def reply(code, body, index=None):
            headers = {} if index is None else {"x-consul-index": str(index)}
            response = Response(code, headers, json.dumps(body).encode())
            world.after(world.choose(LATENCIES), lambda: answered(response))

        def answered(response):
            if fate == "lost":
                fail(True)
            elif not pending.over:
                try:
                    value = call.read(response)
                except ConsulException as error:
                    pending.finish(error=error)
                else:
                    pending.finish(value)

        def fail(sent):
            error = ConnectionFailed(fate)
            error.sent = sent
            pending.finish(error=error)

        def arrived():
            # What the caller gave up may have been under way already.
            if not pending.over or (call.request.method != "GET" and world.choose((True, False))):
                world.server.serve(call.request, reply, pending)

        if call.request.hold is not None:
            self.open_polls += 1
            assert self.settings.max_polls is None or self.open_polls <= self.settings.max_polls

            def undo():
                self.open_polls -= 1

            pending.undo = undo
        latency = world.choose(LATENCIES)
        if fate in ("refused", "dropped"):
            world.after(latency, lambda: fail(fate == "dropped"))
        elif fate != "silent":
            world.after(latency, arrived)
        late = Timeout("no answer in time")
        world.after(call.request.deadline, lambda: pending.finish(error=late))
        return pending


class Server:
    """Sessions that expire, keys that they lock, and reads that wait for a change."""

    def __init__(self, world):
        self.world = world
        self.index = 1
        self.sessions, self.expiries, self.keys = {}, {}, {}
        self.waiting = []
        self.ids = count(1)
        #: Sessions that ended without their owner's doing, and when.
        self.broken = {}

    def serve(self, request, reply, pending):
        kind, _, rest = request.path.removeprefix("/v1/").partition("/")
        params = dict(request.params)
        if kind == "session":
            verb, _, session = rest.partition("/")
            getattr(self, verb)(session, request, reply)
        elif request.method == "PUT":
            self.put(rest, params, reply)
        else:
            self.get(rest, params, reply, pending)

    def create(self, _, request, reply):
        session, body = f"session-{next(self.ids)}", json.loads(request.body)
        self.sessions[session] = body["name"], to_seconds("ttl", body["ttl"])
        self.restart_ttl(session)
        reply(200, {"ID": session})

    def restart_ttl(self, session):
        # Consul takes up to twice as long.  Never exactly the TTL, so that the order of what
        # happens at the same instant does not matter.
        ttl = self.sessions[session][1] * self.world.choose((1.0, 1.5, 2.0)) + 0.05
        self.expiries[session] = expiry = object()

        def expire():
            if self.expiries.get(session) is expiry:
                self.remove(session)

        self.world.after(ttl, expire)

    def renew(self, session, request, reply):
        if session not in self.sessions:
            return reply(404, "unknown session")
        self.restart_ttl(session)
        name, _ = self.sessions[session]
        return reply(200, [{"ID": session, "Name": name}])

    def destroy(self, session, request, reply):
        self.remove(session)
        reply(200, True)

    def list(self, _, request, reply):
        found = [{"ID": session, "Name": name} for session, (name, _) in self.sessions.items()]
        reply(200, found, self.index)

    def remove(self, session):
        self.expiries.pop(session, None)
        if self.sessions.pop(session, None) is not None:
            for key, (holder, _) in list(self.keys.items()):
                if holder == session:
                    self.change(key, None)

    def change(self, key, holder):
        self.index += 1
        self.keys[key] = holder, self.index
        waiting, self.waiting = self.waiting, []
        for read in waiting:
            read()

    def put(self, key, params, reply):
        holder, _ = self.keys.get(key, (None, 0))
        acquire, release = params.get("acquire"), params.get("release")
        if acquire is not None and acquire not in self.sessions:
            return reply(500, f"invalid session {acquire!r}")
        done = holder in (None, acquire) if acquire else release is None or holder == release
        if done:
            self.change(key, acquire or (holder if release is None else None))
        return reply(200, done)

    def get(self, key, params, reply, pending):
        holder, index = self.keys.get(key, (None, self.index))
        if "index" in params and int(params["index"]) >= index:
            deadline = self.world.now + to_seconds("wait", params["wait"])

            def read():
                if pending.over or deadline is None:
                    return
                if self.keys.get(key, (None, 0))[1] > int(params["index"]):
                    answer()
                else:
                    self.waiting.append(read)

            def answer():
                nonlocal deadline
                if deadline is not None:
                    deadline = None
                    self.get(key, {}, reply, pending)

            self.waiting.append(read)
            return self.world.after(deadline - self.world.now, answer)
        if key not in self.keys:
            return reply(404, None, index)
        pair = {"Key": key, "Value": None, "Flags": 0, "ModifyIndex": index}
        return reply(200, [pair if holder is None else {**pair, "Session": holder}], index)


class World:
    """Time, tasks and a server; *tape* decides."""

    def __init__(self, tape, **options):
        self.tape, self.place = tape, 0
        self.now, self.events, self.numbers = 1000.0, [], count()
        self.running, self.current = [], None
        self.watched = self.faults = 0
        self.holders, self.closes, self.closed_at = [], [], None
        self.loop_like = self.choose((False, True))
        self.faulty = self.choose((False, True))
        #: When the server is not heard of at all.
        self.outage = self.choose(OUTAGES)
        self.server = Server(self)
        self.http = Simulated(self, **options)

    def choose(self, choices):
        if len(choices) == 1 or self.place == len(self.tape):
            return choices[0]
        self.place += 1
        return choices[self.tape[self.place - 1] % len(choices)]

    def after(self, seconds, happen):
        heapq.heappush(self.events, (self.now + seconds, next(self.numbers), happen))

    def happen(self):
        """The next event, for which time goes on."""
        self.now, _, happen = heapq.heappop(self.events)
        happen()

    def begin(self, steps, parent=None):
        running = Running(self, steps, parent)
        self.running.append(running)
        self.http._tasks.add(running.task)
        if parent is not None:
            parent.children.append(running)
        return running.task

    def run(self, until=0.0):
        """Go on until all tasks have ended, *until* seconds from now at least."""
        until += self.now
        self.after(until - self.now, lambda: None)
        for _ in range(ENOUGH_STEPS):
            if not self.running and self.now >= until:
                return
            ready = [running for running in self.running if running.ready is not None]
            assert ready or self.events, f"nothing will ever happen to {self.running}"
            if not ready or (
                self.events and self.events[0][0] <= self.now and self.choose((False, True))
            ):
                self.happen()
            else:
                self.choose(ready).go_on()
            self.check_holders()
        raise AssertionError("it does not end")

    def hold(self, name, **options):
        holder = Holder(Consul(), KEY, name, **options)
        self.holders.append(holder)
        return holder, self.begin(holder.steps())

    def destroy(self, holder):
        """Someone else destroys its session."""
        if holder.session in self.server.sessions:
            self.server.broken[holder.session] = self.now
            self.server.remove(holder.session)

    def check_holders(self):
        sure = []
        for holder in self.holders:
            if holder.holding and not holder.lost:
                since = self.server.broken.get(holder.session)
                if since is None:
                    sure.append(holder)
                else:
                    # It has to notice: when the session had ended anyway, at the latest.
                    assert self.now <= since + holder.ttl
        assert len(sure) <= 1, "two hold the key"

    def close(self):
        """Close the client."""
        task = self.begin(self.closing())
        # It is no task of the client's.
        self.http._tasks.discard(task)
        self.closes.append(task)

    async def closing(self):
        if self.closed_at is None:
            self.closed_at = self.now
        await self.http._closing(None)
        if self.now - self.closed_at < CLEANUP:
            assert not self.http._tasks, "a task runs although close() is done"

    def check_end(self):
        assert self.watched == 0, "a wait is still watched"
        assert [close.error for close in self.closes] == [None] * len(self.closes)
        assert self.http.open_polls == 0
        assert not self.http._tasks
        if self.http._turns is not None:
            assert_all_free(self.http._turns, self.http.settings.max_polls)


def assert_all_free(turns, limit):
    assert not turns._waiting
    assert len(turns._free) == limit


async def reading(api, key):
    """Read a key again and again, which takes turns."""
    index, answers = None, 0
    while True:
        try:
            index, pair = await api.kv.get(key, index=index, wait="2s")
        except ConsulException:
            index = None
            await sleep(0.5)
        else:
            assert pair is None or pair["Key"] == key, "the answer to another call"
            answers += 1


@many
@given(tapes)
def test_holders(tape):
    world = World(tape, max_polls=2)
    held = [
        world.hold(name, ttl=10.0, renewal=3.0, poll="20s", on_held=lambda: "user")
        for name in ("one", "two")
    ]
    readers = [world.begin(reading(Consul(), key)) for key in (KEY, "other")]
    moments = (0.0, 0.001, 0.31, 2.0, 9.0, 25.0)
    for holder, task in held:
        what = world.choose(
            (holder.end.set, partial(world.destroy, holder), task.cancel, lambda: None)
        )
        world.after(world.choose(moments), what)
        if world.choose((False, False, False, True)):
            world.after(world.choose(moments), task.cancel)
    close = world.choose((0.0, 0.002, 0.31, 10.0, 60.0, 60.0, 60.0, 60.0))
    world.after(close, world.close)
    world.after(close + world.choose(moments), world.close)
    world.run()
    world.check_end()
    for holder, task in held:
        check_holder(world, holder, task)
    for reader in readers:
        assert isinstance(reader.error, Cancelled)


def check_holder(world, holder, task):
    if task.error is None:
        assert task.value == ("lost" if holder.lost else "ended" if holder.held else "never held")
    assert not holder.holding
    if not holder.report:
        # It was cancelled before it began.
        assert isinstance(task.error, Cancelled)
    elif world.faults == 0:
        assert task.error is None or isinstance(task.error, Cancelled), task.error
        assert holder.report[-1] == "cleaned", "its finally: did not run to the end"
        assert holder.name not in [name for name, _ in world.server.sessions.values()]
        assert world.server.keys.get(KEY, (None, 0))[0] is None
    else:
        # What comes of a call in the `finally:` may hide the rest.
        kinds = (Cancelled, ConsulException, RuntimeError)
        assert task.error is None or isinstance(task.error, kinds), task.error


@few
@given(tapes)
def test_turns_are_neither_lost_nor_exceeded(tape):
    world = World(tape)
    turns, limit = Turns(2), 2
    inside, order = [], []

    async def user(number):
        if not await turns.take(world.choose((None, 0.5, 3.0))):
            return "none"
        try:
            inside.append(number)
            assert len(inside) <= limit
            await sleep(world.choose((0.0, 1.0)))
            inside.remove(number)
            order.append(number)
        finally:
            if number in inside:
                inside.remove(number)
            turns.give()
        return "had one"

    tasks = [world.begin(user(number)) for number in range(6)]
    for task in tasks:
        if world.choose((False, True)):
            world.after(world.choose((0.0, 0.5, 1.0, 2.0)), task.cancel)
    world.run()
    assert_all_free(turns, limit)
    assert world.watched == 0
    for number, task in enumerate(tasks):
        if task.error is None:
            assert task.value == ("had one" if number in order else "none")
        else:
            assert isinstance(task.error, Cancelled)


@few
@given(tapes)
def test_values_and_errors_reach_the_parent(tape):
    world = World(tape)

    async def child(number):
        try:
            await sleep(world.choose((0.0, 1.0)))
        finally:
            await sleep(0.0)
        if number % 2:
            raise LookupError(number)
        return number

    async def parent():
        tasks = [await Spawn(child(number)) for number in range(4)]
        for task in tasks:
            if world.choose((False, False, True)):
                task.cancel()
                task.cancel()
        for task in tasks:
            await Wait(task.done)
        return tasks

    root = world.begin(parent())
    world.run()
    for number, task in enumerate(root.value):
        if isinstance(task.error, LookupError):
            assert (task.error.args, number % 2) == ((number,), 1)
        elif task.error is None:
            assert (task.value, number % 2) == (number, 0)
        else:
            assert isinstance(task.error, Cancelled)


@few
@given(tapes)
def test_nothing_is_left_beside_a_block(tape):
    """Whenever it is cancelled, also while it waits for what was beside it; see `Running.end`."""
    world = World(tape)
    begun, ended = [], []

    async def work():
        begun.append(True)
        try:
            await Wait(NEVER)
        finally:
            await sleep(world.choose((1.0, 0.0)))
            ended.append(True)

    async def parent():
        async with beside(work()), beside(work()):
            await sleep(world.choose((1.0, 0.0)))
        return "done"

    task = world.begin(parent())
    world.after(world.choose((1.5, 0.0, 0.5, 1.0, 2.5, 9.0)), task.cancel)
    world.run()
    assert ended == begun
    assert task.value == "done" or isinstance(task.error, Cancelled)
    world.check_end()


@few
@given(tapes)
def test_close_ends_what_begins_meanwhile(tape):
    """A task that another one begins while the client is being closed, and leaves alone."""
    world = World(tape)
    begun, cleaned = [], []

    async def work():
        begun.append(True)
        try:
            await Wait(NEVER)
        finally:
            await sleep(0.1)
            cleaned.append(True)

    async def careless():
        try:
            await sleep(world.choose((0.0, 1.0)))
        finally:
            await Spawn(work())

    task = world.begin(careless())
    world.running[0].careless = True
    for moment in (world.choose((0.0, 0.5, 1.0, 1.05, 1.2)), world.choose((1.05, 1.1, 1.2)), 3.0):
        world.after(moment, world.close)
    world.run(3.0)
    # One that is cancelled before it began is never run.
    assert cleaned == begun
    assert task.error is None or isinstance(task.error, Cancelled)
    world.check_end()

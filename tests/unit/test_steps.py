"""The driver of recipes, the steps in each flavour, and the recipe that waits for a leader."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import sys
import threading
from concurrent.futures import Future

import pytest

from consul import exceptions
from consul.base import Consul
from consul.core import clock
from consul.core.request import Attempt, Call, Gated, Once, Request, Response
from consul.core.signal import NEVER, Signal
from consul.core.steps import (
    CLEANUP,
    SHORTEST_CLEANUP,
    Cancelled,
    Invoke,
    Now,
    Spawn,
    Step,
    Task,
    Wait,
    beside,
    drive,
    drive_directly,
    sleep,
)
from consul.recipes.leader import PAUSE, wait_for_leader
from tests.flavours import FLAVOURS


def test_errors_are_thrown_into_the_recipe():
    async def recipe():
        try:
            await sleep(1)
        except OSError as error:
            return str(error)

    def perform(step):
        raise OSError("broken")

    assert drive_directly(recipe(), perform) == "broken"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, OSError])
def test_finally_runs_with_further_steps(kind):
    done = []

    async def recipe():
        try:
            await sleep(1)
        finally:
            done.append(await Now())

    def perform(step):
        if isinstance(step, Wait):
            raise kind
        return 7.0

    with pytest.raises(kind):
        drive_directly(recipe(), perform)
    assert done == [7.0]


def test_what_is_not_a_step_is_refused():
    class Other:
        def __await__(self):
            yield "other"

    done = []

    async def recipe():
        try:
            await Other()
        finally:
            done.append(True)

    with pytest.raises(TypeError, match=r"recipe.*awaited 'other', which is not a step"):
        drive_directly(recipe(), lambda step: None)
    assert done == [True]


def test_closing_the_driver_closes_the_recipe():
    done = []

    async def recipe():
        try:
            await sleep(1)
        finally:
            done.append(True)

    driver = drive(recipe(), lambda step: step)
    assert isinstance(driver.send(None), Wait)
    driver.close()
    assert done == [True]


def test_values_go_back_and_none_is_a_result():
    async def recipe():
        return [await Now(), await sleep(0)]

    driver = drive(recipe(), lambda step: step)
    assert isinstance(driver.send(None), Now)
    assert isinstance(driver.send(3), Wait)
    with pytest.raises(StopIteration) as stop:
        driver.send(None)
    assert stop.value.value == [3, None]


def called(deadline=60.0, name="x"):
    """A call whose value is the body of the answer."""
    return Call(Request("GET", f"/{name}", deadline=deadline), lambda response: response.body)


def test_each_kind_of_step_is_performed_and_its_outcome_comes_back():
    signal, call, pending = Signal(), called(), sleep(1)
    performed = []

    async def recipe():
        return [
            await Now(),
            await Wait(signal, 5),
            await Wait(signal),
            await sleep(2),
            await Spawn("steps"),
            await Invoke(divmod, 7, 2),
            await Attempt(call),
            await call,
            await pending,
            # A step has no state, so it can be awaited again.
            await pending,
        ]

    def perform(step):
        performed.append(step)
        return len(performed)

    assert drive_directly(recipe(), perform) == list(range(1, 11))
    now, wait, endless, pause, spawn, invoke, attempt, whole, *same = performed
    assert isinstance(now, Now)
    assert (wait.signal, wait.seconds, endless.seconds) == (signal, 5, None)
    assert (pause.signal, pause.seconds) == (NEVER, 2)
    assert spawn.steps == "steps"
    assert (invoke.function, invoke.args) == (divmod, (7, 2))
    assert attempt.call is whole is call
    assert same == [pending, pending]


def test_only_a_call_is_composite_and_can_be_shortened():
    for step in (Now(), Wait(NEVER, 1), Spawn(None), Invoke(print), Attempt(called())):
        assert not step.composite
        assert step.within(0.1) is step
    assert Call.composite
    assert called().within(0.1).request.deadline == 0.1


# Composite steps


async def attempts(call):
    """The steps of a call that is made twice."""
    first = await Attempt(call)
    return first, await Attempt(call)


def test_a_composite_step_is_replaced_by_its_steps():
    performed = []

    async def recipe():
        return [await called(), await Now(), await called()]

    def perform(step):
        performed.append(type(step))
        return len(performed)

    assert drive_directly(recipe(), perform, attempts) == [(1, 2), 3, (4, 5)]
    assert performed == [Attempt, Attempt, Now, Attempt, Attempt]


def test_a_composite_step_may_be_made_of_others():
    async def outside(call):
        if call.request.path == "/inside":
            return await Attempt(call)
        return ["out", await called(name="inside")]

    async def recipe():
        return await called()

    assert drive_directly(recipe(), lambda step: step.call.request.path, outside) == [
        "out",
        "/inside",
    ]


def test_an_error_passes_through_the_steps_of_a_composite_one():
    seen = []

    async def failing(call):
        try:
            return await Attempt(call)
        except OSError as error:
            seen.append(str(error))
            raise LookupError("inside") from error

    async def recipe():
        try:
            await called()
        except LookupError as error:
            return [*seen, str(error)]

    def perform(step):
        raise OSError("wire")

    assert drive_directly(recipe(), perform, failing) == ["wire", "inside"]


def test_closing_the_driver_closes_the_steps_of_a_composite_one():
    done = []

    async def slow(call):
        try:
            return await Attempt(call)
        finally:
            done.append("inner")

    async def recipe():
        try:
            await called()
        finally:
            done.append("outer")

    driver = drive(recipe(), lambda step: step, slow)
    assert isinstance(driver.send(None), Attempt)
    driver.close()
    assert done == ["inner", "outer"]


# Cancellation


class Clock:
    """Performs steps: each attempt takes as long as it may, and fails."""

    def __init__(self, cancelled_by=Cancelled):
        self.now, self.limits, self.cancelled_by = 1000.0, [], cancelled_by

    def __call__(self, step):
        if isinstance(step, Now):
            return self.now
        if isinstance(step, Wait):
            if step.seconds is None:
                raise self.cancelled_by
            self.now += step.seconds
            return False
        assert isinstance(step, Attempt)
        self.limits.append(step.call.request.deadline)
        self.now += min(2.0, step.call.request.deadline)
        raise exceptions.Timeout("no answer in time")


async def once(call):
    return await Attempt(call)


async def cleaning(calls, deadline=60.0):
    try:
        await Wait(NEVER)
    finally:
        for _ in range(calls):
            try:
                await called(deadline)
            except exceptions.Timeout:
                await sleep(0.5)


@pytest.mark.parametrize("kind", [Cancelled, KeyboardInterrupt])
def test_after_a_cancellation_all_calls_together_have_a_limit(kind):
    world = Clock(kind)
    with pytest.raises(kind):
        drive_directly(cleaning(5), world, once)
    # The pauses between them count as well.
    left = [CLEANUP, CLEANUP - 2.5]
    assert world.limits == pytest.approx([*left, *[SHORTEST_CLEANUP] * 3])


def test_a_shorter_limit_of_a_call_stays_its_own():
    world = Clock()
    with pytest.raises(Cancelled):
        drive_directly(cleaning(2, 0.25), world, once)
    assert world.limits == [0.25, 0.25]


@pytest.mark.parametrize("kind", [OSError, SystemExit, asyncio.CancelledError])
def test_what_is_no_cancellation_sets_no_limit(kind):
    world = Clock(kind)
    with pytest.raises(kind):
        drive_directly(cleaning(3), world, once)
    assert world.limits == [60.0] * 3


def test_the_flavour_says_what_a_cancellation_is():
    world = Clock(asyncio.CancelledError)

    def run():
        driver = drive(cleaning(1), world, once, (asyncio.CancelledError,))
        outcome = None
        while True:
            outcome = driver.send(outcome)

    with pytest.raises(asyncio.CancelledError):
        run()
    assert world.limits == [CLEANUP]


def test_before_a_cancellation_nothing_is_limited():
    world = Clock()

    async def recipe():
        for _ in range(3):
            with contextlib.suppress(exceptions.Timeout):
                await called()
        await cleaning(1)

    with pytest.raises(Cancelled):
        drive_directly(recipe(), world, once)
    assert world.limits == [60.0] * 3 + [CLEANUP]


def test_a_second_cancellation_does_not_extend_the_limit():
    world = Clock()

    async def recipe():
        try:
            await cleaning(1)
        finally:
            await cleaning(1)

    with pytest.raises(Cancelled):
        drive_directly(recipe(), world, once)
    assert world.limits == pytest.approx([CLEANUP, CLEANUP - 2.5])


def test_a_recipe_that_is_cancelled_within_a_call_is_limited_as_well():
    world, stopped = Clock(), []

    def perform(step):
        if isinstance(step, Attempt) and not stopped:
            stopped.append(step)
            raise Cancelled
        return world(step)

    async def recipe():
        try:
            await called()
        finally:
            await called()

    with pytest.raises(exceptions.Timeout):
        drive_directly(recipe(), perform, once)
    assert world.limits == [CLEANUP]


def test_without_expanding_a_call_is_not_changed():
    """An old adapter knows no limits."""
    seen = []

    def perform(step):
        if isinstance(step, Wait):
            raise Cancelled
        if isinstance(step, Now):
            return 0.0
        seen.append(step.request.deadline)
        return None

    async def recipe():
        try:
            await sleep(1)
        finally:
            await called()

    with pytest.raises(Cancelled):
        drive_directly(recipe(), perform)
    assert seen == [60.0]


# Tasks, and what runs beside a block


def test_a_task_ends_once():
    stops = []
    task = Task(lambda: stops.append(True))
    watched = []
    task.done.watch(lambda: watched.append((task.value, task.error)))
    task.cancel()
    # The second time would hit the steps of its `finally:` blocks.
    task.cancel()
    assert (stops, bool(task.done)) == ([True], False)
    error = OSError("x")
    task.end("value", error)
    # What it came to is there when the signal is set.
    assert watched == [("value", error)]
    task.cancel()
    assert len(stops) == 1


def test_a_task_that_has_ended_is_not_stopped():
    stops = []
    task = Task(lambda: stops.append(True))
    task.end()
    task.cancel()
    assert stops == []


def test_a_task_lets_go_of_what_ran_it():
    class Runner:
        def stop(self):
            pass

    runner = Runner()
    task = Task(runner.stop)
    count = sys.getrefcount(runner)
    task.end()
    assert sys.getrefcount(runner) < count


class Beside:
    """Performs `Spawn` by noting the task, which ends when somebody waits for that.

    *interrupted* waits are cancelled before it ends.
    """

    def __init__(self, interrupted=0):
        self.events, self.task, self.interrupted = [], None, interrupted

    def __call__(self, step):
        if isinstance(step, Spawn):
            step.steps.close()
            self.events.append("spawned")
            self.task = Task(lambda: self.events.append("cancelled"))
            return self.task
        if isinstance(step, Wait) and step.signal is not NEVER:
            assert step.signal is self.task.done
            assert step.seconds is None
            if self.interrupted:
                self.interrupted -= 1
                self.events.append("interrupted")
                raise Cancelled
            if not self.task.done:
                self.events.append("waited")
                self.task.end()
            return True
        if isinstance(step, Now):
            return 0.0
        raise Cancelled


async def endless():
    await Wait(NEVER)


async def falls_through():
    async with beside(endless()) as task:
        assert not task.done


async def returns():
    async with beside(endless()):
        return 7


async def breaks():
    for _ in range(3):
        async with beside(endless()):
            break


async def fails():
    async with beside(endless()):
        raise LookupError("block")


async def is_cancelled():
    async with beside(endless()):
        await sleep(1)


async def ends_first():
    async with beside(endless()) as task:
        task.end("early")


@pytest.mark.parametrize(
    ("recipe", "error"),
    [
        (falls_through, None),
        (returns, None),
        (breaks, None),
        (fails, LookupError),
        (is_cancelled, Cancelled),
    ],
)
def test_what_runs_beside_a_block_ends_with_it(recipe, error):
    world = Beside()
    if error is None:
        assert drive_directly(recipe(), world) == (7 if recipe is returns else None)
    else:
        with pytest.raises(error):
            drive_directly(recipe(), world)
    assert world.events == ["spawned", "cancelled", "waited"]


def test_what_has_ended_before_the_block_is_not_cancelled():
    world = Beside()
    drive_directly(ends_first(), world)
    assert world.events == ["spawned"]


@pytest.mark.parametrize("recipe", [falls_through, returns, fails, is_cancelled])
def test_a_cancellation_while_the_task_ends_does_not_leave_it_behind(recipe):
    world = Beside(interrupted=1)
    with pytest.raises(Cancelled):
        drive_directly(recipe(), world)
    assert world.events == ["spawned", "cancelled", "interrupted", "waited"]


def test_a_block_that_is_dropped_cancels_what_runs_beside_it():
    """The loop is gone, and nothing can be awaited any more."""
    world, steps = Beside(), is_cancelled()
    driver = drive(steps, lambda step: world(step) if isinstance(step, Spawn) else step)
    assert isinstance(driver.send(driver.send(None)), Wait)
    try:
        driver.close()
    finally:
        # What goes on all the same must not trouble another test.
        with contextlib.suppress(BaseException):
            while True:
                steps.send(None)
    assert world.events == ["spawned", "cancelled"]


# The steps in each flavour


class OfFlavour:
    """A client of one flavour whose exchange is done by a function, and how to wait for it."""

    def __init__(self, name):
        self.flavour = FLAVOURS[name]()
        self.http = self.flavour.module.HTTPClient()
        self.requests = []
        answer = Response(200, {}, b"body")

        def exchange(request):
            self.requests.append(request)
            return answer

        async def later(request):
            return exchange(request)

        self.http.exchange = later if name in ("aio", "tornado") else exchange
        if name == "twisted":
            from twisted.internet.defer import succeed

            self.http.exchange = lambda request: succeed(exchange(request))

    def perform(self, step):
        return self.flavour.call(self.http._perform, step)

    def run(self, steps):
        return self.flavour.call(self.http.run, steps)

    def close(self):
        self.flavour.call(self.http.close)
        self.flavour.stop()


@pytest.fixture(params=sorted(FLAVOURS))
def world(request):
    pytest.importorskip(f"consul.{request.param}")
    made = OfFlavour(request.param)
    yield made
    made.close()


class Unknown(Step):
    """A step that no flavour knows."""


class Later(Now):
    """A subclass is another step."""


def test_each_flavour_makes_one_attempt(world):
    call = called()
    assert world.perform(Attempt(call)) == b"body"
    assert world.requests == [call.request]


def test_each_flavour_tells_the_time(world):
    before = clock.now()
    assert before <= world.perform(Now()) <= clock.now()


def test_each_flavour_waits(world):
    signal = Signal()
    assert world.perform(Wait(signal, 0.01)) is False
    assert world.perform(sleep(0.0)) is False
    threading.Timer(0.02, signal.set).start()
    assert world.perform(Wait(signal)) is True
    assert world.perform(Wait(signal, 0.0)) is True
    assert not signal._watchers


def test_each_flavour_runs_steps_beside(world):
    told = Signal()

    async def background():
        await Wait(told)
        return await called()

    task = world.perform(Spawn(background()))
    assert isinstance(task, Task)
    assert world.perform(Wait(task.done, 0.01)) is False
    told.set()
    assert world.perform(Wait(task.done, 5)) is True
    assert (task.value, task.error) == (b"body", None)


def test_each_flavour_notes_how_a_task_failed(world):
    async def background():
        await sleep(0)
        raise LookupError("beside")

    task = world.perform(Spawn(background()))
    assert world.perform(Wait(task.done, 5)) is True
    assert (task.value, repr(task.error)) == (None, "LookupError('beside')")


def test_each_flavour_ends_a_task_that_is_cancelled(world):
    done = []

    async def background():
        try:
            await Wait(NEVER)
        finally:
            # Its further steps are performed.
            done.append(await called())

    task = world.perform(Spawn(background()))
    assert world.perform(Wait(task.done, 0.01)) is False
    task.cancel()
    assert world.perform(Wait(task.done, 5)) is True
    assert done == [b"body"]
    assert type(task.error).__name__ in ("Cancelled", "CancelledError")
    assert not world.http._tasks


def test_each_flavour_calls_a_function(world):
    here = []
    assert world.perform(Invoke(lambda *given: [*given, here.append(given)], 1, 2)) == [1, 2, None]
    assert here == [(1, 2)]


def test_each_flavour_waits_for_what_a_function_returns(world):
    name = world.flavour.name
    future = Future()

    def function():
        if name == "std":
            return future
        if name == "threads":
            threading.Timer(0.01, future.set_result, ("late",)).start()
            return future
        if name == "twisted":
            from twisted.internet import reactor
            from twisted.internet.task import deferLater

            return deferLater(reactor, 0.01, lambda: "late")
        return asyncio.sleep(0.01, "late")

    # A blocking client has nothing to wait with.
    assert world.perform(Invoke(function)) == (future if name == "std" else "late")


@pytest.mark.parametrize("kind", [Step, Unknown, Later, type("Sub", (Call,), {})])
def test_each_flavour_refuses_a_step_that_it_does_not_know(world, kind):
    step = kind.__new__(kind)
    if isinstance(step, Call):
        step = kind(called().request, None)
    with pytest.raises(TypeError, match=r"HTTPClient cannot perform <"):
        world.perform(step)
    assert world.requests == []


def test_each_flavour_refuses_it_within_a_recipe(world):
    done = []

    async def recipe():
        try:
            await Unknown()
        finally:
            done.append(await called())

    with pytest.raises(TypeError, match=r"HTTPClient cannot perform <.*Unknown"):
        world.run(recipe())
    assert done == [b"body"]


def test_each_flavour_performs_them_all_in_a_recipe(world):
    signal = Signal()

    async def background():
        signal.set()
        return "beside"

    async def recipe():
        began = await Now()
        task = await Spawn(background())
        assert await Wait(signal, 5)
        assert await Wait(task.done, 5)
        return [
            await Attempt(called()),
            await called(),
            await Invoke(max, 1, 2),
            await sleep(0),
            task.value,
            (await Now()) >= began,
        ]

    assert world.run(recipe()) == [b"body", b"body", 2, False, "beside", True]


@pytest.mark.parametrize("way", ["return", "raise", "end"])
def test_each_flavour_ends_what_runs_beside_a_block(world, way):
    events = []

    async def background():
        try:
            await Wait(NEVER)
        finally:
            await sleep(0.01)
            events.append("ended")

    async def recipe():
        async with beside(background()):
            await sleep(0.01)
            if way == "return":
                return
            if way == "raise":
                raise LookupError("block")

    if way == "raise":
        with pytest.raises(LookupError, match=r"block"):
            world.run(recipe())
    else:
        world.run(recipe())
    assert events == ["ended"]
    assert not world.http._tasks


def test_every_step_of_the_core_is_known_to_the_flavours():
    """A step without a verb would be refused only where it is used."""
    from consul.core import client, request, steps

    kinds = {
        kind
        for module in (steps, request)
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, Step) and kind is not Step
    }
    assert {kind for kind in kinds if not kind.composite} == set(client._PERFORM)
    assert {kind for kind in kinds if kind.composite} == {Call, Gated, Once}


# The recipe that waits for a leader


class World:
    """A clock that only steps move, and answers given in turn: each a value or an error."""

    def __init__(self, *answers, takes=0.0):
        self.now, self.answers, self.takes = 1000.0, list(answers), takes
        self.deadlines = []

    def perform(self, step):
        if isinstance(step, Now):
            return self.now
        if isinstance(step, Wait):
            assert step.signal is NEVER
            assert step.seconds >= 0
            self.now += step.seconds
            return False
        assert isinstance(step, Call)
        self.deadlines.append(step.request.deadline)
        self.now += min(self.takes, step.request.deadline)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait(self, limit=None):
        return drive_directly(wait_for_leader(Consul(), limit), self.perform)


TRANSIENT = [
    exceptions.ConnectionFailed("refused"),
    exceptions.Timeout("late"),
    exceptions.RateLimited("429"),
    exceptions.ServerError("500"),
    exceptions.NoLeader("500"),
]


def test_a_leader_is_returned_at_once():
    world = World("10.0.0.1:8300")
    assert world.wait() == "10.0.0.1:8300"
    assert world.now == 1000.0


def test_trouble_counts_as_not_yet():
    world = World("", *TRANSIENT, "a:1")
    assert world.wait() == "a:1"
    assert world.now == pytest.approx(1000 + 6 * PAUSE)


@pytest.mark.parametrize("answer", ["", *TRANSIENT])
@pytest.mark.parametrize("takes", [0.0, 0.03, 0.97, 5.0])
def test_the_time_limit_is_exact(answer, takes):
    world = World(answer, takes=takes)
    with pytest.raises(exceptions.Timeout, match=r"no leader within 1 s") as caught:
        world.wait(1.0)
    assert world.now == pytest.approx(1001.0)
    assert caught.value.__cause__ is (answer or None)
    assert all(limit <= 1 for limit in world.deadlines)


@pytest.mark.parametrize(
    "error",
    [
        exceptions.TLSError("certificate"),
        exceptions.ACLPermissionDenied("denied"),
        exceptions.Redirected("301"),
        exceptions.BadAnswer("html"),
        KeyError("bug"),
    ],
)
def test_other_errors_end_it_at_once(error):
    world = World(error)
    with pytest.raises(type(error)) as caught:
        world.wait(10)
    assert caught.value is error
    assert (world.now, len(world.deadlines)) == (1000.0, 1)

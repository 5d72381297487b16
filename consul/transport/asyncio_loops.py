"""What the flavours on asyncio's loops have in common; Tornado's loop is one of those.

It is all but the one exchange with the server, which each makes with its own library.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from consul.core.client import HTTPClient
from consul.core.clock import now
from consul.core.request import Call
from consul.core.signal import NEVER, Signal
from consul.core.steps import Step, Steps, Task, after_all, drive, take_back
from consul.exceptions import ConsulException

T = TypeVar("T")


class Expired(asyncio.TimeoutError):
    """The time is up; not the operating system's, which is a `TimeoutError` as well."""


async def within(work: Awaitable[T], seconds: float | None, undo: Callable[[T], object]) -> T:
    """The outcome of *work*; *undo* it when it comes too late, or for a caller that is cancelled.

    ``asyncio.wait_for`` may lose either the outcome or the cancellation.
    """

    def end(task: asyncio.Future[T]) -> None:
        if not task.cancelled() and task.exception() is None:
            undo(task.result())

    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task,), timeout=seconds)
        if not task.done():
            raise Expired("the time is up")
    except (Expired, asyncio.CancelledError):
        task.cancel()
        task.add_done_callback(end)
        raise
    return task.result()


@contextlib.asynccontextmanager
async def in_time(seconds: float | None) -> AsyncIterator[asyncio.Timeout]:
    """The block has *seconds*, None for no limit.  What is yielded can give it other ones."""
    timer = asyncio.timeout(seconds)
    try:
        async with timer:
            yield timer
    except TimeoutError:
        # There is another one, the operating system's.
        if not timer.expired():
            raise
        raise Expired("the time is up") from None


def renew(timer: asyncio.Timeout, seconds: float | None) -> None:
    """Give the block of *timer* *seconds* from now on, unless it is over."""
    now = asyncio.get_running_loop().time()
    with contextlib.suppress(RuntimeError):
        timer.reschedule(None if seconds is None else now + seconds)


def run_unsuspended(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run *coroutine*, which waits for nothing, to its next ``yield`` or to its end."""
    with contextlib.suppress(StopIteration):
        coroutine.send(None)


#: What each loop does on SIGTERM.
_ends: WeakKeyDictionary[asyncio.AbstractEventLoop, list[Callable[[], asyncio.Task[Any]]]]
_ends = WeakKeyDictionary()


def _terminate(
    loop: asyncio.AbstractEventLoop, ends: list[Callable[[], asyncio.Task[Any]]]
) -> None:
    """Do what is to be done before the program ends, and end it."""
    import signal

    async def finish() -> None:
        await asyncio.gather(*(begin() for begin in ends), return_exceptions=True)
        # What a shell says of a process that the signal has ended.
        loop.call_soon(_exit, 128 + signal.SIGTERM)

    # A second one ends it at once.
    loop.remove_signal_handler(signal.SIGTERM)
    _endings.add(ending := loop.create_task(finish()))
    ending.add_done_callback(_endings.discard)


#: The loop does not keep its tasks alive.
_endings: set[asyncio.Task[None]] = set()


def _exit(code: int) -> None:
    raise SystemExit(code)


class AsyncioClient(HTTPClient):
    """One agent, reached from coroutines."""

    form = "awaited"
    cancellations = (asyncio.CancelledError, KeyboardInterrupt)

    async def _send(self, call: Call[T]) -> T:
        """Perform *call* and return its value; repeat it where its `consul.Retry` says so."""
        if self.closed:
            self._refuse_if_closed()
        if not self._is_plain(call):
            return await self._finish(self._sending(call), self._perform)
        began = now()
        try:
            response = await self.exchange(call.request)
        except self.failures as error:
            failure = self._failure(call, error)
        else:
            try:
                return call.read(response)
            except ConsulException as error:
                failure = self._named(call, error)
        try:
            if not self._repeats(call, failure):
                raise failure
            return await self._finish(self._repeating(call, failure, began), self._perform)
        finally:
            # An exception that refers to its own frame is not freed with it.
            del failure

    async def _attempt(self, call: Call[T]) -> T:
        try:
            response = await self.exchange(call.request)
        except self.failures as error:
            failure = self._failure(call, error)
        else:
            try:
                return call.read(response)
            except ConsulException as error:
                self._named(call, error)
                raise
        # Here, so that the library's exception is its cause, or nothing is, but never its context.
        raise failure

    def aside(self, function: Callable[..., T], *args: Any) -> Awaitable[T]:
        """Call *function*, which blocks, in a thread."""
        return asyncio.get_running_loop().run_in_executor(None, function, *args)

    async def wait(self, signal: Signal, seconds: float | None) -> bool:
        """Wait until *signal* is set, for *seconds* at most; whether it is set."""
        if signal is NEVER and seconds is not None:
            await asyncio.sleep(seconds)
            return False
        loop = asyncio.get_running_loop()
        woken = loop.create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        def from_any_thread() -> None:
            # A loop that is closed has nobody left to wake.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(wake)

        signal.watch(from_any_thread)
        try:
            await asyncio.wait((woken,), timeout=seconds)
        finally:
            signal.unwatch(from_any_thread)
        return bool(signal)

    def place(self) -> asyncio.AbstractEventLoop:
        """The running loop."""
        return asyncio.get_running_loop()

    def at_end(self, end: Callable[[], Steps[Any]], sigterm: bool) -> Callable[[], object]:
        """Have the steps of *end* run on SIGTERM with *sigterm*; else the block has to be left."""
        if not sigterm:
            return lambda: None
        loop = asyncio.get_running_loop()
        ends = _ends.get(loop)
        if ends is None:
            import signal

            if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
                # The program does something about it.
                return lambda: None
            ends = _ends[loop] = []
            loop.add_signal_handler(signal.SIGTERM, _terminate, loop, ends)

        def begin() -> asyncio.Task[Any]:
            return self._begin(end(), None)[1]

        ends.append(begin)
        return lambda: ends.remove(begin) if begin in ends else None

    def spawn(self, steps: Steps[T]) -> Task[T]:
        """Run *steps* in an asyncio task of their own."""
        return self._begin(steps, None)[0]

    def _begin(
        self, steps: Steps[T], send: Callable[[Call[Any]], Any] | None
    ) -> tuple[Task[T], asyncio.Task[T]]:
        loop = asyncio.get_running_loop()
        running = loop.create_task(self._finish(steps, *self._performing(send)))

        def cancel() -> None:
            # Not where the user has: the second time would hit its `finally:` blocks.
            if not running.cancelling():
                running.cancel()

        def stop() -> None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(cancel)

        def ended(_: object) -> None:
            self._tasks.discard(task)
            self._drop(steps, send)
            if running.cancelled():
                task.end(error=asyncio.CancelledError())
            elif running.exception() is not None:
                task.end(error=running.exception())
            else:
                task.end(running.result())

        task: Task[T] = Task(stop)
        task.where = running
        self._tasks.add(task)
        running.add_done_callback(ended)
        return task, running

    def _drop(self, steps: Steps[Any], send: Callable[[Call[Any]], Any] | None) -> None:
        """Drop *steps*, whose task was perhaps cancelled before it began; some must be run."""
        steps.close()
        again = after_all(steps)
        if again is not None:
            self._begin(again, send)

    async def _run(self, steps: Steps[T], send: Callable[[Call[Any]], Any] | None) -> T:
        """Run a recipe to its end; RuntimeError where the client is closed meanwhile."""
        self._refuse_to_run_if_closed(steps)
        running = self._begin(steps, send)[1]
        try:
            return await running
        except asyncio.CancelledError:
            undo = take_back(steps)
            if undo is not None:
                await self._begin(undo, send)[1]
            ours = asyncio.current_task()
            if running.cancelled() and ours is not None and not ours.cancelling():
                self._refuse_if_closed()
            raise

    async def _finish(
        self,
        steps: Steps[T],
        perform: Callable[[Step[Any]], Any],
        expand: Callable[[Any], Steps[Any]] | None = None,
    ) -> T:
        driver = drive(steps, perform, expand, self.cancellations)
        outcome: Any = None
        resume: Callable[[Any], Any] = driver.send
        try:
            while True:
                pending = resume(outcome)
                resume = driver.send
                try:
                    # What is not waited for, the time or a task, is the outcome itself.
                    outcome = await pending if hasattr(pending, "__await__") else pending
                except BaseException as error:
                    resume, outcome = driver.throw, error
                del pending
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        finally:
            driver.close()

    async def _end_tasks(self) -> None:
        """End the tasks."""
        await self._finish(self._closing(asyncio.current_task()), self._perform)

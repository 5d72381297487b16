"""What the flavours on asyncio's loops have in common; Tornado's loop is one of those.

All but the one exchange with the server, which each makes with its own library.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from consul import base
from consul.exceptions import ConsulException, Timeout
from consul.request import Attempt, Call
from consul.steps import Sleep, Step, Steps, drive

T = TypeVar("T")


class Expired(asyncio.TimeoutError):
    """The time is up; not the operating system's, which is a `TimeoutError` as well."""


async def limited(work: Awaitable[T], seconds: float | None, undo: Callable[[T], object]) -> T:
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


def at_once(step: Coroutine[Any, Any, None]) -> None:
    """Perform *step*, which waits for nothing."""
    with contextlib.suppress(StopIteration):
        step.send(None)


class Looped(base.HTTPClient):
    """One agent, reached from coroutines; a flavour supplies ``exchanged(call)``."""

    #: What a call raises whose time is up.
    timeout_class: type[Timeout] = Timeout
    _polls: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]

    def _setup(self) -> None:
        self._polls = WeakKeyDictionary()

    async def exchanged(self, call: Call[T]) -> T:
        """Have *call* answered, at once."""
        raise NotImplementedError(f"{type(self).__name__} does not define exchanged()")

    async def sent(self, call: Call[T]) -> T:
        """Perform *call* and return its value; repeat it where its `consul.Retry` says so."""
        if self.watched:
            return await self.finished(self.watching(call), self.sent)
        began = time.monotonic()
        try:
            return await self.attempt(call)
        except ConsulException as error:
            if not self.repeats(call, error):
                raise
            failure = error
        return await self.finished(self.repeating(call, failure, began), self.sent)

    def attempt(self, call: Call[T]) -> Coroutine[Any, Any, T]:
        """Perform *call* once."""
        self.ready()
        if self.config.max_polls is None or call.request.hold is None:
            return self.exchanged(call)
        return self._polled(call, self.config.max_polls)

    async def _polled(self, call: Call[T], most: int) -> T:
        loop, began = asyncio.get_running_loop(), time.monotonic()
        polls = self._polls.get(loop)
        if polls is None:
            polls = self._polls[loop] = asyncio.Semaphore(most)
        release = polls.release
        try:
            await limited(polls.acquire(), call.request.deadline, lambda _: release())
        except Expired as error:
            raise call.timed_out(self.timeout_class) from error
        try:
            # It may have been closed meanwhile.
            self.ready()
            return await self.exchanged(call.after(time.monotonic() - began))
        finally:
            # Else those that wait cannot be told.
            if not loop.is_closed():
                release()

    async def perform(self, send: Callable[[Call[Any]], Any], step: Step[Any]) -> Any:
        """Perform one step of a recipe."""
        if isinstance(step, Call):
            return await send(step)
        if isinstance(step, Attempt):
            return await self.attempt(step.call)
        if isinstance(step, Sleep):
            return await asyncio.sleep(step.seconds)
        return time.monotonic()

    async def finished(self, steps: Steps[T], send: Callable[[Call[Any]], Any]) -> T:
        """Run a recipe to its end; *send* performs its calls."""
        driver = drive(steps, partial(self.perform, send))
        try:
            pending = driver.send(None)
            while True:
                try:
                    outcome = await pending
                except BaseException as error:
                    pending = driver.throw(error)
                else:
                    pending = driver.send(outcome)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        finally:
            driver.close()

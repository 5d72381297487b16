"""What a recipe awaits, and the one driver that performs it in every flavour.

A recipe is a coroutine that awaits nothing but steps.  It does no I/O, reads no clock and starts
no thread.  So the same recipe runs blocking, in a thread, in an event loop or under a test's fake
clock.

The steps are `consul.core.request.Call` and `consul.core.request.Attempt`, and those of this
module: `Now`, `Wait`, `Spawn`, `Invoke` and `Aside`, and `Open`, `Part` and `Shut` for streams.
The HTTP client (`consul.core.client`) maps each to a verb of the flavour, and refuses a step that
it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from consul.core.signal import NEVER, Signal

if TYPE_CHECKING:
    from typing import Self

T = TypeVar("T")

#: A recipe that is being performed.
Steps = Coroutine[Any, Any, T]

#: Seconds that a cancelled recipe has for the calls of its ``finally:`` blocks.
CLEANUP = 5.0
#: Seconds that each of them has even when those are over: a limit of 0 would mean none.
SHORTEST_CLEANUP = 0.05


class Cancelled(BaseException):
    """Raised in a recipe that is cancelled, by the flavours without a class of their own for it.

    A recipe must not catch it: the classes differ by flavour.  Its ``finally:`` blocks run, with
    further steps.
    """


class Step(Generic[T]):
    """Something that a flavour performs.  Awaiting it gives the outcome."""

    __slots__ = ()

    #: Whether it is made of other steps.
    composite = False

    def __await__(self) -> Generator[Step[T], T, T]:
        return (yield self)

    def within(self, limit: float) -> Self:
        """The same step, to be given up after *limit* seconds; only a composite one is changed."""
        return self


class Now(Step[float]):
    """The present time in seconds: `consul.core.clock.now`, or a test's clock."""

    __slots__ = ()


class Wait(Step[bool]):
    """Wait until *signal* is set, for *seconds* at most (None: for ever); whether it is set."""

    __slots__ = ("seconds", "signal")

    def __init__(self, signal: Signal, seconds: float | None = None) -> None:
        self.signal, self.seconds = signal, seconds


def sleep(seconds: float) -> Wait:
    """Let *seconds* pass without blocking what else the flavour runs."""
    return Wait(NEVER, seconds)


async def wait_any(signals: Iterable[Signal], seconds: float | None = None) -> None:
    """The steps that wait until one of *signals* is set, for *seconds* at most."""
    woken = Signal()
    signals = list(signals)
    for signal in signals:
        signal.watch(woken.set)
    try:
        await Wait(woken, seconds)
    finally:
        for signal in signals:
            signal.unwatch(woken.set)


class Observed(Coroutine[Any, Any, T]):
    """*steps* of which is known whether they have begun.

    Where who asked for them is cancelled in that moment, they may never begin.
    """

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps
        self.begun = False

    def send(self, value: Any) -> Any:
        """Go on to the next step with the outcome of the one before it."""
        return self._stepping(self._steps.send, value)

    def throw(self, *error: Any) -> Any:
        """Go on to the next step; the one before it has failed with *error*."""
        return self._stepping(self._steps.throw, *error)

    def _stepping(self, resume: Callable[..., Any], *args: Any) -> Any:
        self.begun = True
        return resume(*args)

    def close(self) -> None:
        """Drop them."""
        self._steps.close()

    def __await__(self) -> Generator[Any, Any, T]:
        return self._steps.__await__()


class Certain(Observed[T]):
    """The steps that *make* makes, which free something: they are run whatever happens.

    Who is cancelled before they have begun does not wait for them.
    """

    def __init__(self, make: Callable[[], Steps[T]]) -> None:
        super().__init__(make())
        self._make = make


class Delivered(Observed[T]):
    """*steps* whose outcome has to reach the caller, for what they took must be freed some time.

    Who is cancelled at the very moment in which they have ended does not get the outcome.  Then
    *undo* makes the steps that take it back.
    """

    def __init__(self, steps: Steps[T], undo: Callable[[], Steps[Any]]) -> None:
        super().__init__(steps)
        self._undo: list[Callable[[], Steps[Any]]] = []
        self._ended = [undo]

    def _stepping(self, resume: Callable[..., Any], *args: Any) -> Any:
        try:
            return super()._stepping(resume, *args)
        except StopIteration:
            self._undo, self._ended = self._ended, []
            raise

    def take_back(self) -> Steps[Any] | None:
        """The steps that take the outcome back; None where there is none, or others do it."""
        try:
            return self._undo.pop()()
        except IndexError:
            return None


def take_back(steps: Steps[Any]) -> Steps[Any] | None:
    """What is to be done where the outcome of *steps* does not reach the caller."""
    return steps.take_back() if isinstance(steps, Delivered) else None


def after_all(steps: Steps[T]) -> Steps[T] | None:
    """What is to be done where *steps*, which were to be run, have not begun."""
    if isinstance(steps, Certain) and not steps.begun:
        steps.begun = True
        return steps._make()
    return None


def is_new(steps: Steps[Any]) -> bool:
    """Whether *steps* have not begun."""
    # Loaded here, because importing it takes long and few steps are dropped.
    import inspect

    return inspect.getcoroutinestate(steps) == inspect.CORO_CREATED


def is_over(driver: Generator[Any, Any, Any]) -> bool:
    """Whether *driver* has ended."""
    import inspect

    return inspect.getgeneratorstate(driver) == inspect.GEN_CLOSED


def _nothing() -> None:
    pass


class Task(Generic[T]):
    """A recipe that runs beside another one.

    *done* is set when it has ended.  Then *value* is what it returned, or *error* what it raised.
    *where* is what the flavour runs it in.
    """

    __slots__ = ("_stop", "done", "error", "value", "where")

    def __init__(self, stop: Callable[[], object] | None = None) -> None:
        self._stop = stop or _nothing
        self.where: object = None
        self.done = Signal()
        self.value: T | None = None
        self.error: BaseException | None = None

    def cancel(self) -> None:
        """Have it end: its open call or wait is given up, and its ``finally:`` blocks run."""
        # Only once: the second time would hit the steps of its `finally:` blocks.
        stop, self._stop = self._stop, _nothing
        stop()

    def end(self, value: T | None = None, error: BaseException | None = None) -> None:
        """Note how it ended; called once, by the flavour."""
        self.value, self.error = value, error
        # It refers to what ran the task.
        self._stop = _nothing
        self.done.set()


class Spawn(Step[Task[T]]):
    """Run *steps* beside the recipe; the outcome is the `Task`."""

    __slots__ = ("steps",)

    def __init__(self, steps: Steps[T]) -> None:
        self.steps = steps

    def __await__(self) -> Generator[Step[Task[T]], Task[T], Task[T]]:
        try:
            return (yield self)
        except BaseException:
            if is_new(self.steps):
                # Nobody runs them.
                self.steps.close()
            raise


class Invoke(Step[Any]):
    """Call *function*, which is the user's code; the outcome is what it returns.

    Where the flavour can wait for what it returns, the outcome is what comes of that.
    """

    __slots__ = ("args", "function")

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function, self.args = function, args


class Aside(Step[Any]):
    """Call *function*, which blocks, without holding up what else the flavour runs.

    Where that takes a thread, one that is cancelled goes on to its end.
    """

    __slots__ = ("args", "function")

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function, self.args = function, args


class Open(Step[Any]):
    """Send *request*, and *upload* as its body; the outcome is the answer as far as its head.

    Each part that is sent, and the head, have the seconds that *pace* has left for them.
    """

    __slots__ = ("pace", "request", "upload")

    def __init__(self, request: Any, pace: Any, upload: Any) -> None:
        self.request, self.pace, self.upload = request, pace, upload


class Part(Step[bytes]):
    """Read the next part of *answer* within *seconds*; empty at the end."""

    __slots__ = ("answer", "seconds")

    def __init__(self, answer: Any, seconds: float | None) -> None:
        self.answer, self.seconds = answer, seconds


class Shut(Step[None]):
    """End the connection of *answer*, unless all of it was read."""

    __slots__ = ("answer",)

    def __init__(self, answer: Any) -> None:
        self.answer = answer


class beside(Generic[T]):
    """``async with beside(steps) as task:`` runs *steps* beside the block and ends them with it.

    However the block ends, the task is cancelled and waited for.
    """

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps

    async def __aenter__(self) -> Task[T]:
        self._task = await Spawn(self._steps)
        return self._task

    async def __aexit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self._task.cancel()
        if kind is not None and issubclass(kind, GeneratorExit):
            # A coroutine that is dropped cannot await anything any more.
            return
        try:
            await Wait(self._task.done)
        except GeneratorExit:
            raise
        except BaseException:
            # A cancellation has ended the wait, but the task needs its time.
            await Wait(self._task.done)
            raise


def drive(
    steps: Steps[T],
    perform: Callable[[Step[Any]], Any],
    expand: Callable[[Any], Steps[Any]] | None = None,
    cancellations: tuple[type[BaseException], ...] = (Cancelled, KeyboardInterrupt),
) -> Generator[Any, Any, T]:
    """Perform each step that *steps* awaits; send back its outcome or throw in its error.

    Yields what *perform* returns and expects the finished value in exchange: a framework's own
    coroutine decorator (``gen.coroutine``, ``inlineCallbacks``) does just that.  A composite step
    is replaced by the steps that *expand* makes of it, where *expand* is given.

    A cancellation, one of *cancellations*, is thrown into the recipe as well, so that its
    ``finally:`` blocks run, with further steps.  From then on all calls together are limited to
    `CLEANUP` seconds, so that an unreachable server does not keep a cancelled recipe alive.
    """
    resume: Callable[[Any], Any] = steps.send
    value: Any = None
    end: float | None = None
    try:
        while True:
            try:
                step = resume(value)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            if not isinstance(step, Step):
                raise TypeError(f"{steps!r} awaited {step!r}, which is not a step")
            try:
                if expand is None or not step.composite:
                    value = yield perform(step)
                else:
                    if end is not None:
                        step = step.within(max(SHORTEST_CLEANUP, end - (yield perform(Now()))))
                    value = yield from drive(expand(step), perform, expand, cancellations)
            except GeneratorExit:
                raise
            except BaseException as error:
                if end is None and isinstance(error, cancellations):
                    end = (yield perform(Now())) + CLEANUP
                resume, value = steps.throw, error
            else:
                resume = steps.send
    finally:
        steps.close()
        # An exception that refers to its own frame is not freed with it.
        value = None


def drive_directly(
    steps: Steps[T],
    perform: Callable[[Step[Any]], Any],
    expand: Callable[[Any], Steps[Any]] | None = None,
) -> T:
    """`drive` for a *perform* that returns the outcome itself."""
    driver = drive(steps, perform, expand)
    resume: Callable[[Any], Any] = driver.send
    outcome: Any = None
    while True:
        try:
            outcome = resume(outcome)
            resume = driver.send
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        except BaseException as error:
            if is_over(driver):
                raise
            # Ctrl-C came between two steps, and is the recipe's all the same.
            resume, outcome = driver.throw, error

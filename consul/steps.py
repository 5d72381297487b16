"""What a recipe awaits, and the one driver that performs it in every flavour.

A recipe is a coroutine that awaits nothing but steps: a `consul.request.Call`, `Sleep`, `Now`.
It does no I/O, reads no clock and starts nothing, so the same recipe runs blocking, in a thread,
in an event loop or under a test's fake clock.  If you add a step, every flavour's ``perform`` and
`consul.base.Flavour` must learn it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Step(Generic[T]):
    """Something that a flavour performs; awaited, it gives the outcome."""

    __slots__ = ()

    def __await__(self) -> Generator[Step[T], T, T]:
        return (yield self)


class Sleep(Step[None]):
    """Let *seconds* pass without blocking whatever else the flavour runs."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Now(Step[float]):
    """The present time in seconds on a clock that never goes back."""

    __slots__ = ()


Steps = Coroutine[Any, Any, T]


def drive(steps: Steps[T], perform: Callable[[Step[Any]], Any]) -> Generator[Any, Any, T]:
    """Perform each step that *steps* awaits; send back its outcome or throw in its error.

    Yields what *perform* returns and expects the finished value in exchange: a framework's own
    coroutine decorator (``gen.coroutine``, ``inlineCallbacks``) does just that.  Cancellation and
    Ctrl-C are thrown into the recipe as well, so that its ``finally:`` runs, with further steps.
    """
    resume: Callable[[Any], Any] = steps.send
    value: Any = None
    try:
        while True:
            try:
                step = resume(value)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            if not isinstance(step, Step):
                raise TypeError(f"{steps!r} awaited {step!r}, which is not a step")
            try:
                value = yield perform(step)
            except GeneratorExit:
                raise
            except BaseException as error:
                resume, value = steps.throw, error
            else:
                resume = steps.send
    finally:
        steps.close()


def drive_directly(steps: Steps[T], perform: Callable[[Step[Any]], Any]) -> T:
    """`drive` for a *perform* that returns the outcome itself (std, and inside a worker thread)."""
    driver = drive(steps, perform)
    outcome: Any = None
    while True:
        try:
            outcome = driver.send(outcome)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

"""Several calls of one client at a time, in every flavour."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, NamedTuple

from tests.flavours import PATIENCE, Flavour


class Outcome(NamedTuple):
    """What came of a call, and how many seconds it took."""

    value: Any
    error: BaseException | None
    seconds: float


#: When to call: after so many seconds, or as soon as this is true.
When = float | Callable[[], object]
#: When to call, and what: a function of the unmasked client.
Plan = tuple[When, Callable[[], Any]]
#: Seconds from one look at a condition to the next.
LOOK = 0.01


def pauses(when: When) -> Iterator[float]:
    """Seconds to sleep, again and again, until it is time."""
    if not callable(when):
        yield when
        return
    end = time.monotonic() + PATIENCE
    while not when():
        assert time.monotonic() < end, "what a call waits for does not happen"
        yield LOOK


def raw(client: Any) -> Any:
    """The client behind the mask."""
    return client._target


def together(flavour: Flavour, *plans: Plan) -> list[Outcome]:
    """The outcome of each plan, once all have ended."""
    if flavour.name in ("std", "threads"):
        return _in_threads(plans)
    if flavour.name == "twisted":
        return flavour.call(_in_reactor, plans)  # type: ignore[no-any-return]
    return flavour.call(_in_loop, plans)  # type: ignore[no-any-return]


def _in_threads(plans: tuple[Plan, ...]) -> list[Outcome]:
    outcomes: dict[int, Outcome] = {}

    def perform(number: int, when: When, function: Callable[[], Any]) -> None:
        for pause in pauses(when):
            time.sleep(pause)
        began = time.monotonic()
        value = error = None
        try:
            value = function()
            if isinstance(value, Future):
                value = value.result(PATIENCE)
        except BaseException as failure:
            error = failure
        outcomes[number] = Outcome(value, error, time.monotonic() - began)

    threads = [
        threading.Thread(target=perform, args=(number, *plan), daemon=True)
        for number, plan in enumerate(plans)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return [outcomes[number] for number in range(len(plans))]


async def _in_loop(plans: tuple[Plan, ...]) -> list[Outcome]:
    async def perform(when: When, function: Callable[[], Any]) -> Outcome:
        for pause in pauses(when):
            await asyncio.sleep(pause)
        began = time.monotonic()
        value = error = None
        try:
            value = function()
            if hasattr(value, "__await__"):
                value = await value
        except BaseException as failure:
            error = failure
        return Outcome(value, error, time.monotonic() - began)

    return await asyncio.gather(*(perform(*plan) for plan in plans))


def _in_reactor(plans: tuple[Plan, ...]) -> Any:
    from twisted.internet import defer, reactor, task

    async def perform(when: When, function: Callable[[], Any]) -> Outcome:
        for pause in pauses(when):
            await task.deferLater(reactor, pause)  # type: ignore[arg-type]
        began = time.monotonic()
        value = error = None
        try:
            value = function()
            if isinstance(value, defer.Deferred):
                value = await value
        except BaseException as failure:
            error = failure
        return Outcome(value, error, time.monotonic() - began)

    return defer.gatherResults([defer.ensureDeferred(perform(*plan)) for plan in plans])


def values(outcomes: list[Outcome]) -> list[Any]:
    """The values; the first error there is is raised."""
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return [outcome.value for outcome in outcomes]

"""Every flavour behind one face: its clients called directly, each call waiting for its result."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from importlib import import_module
from typing import Any

import pytest

from consul.api.noun import Noun
from consul.base import HTTPClient

#: No test waits longer for one call.
PATIENCE = 120
#: Seconds after which what was to end soon is late, on a busy machine as well.  What goes wrong
#: takes a minute.
LATE = 15.0


def missing(reason: str) -> None:
    """Skip the test, or the module being imported; fail in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=True)


def needs(library: str) -> None:
    """Skip the module being imported unless *library* is there; fail in CI."""
    try:
        import_module(library)
    except ImportError as error:
        missing(f"{library} is missing: {error}")


class Blocking:
    """A client, a noun or a recipe of any flavour, called directly."""

    def __init__(self, target: Any, run: Callable[..., Any]) -> None:
        self._target = target
        self._run = run

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if not callable(value) or isinstance(value, type):
            return masked(value, self._run)
        return Masked(value, self._run)

    def __repr__(self) -> str:
        return f"<Blocking {self._target!r}>"


class Masked:
    """A method of something masked.  Given to another one, it is what it was before."""

    def __init__(self, method: Callable[..., Any], run: Callable[..., Any]) -> None:
        self.method, self._run = method, run

    def __call__(self, *args: Any, **options: Any) -> Any:
        args = tuple(each.method if isinstance(each, Masked) else each for each in args)
        return masked(self._run(self.method, *args, **options), self._run)


def masked(value: Any, run: Callable[..., Any]) -> Any:
    """*value*, behind the mask when it is a thing whose methods belong to the flavour."""
    recipe = type(value).__module__.startswith("consul.recipes.") and not isinstance(value, tuple)
    return Blocking(value, run) if recipe or isinstance(value, (Noun, HTTPClient)) else value


class Flavour:
    """One flavour, and how to wait for what its methods return."""

    name = "std"
    #: Whether its methods are awaited.
    awaits = False

    def __init__(self) -> None:
        self.module = import_module(f"consul.{self.name}")

    def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """The finished result of *function*."""
        return function(*args, **options)

    def client(self, **options: Any) -> Blocking:
        """A masked client of this flavour."""
        return Blocking(self.call(self.module.Consul, **options), self.call)

    def stop(self) -> None:
        """Free what the flavour needs to run."""


class Threads(Flavour):
    name = "threads"

    def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        value = function(*args, **options)
        return value.result(PATIENCE) if isinstance(value, Future) else value


async def finished(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    value = function(*args, **options)
    return await value if inspect.isawaitable(value) else value


class Aio(Flavour):
    name = "aio"
    awaits = True

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()

    def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return self.loop.run_until_complete(finished(function, *args, **options))

    def stop(self) -> None:
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


class Tornado(Flavour):
    name = "tornado"
    awaits = True

    def __init__(self) -> None:
        super().__init__()
        from tornado.ioloop import IOLoop

        self.loop = IOLoop(make_current=False)

    def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return self.loop.run_sync(lambda: finished(function, *args, **options))

    def stop(self) -> None:
        self.loop.close()


class Twisted(Flavour):
    """A reactor cannot be started twice, so one runs in a thread until the process ends."""

    name = "twisted"
    awaits = True
    thread: threading.Thread | None = None
    lock = threading.Lock()

    def __init__(self) -> None:
        super().__init__()
        from twisted.internet import reactor, threads

        self.reactor, self.wait = reactor, threads.blockingCallFromThread
        # The first ones may be made in several threads at a time.
        with Twisted.lock:
            if Twisted.thread is None:
                running = threading.Event()
                self.reactor.callWhenRunning(running.set)  # type: ignore[attr-defined]
                Twisted.thread = threading.Thread(
                    target=self.reactor.run,  # type: ignore[attr-defined]
                    args=(False,),
                    name="reactor",
                    daemon=True,
                )
                Twisted.thread.start()
                assert running.wait(PATIENCE)

    def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        from twisted.internet.defer import ensureDeferred

        def called() -> Any:
            value = function(*args, **options)
            return ensureDeferred(value) if inspect.iscoroutine(value) else value

        return self.wait(self.reactor, called)  # type: ignore[arg-type]


FLAVOURS: dict[str, type[Flavour]] = {
    kind.name: kind for kind in (Flavour, Threads, Aio, Tornado, Twisted)
}

if os.environ.get("CONSUL_TEST_GEVENT"):
    # Started by tests/under_gevent.py: the blocking flavour, as a column of its own.
    FLAVOURS = {"gevent": Flavour}

"""A world without a server, in which time passes only when nothing else is left to happen.

Recipes run in it as they do on asyncio.  `World` has the clock and the chance, `Model` answers in
place of Consul, and `Client` is a process that talks to it, over a network with faults.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Coroutine
from typing import Any

from consul import base
from consul.core.client import Fault, Unsent
from consul.core.flavour import Awaited
from consul.core.lifecycle import ClosesAwaited
from consul.core.request import Request, Response
from consul.exceptions import ConnectionFailed, Timeout
from consul.transport.asyncio_loops import AsyncioClient
from tests.recipes.model import Model

#: Seconds of the clock at the beginning.
BEGINNING = 1000.0
#: More steps of the loop than any test takes; one that takes more goes round in circles.
MOST_ROUNDS = 400_000


class Stuck(Exception):
    """Nothing will ever happen again, or too much does."""


class Clock(selectors.SelectSelector):
    """In place of waiting for sockets it moves the clock on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGINNING
        self.rounds = 0

    def select(self, timeout: float | None = None) -> Any:
        self.rounds += 1
        if self.rounds > MOST_ROUNDS:
            raise Stuck("it goes round in circles")
        # The loop wakes itself through a socket.
        events = super().select(0)
        if not events and timeout is None:
            raise Stuck("nobody will ever do anything again")
        if not events and timeout:
            self.now += timeout
        return events


class Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.clock = Clock()
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.now


class Cut(Exception):
    """The network has failed."""


class World:
    """What *seed* makes of the faults with these probabilities."""

    def __init__(self, seed: int = 0, *, refused: float = 0.0, lost: float = 0.0) -> None:
        self.loop = Loop()
        self.chance = random.Random(seed)
        #: How often a request never arrives, and how often its answer does not.
        self.refused, self.lost = refused, lost
        self.model = Model(self.loop, self.chance)

    @property
    def now(self) -> float:
        return self.loop.time()

    def client(self, **options: Any) -> Client:
        return Client(world=self, retry=None, **options)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What *work* returns; all that is left over is ended."""
        try:
            return self.loop.run_until_complete(work)
        finally:
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            if left:
                self.loop.run_until_complete(asyncio.wait(left))


class HTTPClient(AsyncioClient):
    """Exchanges with the model, with the faults of the world."""

    failures = (Cut, asyncio.TimeoutError, Unsent)
    world: World

    def _set_up(self) -> None:
        #: Set while the process runs.
        self.running = asyncio.Event()
        self.running.set()
        #: Whether the agent can be reached.
        self.reachable = True
        #: Seconds that its clock is ahead.
        self.ahead = 0.0
        #: The requests that were sent.
        self.seen: list[Request] = []

    def come_back(self) -> None:
        """Reach the agent again."""
        self.reachable = True

    def now(self) -> float:  # type: ignore[override]
        return self.world.now + self.ahead

    async def exchange(self, request: Request) -> Response:
        await self.running.wait()
        world, chance = self.world, self.world.chance
        self.seen.append(request)
        await asyncio.sleep(chance.uniform(0.0005, 0.005))
        if not self.reachable or chance.random() < world.refused:
            raise Unsent from Cut("refused")
        async with asyncio.timeout(request.deadline):
            response = await world.model.answer(request)
            await asyncio.sleep(chance.uniform(0.0005, 0.005))
        if not self.reachable or chance.random() < world.lost:
            raise Cut("lost")
        await self.running.wait()
        return response

    async def wait(self, signal: Any, seconds: float | None) -> bool:
        try:
            return await super().wait(signal, seconds)
        finally:
            await self.running.wait()

    def send(self, call: Any) -> Any:
        return self._send(call)

    def run(self, steps: Any, send: Any = None) -> Any:
        return self._run(steps, send)

    async def close(self) -> None:
        await self._end_tasks()

    def classify(self, error: BaseException) -> Fault:
        if isinstance(error, asyncio.TimeoutError):
            return Fault(Timeout)
        return Fault(ConnectionFailed)


class Client(ClosesAwaited, base.Consul[Awaited]):
    """A process with its own clock, which can be paused."""

    http: HTTPClient
    client_class = HTTPClient

    def __init__(self, *args: Any, world: World, **options: Any) -> None:
        self.world = world
        super().__init__(*args, **options)
        self.http.world = world

    async def pause(self, seconds: float) -> None:
        """Have it do nothing for *seconds*."""
        self.http.running.clear()
        await asyncio.sleep(seconds)
        self.http.running.set()

"""Processes that compete for a lock, or for places, while everything fails."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import consul
from consul.recipes import contests
from tests.recipes.world import World

KEY = "service/job/.lock"
TTL = 10.0


def left_over(world, *clients):
    """What is left of locks: sessions, keys that are held, tasks, entries of this process."""
    return (
        list(world.model.sessions),
        [key["Key"] for key in world.model.keys.values() if key.get("Session")],
        [task for client in clients for task in client.http._tasks],
        list(contests._taken),
    )


NOTHING: tuple[list[Any], ...] = ([], [], [], [])


class Storm:
    """Processes that compete for the same while everything fails.

    *session* says how each comes by its session: "own", "keeper" or "given".
    """

    #: How many may hold it.
    limit = 1
    #: What becomes of the keys of a session that is given.
    behavior = "release"
    #: What goes wrong.
    harms: tuple[str, ...] = ("leader", "away", "pause", "clock", "session", "patience")
    #: Seconds of the storm, and those after it in which everybody has to have its turns.
    LENGTH, CALM = 90.0, 400.0
    ROUNDS = 3

    def __init__(self, seed: int, session: str = "own") -> None:
        self.world = World(seed, refused=0.05, lost=0.05)
        self.chance = self.world.chance
        self.way = session
        self.clients = [self.world.client() for _ in range(self.chance.randint(2, 5))]
        self.locks: list[Any] = []
        self.turns = [0] * len(self.clients)
        self.foul: list[str] = []

    @classmethod
    def of(cls, seed: int, session: str) -> None:
        """The storm of *seed*, from its beginning to its end."""
        storm = cls(seed, session)
        try:
            storm.world.run(storm.run())
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        finally:
            storm.world.loop.close()

    def make(self, client: Any, place: int, session: Any, own: dict[str, Any]) -> Any:
        """What the process *place* competes with."""
        raise NotImplementedError

    async def work(self, place: int, lock: Any) -> None:
        """What it does while it holds it."""
        for _ in range(self.chance.randint(1, 4)):
            await asyncio.sleep(self.chance.uniform(0, 4))
            if not lock.held:
                return
        self.turns[place] += 1

    def look(self) -> None:
        holders = [place for place, lock in enumerate(self.locks) if lock.held]
        if len(holders) > self.limit:
            self.foul.append(f"{holders} hold it at {self.world.now}")

    async def compete(self, place: int) -> None:
        client, chance = self.clients[place], self.chance
        keeper = client.session_keeper(TTL, behavior=self.behavior)
        session = lock = None
        while self.turns[place] < self.ROUNDS:
            await asyncio.sleep(chance.uniform(0, 2))
            try:
                if self.way == "keeper":
                    await keeper.start()
                    session = keeper
                elif self.way == "given":
                    session = await client.session.create(ttl=TTL, behavior=self.behavior)
                lock = self.make(client, place, session, {} if session else {"ttl": TTL})
                self.locks.append(lock)
                if await lock.acquire(timeout=chance.choice([None, 0, 5, 60])):
                    self.look()
                    await self.work(place, lock)
            except consul.ConsulException:
                continue
            finally:
                if lock is not None:
                    with contextlib.suppress(consul.ConsulException):
                        await lock.release()
                    self.locks.remove(lock)
                    lock = None
                if self.way == "given" and session is not None:
                    with contextlib.suppress(consul.ConsulException):
                        await client.session.destroy(session)
        with contextlib.suppress(consul.ConsulException):
            await keeper.close()

    async def sample(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(self.chance.uniform(0, 0.5))

    async def harm(self) -> None:
        chance, model = self.chance, self.world.model
        end = self.world.now + self.LENGTH
        while self.world.now < end:
            await asyncio.sleep(chance.expovariate(1 / 3))
            client = chance.choice(self.clients)
            match chance.choice(self.harms):
                case "leader":
                    model.lose_leader()
                    await asyncio.sleep(chance.uniform(0, 12))
                    model.find_leader()
                case "away":
                    client.http.reachable = False
                    self.world.loop.call_later(chance.uniform(0, 30), client.http.come_back)
                case "pause":
                    await client.pause(chance.uniform(0, 30))
                case "clock":
                    client.http.ahead += chance.uniform(0, TTL)
                case "session":
                    if model.sessions:
                        model.end_session(chance.choice(list(model.sessions)))
                case "patience":
                    model.patience = chance.choice([1.0, 1.5, 2.0])
        for client in self.clients:
            client.http.reachable = True
        self.world.refused = self.world.lost = 0.0

    async def run(self) -> None:
        sampling = asyncio.create_task(self.sample())
        harm = asyncio.create_task(self.harm())
        competing = [asyncio.create_task(self.compete(n)) for n in range(len(self.clients))]
        async with asyncio.timeout(self.LENGTH + self.CALM):
            await asyncio.gather(harm, *competing)
        sampling.cancel()
        await asyncio.sleep(2 * TTL + 1)
        assert left_over(self.world, *self.clients) == NOTHING
        for client in self.clients:
            await client.close()
        assert self.foul == []


class LockStorm(Storm):
    """One lock; whoever holds it counts in something shared."""

    def __init__(self, seed: int, session: str) -> None:
        super().__init__(seed, session)
        self.shared = self.added = 0
        self.fence = (0, "")

    def make(self, client, place, session, own):
        return client.lock(KEY, str(place), session=session, **own)

    async def work(self, place, lock) -> None:
        if lock.held:
            # With the same session it may still be the former acquisition.
            fence = lock.fencing, lock.session
            if fence != self.fence and lock.fencing <= self.fence[0]:
                self.foul.append(f"fencing fell from {self.fence} to {fence}")
            self.fence = fence
        for _ in range(self.chance.randint(1, 4)):
            seen = self.shared
            await asyncio.sleep(self.chance.uniform(0, 4))
            # Whoever holds it at this moment has it alone since it was read.
            await self.clients[place].http.running.wait()
            if not lock.held:
                return
            self.shared = seen + 1
            self.added += 1
        self.turns[place] += 1

    async def run(self) -> None:
        await super().run()
        assert self.shared == self.added


class SemaphoreStorm(Storm):
    """The places of a semaphore.

    Who does not hear that its session was ended by hand is not protected: there is no lock-delay.
    """

    behavior = "delete"
    harms = ("leader", "away", "pause", "clock", "patience")

    def __init__(self, seed: int, session: str) -> None:
        super().__init__(seed, session)
        self.limit = self.chance.randint(1, 3)

    def make(self, client, place, session, own):
        return client.semaphore("service/job", self.limit, str(place), session=session, **own)

    async def run(self) -> None:
        await super().run()
        # Nobody is left on the list, and no entry.
        (pair,) = self.world.model.keys.values()
        assert pair["Key"] == KEY

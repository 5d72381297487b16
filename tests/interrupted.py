"""Recipes that are interrupted at random moments, and what is left of them.

    python -m tests.interrupted PORT FLAVOUR PREFIX COUNT SEED
    python -m tests.interrupted BINARY COUNT        every flavour, on an agent of its own

It prints how many of the COUNT were cut, and what is left: tasks of the client, and, up to twice
the TTL later, sessions, keys that are held, entries of semaphores and services.  The exit status is
1 where there is anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import CancelledError
from importlib import import_module
from typing import Any

import consul

#: Seconds; the least that servers take.
TTL = 10
#: The recipes, each as what is entered and left.
KINDS = ("lock", "semaphore", "election", "session", "registration", "watch")


def made(client: Any, kind: str, prefix: str) -> Any:
    """What a block of this *kind* holds."""
    return {
        "lock": lambda: client.lock(f"{prefix}/lock", ttl=TTL, lock_delay=0.001, timeout=20),
        "semaphore": lambda: client.semaphore(f"{prefix}/semaphore", 1, ttl=TTL, timeout=20),
        "election": lambda: client.election(f"{prefix}/leader", "x", ttl=TTL, lock_delay=0.001),
        "session": lambda: client.session_keeper(TTL, f"{prefix} kept"),
        "registration": lambda: client.registration(prefix, port=80, ttl=30, ready=True),
        "watch": lambda: client.watch(client.kv.get, f"{prefix}/lock"),
    }[kind]()


def left_over(client: Any, prefix: str) -> list[str]:
    """What servers know of the recipes below *prefix*."""
    sessions = [each["Name"] for each in client.session.list().data if prefix in each["Name"]]
    pairs = client.kv.get(prefix, recurse=True).data or []
    keys = [pair["Key"] for pair in pairs if pair.get("Session") or "semaphore/" in pair["Key"]]
    entries = [key for key in keys if not key.endswith("/.lock")]
    services = [name for name in client.agent.services() if name.startswith(prefix)]
    return [*sessions, *entries, *services]


#: Ctrl-C may come between any two instructions, in a finalizer or in the first one of a handler,
#: where no program can do anything about it.  So many queries of nobody may go on until they are
#: over, on the side of the client; on the side of the servers there must be nothing.
SPARED = 2
#: What was raised in a finalizer, where Python swallows it.
swallowed: list[Any] = []


class Chance:
    """When what is cut, within the time that it takes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._usual = dict.fromkeys(KINDS, 0.05)
        self.cut = self.whole = 0

    def next(self) -> tuple[str, float]:
        """The next recipe, and the seconds after which it is cut."""
        kind = self._random.choice(KINDS)
        return kind, max(1e-5, self._random.random() * self._usual[kind] * 1.3)

    def note(self, kind: str, was_cut: bool, took: float) -> None:
        """It was cut, or it has taken so long."""
        if was_cut:
            self.cut += 1
        else:
            self.whole += 1
            self._usual[kind] = took


class Interrupted(KeyboardInterrupt):
    """Ctrl-C."""


def run_std(client: Any, chance: Chance, prefix: str, count: int) -> None:
    def interrupt(*_: object) -> None:
        raise Interrupted

    signal.signal(signal.SIGALRM, interrupt)
    sys.unraisablehook = swallowed.append
    for _ in range(count):
        kind, seconds = chance.next()
        began = time.monotonic()
        was_cut = False
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, seconds)
                with made(client, kind, prefix) as found:
                    if kind == "watch":
                        found.next()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except Interrupted:
            was_cut = True
        except RuntimeError as error:
            # It has hit a condition variable of Python's between its own steps.
            if "unlocked lock" not in str(error) and "un-acquired lock" not in str(error):
                raise
            was_cut = True
        chance.note(kind, was_cut, time.monotonic() - began)


def run_threads(client: Any, chance: Chance, prefix: str, count: int) -> None:
    for _ in range(count):
        kind, seconds = chance.next()
        began = time.monotonic()
        was_cut = False
        found = made(client, kind, prefix)
        begin = {"lock": "acquire", "semaphore": "acquire", "election": "campaign", "watch": "next"}
        future = getattr(found, begin.get(kind, "start"))()
        timer = threading.Timer(seconds, future.cancel)
        timer.start()
        try:
            future.result(60)
        except CancelledError:
            was_cut = True
        timer.cancel()
        timer.join()
        end = {"lock": "release", "semaphore": "release", "election": "resign"}
        if kind == "watch" or not was_cut:
            getattr(found, end.get(kind, "close"))().result(60)
        chance.note(kind, was_cut, time.monotonic() - began)


async def block(client: Any, kind: str, prefix: str) -> None:
    async with made(client, kind, prefix) as found:
        if kind == "watch":
            await found.next()


async def cut_tasks(client: Any, chance: Chance, prefix: str, count: int) -> None:
    for _ in range(count):
        kind, seconds = chance.next()
        began = time.monotonic()
        task = asyncio.ensure_future(block(client, kind, prefix))
        await asyncio.wait([task], timeout=seconds)
        was_cut = task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
        chance.note(kind, was_cut, time.monotonic() - began)


def run_loop(flavour: str, port: int, chance: Chance, prefix: str, count: int) -> list[Any]:
    async def main() -> list[Any]:
        async with import_module(f"consul.{flavour}").Consul(port=port) as client:
            await cut_tasks(client, chance, prefix, count)
            return list(client.http._tasks)

    return asyncio.run(main())


def run_twisted(port: int, chance: Chance, prefix: str, count: int) -> list[Any]:
    from twisted.internet import task
    from twisted.internet.defer import CancelledError as Cut
    from twisted.internet.defer import Deferred, ensureDeferred

    import consul.twisted

    left: list[Any] = []

    async def main(reactor: Any) -> None:
        async with consul.twisted.Consul(port=port) as client:
            for _ in range(count):
                kind, seconds = chance.next()
                began = time.monotonic()
                running: Deferred[None] = ensureDeferred(block(client, kind, prefix))
                delayed = reactor.callLater(seconds, running.cancel)
                was_cut = False
                try:
                    await running
                except Cut:
                    was_cut = True
                if delayed.active():
                    delayed.cancel()
                chance.note(kind, was_cut, time.monotonic() - began)
            left.extend(client.http._tasks)

    with contextlib.suppress(SystemExit):
        task.react(lambda reactor: ensureDeferred(main(reactor)))
    return left


def every(binary: str, count: str) -> int:
    """All flavours, one after the other."""
    from tests.agent import Agent

    failed = 0
    with Agent(binary) as agent:
        for flavour in ("std", "threads", "aio", "tornado", "twisted"):
            seed = str(random.randrange(10**6))
            words = [str(agent.port), flavour, f"interrupted-{flavour}", count, seed]
            failed |= subprocess.run([sys.executable, "-m", "tests.interrupted", *words]).returncode
    return failed


def main() -> int:
    if len(sys.argv) == 3:
        return every(*sys.argv[1:])
    port, flavour, prefix = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    count, chance = int(sys.argv[4]), Chance(int(sys.argv[5]))
    tasks: list[Any]
    if flavour in ("std", "threads"):
        with import_module(f"consul.{flavour}").Consul(port=port) as client:
            run = run_std if flavour == "std" else run_threads
            run(client, chance, prefix, count)
            end = time.monotonic() + 20
            while (tasks := list(client.http._tasks)) and time.monotonic() < end:
                time.sleep(0.1)
            for task in tasks:
                # Where it is.
                frame = sys._current_frames().get(task.where)
                traceback.print_stack(frame)
    elif flavour == "twisted":
        tasks = run_twisted(port, chance, prefix, count)
    else:
        tasks = run_loop(flavour, port, chance, prefix, count)
    with consul.Consul(port=port) as client:
        began = time.monotonic()
        while (left := left_over(client, prefix)) and time.monotonic() < began + 2.5 * TTL:
            time.sleep(0.2)
        waited = time.monotonic() - began
    found = tasks + left or "nothing"
    print(f"{flavour}: {chance.cut} of {count} were cut; left: {found}", end="")
    if flavour == "std" and len(tasks) <= len(swallowed) + SPARED:
        tasks = []
    print(f", seen after {waited:.1f} s")
    return bool(tasks or left) or chance.cut < count / 10


if __name__ == "__main__":
    sys.exit(main())

"""Does a client that works for minutes keep anything?  Run by `make soak`.

    python tests/soak.py [--seconds 170] [path of a consul binary, else $CONSUL_BIN]

The suite has it in a short form, `--short`: some seconds, in which memory tells nothing yet.

Each flavour has a process of its own, all against one agent at the same time.  In rounds, several
lanes make calls of all sorts, and blocking queries are cancelled, given up or closed while they are
open.  After each round, when nothing is under way, the open sockets, the threads, the tasks and the
memory are looked at.  After a warm-up third they must not grow; the exit status is 1 if they do.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FLAVOURS = ("std", "threads", "aio", "tornado", "twisted")
LANES = 4
ABANDONED = 6
#: Seconds that the lanes of a round work, and that what was abandoned gets to end.
WORK = 2.0
QUIET = 0.7
#: Rounds that there are at least, for fewer would tell nothing.
ROUNDS = 6
#: The same in the short form.
SHORT = {"LANES": 1, "WORK": 0.5, "QUIET": 0.5}
SHORT_SECONDS = 6.0
#: How much more there may be at the end than after the warm-up.
SLACK = {"sockets": 2, "threads": 2, "tasks": 2, "MiB": 4.0}

Step = tuple[str, tuple[Any, ...], dict[str, Any]]


def mixed(lane: int) -> Generator[Step, Any, None]:
    """The calls of one turn of a lane, as (method, arguments, keywords); is sent their values."""
    key = f"soak/{os.getpid()}/{lane}"
    yield "kv.put", (key, "x" * 1000), {}
    _, pair = yield "kv.get", (key,), {}
    yield "kv.put", (key, "y" * 20000), {"cas": pair["ModifyIndex"]}
    yield "kv.get", (key,), {"consistency": "consistent"}
    yield "kv.get", ("soak/",), {"keys": True}
    yield "catalog.nodes", (), {}
    yield "catalog.services", (), {}
    yield "health.service", ("consul",), {}
    session = yield "session.create", ("soak",), {"lock_delay": 0}
    yield "kv.put", (key, "locked"), {"acquire": session}
    yield "session.destroy", (session,), {}
    yield "kv.delete", (key,), {}


def method(client: Any, name: str) -> Callable[..., Any]:
    for part in name.split("."):
        client = getattr(client, part)
    return client


class Sampler:
    """What the process holds, once for each round."""

    def __init__(self, port: int, seconds: float) -> None:
        self.port = port
        self.end = time.monotonic() + seconds
        self.calls = 0
        self.abandoned = 0
        self.samples: list[dict[str, float]] = []

    def going(self) -> bool:
        return time.monotonic() < self.end or len(self.samples) < ROUNDS

    def sample(self, tasks: int) -> None:
        gc.collect()
        sockets = 0
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                sockets += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.samples.append(
            {
                "sockets": sockets,
                "threads": threading.active_count(),
                "tasks": tasks,
                "MiB": pages * os.sysconf("SC_PAGESIZE") / 2**20,
            }
        )


def lane(client: Any, number: int) -> int:
    """Mixed calls of the two flavours that are waited for in a thread: how many."""
    end, calls = time.monotonic() + WORK, 0
    while time.monotonic() < end:
        steps, value = mixed(number), None
        with contextlib.suppress(StopIteration):
            while True:
                name, args, options = steps.send(value)
                value = method(client, name)(*args, **options)
                if isinstance(value, Future):
                    value = value.result(60)
                calls += 1
    return calls


def soak_std(sampler: Sampler) -> None:
    from consul.std import Consul

    def held(client: Consul, index: int) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            # Ends when the client is closed.
            client.kv.get("soak/none", index=index, wait="60s")

    with Consul(port=sampler.port) as client, ThreadPoolExecutor(LANES + ABANDONED) as pool:
        while sampler.going():
            lanes = [pool.submit(lane, client, number) for number in range(LANES)]
            index = client.kv.get("soak/none")[0]
            others = [Consul(port=sampler.port) for _ in range(ABANDONED)]
            waiting = [pool.submit(held, other, index + 10**6) for other in others]
            time.sleep(WORK / 2)
            for other in others:
                other.close()
            for one in waiting:
                one.result(20)
            client.kv.get("soak/none", index=index + 10**6, wait="50ms")
            sampler.calls += sum(one.result(60) for one in lanes)
            sampler.abandoned += ABANDONED
            del lanes, others, waiting, other, one
            time.sleep(QUIET)
            sampler.sample(0)


def soak_threads(sampler: Sampler) -> None:
    from consul.threads import Consul

    with Consul(port=sampler.port) as client, ThreadPoolExecutor(LANES) as pool:
        while sampler.going():
            lanes = [pool.submit(lane, client, number) for number in range(LANES)]
            index = client.kv.get("soak/none").result(60)[0] + 10**6
            others = [Consul(port=sampler.port) for _ in range(ABANDONED)]
            waiting: list[Future[Any]] = [
                other.kv.get("soak/none", index=index, wait="60s") for other in others
            ]
            # Nobody looks at these two: one is held for a moment, one is cancelled.
            client.kv.get("soak/none", index=index, wait="50ms")
            client.kv.get("soak/none", index=index, wait="100ms").cancel()
            time.sleep(WORK / 2)
            for other in others:
                other.close()
            for one in waiting:
                with contextlib.suppress(OSError, RuntimeError, CancelledError):
                    one.result(20)
            sampler.calls += sum(one.result(60) for one in lanes)
            sampler.abandoned += ABANDONED + 2
            del lanes, others, waiting, other, one
            time.sleep(QUIET)
            sampler.sample(0)


async def awaited(sampler: Sampler, client: Any) -> None:
    """The rounds of the two flavours that are awaited in an asyncio loop."""

    async def lane(number: int) -> None:
        end = time.monotonic() + WORK
        while time.monotonic() < end:
            steps, value = mixed(number), None
            with contextlib.suppress(StopIteration):
                while True:
                    name, args, options = steps.send(value)
                    value = await method(client, name)(*args, **options)
                    sampler.calls += 1

    async def held(index: int) -> None:
        await client.kv.get("soak/none", index=index, wait="60s")

    while sampler.going():
        index = (await client.kv.get("soak/none"))[0] + 10**6
        waiting = [asyncio.ensure_future(held(index)) for _ in range(ABANDONED)]
        lanes = [asyncio.ensure_future(lane(number)) for number in range(LANES)]
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(held(index), 0.1)
        await asyncio.sleep(WORK / 2)
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.gather(*lanes)
        sampler.abandoned += ABANDONED + 1
        del waiting, lanes, one
        await asyncio.sleep(QUIET)
        sampler.sample(len(asyncio.all_tasks()))


def soak_aio(sampler: Sampler) -> None:
    from consul.aio import Consul

    async def main() -> None:
        async with Consul(port=sampler.port) as client:
            await awaited(sampler, client)

    asyncio.run(main())


def soak_tornado(sampler: Sampler) -> None:
    from tornado.ioloop import IOLoop

    from consul.tornado import Consul

    async def main() -> None:
        async with Consul(port=sampler.port) as client:
            await awaited(sampler, client)

    IOLoop.current().run_sync(main)


def soak_twisted(sampler: Sampler) -> None:
    from twisted.internet import defer, task
    from twisted.internet import reactor as installed

    from consul.twisted import Consul

    reactor: Any = installed

    @defer.inlineCallbacks
    def lane(client: Consul, number: int) -> Generator[Any, Any, None]:
        end = time.monotonic() + WORK
        while time.monotonic() < end:
            steps, value = mixed(number), None
            while True:
                try:
                    name, args, options = steps.send(value)
                except StopIteration:
                    break
                value = yield method(client, name)(*args, **options)
                sampler.calls += 1

    @defer.inlineCallbacks
    def main(_: Any) -> Generator[Any, Any, None]:
        client: Any = Consul(port=sampler.port)
        while sampler.going():
            index = (yield client.kv.get("soak/none"))[0] + 10**6
            waiting = [
                client.kv.get("soak/none", index=index, wait="60s") for _ in range(ABANDONED)
            ]
            lanes = [lane(client, number) for number in range(LANES)]
            yield task.deferLater(reactor, WORK / 2, lambda: None)
            for one in waiting:
                one.addErrback(lambda failure: None)
                one.cancel()
            for one in (*waiting, *lanes):
                yield one
            sampler.abandoned += ABANDONED
            del waiting, lanes, one
            yield task.deferLater(reactor, QUIET, lambda: None)
            sampler.sample(len(reactor.getDelayedCalls()) + len(reactor.getReaders()))
        yield client.close()

    task.react(main)


def soak(flavour: str, port: int, seconds: float) -> None:
    """In a process of its own: the rounds of one flavour; prints what came of them as JSON."""
    sampler = Sampler(port, seconds)
    try:
        globals()[f"soak_{flavour}"](sampler)
    except SystemExit as end:
        # How task.react() ends.
        if end.code:
            raise
    print(json.dumps([sampler.calls, sampler.abandoned, sampler.samples]))


def shorten() -> None:
    """The short form, in this process."""
    globals().update(SHORT)
    del SLACK["MiB"]


def judge(samples: list[dict[str, float]]) -> tuple[list[str], list[str]]:
    """Cells of the table for the samples after the warm-up, and what has grown."""
    third = len(samples) // 3
    part = max(1, third // 2)
    cells, grown = [], []
    for name, slack in SLACK.items():
        before = median(sample[name] for sample in samples[third : third + part])
        after = median(sample[name] for sample in samples[-part:])
        cells.append(f"{before:.4g} -> {after:.4g}")
        if after > before + slack:
            grown.append(f"{name} {before:.4g} -> {after:.4g}")
    return cells, grown


def parent(binary: str, seconds: float, *options: str) -> int:
    sys.path.insert(0, str(ROOT))
    from tests.agent import Agent

    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSUL_")}
    environment["PYTHONPATH"] = str(ROOT)
    troubles = []
    with Agent(binary) as agent:
        version = ".".join(map(str, agent.version))
        print(f"Consul {version}, {len(FLAVOURS)} flavours at a time, {seconds:.0f} s", flush=True)
        common = [f"--port={agent.port}", f"--seconds={seconds}", *options]
        processes = [
            subprocess.Popen(
                [sys.executable, __file__, "--flavour", flavour, *common],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
            )
            for flavour in FLAVOURS
        ]
        rows = [["", "calls", "abandoned", "rounds", *SLACK]]
        try:
            for flavour, process in zip(FLAVOURS, processes, strict=True):
                try:
                    output = process.communicate(timeout=seconds + 60)[0]
                except subprocess.TimeoutExpired:
                    troubles.append(f"{flavour}: does not end")
                    continue
                if process.returncode:
                    troubles.append(f"{flavour}: exit status {process.returncode}")
                    continue
                calls, abandoned, samples = json.loads(output.splitlines()[-1])
                cells, grown = judge(samples)
                rows.append([flavour, str(calls), str(abandoned), str(len(samples)), *cells])
                troubles += [f"{flavour}: {text}" for text in grown]
        finally:
            for process in processes:
                process.kill()
                process.communicate()
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    print("tasks: of asyncio, or the reactor's delayed calls and readers")
    for text in troubles:
        print(f"FAILED: {text}", file=sys.stderr)
    return 1 if troubles else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Looks for leaks of each flavour.")
    parser.add_argument("binary", nargs="?", default=os.environ.get("CONSUL_BIN"))
    parser.add_argument("--seconds", type=float, help="170; 6 in the short form")
    parser.add_argument("--short", action="store_true", help="see above")
    parser.add_argument("--flavour", choices=FLAVOURS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    seconds = options.seconds or (SHORT_SECONDS if options.short else 170.0)
    if options.short:
        shorten()
    if options.flavour:
        soak(options.flavour, options.port, seconds)
        return 0
    if not options.binary:
        parser.error("which server? give the path of one, or set $CONSUL_BIN")
    return parent(options.binary, seconds, *(["--short"] if options.short else []))


if __name__ == "__main__":
    sys.exit(main())

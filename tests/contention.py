"""Contenders of all flavours count under one lock, while the leader is killed again and again.

    python -m tests.contention BINARY [SECONDS]

Each flavour has a process of its own with some contenders, on the three servers of a cluster.  Who
holds the lock reads a number, and writes the next one where it is still what it was.  Wrong would
be a number that changed under the lock, one that was lost or counted twice, and an acquisition with
no higher fencing number than the last one.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from importlib import import_module
from typing import Any

import consul

FLAVOURS = ("std", "threads", "aio", "tornado", "twisted")
#: Contenders of each flavour, and seconds between two ends of a leader.
CONTENDERS = 4
PERIOD = 6.0
#: Seconds after the last one within which everybody has to have ended.
CALM = 60.0


class Count:
    """What the contenders of one process have done."""

    def __init__(self) -> None:
        #: How often the number was raised, for certain or perhaps.
        self.sure = self.perhaps = 0
        self.turns: dict[str, int] = {}
        self.wrong: list[str] = []
        self.lost = 0


def state(pair: Any) -> tuple[int, int, int]:
    """The number, the fencing number of who wrote it, and the index of the key."""
    if pair is None:
        return 0, 0, 0
    number, fencing = json.loads(pair["Value"])
    return number, fencing, pair["ModifyIndex"]


async def count(client: Any, key: str, name: str, result: Count, wait: Any) -> None:
    """One turn under the lock; *wait* waits for what a method of the client returns."""
    lock = client.lock(f"{key}/.lock", name, ttl=10, lock_delay=1)
    if not await wait(lock.acquire(timeout=30)):
        return
    try:
        pair = (await wait(client.kv.get(f"{key}/number", consistency="consistent"))).data
        number, before, index = state(pair)
        if lock.fencing <= before and lock.held:
            result.wrong.append(f"{name}: fencing {lock.fencing} after {before}")
        if not lock.held:
            return
        value = json.dumps([number + 1, lock.fencing])
        try:
            written = await wait(client.kv.put(f"{key}/number", value, cas=index))
        except consul.ConsulException:
            result.perhaps += 1
            raise
        if written:
            result.sure += 1
            result.turns[name] = result.turns.get(name, 0) + 1
        elif lock.held:
            result.wrong.append(f"{name}: the number has changed under the lock")
    finally:
        if not await wait(lock.release()):
            result.lost += 1


async def contend(client: Any, key: str, name: str, end: float, result: Count, wait: Any) -> None:
    while time.time() < end:
        try:
            await count(client, key, name, result, wait)
        except consul.ConsulException:
            # The server of this one is away.
            await wait(None)


def direct(flavour: str, ports: list[int], key: str, end: float, result: Count) -> None:
    class Ready:
        """What is there already, to be awaited."""

        def __init__(self, value: Any) -> None:
            self.value = value

        def __await__(self) -> Any:
            if self.value is None:
                time.sleep(0.1)
            return self.value.result(120) if hasattr(self.value, "result") else self.value
            yield

    def work(number: int) -> None:
        with import_module(f"consul.{flavour}").Consul(port=ports[number % 3]) as client:
            steps = contend(client, key, f"{flavour}-{number}", end, result, Ready)
            try:
                steps.send(None)
            except StopIteration:
                return
            raise AssertionError("it waits for something")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(CONTENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def awaited(flavour: str, ports: list[int], key: str, end: float, result: Count) -> None:
    async def wait(value: Any) -> Any:
        return await (asyncio.sleep(0.1) if value is None else value)

    async def work(number: int) -> None:
        async with import_module(f"consul.{flavour}").Consul(port=ports[number % 3]) as client:
            await contend(client, key, f"{flavour}-{number}", end, result, wait)

    await asyncio.gather(*map(work, range(CONTENDERS)))


def deferred(ports: list[int], key: str, end: float, result: Count) -> None:
    from twisted.internet import defer, task

    import consul.twisted

    def main(reactor: Any) -> Any:
        async def wait(value: Any) -> Any:
            return await (task.deferLater(reactor, 0.1) if value is None else value)

        async def work(number: int) -> None:
            async with consul.twisted.Consul(port=ports[number % 3]) as client:
                await contend(client, key, f"twisted-{number}", end, result, wait)

        return defer.gatherResults([defer.ensureDeferred(work(n)) for n in range(CONTENDERS)])

    try:
        task.react(main)
    except SystemExit as error:
        if error.code:
            raise


def worker(flavour: str, ports: list[int], key: str, end: float) -> None:
    result = Count()
    if flavour in ("std", "threads"):
        direct(flavour, ports, key, end, result)
    elif flavour == "twisted":
        deferred(ports, key, end, result)
    else:
        asyncio.run(awaited(flavour, ports, key, end, result))
    print(json.dumps(vars(result)))


def run(cluster: Any, key: str, seconds: float) -> tuple[str, list[str]]:
    """Let them contend; what came of it, and what was wrong."""
    ports = [str(server.port) for server in cluster.servers]
    end = time.time() + seconds
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.contention",
                "-",
                flavour,
                ",".join(ports),
                key,
                str(end),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        for flavour in FLAVOURS
    ]
    killed = 0
    try:
        while time.time() + PERIOD < end:
            time.sleep(PERIOD)
            leader = cluster.leader()
            if leader is not None:
                leader.kill()
                killed += 1
                leader.start(wait=False)
                cluster.wait_whole()
        outputs = [process.communicate(timeout=seconds + CALM)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    results = [json.loads(output.splitlines()[-1]) for output in outputs]
    wrong = [text for result in results for text in result["wrong"]]
    sure, perhaps = (sum(result[name] for result in results) for name in ("sure", "perhaps"))
    turns = {name: many for result in results for name, many in result["turns"].items()}
    with consul.Consul(port=int(ports[0])) as client:
        client.wait_for_leader(timeout=CALM)
        number = state(client.kv.get(f"{key}/number", consistency="consistent").data)[0]
    if not sure <= number <= sure + perhaps:
        wrong.append(f"the number is {number}: {sure} were counted, and perhaps {perhaps} more")
    idle = CONTENDERS * len(FLAVOURS) - len(turns)
    if idle:
        wrong.append(f"{idle} contenders never had their turn")
    lost = sum(result["lost"] for result in results)
    told = (
        f"{len(turns)} contenders counted to {number} in {seconds:g} s; {killed} leaders killed; "
    )
    return told + f"{lost} locks lost, {perhaps} answers lost", wrong


def main() -> int:
    if sys.argv[1] == "-":
        flavour, ports, key, end = sys.argv[2:]
        worker(flavour, [int(port) for port in ports.split(",")], key, float(end))
        return 0
    from tests.cluster import Cluster

    with Cluster(sys.argv[1]) as cluster:
        told, wrong = run(cluster, "contention", float((sys.argv[2:] or ["60"])[0]))
    print(told, *wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())

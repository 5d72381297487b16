"""A thousand idle blocking queries in one process: memory, and what else is slowed by them.

    python -m benchmarks.polls FLAVOUR PORT

Prints JSON.  Waking is compared with the bare library's long poll of the same key, in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import statistics
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

COUNT = 1000
CALLS = 200
ROUNDS = 5
WAKES = 60


def resident() -> float:
    """MiB of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def put(port: int, key: str, value: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("PUT", f"/v1/kv/{key}", value)
    connection.getresponse().read()
    connection.close()


async def measure(
    port: int,
    client: Any,
    bare: Callable[[str, int | None], Awaitable[int]],
    gather: Callable[..., Any],
    sleep: Callable[[float], Any],
) -> dict[str, float]:
    put(port, "polls/idle", "1")
    put(port, "polls/woken", "1")
    index = (await client.kv.get("polls/idle"))[0]

    async def latency() -> float:
        times = []
        for _ in range(CALLS):
            began = time.perf_counter()
            await client.kv.get("polls/woken")
            times.append(time.perf_counter() - began)
        return statistics.median(times) * 1e6

    alone = [await latency()]
    empty = resident()
    idle = [gather(client.kv.get("polls/idle", index=index, wait="5m")) for _ in range(COUNT)]
    await sleep(5)
    full = resident()
    beside = [await latency() for _ in range(ROUNDS)]

    async def woken(poll: Callable[[int], Any]) -> float:
        index = (await client.kv.get("polls/woken"))[0]
        moment: list[float] = []

        def wake() -> None:
            time.sleep(0.02)
            moment.append(time.perf_counter())
            put(port, "polls/woken", str(time.perf_counter()))

        thread = threading.Thread(target=wake)
        thread.start()
        await poll(index)
        seconds = time.perf_counter() - moment[0]
        thread.join()
        return seconds * 1e6

    ours, theirs = [], []
    for _ in range(WAKES):
        ours.append(await woken(lambda i: client.kv.get("polls/woken", index=i, wait="1m")))
        theirs.append(await woken(lambda i: bare("polls/woken", i)))
    for poll in idle:
        poll.cancel()
    await sleep(1)
    # Again, for the machine may have become slower or faster meanwhile.
    alone += [await latency() for _ in range(ROUNDS)]
    return {
        "memory": full - empty,
        "alone": statistics.median(alone),
        "beside": statistics.median(beside),
        "beside_ratio": statistics.median(beside) / statistics.median(alone),
        "woken": statistics.median(ours),
        "woken_bare": statistics.median(theirs),
        "woken_ratio": statistics.median(ours) / statistics.median(theirs),
    }


def url(port: int, key: str, index: int | None) -> str:
    return f"http://127.0.0.1:{port}/v1/kv/{key}?index={index}&wait=1m"


def aio(port: int) -> dict[str, float]:
    import aiohttp

    from consul.aio import Consul

    async def main() -> dict[str, float]:
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            Consul(port=port) as client,
            aiohttp.ClientSession(connector=connector) as session,
        ):

            async def bare(key: str, index: int | None) -> int:
                async with session.get(url(port, key, index)) as reply:
                    json.loads(await reply.read())
                    return int(reply.headers["X-Consul-Index"])

            return await measure(port, client, bare, asyncio.ensure_future, asyncio.sleep)

    return asyncio.run(main())


def tornado(port: int) -> dict[str, float]:
    from tornado.httpclient import AsyncHTTPClient

    from consul.tornado import Consul

    async def main() -> dict[str, float]:
        fetcher = AsyncHTTPClient(force_instance=True, max_clients=10)
        async with Consul(port=port) as client:

            async def bare(key: str, index: int | None) -> int:
                reply = await fetcher.fetch(url(port, key, index), request_timeout=90)
                json.loads(reply.body)
                return int(reply.headers["X-Consul-Index"])

            return await measure(port, client, bare, asyncio.ensure_future, asyncio.sleep)

    return asyncio.run(main())


def twisted(port: int) -> dict[str, float]:
    import treq
    from twisted.internet import defer, reactor, task

    from consul.twisted import Consul

    found: list[dict[str, float]] = []

    def kept(deferred: Any) -> Any:
        return deferred.addErrback(lambda _: None)

    async def work() -> None:
        client = Consul(port=port)

        async def bare(key: str, index: int | None) -> int:
            reply = await treq.get(url(port, key, index))
            json.loads(await treq.content(reply))
            return int(reply.headers.getRawHeaders("X-Consul-Index")[0])

        def sleep(seconds: float) -> Any:
            return task.deferLater(reactor, seconds)  # type: ignore[arg-type]

        found.append(await measure(port, client, bare, kept, sleep))
        await client.close()

    def main(reactor: Any) -> Any:
        return defer.Deferred.fromCoroutine(work())

    try:
        task.react(main)
    except SystemExit as end:
        if end.code:
            raise
    return found[0]


FLAVOURS = {"aio": aio, "tornado": tornado, "twisted": twisted}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("flavour", choices=FLAVOURS)
    parser.add_argument("port", type=int)
    arguments = parser.parse_args()
    print(json.dumps(FLAVOURS[arguments.flavour](arguments.port)))


if __name__ == "__main__":
    main()

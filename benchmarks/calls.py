"""What a call costs beside the bare HTTP library: one flavour, in a process of its own.

    python -m benchmarks.calls FLAVOUR PORT [--plain] [--rounds N]

Prints JSON.  Ours and the bare library's calls take turns, batch by batch, against the same agent;
the bare side does what a caller needs at least: it parses the JSON with the standard library and
decodes the value.  ``--plain`` hides orjson, which is the extra ``speed``.

Each flavour's function takes the port, and whether our client is to go through the library's public
client, as it does when one is brought.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

KEY = "benchmark/key"
VALUE = b"a value of some twenty bytes"
SERVICE = "benchmark"
FLIGHT = 64

#: Case -> calls in a batch; the one in flight counts its 64 calls one by one.  Small ones, so that
#: the two of a pair meet the machine in the same mood.
BATCHES = {"get": 30, "put": 15, "flight": 1, "health": 2}


class Side(NamedTuple):
    """How one side makes a batch of each case; an awaitable one is waited for by the flavour."""

    name: str
    get: Callable[[int], Any]
    put: Callable[[int], Any]
    flight: Callable[[int], Any]
    health: Callable[[int], Any]


def check_pair(answer: Any) -> None:
    if answer[1]["Value"] != VALUE:
        raise AssertionError(answer)


def decoded(body: bytes) -> bytes:
    return base64.b64decode(json.loads(body)[0]["Value"])


def check_value(value: bytes) -> None:
    if value != VALUE:
        raise AssertionError(value)


def check_json(body: bytes) -> None:
    check_value(decoded(body))


def urls(port: int) -> tuple[str, str]:
    base = f"http://127.0.0.1:{port}/v1"
    return f"{base}/kv/{KEY}", f"{base}/health/service/{SERVICE}"


def sequential(call: Callable[[], Any]) -> Callable[[int], None]:
    def batch(count: int) -> None:
        for _ in range(count):
            call()

    return batch


def one_by_one(call: Callable[[], Awaitable[Any]]) -> Callable[[int], Awaitable[None]]:
    async def batch(count: int) -> None:
        for _ in range(count):
            await call()

    return batch


def together(
    gather: Callable[[Iterator[Any]], Awaitable[Any]],
    call: Callable[[], Awaitable[Any]],
    check: Callable[[Any], None],
) -> Callable[[int], Awaitable[None]]:
    async def batch(count: int) -> None:
        for _ in range(count):
            for answer in await gather(call() for _ in range(FLIGHT)):
                check(answer)

    return batch


def coroutines(
    client: Any,
    name: str,
    get: Callable[[], Awaitable[bytes]],
    put: Callable[[], Awaitable[Any]],
    health: Callable[[], Awaitable[Any]],
    gather: Callable[[Iterator[Any]], Awaitable[Any]] = lambda calls: asyncio.gather(*calls),
) -> list[Side]:
    """The sides of a flavour whose calls are awaited; *gather* awaits many at a time."""

    async def ours() -> None:
        check_pair(await client.kv.get(KEY))

    async def bare() -> None:
        check_value(await get())

    return [
        Side(
            "consul",
            one_by_one(ours),
            one_by_one(lambda: client.kv.put(KEY, VALUE)),
            together(gather, lambda: client.kv.get(KEY), check_pair),
            one_by_one(lambda: client.health.service(SERVICE)),
        ),
        Side(
            name,
            one_by_one(bare),
            one_by_one(put),
            together(gather, get, check_value),
            one_by_one(health),
        ),
    ]


def nothing(count: int) -> None:
    """Of a side that has no way to do it."""


def http_client(port: int) -> Side:
    import http.client

    kv, health = (url.partition(f":{port}")[2] for url in urls(port))
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def get() -> None:
        connection.request("GET", kv)
        check_json(connection.getresponse().read())

    def put() -> None:
        connection.request("PUT", kv, VALUE)
        json.loads(connection.getresponse().read())

    def read() -> None:
        connection.request("GET", health)
        json.loads(connection.getresponse().read())

    return Side("http.client", sequential(get), sequential(put), nothing, sequential(read))


def parsers(port: int) -> list[Side]:
    """Parsing the large answer and nothing else, which no client can do without."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", urls(port)[1])
    body = connection.getresponse().read()
    connection.close()
    loads: dict[str, Callable[[bytes], Any]] = {"json alone": json.loads}
    with contextlib.suppress(ImportError):
        import orjson

        loads["orjson alone"] = orjson.loads

    return [
        Side(name, nothing, nothing, nothing, sequential(partial(parse, body)))
        for name, parse in loads.items()
    ]


def std(port: int, public: bool = False) -> tuple[list[Side], Callable[..., Any]]:
    import requests

    import consul

    session = requests.Session()
    client = consul.Consul(port=port, session=requests.Session() if public else None)
    kv, health = urls(port)

    ours = Side(
        "consul",
        sequential(lambda: check_pair(client.kv.get(KEY))),
        sequential(lambda: client.kv.put(KEY, VALUE)),
        nothing,
        sequential(lambda: client.health.service(SERVICE)),
    )
    bare = Side(
        "requests",
        sequential(lambda: check_json(session.get(kv).content)),
        sequential(lambda: session.put(kv, VALUE).json()),
        nothing,
        sequential(lambda: session.get(health).json()),
    )
    return [ours, bare, http_client(port), *parsers(port)], lambda batch, count: batch(count)


def threads(port: int, public: bool = False) -> tuple[list[Side], Callable[..., Any]]:
    from concurrent.futures import ThreadPoolExecutor

    import requests
    from requests.adapters import HTTPAdapter

    from consul.threads import Consul

    client = Consul(port=port, session=requests.Session() if public else None)
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=FLIGHT))
    executor = ThreadPoolExecutor(16)
    kv, health = urls(port)

    def ours_together(count: int) -> None:
        for _ in range(count):
            for future in [client.kv.get(KEY) for _ in range(FLIGHT)]:
                check_pair(future.result())

    def read(url: str) -> bytes:
        return session.get(url).content

    def bare_together(count: int) -> None:
        for _ in range(count):
            for future in [executor.submit(read, kv) for _ in range(FLIGHT)]:
                check_json(future.result())

    ours = Side(
        "consul",
        sequential(lambda: check_pair(client.kv.get(KEY).result())),
        sequential(lambda: client.kv.put(KEY, VALUE).result()),
        ours_together,
        sequential(lambda: client.health.service(SERVICE).result()),
    )
    bare = Side(
        "requests in an executor",
        sequential(lambda: check_json(executor.submit(read, kv).result())),
        sequential(lambda: executor.submit(session.put, kv, VALUE).result().json()),
        bare_together,
        sequential(lambda: json.loads(executor.submit(read, health).result())),
    )
    return [ours, bare], lambda batch, count: batch(count)


def aio(port: int, public: bool = False) -> tuple[list[Side], Callable[..., Any]]:
    import aiohttp

    from consul.aio import Consul

    loop = asyncio.new_event_loop()
    kv, health = urls(port)

    async def make() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    session = loop.run_until_complete(make())
    client = Consul(port=port, session=session if public else None)

    async def bare_get() -> bytes:
        async with session.get(kv) as reply:
            return decoded(await reply.read())

    async def bare_put() -> None:
        async with session.put(kv, data=VALUE) as reply:
            json.loads(await reply.read())

    async def bare_health() -> None:
        async with session.get(health) as reply:
            json.loads(await reply.read())

    sides = coroutines(client, "aiohttp", bare_get, bare_put, bare_health)
    return sides, lambda batch, count: loop.run_until_complete(batch(count))


def tornado(port: int, public: bool = False) -> tuple[list[Side], Callable[..., Any]]:
    from tornado.httpclient import AsyncHTTPClient
    from tornado.ioloop import IOLoop

    from consul.tornado import Consul

    loop = IOLoop(make_current=False)
    kv, health = urls(port)

    async def make() -> AsyncHTTPClient:
        return AsyncHTTPClient(force_instance=True, max_clients=FLIGHT)

    bare = loop.run_sync(make)
    client = Consul(port=port, session=bare if public else None)

    async def bare_get() -> bytes:
        return decoded((await bare.fetch(kv)).body)

    async def bare_put() -> None:
        json.loads((await bare.fetch(kv, method="PUT", body=VALUE)).body)

    async def bare_health() -> None:
        json.loads((await bare.fetch(health)).body)

    sides = coroutines(client, "tornado fetch", bare_get, bare_put, bare_health)
    return sides, lambda batch, count: loop.run_sync(lambda: batch(count))


def twisted(port: int, public: bool = False) -> tuple[list[Side], Callable[..., Any]]:
    import threading

    import treq
    from twisted.internet import reactor, threads
    from twisted.internet.defer import Deferred, gatherResults
    from twisted.web.client import Agent

    from consul.twisted import Consul

    loop: Any = reactor
    kv, health = urls(port)
    session = treq.client.HTTPClient(Agent(reactor)) if public else None
    client = Consul(port=port, session=session)

    def body(reply: Any) -> Any:
        return reply.addCallback(treq.content)

    sides = coroutines(
        client,
        "treq",
        lambda: body(treq.get(kv)).addCallback(decoded),
        lambda: body(treq.put(kv, data=VALUE)).addCallback(json.loads),
        lambda: body(treq.get(health)).addCallback(json.loads),
        lambda calls: gatherResults([*calls]),
    )

    def within(batch: Callable[[int], Any], count: int) -> Any:
        return Deferred.fromCoroutine(batch(count))

    threading.Thread(target=loop.run, args=(False,), daemon=True).start()
    return sides, lambda batch, count: threads.blockingCallFromThread(loop, within, batch, count)


FLAVOURS = {"std": std, "threads": threads, "aio": aio, "tornado": tornado, "twisted": twisted}


def measure(sides: list[Side], run: Callable[..., Any], rounds: int) -> dict[str, Any]:
    """Case -> side -> medians in microseconds per call, and the ratio to the bare library."""
    results: dict[str, Any] = {}
    for case, count in BATCHES.items():
        taking_part = [side for side in sides if getattr(side, case) is not nothing]
        if not taking_part:
            continue
        calls = count * (FLIGHT if case == "flight" else 1)
        spent: dict[str, list[tuple[float, float]]] = {side.name: [] for side in taking_part}
        for number in range(rounds + 1):
            # Each goes first as often as the other.
            order = taking_part if number % 2 else taking_part[::-1]
            for side in order:
                wall, cpu = time.perf_counter(), time.process_time()
                run(getattr(side, case), count)
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
                if number:
                    spent[side.name].append((cpu / calls * 1e6, wall / calls * 1e6))
        ours, bare = spent[taking_part[0].name], spent[taking_part[1].name]
        results[case] = {
            "sides": {
                name: {
                    "cpu": statistics.median(cpu for cpu, _ in found),
                    "wall": statistics.median(wall for _, wall in found),
                }
                for name, found in spent.items()
            },
            "cpu_ratio": statistics.median(a[0] / b[0] for a, b in zip(ours, bare, strict=True)),
            "wall_ratio": statistics.median(a[1] / b[1] for a, b in zip(ours, bare, strict=True)),
        }
    return results


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("flavour", choices=FLAVOURS)
    parser.add_argument("port", type=int)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--rounds", type=int, default=60)
    arguments = parser.parse_args()
    if arguments.plain:
        sys.modules["orjson"] = None  # type: ignore[assignment]
    sides, run = FLAVOURS[arguments.flavour](arguments.port)
    print(json.dumps(measure(sides, run, arguments.rounds)), flush=True)
    # Without closing what the bare sides have open, which their libraries would complain of.
    os._exit(0)


if __name__ == "__main__":
    main()

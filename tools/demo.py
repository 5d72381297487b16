"""Shows the client at work against a real, throw-away Consul agent, in less than a minute.

    python tools/demo.py [path of a consul binary, else $CONSUL_BIN]

Each line says what was done and what came back.  The exit status is 1 when a step does not show
what it should.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import consul
import consul.aio
import consul.threads
import consul.tornado
from tests.agent import Agent


class Mismatch(Exception):
    """A step did not show what it should."""


def title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def show(what: str, value: object, good: bool = True) -> None:
    print(f"  {what:<62} {value}")
    if not good:
        raise Mismatch(f"{what}: {value!r} is not what it should be")


def wait_for(what: str, found: Callable[[], bool], limit: float = 10.0) -> float:
    """Seconds until *found* is true."""
    start = time.monotonic()
    while not found():
        if time.monotonic() - start > limit:
            raise Mismatch(f"{what}: not within {limit:g} s")
        time.sleep(0.05)
    return time.monotonic() - start


def services(client: consul.Consul) -> None:
    title("1. A service with a TTL check")

    def health() -> str:
        _, nodes = client.health.service("web")
        checks = [check for node in nodes for check in node["Checks"]]
        return next((check["Status"] for check in checks if check["CheckID"] == "service:web"), "-")

    done = client.agent.service.register("web", port=8080, check=consul.Check.ttl("1s"))
    show('agent.service.register("web", check=Check.ttl("1s"))', done, done is True)
    show('health.service("web") before the first sign of life', health(), health() == "critical")
    client.agent.check.ttl_pass("service:web")
    wait_for("passing", lambda: health() == "passing")
    show('agent.check.ttl_pass("service:web"), then health', "passing")
    passed = wait_for("critical", lambda: health() == "critical")
    show("no further sign of life, then health", f"critical after {passed:.1f} s")
    _, nodes = client.health.service("web", passing=True)
    show('health.service("web", passing=True)', nodes, nodes == [])
    client.agent.service.deregister("web")


def keys(client: consul.Consul) -> None:
    title("2. Keys and values")
    kv = client.kv
    done = kv.put("demo/colour", "blue")
    show('kv.put("demo/colour", "blue")', done, done is True)
    index, pair = kv.get("demo/colour")
    show('kv.get("demo/colour")', f"index {index}, {pair['Value']!r}", pair["Value"] == b"blue")
    stale = kv.put("demo/colour", "red", cas=pair["ModifyIndex"] - 1)
    show("kv.put(..., cas=<an older ModifyIndex>)", stale, stale is False)
    fresh = kv.put("demo/colour", "red", cas=pair["ModifyIndex"])
    show("kv.put(..., cas=<its ModifyIndex>)", fresh, fresh is True)
    kv.put("demo/size", "7")
    _, pairs = kv.get("demo/", recurse=True)
    found = {pair["Key"]: pair["Value"] for pair in pairs}
    show('kv.get("demo/", recurse=True)', found, len(found) == 2)
    done = kv.delete("demo/", recurse=True)
    show('kv.delete("demo/", recurse=True)', done, done is True)
    _, nothing = kv.get("demo/colour")
    show('kv.get("demo/colour")', nothing, nothing is None)


def lock(client: consul.Consul) -> None:
    title("3. A key that a session locks")
    first = client.session.create("first", lock_delay=0)
    second = client.session.create("second", lock_delay=0)
    for who, session, expected in (("first", first, True), ("second", second, False)):
        got = client.kv.put("demo/lock", who, acquire=session)
        show(f"{who} session: kv.put(..., acquire=session)", got, got is expected)
    done = client.kv.put("demo/lock", "", release=first)
    show("first session: kv.put(..., release=session)", done, done is True)
    done = client.kv.put("demo/lock", "second", acquire=second)
    show("second session: kv.put(..., acquire=session)", done, done is True)
    client.session.destroy(first)
    client.session.destroy(second)


def blocking(client: consul.Consul, make: Callable[[], consul.Consul]) -> None:
    title("4. A blocking query that another client's write wakes")
    client.kv.put("demo/watched", "before")
    index, _ = client.kv.get("demo/watched")

    def write() -> None:
        with make() as other:
            other.kv.put("demo/watched", "after")

    start = time.monotonic()
    timer = threading.Timer(1.0, write)
    timer.start()
    newer, pair = client.kv.get("demo/watched", index=index, wait="20s")
    waited = time.monotonic() - start
    timer.join()
    show("another client writes after", "1.0 s")
    show(
        f'kv.get("demo/watched", index={index}, wait="20s")',
        f"index {newer}, {pair['Value']!r} after {waited:.1f} s",
        pair["Value"] == b"after" and 0.9 < waited < 10,
    )


def refused(port: int, token: str) -> None:
    title("5. A token that is refused")
    for what, given in (
        ("no token", ""),
        ("a wrong token", "00000000-dead-beef-0000-000000000000"),
    ):
        with consul.Consul("127.0.0.1", port, given) as client:
            try:
                client.kv.put("demo/secret", "x")
            except consul.ACLPermissionDenied as error:
                show(f"kv.put with {what}", f"ACLPermissionDenied, status {error.status}")
            else:
                raise Mismatch(f"kv.put with {what} was accepted")
    with consul.Consul("127.0.0.1", port, token) as client:
        done = client.kv.put("demo/secret", "x")
        show("kv.put with the management token", done, done is True)


def flavours(port: int, token: str) -> None:
    title("6. The same put and get in every flavour")

    def report(name: str, done: bool, pair: Any) -> None:
        good = done is True and pair["Value"] == name.encode()
        show(name, f"put {done}, get {pair['Value']!r}", good)

    with consul.Consul("127.0.0.1", port, token) as direct:
        put = direct.kv.put("demo/flavour", "consul.Consul")
        report("consul.Consul", put, direct.kv.get("demo/flavour")[1])

    with consul.threads.Consul("127.0.0.1", port, token) as threads:
        put = threads.kv.put("demo/flavour", "consul.threads").result(20)
        report("consul.threads", put, threads.kv.get("demo/flavour").result(20)[1])

    async def awaited() -> None:
        async with consul.aio.Consul("127.0.0.1", port, token) as client:
            put = await client.kv.put("demo/flavour", "consul.aio")
            report("consul.aio", put, (await client.kv.get("demo/flavour"))[1])

    asyncio.run(awaited())

    async def tornado() -> None:
        async with consul.tornado.Consul("127.0.0.1", port, token) as client:
            put = await client.kv.put("demo/flavour", "consul.tornado")
            report("consul.tornado", put, (await client.kv.get("demo/flavour"))[1])

    asyncio.run(tornado())
    twisted(port, token, report)


def twisted(port: int, token: str, report: Callable[[str, bool, Any], None]) -> None:
    # Imported last: a process has one reactor, and it runs once.
    from twisted.internet import defer
    from twisted.internet import reactor as installed

    import consul.twisted

    reactor: Any = installed
    failures: list[Any] = []

    @defer.inlineCallbacks
    def main() -> Generator[Any, Any, None]:
        client = consul.twisted.Consul("127.0.0.1", port, token)
        try:
            put = yield client.kv.put("demo/flavour", "consul.twisted")
            _, pair = yield client.kv.get("demo/flavour")
            report("consul.twisted", put, pair)
        finally:
            yield client.close()

    def start() -> None:
        done: Any = main()
        done.addErrback(failures.append).addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(start)
    reactor.run()
    if failures:
        failures[0].raiseException()


def main() -> int:
    binary = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("CONSUL_BIN", "")
    if not binary:
        print(__doc__, file=sys.stderr)
        return 2
    # The demo talks to its own agent, whatever the environment says about another one.
    for name in list(os.environ):
        if name.startswith("CONSUL_"):
            del os.environ[name]
    start = time.monotonic()
    try:
        with Agent(binary, acl=True) as agent:
            port, token = agent.port, agent.token or ""
            version = ".".join(map(str, agent.version))
            print(f"Consul {version} on 127.0.0.1:{port}, with ACLs; it ends with this demo")

            def make() -> consul.Consul:
                return consul.Consul("127.0.0.1", port, token)

            with make() as client:
                services(client)
                keys(client)
                lock(client)
                blocking(client, make)
            refused(port, token)
            flavours(port, token)
    except Mismatch as error:
        print(f"\nFAILED: {error}", file=sys.stderr)
        return 1
    print(f"\nAll steps showed what they should, in {time.monotonic() - start:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

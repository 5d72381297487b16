"""A real cluster of three servers, and the load under which its leader is ended again and again.

    with Cluster(binary) as cluster:
        record = run(cluster, ["std", "aio"], seconds=25)

A client of every flavour on each server writes, reads back and increments a counter, another one
watches what is written, and `Record` says what each of them saw.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from http.client import HTTPException
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from consul import (
    ConnectionFailed,
    ConsulException,
    NoLeader,
    RateLimited,
    Retry,
    Timeout,
    TLSError,
)
from tests.agent import Agent, AgentError
from tests.flavours import FLAVOURS, Blocking

SIZE = 3
CONFIGURATION = "/v1/operator/raft/configuration"
#: Seconds within which the cluster has to be whole again, and the load to end.
PATIENCE = 60.0
#: Seconds that a worker rests between two rounds, so that the machine is not the bottleneck.
REST = 0.05


class Cluster:
    """Three servers that find each other; each may be ended and started again with its data."""

    def __init__(self, binary: str | Path) -> None:
        self.binary = Path(binary)
        self.servers: list[Agent] = []

    def start(self) -> Cluster:
        left = 2
        while True:
            self._make()
            try:
                for server in self.servers:
                    server.start(wait=False)
                self.wait_whole()
                return self
            except AgentError:
                # Another process may have taken a port since it was found free.
                self.close()
                if not left:
                    raise
                left -= 1

    def _make(self) -> None:
        joined: list[str] = []
        config = {
            "bootstrap": False,
            "bootstrap_expect": SIZE,
            "retry_join": joined,
            "retry_interval": "1s",
            # It would take a dead server off the list, and then it is no voter for 10 s.
            "autopilot": {"cleanup_dead_servers": False},
            "gossip_lan": {
                "probe_interval": "200ms",
                "probe_timeout": "100ms",
                "suspicion_mult": 2,
            },
        }
        self.servers = [Agent(self.binary, config=config, persistent=True) for _ in range(SIZE)]
        joined += [f"{server.host}:{server.lan_port}" for server in self.servers]

    def leader(self) -> Agent | None:
        """The server that the others hold for the leader; None while they do not agree."""
        named: set[str] = set()
        for server in self.servers:
            with contextlib.suppress(OSError, ValueError, HTTPException):
                named.add(server.get("/v1/status/leader"))
        for server in self.servers:
            if named == {f"{server.host}:{server.server_port}"}:
                return server
        return None

    def is_whole(self) -> bool:
        """Whether each server knows the others, votes, takes writes and has those of the others."""
        if self.leader() is None:
            return False
        mark = uuid.uuid4().hex.encode()
        try:
            return all(
                [one["Voter"] for one in server.get(CONFIGURATION)["Servers"]] == [True] * SIZE
                and [one["Status"] for one in server.get("/v1/agent/members")] == [1] * SIZE
                and server.request("PUT", "/v1/kv/cluster/whole", mark) == (200, b"true")
                for server in self.servers
            ) and all(
                server.request("GET", "/v1/kv/cluster/whole?raw&stale") == (200, mark)
                for server in self.servers
            )
        except (OSError, ValueError, HTTPException):
            return False

    def wait_whole(self) -> None:
        for server in self.servers:
            server.wait_ready(PATIENCE)
        wait_for(self.is_whole, "the cluster is not whole")

    def takes_writes(self) -> bool:
        """Whether a server that runs has found a new leader."""
        for server in self.servers:
            try:
                if server.request("PUT", "/v1/kv/cluster/alive", b"") == (200, b"true"):
                    return True
            except (OSError, HTTPException):
                continue
        return False

    def close(self) -> None:
        for server in self.servers:
            server.kill()
            server.close()

    def __enter__(self) -> Cluster:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def wait_for(ready: Callable[[], bool], trouble: str) -> float:
    """Seconds until *ready* says yes."""
    began = time.monotonic()
    while not ready():
        if time.monotonic() - began > PATIENCE:
            raise AgentError(f"{trouble} after {PATIENCE:g} s")
        time.sleep(0.02)
    return time.monotonic() - began


class Counting(Retry):
    """`consul.Retry` that counts the repeats."""

    __slots__ = ("count", "last")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.count = 0
        self.last: ConsulException | None = None

    def pause(self, repeat: int, error: ConsulException, chance: float) -> float:
        self.count += 1
        self.last = error
        return super().pause(repeat, error, chance)

    def gave_up(self, error: ConsulException) -> None:
        """*error* came out: where it was to be repeated, there was no time left for it."""
        if error is self.last:
            self.count -= 1


def kinds() -> Iterator[dict[str, Any]]:
    """Options of the client on each server."""
    # Those that everybody has.
    yield {"retry": Counting()}
    # Sits out the restart of its server.
    yield {"retry": Counting(connect=True)}
    # Sees every failure of the server.
    yield {"retry": False}


class Seen:
    """What one worker saw."""

    def __init__(self, flavour: str, server: int) -> None:
        self.flavour, self.server = flavour, server
        self.calls = 0
        self.repeats = 0
        self.stall = 0.0
        #: By the class that the documentation names.
        self.errors: Counter[str] = Counter()
        #: Reads that were allowed to be old, and were.
        self.older = 0
        #: What must never happen.
        self.wrong: list[str] = []
        self.unexpected: list[str] = []
        # Of a writer: the last value tried, the last one acknowledged, how many were, and those
        # that were surely not written.
        self.tried = self.acknowledged = self.written = 0
        self.unsent: set[int] = set()
        # Of its counter: increments acknowledged, and those that may have been made.
        self.counted = self.uncounted = 0
        #: ModifyIndex at which an increment failed that may be made yet.
        self.pending: set[int] = set()

    @property
    def key(self) -> str:
        return f"load/{self.flavour}/{self.server}/k"

    @property
    def counter(self) -> str:
        return f"load/{self.flavour}/{self.server}/count"


#: What a call may raise while the leader changes.
DOCUMENTED = (NoLeader, ConnectionFailed, Timeout, RateLimited)


def documented(error: ConsulException) -> str | None:
    """The name of *error* in the documentation; None when it should not have come up."""
    found = [kind.__name__ for kind in DOCUMENTED if isinstance(error, kind)]
    return found[0] if found and not isinstance(error, TLSError) else None


class Worker:
    """A client of one flavour on one server, used in a thread of its own."""

    def __init__(self, seen: Seen, port: int, options: dict[str, Any]) -> None:
        self.seen, self.port, self.options = seen, port, options
        self.retry = options["retry"]
        self.done = threading.Event()
        self.thread = threading.Thread(
            target=self._work, name=f"{self} {seen.flavour}", daemon=True
        )
        self._began: float | None = None

    def _work(self) -> None:
        try:
            flavour = FLAVOURS[self.seen.flavour]()
            client = flavour.client(
                host=Agent.host, port=self.port, token="", trust_env=False, **self.options
            )
            try:
                while not self.done.is_set():
                    self.round(client)
                    self.done.wait(REST)
            finally:
                client.close()
                flavour.stop()
        except BaseException as error:
            self.seen.unexpected.append(f"the worker ended: {error!r}")

    def round(self, client: Blocking) -> None:
        raise NotImplementedError

    def call(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """What *method* returns; the error that it raised, counted."""
        seen = self.seen
        began = time.monotonic()
        if self._began is None:
            self._began = began
        seen.calls += 1
        try:
            result = method(*args, **options)
            self.stalled()
            return result
        except ConsulException as error:
            name = documented(error)
            if isinstance(self.retry, Counting):
                self.retry.gave_up(error)
            if name is None:
                name = type(error).__name__
                seen.unexpected.append(f"{name}: {error}")
            seen.errors[name] += 1
            return error
        except Exception as error:
            seen.errors[type(error).__name__] += 1
            seen.unexpected.append(repr(error))
            return error
        finally:
            if isinstance(self.retry, Counting):
                seen.repeats = self.retry.count

    def stalled(self) -> None:
        """A stall ends, with an answer or with the run."""
        if self._began is not None:
            self.seen.stall = max(self.seen.stall, time.monotonic() - self._began)
            self._began = None


class Writer(Worker):
    """Writes 1, 2, 3, ...; reads back; increments a counter."""

    def __str__(self) -> str:
        return "writer"

    def round(self, client: Blocking) -> None:
        seen = self.seen
        seen.tried += 1
        done = self.call(client.kv.put, seen.key, str(seen.tried))
        if done is True:
            seen.acknowledged = seen.tried
            seen.written += 1
        elif not isinstance(done, Exception):
            seen.wrong.append(f"put of {seen.tried}: {done!r}")
        elif isinstance(done, ConnectionFailed) and not done.sent:
            seen.unsent.add(seen.tried)
        for consistency in ("consistent", "default"):
            self.read(client, consistency)
        self.increment(client)

    def read(self, client: Blocking, consistency: str) -> None:
        seen = self.seen
        answer = self.call(client.kv.get, seen.key, consistency=consistency)
        if isinstance(answer, Exception):
            return
        value = read_value(seen, answer, seen.key)
        if value < seen.acknowledged:
            if consistency == "consistent":
                seen.wrong.append(f"read {value} after {seen.acknowledged} was acknowledged")
            else:
                seen.older += 1
        check_tried(seen, seen, value)

    def increment(self, client: Blocking) -> None:
        seen = self.seen
        answer = self.call(client.kv.get, seen.counter, consistency="consistent")
        if isinstance(answer, Exception):
            return
        value = read_value(seen, answer, seen.counter)
        check_count(seen, value)
        at = answer[1]["ModifyIndex"] if answer[1] else 0
        done = self.call(client.kv.put, seen.counter, str(value + 1), cas=at)
        if done is True:
            seen.counted += 1
        elif done is False:
            # An earlier one that failed was made after all, between our read and our write.
            if at not in seen.pending:
                seen.wrong.append(f"increment of {value} at {at} refused, which nobody else made")
        elif isinstance(done, Exception) and getattr(done, "sent", True):
            seen.uncounted += 1
            seen.pending.add(at)


class Watcher(Worker):
    """Follows what a writer on another server writes, by short blocking queries."""

    def __init__(self, seen: Seen, port: int, options: dict[str, Any], written: Seen) -> None:
        super().__init__(seen, port, options)
        self.written = written
        self.index: int | None = None

    def __str__(self) -> str:
        return "watcher"

    def round(self, client: Blocking) -> None:
        seen, written = self.seen, self.written
        answer = self.call(client.kv.get, written.key, index=self.index, wait="1s")
        if isinstance(answer, Exception):
            self.index = None
            return
        check_tried(seen, written, read_value(seen, answer, written.key))
        # An index that went back means to start anew.
        self.index = answer[0] if answer[0] >= (self.index or 0) else None


def read_value(seen: Seen, answer: Any, key: str) -> int:
    """The number in *answer*, 0 where there is no key yet."""
    pair = answer[1]
    if pair is None:
        return 0
    if pair["Key"] != key:
        seen.wrong.append(f"asked for {key}, got {pair['Key']}")
    return int(pair["Value"])


def check_tried(seen: Seen, written: Seen, value: int) -> None:
    if value > written.tried:
        seen.wrong.append(f"{written.key}: read {value}, which nobody wrote")
    if value in written.unsent:
        seen.wrong.append(f"{written.key}: read {value}, whose write failed with sent=False")


def check_count(seen: Seen, value: int) -> None:
    low, high = seen.counted, seen.counted + seen.uncounted
    if not low <= value <= high:
        seen.wrong.append(f"the counter is {value}, not from {low} to {high}")


class Record:
    """What came of a run."""

    def __init__(self, version: tuple[int, ...]) -> None:
        self.version = version
        self.seconds = 0.0
        self.seen: list[Seen] = []
        #: How a leader was ended, which server it was, seconds until writes were taken again.
        self.ended: list[tuple[str, int, float]] = []

    def of(self, flavour: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.flavour == flavour]

    def made(self, flavour: str) -> int:
        """Writes of either kind."""
        return int(min(self.total("written", flavour), self.total("counted", flavour)))

    def total(self, name: str, flavour: str | None = None) -> Any:
        return sum(
            getattr(seen, name) for seen in self.seen if flavour is None or seen.flavour == flavour
        )

    def errors(self, flavour: str) -> Counter[str]:
        total: Counter[str] = Counter()
        for seen in self.of(flavour):
            total += seen.errors
        return total


def present() -> list[str]:
    """The flavours whose libraries are here."""
    found = []
    for name, kind in FLAVOURS.items():
        with contextlib.suppress(ImportError):
            import_module(f"consul.{kind.name}")
            found.append(name)
    return found


def run(cluster: Cluster, flavours: list[str], seconds: float, enough: int = 0) -> Record:
    """Load on *cluster* for *seconds*, in which its leader is ended and started again in turn.

    Both ways to end it are used, and each flavour makes *enough* writes, however slow the machine.
    """
    record = Record(cluster.servers[0].version)
    workers: list[Worker] = []
    for flavour in flavours:
        writers = [Seen(flavour, number) for number in range(SIZE)]
        for number, options in enumerate(kinds()):
            port = cluster.servers[number].port
            workers.append(Writer(writers[number], port, options))
        for number, options in enumerate(kinds()):
            port = cluster.servers[number].port
            seen = Seen(flavour, number)
            workers.append(Watcher(seen, port, options, writers[(number + 1) % SIZE]))
    record.seen = [worker.seen for worker in workers]
    began = time.monotonic()
    for worker in workers:
        worker.thread.start()
    try:
        time.sleep(1)
        for how in itertools.cycle(("SIGKILL", "SIGTERM")):
            if time.monotonic() - began > seconds and len(record.ended) > 1:
                break
            record.ended.append(_end_leader(cluster, how))
            time.sleep(1)
        for flavour in flavours:
            wait_for(lambda f=flavour: record.made(f) >= enough, f"{flavour} writes too little")
    finally:
        for worker in workers:
            worker.done.set()
        for worker in workers:
            worker.thread.join(PATIENCE)
            if worker.thread.is_alive():
                worker.seen.unexpected.append(f"a call hangs for {PATIENCE:g} s")
            worker.stalled()
    record.seconds = time.monotonic() - began
    for worker in workers:
        if isinstance(worker, Writer):
            _check_finally(cluster, worker.seen)
    return record


def _end_leader(cluster: Cluster, how: str) -> tuple[str, int, float]:
    wait_for(lambda: cluster.leader() is not None, "no leader")
    leader = cluster.leader() or cluster.servers[0]
    if how == "SIGKILL":
        leader.kill()
    else:
        leader.stop()
    took = wait_for(cluster.takes_writes, "no new leader")
    leader.start(wait=False)
    cluster.wait_whole()
    return how, cluster.servers.index(leader), took


def _check_finally(cluster: Cluster, seen: Seen) -> None:
    """Every server has what was acknowledged."""
    for server in cluster.servers:
        value = _stored(server, seen.key)
        if value < seen.acknowledged:
            seen.wrong.append(f"{seen.acknowledged} was acknowledged, {value} is left")
        check_tried(seen, seen, value)
        check_count(seen, _stored(server, seen.counter))


def _stored(server: Agent, key: str) -> int:
    status, body = server.request("GET", f"/v1/kv/{key}?raw&consistent")
    return 0 if status == 404 else int(body)

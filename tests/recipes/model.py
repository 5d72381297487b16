"""What of Consul the recipes rely on: keys, sessions, locks, lock-delay, TTLs and indexes.

The rules are those that real servers have shown; tests/conformance/test_model.py compares.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import random
import re
import uuid
from typing import Any
from urllib.parse import unquote

from consul.core.request import Request, Response

#: Seconds that a server holds a query without a wait, and the most that it does.
WAIT, LONGEST = 300.0, 600.0
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """A duration like "1m30s" in seconds."""
    parts = re.findall(r"([\d.]+)(ms|s|m|h)", text)
    return sum(float(count) * _UNITS[unit] for count, unit in parts)


def passes(entry: dict[str, Any]) -> bool:
    """Whether all checks of an instance pass."""
    return all(check["Status"] == "passing" for check in entry["Checks"])


class Refused(Exception):
    """The server refuses a request with *status* and *text*."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status, self.text = status, text


class Model:
    """One cluster.  Each write counts up its index, and wakes who waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop, chance: random.Random) -> None:
        self.loop, self.chance = loop, chance
        self.index = 10
        self.keys: dict[str, dict[str, Any]] = {}
        #: Index of the last deletion of each key.
        self.deleted: dict[str, int] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        #: When each session ends unless it is renewed.
        self.ends: dict[str, asyncio.TimerHandle] = {}
        #: Until when each key cannot be acquired.
        self.delayed: dict[str, float] = {}
        #: Seconds after its last renewal at which a session ends, as a multiple of its TTL.
        self.patience = 2.0
        self.leader = True
        #: The services of the agent, and the status and output of their TTL checks.
        self.services: dict[str, dict[str, Any]] = {}
        self.checks: dict[str, tuple[str, str]] = {}
        #: Index and instances of each service, by datacenter and name.
        self.health: dict[tuple[str, str], tuple[int, list[dict[str, Any]]]] = {}
        #: The index of the transaction that is being applied.
        self._together: int | None = None
        #: How often a snapshot was restored.
        self.restored = 0
        self._changed = asyncio.Event()

    # What tests do to it

    def lose_leader(self) -> None:
        """Have no leader; who waits is told so."""
        self.leader = False
        self._wake()

    def find_leader(self) -> None:
        """Have a leader again, who gives each session its TTL anew."""
        self.leader = True
        for identity in self.sessions:
            self._begin(identity)

    def restore(self, keys: dict[str, dict[str, Any]], index: int) -> None:
        """Be what a snapshot has: the index falls, and no session is left."""
        for identity in list(self.sessions):
            self.end_session(identity)
        self.keys, self.index = keys, index
        self.restored += 1
        self._wake()

    def end_session(self, identity: str, delay: bool = True) -> None:
        """End a session: what it holds is released, or deleted."""
        session = self.sessions.pop(identity, None)
        self.ends.pop(identity).cancel() if identity in self.ends else None
        if session is None:
            return
        index = self._next()
        for name, key in list(self.keys.items()):
            if key.get("Session") != identity:
                continue
            if session["Behavior"] == "delete":
                del self.keys[name]
                self.deleted[name] = index
            else:
                del key["Session"]
                key["ModifyIndex"] = index
            if delay and session["LockDelay"]:
                self.delayed[name] = self.loop.time() + session["LockDelay"] / 1e9
        self._wake()

    def set_health(self, service: str, *entries: dict[str, Any], dc: str = "") -> None:
        """Have *service* be these instances, in the datacenter *dc*."""
        self.health[dc, service] = self._next(), list(entries)
        self._wake()

    def forget(self, *services: str) -> None:
        """Have the agent know these services no more, or all of them."""
        for name in services or list(self.services):
            del self.services[name]
            for check in list(self.checks):
                if check.startswith(f"service:{name}"):
                    del self.checks[check]
        self._wake()

    # Requests

    async def answer(self, request: Request) -> Response:
        """Answer *request*, after its wait where it has one."""
        params = dict(request.params)
        try:
            if request.path.startswith("/v1/agent/"):
                return await self._agent(request, params)
            if not self.leader:
                raise Refused(500, "No cluster leader")
            if request.method == "GET":
                return await self._read(request.path, params)
            value = self._write(request.method, request.path, params, request.body or b"")
        except Refused as refused:
            return Response(refused.status, {}, refused.text.encode())
        return Response(200, {}, json.dumps(value).encode())

    async def _agent(self, request: Request, params: dict[str, str]) -> Response:
        """What the agent itself knows, which needs no leader."""
        *_, kind, rest = request.path.split("/", 4)
        verb, _, name = rest.partition("/")
        name = unquote(name) or unquote(verb)
        body = json.loads(request.body or b"{}")
        if request.method == "GET":
            return await self._service(name, params)
        if kind == "check":
            if name not in self.checks:
                raise Refused(404, f'Unknown check ID "{name}"')
            self.checks[name] = body["Status"], body.get("Output", "")
        elif verb == "register":
            self.services[body.get("ID", body["Name"])] = body
            for check in [*body.get("Checks", ()), body.get("Check")]:
                if check is not None:
                    self.checks[check.get("CheckID", "")] = check.get("Status", "critical"), ""
        elif name not in self.services:
            raise Refused(404, f"Unknown service ID {name!r}")
        elif verb == "deregister":
            self.forget(name)
        else:
            self.services[name] = {**self.services[name], "Maintenance": params["enable"]}
        self._wake()
        return Response(200, {}, b"")

    async def _service(self, name: str, params: dict[str, str]) -> Response:
        end = self.loop.time() + seconds(params.get("wait", "300s"))
        while True:
            found = self.services.get(name)
            if found is None:
                raise Refused(404, f"unknown service ID: {name}")
            content = str(hash(json.dumps(found, sort_keys=True)))
            left = end - self.loop.time()
            if params.get("hash") != content or left <= 0:
                headers = {"x-consul-contenthash": content}
                return Response(200, headers, json.dumps(found).encode())
            changed = self._changed
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await changed.wait()

    async def _read(self, path: str, params: dict[str, str]) -> Response:
        asked = int(params.get("index", 0))
        hold = min(LONGEST, seconds(params["wait"]) if "wait" in params else WAIT)
        restored = self.restored
        end = self.loop.time() + hold + self.chance.uniform(0, hold / 16)
        while True:
            status, index, value = self._look(path, params)
            left = end - self.loop.time()
            if not asked or index > asked or left <= 0:
                break
            changed = self._changed
            try:
                async with asyncio.timeout(left):
                    await changed.wait()
            except TimeoutError:
                continue
            if not self.leader:
                raise Refused(500, "No cluster leader")
            if self.restored != restored:
                # The former answer, with the index that was asked with.
                index = asked
                break
        body = b"" if status == 404 else json.dumps(value).encode()
        return Response(status, {"x-consul-index": str(index)}, body)

    def _look(self, path: str, params: dict[str, str]) -> tuple[int, int, Any]:
        kind, _, rest = path.removeprefix("/v1/").partition("/")
        rest = unquote(rest)
        highest = max([k["ModifyIndex"] for k in self.keys.values()] + [*self.deleted.values(), 1])
        if kind == "kv" and "recurse" in params:
            found = [self.keys[name] for name in sorted(self.keys) if name.startswith(rest)]
            gone = [index for name, index in self.deleted.items() if name.startswith(rest)]
            index = max([key["ModifyIndex"] for key in found] + gone, default=highest)
            return (200, index, found) if found else (404, index, None)
        if kind == "kv":
            key = self.keys.get(rest)
            return (404, highest, None) if key is None else (200, key["ModifyIndex"], [key])
        if kind == "health":
            key = params.get("dc", ""), rest.removeprefix("service/")
            index, entries = self.health.get(key, (1, []))
            if "passing" in params:
                entries = [each for each in entries if passes(each)]
            return 200, index, entries
        if rest == "list":
            return 200, self.index, list(self.sessions.values())
        if rest.startswith("info/"):
            found = self.sessions.get(rest.removeprefix("info/"))
            return 200, self.index, [] if found is None else [found]
        raise Refused(404, "no such page")

    def _write(self, method: str, path: str, params: dict[str, str], body: bytes) -> Any:
        kind, _, rest = path.removeprefix("/v1/").partition("/")
        rest = unquote(rest)
        if kind == "txn":
            return self._transaction(json.loads(body))
        if kind == "session":
            verb, _, identity = rest.partition("/")
            return getattr(self, f"_session_{verb}")(identity, json.loads(body or b"{}"))
        if method == "DELETE":
            return self._delete(rest, params)
        return self._put(rest, params, body)

    def _put(self, name: str, params: dict[str, str], body: bytes) -> bool:
        value = base64.b64encode(body).decode()
        flags = int(params.get("flags", 0))
        for way in ("acquire", "release"):
            if way in params:
                return self._apply(way, name, value, flags, params[way])
        if "cas" in params:
            return self._apply("cas", name, value, flags, None, int(params["cas"]))
        return self._apply("set", name, value, flags, None)

    def _delete(self, name: str, params: dict[str, str]) -> bool:
        key = self.keys.get(name)
        if "cas" in params and (key is None or key["ModifyIndex"] != int(params["cas"])):
            return key is None
        self.index += 1
        names = [n for n in self.keys if n.startswith(name)] if "recurse" in params else [name]
        for each in names:
            if self.keys.pop(each, None) is not None:
                self.deleted[each] = self.index
        self._wake()
        return True

    def _apply(
        self, way: str, name: str, value: str, flags: int, session: str | None, cas: int = 0
    ) -> bool:
        """One write of a key; whether it took effect."""
        key = self.keys.get(name)
        held = None if key is None else key.get("Session")
        if way == "acquire":
            if self._is_delayed(name):
                return False
            if session not in self.sessions:
                raise Refused(500, f'invalid session "{session}"')
            if held not in (None, session):
                return False
        if way == "release" and held != session:
            return False
        if way == "cas" and cas != (0 if key is None else key["ModifyIndex"]):
            return False
        before = dict(key or {})
        if key is None:
            created = self._together or self.index + 1
            key = self.keys[name] = {"Key": name, "LockIndex": 0, "CreateIndex": created}
        key |= {"Value": value, "Flags": flags}
        if way == "acquire":
            key["LockIndex"] += held is None
            key["Session"] = session
        elif way == "release":
            del key["Session"]
        else:
            key["LockIndex"] = 0
        if key != before:
            key["ModifyIndex"] = self._next()
            self._wake()
        return True

    def _is_delayed(self, name: str) -> bool:
        return self.delayed.get(name, 0) > self.loop.time()

    def _transaction(self, operations: list[Any]) -> Any:
        # The leader looks at lock-delays before anything else, whether or not the checks hold.
        delayed = [
            {"OpIndex": place, "What": f'failed to lock key "{kv["Key"]}" due to lock delay'}
            for place, kv in enumerate(operation["KV"] for operation in operations)
            if kv["Verb"] == "lock" and self._is_delayed(kv["Key"])
        ]
        if delayed:
            raise Refused(409, json.dumps({"Results": None, "Errors": delayed}))
        saved = json.dumps([self.keys, self.deleted, self.index])
        # All that it does has one index.
        self._together = self.index + 1
        results, errors = [], []
        for place, operation in enumerate(operations):
            kv = operation["KV"]
            name, key = kv["Key"], self.keys.get(kv["Key"])
            verb, value, flags = kv["Verb"], kv.get("Value") or "", kv.get("Flags") or 0
            index = 0 if key is None else key["ModifyIndex"]
            if verb == "check-not-exists":
                why = None if key is None else f'key "{name}" exists'
            elif verb == "check-index":
                wrong = f"current modify index {index} != {kv['Index']}"
                text = f'failed index check for key "{name}", {wrong}'
                why = None if index == kv["Index"] else text
            elif verb == "lock":
                try:
                    done = self._apply("acquire", name, value, flags, kv["Session"])
                    why = None if done else f'failed to lock key "{name}", lock is already held'
                except Refused as refused:
                    why = refused.text
            elif verb == "check-session":
                held = None if key is None else key.get("Session")
                wrong = f"current session {held!r} != {kv['Session']!r}"
                text = f'failed session check for key "{name}", {wrong}'
                why = None if held == kv["Session"] else text
            elif verb == "cas":
                done = self._apply("cas", name, value, flags, None, kv.get("Index") or 0)
                why = None if done else f'failed to set key "{name}", index is stale'
            elif verb == "set":
                why = None
                self._apply("set", name, value, flags, None)
            elif verb == "delete":
                why = None
                if self.keys.pop(name, None) is not None:
                    self.deleted[name] = self._next()
                    self._wake()
            else:
                raise Refused(400, f"unknown verb {verb}")
            if why is not None:
                errors.append({"OpIndex": place, "What": why})
            elif verb not in ("check-not-exists", "delete"):
                results.append({"KV": dict(self.keys[name], Value=None)})
        self._together = None
        if errors:
            self.keys, self.deleted, self.index = json.loads(saved)
            raise Refused(409, json.dumps({"Results": None, "Errors": errors}))
        return {"Results": results, "Errors": None}

    def _session_create(self, _: str, body: dict[str, Any]) -> Any:
        identity = str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
        # Servers take any case.
        body = {name.lower(): value for name, value in body.items()}
        delay = body.get("lockdelay", "15s")
        delay = seconds(delay) * 1e9 if isinstance(delay, str) else delay
        self.sessions[identity] = {
            "ID": identity,
            "Name": body.get("name", ""),
            "Node": "model",
            "TTL": body.get("ttl", ""),
            "LockDelay": delay,
            "Behavior": body.get("behavior") or "release",
            "CreateIndex": self._next(),
        }
        self._begin(identity)
        self._wake()
        return {"ID": identity}

    def _session_renew(self, identity: str, _: Any) -> Any:
        if identity not in self.sessions:
            raise Refused(404, f"Session id '{identity}' not found")
        self._begin(identity)
        return [self.sessions[identity]]

    def _session_destroy(self, identity: str, _: Any) -> bool:
        self.end_session(identity)
        return True

    def _begin(self, identity: str) -> None:
        """Give a session its TTL, from now on."""
        if identity in self.ends:
            self.ends[identity].cancel()
        ttl = self.sessions[identity]["TTL"]
        if ttl:
            patience = seconds(ttl) * self.patience
            self.ends[identity] = self.loop.call_later(patience, self._expire, identity)

    def _expire(self, identity: str) -> None:
        if self.leader:
            self.end_session(identity)

    def _next(self) -> int:
        self.index = self._together or self.index + 1
        return self.index

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

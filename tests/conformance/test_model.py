"""The model that recipes are proved on does what real servers do, step by step."""

from __future__ import annotations

import contextlib
import json
import re
import urllib.error
import urllib.parse
import urllib.request

import pytest

from consul.core.request import Request
from tests.recipes.world import World

FLAGS = 0x2DDCCBC058A50C18


def lock(key, session, check, **fields):
    """The body of a transaction that takes a lock where the *check* holds."""
    value = {"Key": key, "Value": "YQ==", "Flags": FLAGS, "Session": session}
    return [{"KV": {"Key": key, "Verb": check, **fields}}, {"KV": {**value, "Verb": "lock"}}]


def script(key):
    """Requests one after another; each function makes one of the answers so far."""
    session = {"TTL": "10s", "LockDelay": "15s", "Name": key, "Behavior": "release"}
    deleting = session | {"Behavior": "delete", "LockDelay": "0s"}

    def made(number):
        return lambda answers: json.loads(answers[number])["ID"]

    def put(way, number, value=b"a"):
        return lambda answers: ("PUT", f"kv/{key}?{way}={made(number)(answers)}&flags=3", value)

    def txn(number, check, **fields):
        return lambda answers: ("PUT", "txn", lock(key, made(number)(answers), check, **fields))

    def verb(name, number):
        return lambda answers: ("PUT", f"session/{name}/{made(number)(answers)}", b"")

    unknown = "00000000-0000-4000-8000-000000000000"
    read = ("GET", f"kv/{key}", b"")
    return [
        ("PUT", "session/create", session),
        ("PUT", "session/create", deleting),
        read,
        txn(0, "check-not-exists"),
        read,
        # Held by the other one, or by the same one again.
        txn(1, "check-not-exists"),
        put("acquire", 1),
        put("release", 1),
        put("acquire", 0, b"b"),
        read,
        ("PUT", f"kv/{key}?acquire={unknown}", b"a"),
        ("PUT", "txn", lock(key, unknown, "check-index", Index=1)),
        verb("renew", 0),
        put("release", 0),
        read,
        put("acquire", 1),
        read,
        # One that deletes what it holds, and has no lock-delay.
        verb("destroy", 1),
        read,
        verb("renew", 1),
        txn(0, "check-not-exists"),
        # From here on nobody may take it.
        verb("destroy", 0),
        read,
        ("PUT", "session/create", session),
        put("acquire", 23),
        txn(23, "check-not-exists"),
        ("PUT", f"kv/{key}?acquire={unknown}", b"a"),
        ("PUT", "txn", lock(key, unknown, "check-index", Index=1)),
        ("DELETE", f"kv/{key}?cas=1", b""),
        ("DELETE", f"kv/{key}", b""),
        read,
        ("PUT", f"kv/{key}?cas=0", b"c"),
        ("PUT", f"kv/{key}?cas=1", b"d"),
        read,
        ("DELETE", f"kv/{key}", b""),
        verb("destroy", 23),
    ]


def outcomes(key, ask):
    """What each step of the script came to."""
    answers, found = [], []
    for step in script(key):
        method, path, body = step(answers) if callable(step) else step
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, answer = ask(method, path, body)
        answers.append(answer)
        found.append((method, path.partition("?")[0], status, canonical(answer)))
    sessions = [json.loads(answers[number])["ID"] for number in (0, 1, 23)]
    # Indexes differ, and newer servers say which part of them has refused.
    text = re.sub(r"modify index \d+", "modify index N", json.dumps(found))
    text = text.replace("raft apply failed: ", "")
    for number, session in enumerate(sessions):
        text = text.replace(session, f"session-{number}")
    return json.loads(text)


def canonical(answer):
    """The part of *answer* that recipes look at."""
    with contextlib.suppress(ValueError):
        return relevant(json.loads(answer))
    return re.sub(r"\s+", " ", answer.decode()).strip().strip('"')


def relevant(value):
    if isinstance(value, list):
        return [relevant(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = ("Key", "Value", "Flags", "Session", "LockIndex", "ID", "TTL", "LockDelay", "Behavior")
    if "KV" in value or "Results" in value or "Errors" in value:
        return {name: relevant(each) for name, each in value.items()}
    if "OpIndex" in value:
        return value
    return {name: value[name] for name in kept if name in value}


@pytest.fixture
def real(agent):
    def ask(method, path, body):
        url = f"http://127.0.0.1:{agent.port}/v1/{path}"
        request = urllib.request.Request(url, body or None, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    return ask


@pytest.fixture
def model():
    world = World(1)

    def ask(method, path, body):
        path, _, query = path.partition("?")
        params = tuple(urllib.parse.parse_qsl(query))
        request = Request(method=method, path=f"/v1/{path}", params=params, body=body)
        response = world.run(world.model.answer(request))
        return response.code, response.body

    yield ask
    world.loop.close()


def test_each_step(real, model, prefix):
    key = f"{prefix}-k"
    for ours, theirs in zip(outcomes(key, model), outcomes(key, real), strict=True):
        assert ours == theirs

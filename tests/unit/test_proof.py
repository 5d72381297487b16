"""The proof that every endpoint was called finds what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from consul.core.endpoint import Route
from tests import proof
from tests.proof import SUCCESS, Seen


def route(name, since=None, removed=None):
    made = Route("GET /v1/x", since=since, removed=removed)
    made.name = name
    return made


def seen(name, outcomes, servers=("1.8.7", "1.22.7"), flavours=("aio", "std")):
    return {
        Seen(name, server, flavour, outcome)
        for server in servers
        for flavour in flavours
        for outcome in outcomes
    }


BOTH = (SUCCESS, "NotFound")


def test_nothing_is_missing():
    assert list(proof.gaps(seen("kv.get", BOTH), [route("kv.get")])) == []


def test_what_is_missing_is_named():
    calls = seen("a.b", BOTH) - {Seen("a.b", "1.22.7", "aio", SUCCESS)}
    calls |= seen("c.d", ["NotFound"], flavours=["std"])
    assert list(proof.gaps(calls, [route("a.b"), route("c.d"), route("e.f")])) == [
        "a.b: no success on 1.22.7 aio",
        "c.d: no success on 1.8.7 aio, 1.8.7 std, 1.22.7 aio, 1.22.7 std",
        "c.d: no failure on 1.8.7 aio, 1.22.7 aio",
        "e.f: no success on 1.8.7 aio, 1.8.7 std, 1.22.7 aio, 1.22.7 std",
        "e.f: no failure on 1.8.7 aio, 1.8.7 std, 1.22.7 aio, 1.22.7 std",
    ]


def test_versions_that_lack_an_endpoint_only_fail():
    calls = seen("new", ["NotFound"]) | seen("new", [SUCCESS], servers=["1.22.7"])
    assert list(proof.gaps(calls, [route("new", since="1.16.0")])) == []
    calls = seen("old", ["NotFound"]) | seen("old", [SUCCESS], servers=["1.8.7"])
    assert list(proof.gaps(calls, [route("old", removed="1.11.0")])) == []
    assert proof.has("1.22.7", "1.22", None)
    assert not proof.has("1.9.0", "1.16.1", None)


def test_what_cannot_fail_need_not():
    name = next(iter(proof.UNFAILING))
    assert list(proof.gaps(seen(name, [SUCCESS]), [route(name)])) == []


@pytest.mark.parametrize(
    ("args", "options", "expected"),
    [
        (["tests"], {}, True),
        (["tests/conformance"], {}, True),
        (["tests/unit", "tests/conformance"], {}, True),
        (["tests/unit"], {}, False),
        (["tests/conformance/test_kv.py"], {}, False),
        (["tests"], {"keyword": "std"}, False),
        (["tests"], {"quick": True}, False),
        (["tests"], {"deselect": ["tests/unit/x.py"]}, False),
    ],
)
def test_when_a_run_is_whole(args, options, expected):
    config = SimpleNamespace(
        args=args,
        invocation_params=SimpleNamespace(dir=proof.FOLDER.parent.parent),
        getoption=lambda name, default: options.get(name, default),
    )
    assert proof.is_whole(config) is expected


#: One file stands for tests/conformance, and one of its tests for all of them.
PLUGIN = """
from pathlib import Path

import pytest

from tests import proof

proof.FOLDER = Path("tests/unit/test_clock.py").resolve()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    del items[1:]


@pytest.fixture(autouse=True)
def _seen(request):
    plugin = request.config.pluginmanager.get_plugin("proof")
    plugin.seen.add(proof.Seen("kv.get", "1.22.7", "std", proof.SUCCESS))
"""


@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["one", "several"])
def test_a_run_with_gaps_fails(tmp_path, processes):
    (tmp_path / "stand_in.py").write_text(PLUGIN)
    options = ("-q", "-p", "stand_in", "-p", "no:cacheprovider", *processes)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests/unit/test_clock.py"],
        cwd=proof.FOLDER.parent.parent,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "endpoints that tests/conformance has not proved" in done.stdout
    assert "kv.get: no failure on 1.22.7 std" in done.stdout
    assert "kv.get: no success" not in done.stdout
    assert "kv.put: no success on 1.22.7 std" in done.stdout

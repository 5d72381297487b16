"""The tests of the blocking flavour once more, under gevent, in a process of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flavours import needs
from tools import servers

needs("gevent")

ROOT = Path(__file__).parents[2]
#: With what says where servers are, which no test sees.
ENVIRONMENT = dict(os.environ)
#: Those that look at scripts of their own, which gevent has no part in, and the longest.
LEFT_OUT = ("test_fork", "test_gevent", "test_no_warning", "test_idle_for_21_s")
#: Tests that each part has at least.
ENOUGH = {"conformance": 80, "recipes": 15, "waits": 40, "cluster": 1, "network": 150}

GREENLETS = """
from gevent import monkey; monkey.patch_all()
import sys, time, gevent
from consul import Consul
with Consul(port=int(sys.argv[1])) as consul:
    key = sys.argv[2]
    consul.kv.put(key, "1")
    index, _ = consul.kv.get(key)
    start = time.monotonic()
    jobs = [gevent.spawn(consul.kv.get, key, index=index, wait="60s") for _ in range(200)]
    gevent.sleep(1)
    began = time.monotonic()
    assert consul.kv.get(key)[1]["Value"] == b"1"
    assert time.monotonic() - began < 1
    killed = jobs.pop()
    killed.kill()
    assert killed.dead
    consul.kv.put(key, "2")
    gevent.joinall(jobs, timeout=20, raise_error=True)
    assert {job.value[1]["Value"] for job in jobs} == {b"2"}
    with gevent.Timeout(0.5, False):
        consul.kv.get(key, index=jobs[0].value[0], wait="60s")
    assert consul.kv.get(key)[1]["Value"] == b"2"
"""


def test_greenlets(agent, prefix):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", GREENLETS, str(agent.port), prefix],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


#: Side by side, each about as long as the others.
PARTS = {
    "conformance": ["tests/conformance"],
    "recipes": ["tests/recipes"],
    "waits": [f"tests/network/test_{name}.py" for name in ("deadlines", "retries", "lifecycle")],
    "cluster": ["tests/network/test_cluster.py"],
}
PARTS["network"] = ["tests/network"] + [
    f"--ignore={path}" for name in ("waits", "cluster") for path in PARTS[name]
]


@pytest.mark.parametrize("part", PARTS)
def test_everything_under_gevent(request, tmp_path, part):
    matrix = tmp_path / "matrix.json"
    others = [servers.dotted(server.version) for server in servers.find()[1:]]
    chosen = " and ".join(["gevent", *(f"not {name}" for name in (*LEFT_OUT, *others))])
    done = subprocess.run(
        [
            *(sys.executable, "tests/under_gevent.py", "-q", "-p", "no:cacheprovider"),
            *("-k", chosen, *PARTS[part]),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=ROOT,
        env={**ENVIRONMENT, "CONSUL_MATRIX": str(matrix)},
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= ENOUGH[part]
    if matrix.exists():
        plugin = request.config.pluginmanager.getplugin("matrix")
        plugin.matrix.load(json.loads(matrix.read_text()))

"""Clients that are pickled, copied and sent to other processes: settings travel, nothing else."""

from __future__ import annotations

import copy
import pickle
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import FaultServer
from tests.flavours import Blocking
from tests.network.test_sessions import Sessions

ROOT = Path(__file__).parents[2]
TWINS = {
    "pickle": lambda client: pickle.loads(pickle.dumps(client)),
    "deepcopy": copy.deepcopy,
    "deepcopy in a list": lambda client: copy.deepcopy([client])[0],
}


@pytest.fixture
def faults():
    with FaultServer() as server:
        yield server


@pytest.mark.behaviour("Lifecycle", "A client can be pickled and copied; its connections stay")
@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
@pytest.mark.parametrize("how", TWINS)
def test_twin(flavour, make_client, faults, how, used):
    client = make_client(
        port=faults.port,
        token="a-token-of-ours",
        dc="dc2",
        consistency="stale",
        timeout=(3, 4),
        retry=False,
        max_polls=2,
        headers={"X-Mine": "yes"},
    )
    if used:
        assert client.kv.get("good")[0] == 7
    client._target.note = "ours"
    twin = TWINS[how](client._target)
    assert type(twin) is type(client._target)
    assert twin.settings[:-1] == client.settings[:-1]
    assert (twin.note, repr(twin)) == ("ours", repr(client._target))
    assert twin.http is not client._target.http
    masked = Blocking(twin, flavour.call)
    try:
        assert masked.kv.get("good")[0] == 7
        assert masked.kv.get("good", index=6, wait="1s")[0] == 7
        assert client.kv.get("good")[0] == 7
        assert len(faults.connections) == 2
        assert all("X-Mine: yes" in head for head in faults.requests)
        assert all("X-Consul-Token: a-token-of-ours" in head for head in faults.requests)
        # The one goes on without the other.
        client.close()
        assert masked.kv.get("good")[0] == 7
    finally:
        masked.close()


@pytest.mark.behaviour("Lifecycle", "A client can be pickled and copied; its connections stay")
def test_a_closed_client(flavour, make_client, faults):
    client = make_client(port=faults.port)
    client.close()
    twin = Blocking(pickle.loads(pickle.dumps(client._target)), flavour.call)
    assert twin.kv.get("good")[0] == 7
    twin.close()


@pytest.mark.behaviour("Lifecycle", "A client that cannot be pickled says so by its name")
def test_refusals(flavour, make_client, faults):
    sessions = Sessions(flavour)
    try:
        client = make_client(port=faults.port, session=sessions())._target
        with pytest.raises(TypeError, match=r"<consul\.\w+\.Consul .*has a session"):
            pickle.dumps(client)
        # Within the process it is shared.
        assert copy.deepcopy(client).settings.session is client.settings.session
    finally:
        sessions.close()
    context = ssl.create_default_context()
    client = make_client(port=faults.port, scheme="https", verify=context)._target
    with pytest.raises(TypeError, match=r"<consul\.\w+\.Consul .*has an SSLContext"):
        pickle.dumps(client)
    assert copy.deepcopy(client).settings.tls.verify is context


SPAWNED = """
import multiprocessing, sys
from consul.FLAVOUR import Consul

def value(answer):
    return answer.result(30) if hasattr(answer, "result") else answer

def work(client):
    USE

if __name__ == "__main__":
    port = int(sys.argv[1])
    client = Consul(port=port, token="a-token-of-ours")
    process = multiprocessing.get_context("spawn").Process(target=work, args=(client,))
    process.start()
    process.join(60)
    sys.exit(process.exitcode)
"""
BLOCKING = """
    with client:
        assert value(client.kv.get("good"))[0] == 7
"""
ASYNCIO = """
    import asyncio
    async def main():
        async with client:
            assert (await client.kv.get("good"))[0] == 7
    asyncio.run(main())
"""
REACTOR = """
    from twisted.internet import defer, task
    async def main():
        async with client:
            assert (await client.kv.get("good"))[0] == 7
    try:
        task.react(lambda reactor: defer.ensureDeferred(main()))
    except SystemExit as end:
        assert end.code == 0
"""
USES = {
    "std": BLOCKING,
    "threads": BLOCKING,
    "aio": ASYNCIO,
    "tornado": ASYNCIO,
    "twisted": REACTOR,
}


@pytest.mark.behaviour("Lifecycle", "A client can be the argument of a spawned process")
def test_spawned(flavour, faults, tmp_path):
    script = tmp_path / "spawned.py"
    script.write_text(
        SPAWNED.replace("FLAVOUR", flavour.name).replace("    USE\n", USES[flavour.name])
    )
    done = subprocess.run(
        [sys.executable, str(script), str(faults.port)],
        capture_output=True,
        text=True,
        timeout=110,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert ["X-Consul-Token: a-token-of-ours" in head for head in faults.requests] == [True]

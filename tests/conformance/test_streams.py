"""Snapshots, the log and the metrics stream, of real servers."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import threading
import uuid

import pytest

from consul import ACLPermissionDenied, BadRequest, Closed, NotFound
from consul.types import MetricsInfo
from tests.agent import Agent
from tests.flavours import LATE
from tests.shapes import wrong


@pytest.fixture(scope="module")
def spare(server):
    """Two agents whose state may be replaced."""
    with Agent(server) as one, Agent(server) as other:
        yield one, other


@pytest.fixture
def clients(make_client, spare):
    return [make_client(port=agent.port) for agent in spare]


def test_a_snapshot_is_restored_on_another_cluster(clients, spare, prefix, tmp_path):
    one, other = clients
    value = os.urandom(300_000)
    one.kv.put(f"{prefix}/a", value, flags=7)
    one.config.put({"Kind": "service-defaults", "Name": prefix, "Protocol": "http"})
    told = []
    target = tmp_path / "a.snap"
    meta = one.snapshot.save(target, lambda done, total: told.append((done, total)))
    assert meta["Index"] >= 2
    assert meta["Size"] > len(value)
    size = target.stat().st_size
    assert told[-1] == (size, None)
    assert told == sorted(told)
    # It has the secrets of all tokens.
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["a.snap"]

    other.kv.put(f"{prefix}/b", "gone")
    told.clear()
    assert other.snapshot.restore(target, lambda *each: told.append(each)) is True
    assert told[-1] == (size, size)
    assert other.kv.get(f"{prefix}/a")[1]["Value"] == value
    assert other.kv.get(f"{prefix}/a")[1]["Flags"] == 7
    assert other.kv.get(f"{prefix}/b")[1] is None
    assert other.config.get("service-defaults", prefix)[1]["Protocol"] == "http"
    # All else is equal as well.
    assert other.kv.get("", recurse=True)[1] == one.kv.get("", recurse=True)[1]


def test_to_and_from_files_and_bytes(clients, prefix):
    _, other = clients
    other.kv.put(f"{prefix}/a", "b")
    file = io.BytesIO(b"before")
    file.seek(0, os.SEEK_END)
    meta = other.snapshot.save(file, consistency="stale")
    saved = file.getvalue()
    assert saved[:8] == b"before\x1f\x8b"
    other.kv.delete(f"{prefix}/a")
    file.seek(6)
    assert other.snapshot.restore(file)
    assert other.kv.get(f"{prefix}/a")[1]["Value"] == b"b"
    other.kv.delete(f"{prefix}/a")
    assert other.snapshot.restore(saved[6:])
    assert other.kv.get(f"{prefix}/a")[1]["Value"] == b"b"
    assert meta["ID"]


def test_from_a_pipe(clients, prefix, tmp_path):
    _, other = clients
    other.kv.put(f"{prefix}/a", os.urandom(200_000))
    file = io.BytesIO()
    other.snapshot.save(file)
    other.kv.delete(f"{prefix}/a")

    def restored(data):
        # A process of its own, because a pipe within this one would hold up all greenlets.
        (tmp_path / "a").write_bytes(data)
        with subprocess.Popen(["cat", tmp_path / "a"], stdout=subprocess.PIPE) as cat:
            try:
                return other.snapshot.restore(cat.stdout)
            finally:
                cat.stdout.close()

    # What breaks off is not restored, though most of it was sent.
    with pytest.raises(ValueError, match="source is no snapshot: it breaks off"):
        restored(file.getvalue()[:-20])
    assert other.kv.get(f"{prefix}/a")[1] is None
    assert restored(file.getvalue())
    assert len(other.kv.get(f"{prefix}/a")[1]["Value"]) == 200_000


def test_what_the_token_may_not(make_client, acl_agent, tmp_path):
    anybody = make_client(port=acl_agent.port, token=str(uuid.uuid4()))
    root = make_client(port=acl_agent.port, token=acl_agent.token)
    target = tmp_path / "a.snap"
    with pytest.raises(ACLPermissionDenied):
        anybody.snapshot.save(target)
    assert os.listdir(tmp_path) == []
    root.snapshot.save(target)
    with pytest.raises(ACLPermissionDenied):
        anybody.snapshot.restore(target)
    for stream in (anybody.agent.monitor(), anybody.agent.metrics_stream()):
        # 404 is that of a server without the endpoint.
        with pytest.raises((ACLPermissionDenied, NotFound)) as caught:
            stream.next()
        assert anybody._target.settings.token not in str(caught.value)


def test_the_log(consul, agent, prefix):
    lines = consul.agent.monitor("debug", total=60)
    done = threading.Event()

    def busy():
        while not done.wait(0.1):
            agent.request("GET", f"/v1/kv/{prefix}", b"")

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        found = [lines.next() for _ in range(3)]
        objects = consul.agent.monitor("debug", True, total=60)
        assert objects.next().startswith("{")
        objects.close()
    finally:
        done.set()
        thread.join(LATE)
    assert all(line.partition("[")[2] for line in found)
    assert not any("\n" in line for line in found)
    lines.close()
    # Closing again does nothing, and there is nothing more.
    lines.close()
    assert lines.next() is None


def test_a_level_that_there_is_not(consul):
    with pytest.raises(BadRequest, match="Unknown log level"):
        consul.agent.monitor("nonsense").next()


def test_the_metrics(consul, agent):
    stream = consul.agent.metrics_stream()
    if agent.version < (1, 11):
        with pytest.raises(NotFound):
            stream.next()
        return
    for _ in range(2):
        item = stream.next()
        assert wrong(item, MetricsInfo) is None
        assert item["Gauges"]
    stream.close()


def test_a_client_that_is_closed_has_no_stream(make_client, agent):
    client = make_client(port=agent.port)
    lines = client.agent.monitor("err")
    client.close()
    with pytest.raises(Closed):
        lines.next()

"""What is read and sent part by part, against a server that misbehaves, in every flavour."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import time
from pathlib import Path

import pytest

import consul as package
from tests.faults import Fault, FaultServer, http
from tests.flavours import LATE
from tests.large import MOST, Large, archive, measured

MIB = 1 << 20
GOOD = b"".join(archive(100_000))
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = Fault(http("200 OK"), "keep")


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.fixture
def faults():
    with FaultServer() as server:
        yield server


def late(function, *args, **options):
    """Seconds until a call ended by `consul.Timeout`, and what it says."""
    began = time.monotonic()
    with pytest.raises(package.Timeout) as caught:
        function(*args, **options)
    return time.monotonic() - began, str(caught.value)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="it is Linux that tells")
@pytest.mark.behaviour("Streams", "A snapshot of 64 MiB takes less than 20 MiB of memory")
def test_memory_does_not_grow_with_what_passes(flavour, tmp_path):
    with Large(64 * MIB) as server:
        assert measured(flavour.name, server.port, tmp_path) < MOST
        assert server.taken > 64 * MIB
        assert server.taken == server.sent


@pytest.mark.behaviour("Streams", "A slow reader slows the server down")
def test_a_slow_reader_slows_the_server_down(make_client, tmp_path):
    with Large(256 * MIB) as server:
        client = make_client(port=server.port)
        seen = []

        def slow(done, total):
            if done > MIB and not seen:
                time.sleep(0.5)
                seen.append(server.sent - done)
                raise InterruptedError("enough")

        with pytest.raises(InterruptedError, match="enough"):
            client.snapshot.save(tmp_path / "a", slow)
        # What the sockets' buffers and the library hold.
        assert seen[0] < 32 * MIB
        assert os.listdir(tmp_path) == []
        client.close()


@pytest.mark.behaviour("Streams", "timeout limits the head and each pause, not the whole")
def test_each_pause_has_the_time_limit(make_client, faults, tmp_path):
    # A byte each tenth of a second, for a second.
    size = len(GOOD)
    whole = http("200 OK", length=size) + GOOD[:-10]
    faults.script.append(Fault(whole, "keep", GOOD[-10:]))
    client = make_client(port=faults.port, timeout=0.8)
    assert client.snapshot.save(tmp_path / "a")["Index"] == 7
    faults.script.append(Fault(HEAD + chunk(GOOD[:5000]), "hang"))
    took, told = late(client.snapshot.save, tmp_path / "b")
    assert 0.7 < took < LATE
    assert "nothing came for 0.8 s" in told
    faults.script.append(Fault(b"", "hang"))
    took, told = late(client.snapshot.save, tmp_path / "b")
    assert 0.7 < took < LATE
    assert "no answer in 0.8 s" in told
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.behaviour("Streams", "total limits the whole")
def test_the_whole_has_a_limit_of_its_own(make_client, faults, tmp_path):
    client = make_client(port=faults.port)
    for fault in (
        Fault(HEAD, "keep", chunk(GOOD[:100])),
        Fault(HEAD + chunk(GOOD[:5000]), "hang"),
        Fault(b"", "hang"),
    ):
        faults.script.append(fault)
        took, told = late(client.snapshot.save, tmp_path / "a", total=0.5)
        assert 0.4 < took < LATE
        assert "it took longer than 0.5 s" in told
    faults.script.append(Fault(HEAD, "hang"))
    took, told = late(client.agent.monitor(total=0.5).next)
    assert 0.4 < took < LATE
    assert os.listdir(tmp_path) == []


@pytest.mark.behaviour("Streams", "The log may be silent for longer than the timeout")
def test_the_log_may_be_silent(make_client, faults):
    line = chunk(b"first\n")
    faults.script.append(Fault(HEAD + line[:-7], "keep", line[-7:] + b"0\r\n\r\n"))
    client = make_client(port=faults.port, timeout=0.3)
    lines = client.agent.monitor()
    assert lines.next() == "first"
    assert lines.next() is None
    assert lines.next() is None


BROKEN = {
    "cut within a chunk": HEAD + chunk(GOOD)[:5000],
    "cut between chunks": HEAD + chunk(GOOD[:5000]),
    "cut within the length": http("200 OK", GOOD[:5000], length=len(GOOD)),
    "no chunk": HEAD + b"zzz\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.behaviour("Streams", "A stream that breaks off is ConnectionFailed, and not repeated")
def test_what_breaks_off(make_client, faults, tmp_path, name):
    faults.script.append(Fault(BROKEN[name], "close"))
    # aiohttp reads so far ahead that it finds no head where a chunk is wrong.
    client = make_client(port=faults.port, retry=name != "no chunk" and package.Retry())
    (tmp_path / "a").write_bytes(b"before")
    with pytest.raises(package.ConnectionFailed) as caught:
        client.snapshot.save(tmp_path / "a")
    assert "GET http://127.0.0.1" in str(caught.value)
    # A part had come.
    assert faults.paths() == ["/v1/snapshot"]
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"before"


DAMAGED = {
    "no gzip": b"<html>proxy</html>",
    "cut": GOOD[:5000],
    "other content": GOOD[:3000] + b"?" + GOOD[3001:],
    "nothing": b"",
}


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.behaviour("Streams", "A snapshot whose digest is wrong is BadAnswer")
def test_what_is_no_snapshot(make_client, faults, tmp_path, name):
    client = make_client(port=faults.port)
    faults.script.append(Fault(http("200 OK", DAMAGED[name]), "keep"))
    with pytest.raises(package.BadAnswer, match="no snapshot: "):
        client.snapshot.save(tmp_path / "a")
    assert os.listdir(tmp_path) == []
    file = io.BytesIO(b"before")
    file.seek(6)
    faults.script.append(Fault(http("200 OK", DAMAGED[name]), "keep"))
    with pytest.raises(package.BadAnswer, match="no snapshot: "):
        client.snapshot.save(file)
    assert file.getvalue() == b"before"
    # Nothing of it is sent back.
    before = len(faults.requests)
    with pytest.raises(ValueError, match="source"):
        client.snapshot.restore(DAMAGED[name])
    assert len(faults.requests) == before


@pytest.mark.behaviour("Streams", "The head is repeated, and an upload that can seek")
def test_what_is_repeated(make_client, faults, tmp_path):
    client = make_client(port=faults.port)
    lost = Fault(http("500 Internal Server Error", b"No cluster leader"), "keep")
    faults.script += [lost, Fault(b"", "close"), Fault(http("200 OK", GOOD), "keep")]
    assert client.snapshot.save(tmp_path / "a")["Index"] == 7
    assert len(faults.requests) == 3
    faults.script += [lost, Fault(b"", "close"), OK]
    assert client.snapshot.restore(tmp_path / "a")
    assert len(faults.requests) == 6
    # A pipe cannot be read again.
    faults.script += [Fault(b"", "close"), OK]
    with subprocess.Popen(["cat", tmp_path / "a"], stdout=subprocess.PIPE) as cat:
        with pytest.raises(package.ConnectionFailed):
            client.snapshot.restore(cat.stdout)
        cat.stdout.close()
    assert len(faults.requests) == 7


@pytest.mark.behaviour("Streams", "A stream asks for an answer that is not compressed")
def test_nothing_is_compressed(make_client, faults, tmp_path):
    client = make_client(port=faults.port, compress=True)
    faults.script.append(Fault(http("200 OK", GOOD, "Content-Encoding: gzip"), "keep"))
    with pytest.raises(package.BadAnswer, match="it is compressed, by gzip"):
        client.snapshot.save(tmp_path / "a")
    (head,) = faults.requests
    assert "accept-encoding: identity" in head.lower()
    assert "gzip" not in head.lower()


@pytest.mark.behaviour("Streams", "Closing a stream ends its connection")
def test_an_unread_stream_ends_its_connection(make_client, faults):
    client = make_client(port=faults.port)
    faults.script.append(Fault(HEAD + chunk(b"a\nb\n"), "hang"))
    lines = client.agent.monitor()
    assert lines.next() == "a"
    lines.close()
    end = time.monotonic() + LATE
    while not faults.left:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert lines.next() is None
    # And the next call is answered on one of its own.
    assert client.kv.get("good")[0] == 7


@pytest.mark.behaviour("Streams", "Secrets of an error in place of a stream are hidden")
def test_an_error_shows_no_token(make_client, faults, tmp_path):
    token = "very-secret-token"
    client = make_client(port=faults.port, token=token)
    faults.script.append(Fault(http("403 Forbidden", token.encode()), "keep"))
    with pytest.raises(package.ACLPermissionDenied) as caught:
        client.snapshot.save(tmp_path / "a")
    assert token not in str(caught.value)
    assert "<hidden>" in str(caught.value)
    assert os.listdir(tmp_path) == []


@pytest.mark.behaviour("Streams", "Hooks see the head of a stream")
def test_hooks_see_the_head(make_client, faults, tmp_path):
    seen = []
    client = make_client(port=faults.port, on_response=seen.append, retry=False)
    faults.script += [Fault(http("200 OK", GOOD), "keep"), Fault(http("429 Slow", b"no"), "keep")]
    client.snapshot.save(tmp_path / "a")
    with pytest.raises(package.RateLimited):
        client.snapshot.save(tmp_path / "b")
    assert [(each.route, each.status) for each in seen] == [
        ("/v1/snapshot", 200),
        ("/v1/snapshot", 429),
    ]
    assert seen[0].response.body == b""
    assert isinstance(seen[1].error, package.RateLimited)


@pytest.mark.behaviour("Streams", "An event loop is not held up by a snapshot")
def test_the_loop_goes_on(flavour, make_client, tmp_path):
    if flavour.name not in ("aio", "tornado"):
        pytest.skip(f"{flavour.name} has no loop of asyncio's")
    longest = 0.0

    async def watched(function, *args):
        nonlocal longest
        task = asyncio.ensure_future(function(*args))
        turns, last = 0, time.thread_time()
        while not task.done():
            await asyncio.sleep(0)
            now = time.thread_time()
            turns, longest, last = turns + 1, max(longest, now - last), now
        await task
        return turns

    with Large(16 * MIB) as server:
        client = make_client(port=server.port)._target
        saved = flavour.call(watched, client.snapshot.save, tmp_path / "a")
        restored = flavour.call(watched, client.snapshot.restore, tmp_path / "a")
    # A turn for each part.
    assert saved >= 256
    assert restored >= 512
    # In processor time, so that a busy machine makes no difference.
    assert longest < 0.5


@pytest.mark.behaviour("Streams", "A session of the user's streams, but for Tornado's")
def test_a_session_streams(flavour, make_client, tmp_path):
    if flavour.name == "aio":
        import aiohttp

        async def made():
            return aiohttp.ClientSession()

        session = flavour.call(made)
    elif flavour.name == "tornado":
        from tornado.httpclient import AsyncHTTPClient

        async def made():
            return AsyncHTTPClient(force_instance=True)

        session = flavour.call(made)
    elif flavour.name == "twisted":
        from treq.client import HTTPClient
        from twisted.internet import reactor
        from twisted.web.client import Agent

        session = HTTPClient(Agent(reactor))
    else:
        import requests

        session = requests.Session()
    with Large(MIB) as server:
        client = make_client(port=server.port, session=session)
        if flavour.name == "tornado":
            with pytest.raises(TypeError, match="cannot stream by a session"):
                client.snapshot.save(tmp_path / "a")
        else:
            assert client.snapshot.save(tmp_path / "a")["Index"] == 7
            assert client.snapshot.restore(tmp_path / "a")
            assert server.taken == server.sent
    if flavour.name in ("std", "threads", "gevent", "aio", "tornado"):
        flavour.call(session.close)


def test_what_progress_raises_ends_an_upload(make_client, faults):
    client = make_client(port=faults.port)

    def broken(done, total):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        client.snapshot.restore(GOOD, broken)
    assert client.kv.get("good")[0] == 7


def test_progress_may_be_awaited(flavour, make_client, faults, tmp_path):
    if flavour.name not in ("aio", "tornado"):
        pytest.skip(f"{flavour.name} awaits no coroutine of the user's")
    seen = []

    async def progress(done, total):
        await asyncio.sleep(0)
        seen.append((done, total))

    faults.script += [Fault(http("200 OK", GOOD), "keep"), OK]
    client = make_client(port=faults.port)
    client.snapshot.save(tmp_path / "a", progress)
    client.snapshot.restore(tmp_path / "a", progress)
    assert (len(GOOD), None) in seen
    assert (len(GOOD), len(GOOD)) in seen


def test_where_nothing_can_be_written(make_client, faults, tmp_path):
    client = make_client(port=faults.port)
    with pytest.raises(FileNotFoundError):
        client.snapshot.save(tmp_path / "none" / "a")
    with pytest.raises(IsADirectoryError):
        client.snapshot.save(tmp_path)
    with pytest.raises(FileNotFoundError):
        client.snapshot.restore(tmp_path / "none")
    assert not faults.requests


def test_run_calls_back_until_the_end(make_client, faults):
    faults.script.append(Fault(HEAD + chunk(b"a\nb\nc") + b"0\r\n\r\n", "keep"))
    seen = []
    make_client(port=faults.port).agent.monitor().run(seen.append)
    assert seen == ["a", "b", "c"]


def test_metrics_however_they_are_written(make_client, faults):
    objects = b'{"Timestamp":"1"}\n{\n    "Timestamp": "2",\n    "Gauges": [\n    ]\n}\n{"Tim'
    parts = b"".join(chunk(objects[i : i + 1]) for i in range(len(objects)))
    faults.script.append(Fault(HEAD + parts + b"0\r\n\r\n", "keep"))
    stream = make_client(port=faults.port).agent.metrics_stream()
    assert [stream.next()["Timestamp"] for _ in range(2)] == ["1", "2"]
    with pytest.raises(package.BadAnswer, match="it breaks off within an object"):
        stream.next()
    assert stream.next() is None

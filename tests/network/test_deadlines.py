"""How long a call may take, in every flavour: it ends in time, always as `consul.Timeout`."""

from __future__ import annotations

import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

import consul as package
from tests.faults import FAULT, GOOD, Fault, FaultServer, Listener, http, message
from tests.flavours import FLAVOURS, LATE
from tools import servers

NEWEST = pytest.mark.parametrize(
    "server", [servers.newest_version()], indirect=True, ids=servers.dotted
)
SILENCE = Fault(b"", "hang")
#: The last byte comes half a second late.
SLOW = Fault(http("200 OK", length=len(GOOD)) + GOOD[:-5], "close", GOOD[-5:])


@pytest.fixture
def faults():
    with FaultServer() as server:
        server.fault = SILENCE
        yield server


def ended(function, *args, **options):
    """Seconds that a call took that ended by `consul.Timeout`."""
    began = time.monotonic()
    with pytest.raises(package.Timeout):
        function(*args, **options)
    return time.monotonic() - began


@pytest.mark.behaviour("Deadlines", "A client's timeout is a number or (connect, read)")
@pytest.mark.parametrize("timeout", [0.5, (60, 0.5), (None, 0.5)], ids=["number", "pair", "read"])
def test_timeout_of_the_client(make_client, faults, timeout):
    client = make_client(port=faults.port, timeout=timeout)
    assert 0.4 < ended(client.kv.get, "fault") < LATE
    assert faults.paths() == [FAULT]
    assert client.kv.get("good")[0] == 7


@pytest.mark.behaviour("Deadlines", "timeout=None sets no limit")
def test_no_limit(make_client, faults):
    faults.fault = SLOW
    client = make_client(port=faults.port, timeout=None)
    request = client._target.describe.kv.get("fault").request
    assert (request.deadline, request.connect) == (None, None)
    assert client.kv.get("fault")[1]["Value"] == b"good"
    limited = make_client(port=faults.port, timeout=0.3, retry=False)
    assert limited.kv.get("fault", timeout=None)[1]["Value"] == b"good"


@pytest.mark.behaviour("Deadlines", "Without a timeout a call ends after 60 s")
def test_default_limits(make_client):
    describe = make_client()._target.describe
    request = describe.kv.get("x").request
    assert (request.deadline, request.connect) == (60, 10)
    assert describe.kv.put("x", "1").request.deadline == 60
    assert describe.kv.get("x", index=1).request.deadline == 300 + 300 / 16 + 10


@pytest.mark.behaviour("Deadlines", "A call's timeout counts instead of the client's")
def test_timeout_of_a_read(make_client, faults):
    patient = make_client(port=faults.port)
    assert 0.3 < ended(patient.kv.get, "fault", timeout=0.4) < LATE
    assert 0.3 < ended(patient.catalog.nodes, timeout=(60, 0.4), **scripted(faults)) < LATE
    faults.fault = SLOW
    hasty = make_client(port=faults.port, timeout=0.3)
    assert hasty.kv.get("fault", timeout=60)[1]["Value"] == b"good"
    assert 0.2 < ended(hasty.kv.get, "silent", **scripted(faults)) < LATE


def scripted(faults, fault=SILENCE):
    """No options; the next request meets with *fault*."""
    faults.script.append(fault)
    return {}


@pytest.mark.behaviour("Deadlines", "A call's timeout counts instead of the client's")
def test_timeout_of_a_write(make_client, faults):
    patient = make_client(port=faults.port)
    for write in (
        lambda: patient.kv.put("x", "1", timeout=0.4),
        lambda: patient.kv.delete("x", timeout=(60, 0.4)),
        lambda: patient.session.create(timeout=0.4),
    ):
        assert 0.3 < ended(write, **scripted(faults)) < LATE
    assert len(faults.requests) == 3, "a call that ran out of time was repeated"
    hasty = make_client(port=faults.port, timeout=0.3)
    slow = Fault(http("200 OK", length=4), "close", b"true")
    faults.script += [slow, slow]
    assert hasty.kv.put("x", "1", timeout=60) is True
    assert hasty.kv.put("x", "1", timeout=None) is True
    assert 0.2 < ended(hasty.kv.put, "x", "1", **scripted(faults)) < LATE


def idled(name, port):
    """Have a flavour make a blocking query that nothing wakes: its seconds, and the answers."""
    runner = FLAVOURS[name]()
    client = runner.client(port=port)
    key = f"test-{uuid.uuid4()}"
    client.kv.put(key, "1")
    before = client.kv.get(key)
    began = time.monotonic()
    after = client.kv.get(key, index=before.index, wait="21s")
    seconds = time.monotonic() - began
    client.close()
    runner.stop()
    return seconds, before, after


@pytest.fixture(scope="module")
def idle():
    """What `idled` gives for a flavour; all of them wait at the same time."""
    with ThreadPoolExecutor(len(FLAVOURS)) as threads:
        waiting = {}

        def outcome(name, port):
            for each in () if waiting else FLAVOURS:
                waiting[each] = threads.submit(idled, each, port)
            return waiting[name].result(60)

        yield outcome


@pytest.mark.behaviour("Deadlines", "A blocking query may idle as long as its wait")
@NEWEST
def test_idle_for_21_s(idle, request, flavour, agent):
    seconds, before, after = idle(request.node.callspec.params["flavour"], agent.port)
    assert 20 < seconds < 21 + LATE
    assert tuple(before) == tuple(after)


@pytest.mark.behaviour("Deadlines", "A blocking query may idle as long as its wait")
def test_idle_blocking_query_beyond_the_timeout(make_client, agent, prefix):
    patient = make_client(port=agent.port)
    patient.kv.put(prefix, "1")
    index, _ = patient.kv.get(prefix)
    client = make_client(port=agent.port, timeout=1)
    began = time.monotonic()
    assert client.kv.get(prefix, index=index, wait="1100ms")[1]["Value"] == b"1"
    assert time.monotonic() - began > 1.05


@pytest.mark.behaviour("Deadlines", "A silent server ends a blocking query soon after its wait")
def test_blocking_query_of_a_silent_server(make_client, faults):
    client = make_client(port=faults.port, timeout=0.1)
    for wait, limit in (("640ms", 0.64 + 0.04 + 0.1), ("160ms", 0.16 + 0.01 + 0.1)):
        request = client._target.describe.kv.get("fault", index=7, wait=wait).request
        assert request.deadline == pytest.approx(limit)
        assert limit - 0.02 < ended(client.kv.get, "fault", index=7, wait=wait) < LATE
    assert len(faults.requests) == 2


@pytest.mark.behaviour("Deadlines", "The limit to connect ends a call that gets no connection")
def test_full_backlog(make_client):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            client = make_client(port=port, timeout=(0.4, 60))
            assert 0.3 < ended(client.kv.get, "good") < LATE
            assert 0.3 < ended(client.kv.put, "good", "1") < LATE
        finally:
            for filler in fillers:
                filler.close()


@pytest.mark.behaviour("Deadlines", "The limit to connect includes the TLS handshake")
def test_silence_instead_of_a_handshake(make_client, faults):
    client = make_client(port=faults.port, timeout=(0.4, 60), scheme="https", verify=False)
    assert 0.3 < ended(client.kv.get, "good") < LATE


class Deaf(Listener):
    """Reads nothing for a moment; then answers the request, whatever its size; and so on."""

    def listen(self):
        # Connections get it from here.  The less the system takes in, the less there is to send.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        super().listen()

    def _serve(self, connection):
        while not self._ended.wait(0.8) and message(connection) is not None:
            connection.sendall(http("200 OK", b"true"))


@pytest.mark.behaviour("Deadlines", "The limit to connect is none for sending")
# aiohttp says so of any body above 1 MiB; Consul takes none of that size by default.
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
def test_slow_reader(make_client):
    # More than the buffers of the system hold.
    value = b"x" * 2**23
    with Deaf() as server:
        client = make_client(port=server.port, timeout=(0.4, 60), retry=False)
        assert client.kv.put("x", value) is True
        # On the same connection, which there is already.
        assert client.kv.put("x", value) is True
    with Deaf() as server:
        client = make_client(port=server.port, timeout=0.4)
        assert 0.3 < ended(client.kv.put, "x", value) < LATE

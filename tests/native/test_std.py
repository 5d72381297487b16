"""What only the blocking flavour does."""

from __future__ import annotations

import os
import pickle
import socket
import sys
import threading
from typing import Any

import pytest
import requests

import consul as package
from consul.std import Consul
from tests.agent import Agent
from tests.faults import Fault, FaultServer, http


def test_threads_share_a_client(agent: Agent, prefix: str) -> None:
    failed: list[BaseException] = []

    def use(client: Consul, name: str) -> None:
        try:
            for number in range(30):
                assert client.kv.put(f"{prefix}/{name}", f"{name}{number}")
                assert client.kv.get(f"{prefix}/{name}").data["Value"] == f"{name}{number}".encode()
        except BaseException as error:
            failed.append(error)

    with Consul(port=agent.port) as client:
        threads = [threading.Thread(target=use, args=(client, str(number))) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert not failed


def test_requests_is_not_what_sends_unless_asked_for() -> None:
    with FaultServer() as server, Consul(port=server.port) as client:
        assert client.kv.get("good").index == 7
        # Whoever looks at the session gets it, and calls go through it from then on.
        client.http.session.headers["X-Mine"] = "yes"
        assert client.kv.get("good").index == 7
        assert len(server.connections) == 1
        assert ["X-Mine: yes" in head for head in server.requests] == [False, True]


def test_an_adapter_of_the_users_own_is_not_shared_with_a_forked_process() -> None:
    with FaultServer() as server, Consul(port=server.port) as client:
        adapter = requests.adapters.HTTPAdapter()
        client.http.session.mount("http://", adapter)
        assert client.kv.get("good").index == 7
        parents = adapter.poolmanager
        # What the new process does first.
        client.http._after_fork()
        assert client.kv.get("good").index == 7
        assert adapter.poolmanager is not parents
        assert len(server.connections) == 2
        parents.clear()


def test_the_session_keeps_the_policy_and_the_limits() -> None:
    with FaultServer() as server, Consul(port=server.port, timeout=0.5) as client:
        assert isinstance(client.http.session, requests.Session)
        server.script += [Fault(b""), Fault(b"", "reset")]
        assert client.kv.get("good").index == 7
        server.script += [Fault(b"")]
        with pytest.raises(package.ConnectionFailed):
            client.session.create()
        server.script += [Fault(b"", "hang")]
        with pytest.raises(package.Timeout):
            client.kv.get("good")
        assert len(server.requests) == 5


class Counting:
    """A socket, and what was sent with it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.sent = sock, list[bytes]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)

    def sendall(self, data: bytes) -> None:
        self.sent.append(data)
        self.sock.sendall(data)


@pytest.mark.parametrize("own_session", [False, True])
def test_a_small_body_is_sent_with_the_head(agent: Agent, prefix: str, own_session: bool) -> None:
    with Consul(port=agent.port) as client:
        if own_session:
            assert client.http.session
        assert client.kv.get(prefix).data is None
        (connection,) = client.http._connections.pools._open_ones
        connection.sock = counting = Counting(connection.sock)
        for size, sends in ((0, 1), (1, 1), (2**16, 1), (2**16 + 1, 2)):
            value = b"x" * size
            assert client.kv.put(prefix, value)
            assert len(counting.sent) == sends
            counting.sent.clear()
            assert (client.kv.get(prefix).data["Value"] or b"") == value
            assert len(counting.sent) == 1
            counting.sent.clear()


def test_a_session_of_the_users_own_is_used_and_not_closed() -> None:
    with FaultServer() as server, requests.Session() as session:
        session.headers["X-Mine"] = "yes"
        with Consul(port=server.port, session=session) as client:
            assert client.http.session is session
            server.script += [Fault(b"")]
            assert client.kv.get("good").index == 7
            assert all("X-Mine: yes" in head for head in server.requests)
        assert session.get(f"http://127.0.0.1:{server.port}/v1/kv/good").status_code == 200
        assert len(server.connections) == 2


def test_close_from_another_thread_ends_a_call() -> None:
    with FaultServer() as server:
        server.fault = Fault(b"", "hang")
        client = Consul(port=server.port)
        timer = threading.Timer(0.3, client.close)
        timer.start()
        with pytest.raises((package.ConnectionFailed, RuntimeError)):
            client.kv.get("fault", index=7, wait="60s")
        timer.join()


def test_deadline_of_an_idle_blocking_query() -> None:
    with Consul() as client:
        assert client.describe.kv.get("x", index=1).request.deadline > 300 * 17 / 16
        assert client.describe.kv.get("x", index=1, wait="10s").request.deadline < 60


def test_errors_are_those_of_requests_as_well() -> None:
    with FaultServer(listens=False) as server, Consul(port=server.port) as client:
        with pytest.raises(requests.ConnectionError) as caught:
            client.status.leader()
        assert isinstance(caught.value, package.ConnectionFailed)
        # What concurrent.futures and multiprocessing do with an error.
        again = pickle.loads(pickle.dumps(caught.value))
        assert str(again) == str(caught.value)
        assert type(again) is type(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_no_descriptor_is_left_open() -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    with FaultServer() as server:
        before = count()
        for _ in range(20):
            with Consul(port=server.port, timeout=5, retry=False) as client:
                client.kv.get("good")
                server.script.append(Fault(http("200 OK", b"[", length=9)))
                with pytest.raises(package.ConnectionFailed):
                    client.kv.get("good")
        # The server's own ends take a moment.
        assert count() <= before + 5

"""No call gets the answer of another one, whatever comes over its connection, in every flavour.

A shifted answer is worse than an error: a reader gets another key, and a writer takes a lock that
it does not have.
"""

from __future__ import annotations

import asyncio
import base64
import concurrent.futures
import json
import random
import socket
import threading
import time
from collections import Counter

import pytest

import consul as package
from tests.faults import Fault, FaultServer, Listener, http, message
from tests.network.test_sessions import Sessions
from tests.network.together import raw

INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "102": b"HTTP/1.1 102 Processing\r\n\r\n",
    "103": b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nX-Consul-Index: 9\r\n\r\n",
}
INTERIM["several"] = INTERIM["103"] * 2 + INTERIM["100"] + INTERIM["102"]
#: A proxy's, which nobody has asked for.
UNASKED = http("408 Request Time-out", b"<html>408</html>", "Connection: close")


def read(name):
    """The good answer to a read of the key *name*."""
    pair = {"Key": name, "Value": base64.b64encode(name.encode()).decode(), "Flags": 0}
    return http("200 OK", json.dumps([pair]).encode(), "X-Consul-Index: 7")


def written(done):
    return http("200 OK", b"true" if done else b"false")


@pytest.fixture
def faults():
    with FaultServer() as server:
        yield server


@pytest.fixture
def make_session(flavour):
    sessions = Sessions(flavour)
    yield sessions
    sessions.close()


@pytest.mark.behaviour("Stray answers", "Interim answers (1xx) are skipped")
@pytest.mark.parametrize("warm", [False, True], ids=["new", "reused"])
@pytest.mark.parametrize("name", INTERIM)
def test_interim_answers(make_client, faults, name, warm):
    client = make_client(port=faults.port, retry=False, timeout=10)
    if warm:
        assert client.kv.get("good")[0] == 7
    for key in ("one", "two"):
        faults.script.append(Fault(INTERIM[name] + read(key), "keep"))
        assert client.kv.get(key)[1]["Value"] == key.encode()
    for done in (True, False, False, True):
        faults.script.append(Fault(INTERIM[name] + written(done), "keep"))
        assert client.kv.put("lock", "me", cas=0) is done
    assert client.kv.get("good")[1]["Value"] == b"good"
    assert len(faults.requests) == 7 + warm


@pytest.mark.behaviour("Stray answers", "Interim answers (1xx) are skipped")
@pytest.mark.parametrize("slow", [False, True], ids=["at once", "later"])
def test_interim_answer_in_pieces(make_client, faults, slow):
    client = make_client(port=faults.port, retry=False, timeout=10)
    text = INTERIM["103"] + read("one")
    cut = len(INTERIM["103"]) - 2 if slow else len(INTERIM["103"])
    faults.script.append(Fault(text[:cut], "close", text[cut : cut + 4]))
    with pytest.raises(package.ConnectionFailed):
        client.kv.get("one")
    assert client.kv.get("good")[1]["Value"] == b"good"


class Endless(Listener):
    """Sends interim answers without an end to the first request of a connection."""

    def _serve(self, connection):
        message(connection)
        while not self._ended.is_set():
            connection.sendall(INTERIM["102"] * 50)


@pytest.mark.behaviour("Stray answers", "Interim answers without an end are an error in time")
def test_endless_interim_answers(make_client, faults):
    with Endless() as server:
        client = make_client(port=server.port, retry=False, timeout=1)
        began = time.monotonic()
        with pytest.raises((package.ConnectionFailed, package.Timeout, package.BadAnswer)):
            client.kv.put("lock", "me", cas=0)
        assert time.monotonic() - began < 8


def say(connection, text):
    """Send *text* at once, even where the client has not acknowledged what came before."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(text)


def rest(flavour, seconds):
    """Let time pass in which the flavour's loop, if it has one, runs."""
    if flavour.name in ("aio", "tornado"):
        flavour.call(lambda: asyncio.sleep(seconds))
    else:
        time.sleep(seconds)


@pytest.mark.behaviour("Stray answers", "What comes on an idle connection is no answer")
@pytest.mark.parametrize("then", ["keep", "close"])
@pytest.mark.parametrize("runs", [False, True], ids=["no loop ran", "a loop ran"])
@pytest.mark.parametrize("stray", ["408", "another answer", "a byte"])
def test_unasked(make_client, flavour, faults, stray, runs, then):
    text = {"408": UNASKED, "another answer": read("stray"), "a byte": b"\n"}[stray]
    client = make_client(port=faults.port, retry=False, timeout=10)
    for _ in range(2):
        assert client.kv.get("good")[0] == 7
        say(faults.connections[-1], text)
        if then == "close":
            faults.hang_up()
        if runs:
            rest(flavour, 0.02)
        for key in ("one", "two"):
            faults.script.append(Fault(read(key), "keep"))
            assert client.kv.get(key)[1]["Value"] == key.encode()
        faults.script.append(Fault(written(False), "keep"))
        assert client.kv.put("lock", "me", cas=0) is False
    assert len(faults.requests) == 8


@pytest.mark.behaviour("Stray answers", "What comes on an idle connection is no answer")
def test_unasked_while_the_loop_is_busy(make_client, flavour, faults):
    if flavour.name in ("std", "threads"):
        pytest.skip("it has no loop")
    plain = raw(make_client(port=faults.port, retry=False, timeout=10))
    assert flavour.call(plain.kv.get, "good")[0] == 7

    def busy():
        say(faults.connections[-1], read("stray"))
        time.sleep(0.01)
        return plain.kv.get("good")

    assert flavour.call(busy)[1]["Value"] == b"good"
    assert flavour.call(plain.kv.get, "good")[1]["Value"] == b"good"


class Strays(Listener):
    """Answers each read with the name of its key, and does odd things around that."""

    #: After these the answer is the right one.
    HARMLESS = ("plain", "interim", "more at once", "more when idle", "more when idle, then closed")
    ODD = (
        *("plain",) * 3,
        *HARMLESS[1:],
        "cut short",
        "shorter than announced",
        "longer than announced",
        "two lengths",
        "length and chunks",
        "late",
        "half of it late",
    )
    #: Seconds after which what is late comes; no call waits for as long.
    LATE = 0.12
    PATIENCE = 0.06

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.met = Counter()
        self.odd = {}
        self.done = {}
        self._sending = 0
        self._changed = threading.Condition()
        super().__init__()

    def settle(self):
        """Wait until what is sent after answers has been sent."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._sending, 10)

    def _serve(self, connection):
        while (request := message(connection)) is not None:
            with self._changed:
                self._sending += 1
            settled = threading.Event()

            def settle(settled=settled):
                if not settled.is_set():
                    settled.set()
                    with self._changed:
                        self._sending -= 1
                        self._changed.notify_all()

            try:
                if not self._answer(connection, request, settle):
                    return
            finally:
                settle()

    def _answer(self, connection, request, settle):
        method, target = request.split(b" ")[:2]
        name = target.decode().partition("?")[0].rpartition("/")[2]
        if method == b"GET":
            whole = read(name)
        else:
            self.done[name] = self.chance.random() < 0.5
            whole = written(self.done[name])
        odd = self.odd[name] = self.chance.choice(self.ODD)
        self.met[odd] += 1
        head, _, body = whole.partition(b"\r\n\r\n")
        stray = self.chance.choice([read("stray"), written(True), UNASKED, b"\r\n"])
        if odd == "interim":
            whole = INTERIM[self.chance.choice(list(INTERIM))] + whole
        elif odd == "more at once":
            whole += stray
        elif odd in ("cut short", "shorter than announced"):
            whole = whole[:-3]
        elif odd == "longer than announced":
            whole = head.replace(b"Length: ", b"Length: 1\r\nX-Was: ") + b"\r\n\r\n" + body
        elif odd == "two lengths":
            other = self.chance.choice([1, len(body) + len(stray)])
            whole = head + b"\r\nContent-Length: %d\r\n\r\n" % other + body
        elif odd == "length and chunks":
            whole = (
                head.replace(b"Length: ", b"Length: 1")
                + b"\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body)
                + body
                + b"\r\n0\r\n\r\n"
            )
        if odd == "late":
            settle()
            self._ended.wait(self.LATE)
        if odd == "half of it late":
            settle()
            connection.sendall(whole[: len(whole) // 2])
            self._ended.wait(self.LATE)
            whole = whole[len(whole) // 2 :]
        connection.sendall(whole)
        if odd.startswith("more when idle"):
            time.sleep(0.002)
            say(connection, stray)
        return odd not in ("cut short", "more when idle, then closed")


def given_up(flavour, client, name):
    """Begin a call, and cancel it or let its time run out; what came of it all the same.

    None where it was cancelled.
    """
    plain, pause = raw(client), random.Random(name).choice([0, 0.001, 0.01])
    if flavour.name == "std":
        return client.kv.get(name, timeout=0.001 + pause)
    if flavour.name == "threads":
        future = plain.kv.get(name)
        time.sleep(pause)
        future.cancel()
        try:
            return future.result(10)
        except concurrent.futures.CancelledError:
            return None
    if flavour.name == "twisted":
        from twisted.internet import reactor
        from twisted.internet.defer import CancelledError

        def begin():
            call = plain.kv.get(name)
            reactor.callLater(pause, call.cancel)
            return call.addErrback(lambda failure: failure.trap(CancelledError) and None)

        return flavour.call(begin)

    async def begin():
        task = asyncio.ensure_future(plain.kv.get(name))
        await asyncio.sleep(pause)
        task.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            return None

    return flavour.call(begin)


def ask(flavour, client, server, number, chance):
    """Make one call, of whatever kind, and check what came of it."""
    name = f"n{number}"
    kind = chance.choice(["read", "read", "write", "write", "given up"])
    try:
        if kind == "write":
            answer = client.kv.put(name, "me", cas=0, timeout=server.PATIENCE)
        elif kind == "read":
            answer = client.kv.get(name, timeout=server.PATIENCE)
        else:
            answer = given_up(flavour, client, name)
    except package.ConsulException as error:
        return error
    if answer is None:
        return None
    if kind == "write":
        assert answer is False or server.done[name], f"{name}: a write that was not done"
        assert answer is server.done[name], name
    else:
        assert answer[1]["Value"] == name.encode(), (name, server.odd.get(name))
    return None


#: Calls of one siege at least, on a machine that is not idle.
ENOUGH = 30


def besiege(flavour, client, server, *, rounds, seconds, strict):
    chance = random.Random(server.chance.random())
    until = time.monotonic() + seconds
    asked = 0
    for number in range(rounds):
        if time.monotonic() > until and asked >= ENOUGH:
            break
        error = ask(flavour, client, server, number, chance)
        odd = server.odd.get(f"n{number}")
        if strict and error is not None and not isinstance(error, package.Timeout):
            assert odd not in server.HARMLESS, f"n{number}, {odd}: {error!r}"
        # What comes after the next request was sent cannot be told from its answer.
        server.settle()
        if chance.random() < 0.5:
            rest(flavour, 0.001)
        asked += 1
    return asked


@pytest.mark.behaviour("Stray answers", "No call gets another one's answer, whatever happens")
@pytest.mark.parametrize("retry", [False, True], ids=["once", "by default"])
def test_no_call_gets_the_answer_of_another(make_client, flavour, retry):
    seed = 20 + retry
    with Strays(seed) as server:
        client = make_client(port=server.port, retry=retry, timeout=5)
        asked = besiege(flavour, client, server, rounds=120, seconds=2.5, strict=not retry)
        assert asked >= ENOUGH


#: What a session of the library itself cannot be kept from.
OPEN = {
    "aio": "aiohttp's own connector uses a connection on which something came while it was idle",
}


@pytest.mark.behaviour(
    "Stray answers", "No call gets another one's answer, with a session brought along"
)
def test_no_call_gets_the_answer_of_another_with_a_session(make_client, make_session, flavour):
    if flavour.name in OPEN:
        pytest.skip(OPEN[flavour.name])
    with Strays(7) as server:
        client = make_client(port=server.port, retry=False, timeout=5, session=make_session())
        assert besiege(flavour, client, server, rounds=120, seconds=2.5, strict=False) >= ENOUGH


@pytest.mark.behaviour("Stray answers", "Interim answers shift none, with a session brought along")
@pytest.mark.parametrize("name", INTERIM)
def test_interim_answers_with_a_session(make_client, make_session, flavour, name):
    class Server(Listener):
        """Sends the answer itself a little later than the interim one."""

        def _serve(self, connection):
            while (request := message(connection)) is not None:
                key = request.split(b" ")[1].rpartition(b"/")[2].decode()
                connection.sendall(INTERIM[name])
                self._ended.wait(0.05)
                connection.sendall(read(key))

    with Server() as server:
        client = make_client(port=server.port, retry=False, timeout=1, session=make_session())
        for key in ("one", "two", "three"):
            try:
                answer = client.kv.get(key)
            except package.ConsulException:
                continue
            assert answer[1]["Value"] == key.encode()

"""Which calls are repeated, when and for how long, in every flavour."""

from __future__ import annotations

import threading
import time

import pytest

import consul as package
from consul import Retry
from tests.agent import Agent
from tests.faults import Fault, FaultServer, Proxy, http
from tests.flavours import LATE
from tools import servers

NEWEST = pytest.mark.parametrize(
    "server", [servers.newest_version()], indirect=True, ids=servers.dotted
)
DROP = Fault(b"")
TOO_MANY = Fault(http("429 Too Many Requests", b"slow down"), "keep")
PASSING = {
    "dropped": DROP,
    "reset": Fault(b"", "reset"),
    "truncated": Fault(http("200 OK", b"[", length=99)),
    "no leader": Fault(http("500 Internal Server Error", b"No cluster leader"), "keep"),
    "429": TOO_MANY,
    "503": Fault(http("503 Service Unavailable", b"in maintenance"), "keep"),
}
READS = {
    "kv": lambda client: client.kv.get("good"),
    "blocking query": lambda client: client.kv.get("good", index=7, wait="10s"),
    "list": lambda client: client.catalog.nodes(),
}
TWICE = {
    "put": lambda client: client.kv.put("x", "1"),
    "delete": lambda client: client.kv.delete("x"),
    "register": lambda client: client.agent.service.register("x"),
    "destroy": lambda client: client.session.destroy("s"),
}
ONCE = {
    "put cas": lambda client: client.kv.put("x", "1", cas=0),
    "delete cas": lambda client: client.kv.delete("x", cas=7),
    "acquire": lambda client: client.kv.put("x", "1", acquire="s"),
    "release": lambda client: client.kv.put("x", "1", release="s"),
    "session": lambda client: client.session.create(),
    "event": lambda client: client.event.fire("deploy"),
    "txn": lambda client: client.txn.put([{"KV": {"Verb": "set", "Key": "x", "Value": "MQ=="}}]),
}


@pytest.fixture
def faults():
    with FaultServer() as server:
        yield server


@pytest.fixture
def client(make_client, faults):
    return make_client(port=faults.port, timeout=20)


@pytest.mark.behaviour("Retries", "Reads are repeated until a passing fault is over")
@pytest.mark.parametrize("name", PASSING)
def test_read(client, faults, name):
    for read in READS.values():
        faults.requests.clear()
        faults.script += [PASSING[name]] * 3
        assert read(client)[0] == 7
        assert len(faults.requests) == 4
        assert len({path.partition("?")[0] for path in faults.paths()}) == 1


@pytest.mark.behaviour("Retries", "Each repeat waits longer, the first after a drop not at all")
def test_pauses(make_client, faults):
    # Half a minute is too long for its limit, so with any pause this would be an error.
    at_once = make_client(port=faults.port, retry=Retry(first=60))
    faults.script += [DROP]
    assert at_once.kv.get("good")[0] == 7
    faults.times.clear()
    client = make_client(port=faults.port, retry=Retry(20, first=0.1))
    faults.script += [DROP] * 4
    assert client.kv.get("good")[0] == 7
    pauses = [after - before for before, after in zip(faults.times, faults.times[1:], strict=False)]
    for pause, longest in zip(pauses[1:], (0.2, 0.4, 0.8), strict=True):
        assert longest / 2 - 0.02 < pause < LATE


@pytest.mark.behaviour("Retries", "Other errors are not repeated")
@pytest.mark.parametrize("status", ["400", "403", "404", "418", "500", "502"])
def test_lasting_error(client, faults, status):
    faults.script.append(Fault(http(f"{status} No", b"disk on fire"), "keep"))
    with pytest.raises(package.ConsulException) as caught:
        client.catalog.nodes()
    assert caught.value.status == int(status)
    assert len(faults.requests) == 1


@pytest.mark.behaviour("Retries", "Retry-After is heeded")
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(client, faults, status):
    faults.script.append(Fault(http(f"{status} No", b"", "Retry-After: 1"), "keep"))
    began = time.monotonic()
    assert client.kv.get("good")[0] == 7
    assert 1 <= time.monotonic() - began < LATE
    faults.script.append(Fault(http(f"{status} No", b"", "Retry-After: 60"), "keep"))
    with pytest.raises(package.RateLimited) as caught:
        client.kv.get("good")
    assert caught.value.retry_after == 60
    assert time.monotonic() - began < 2 * LATE


@pytest.mark.behaviour("Retries", "A call and its repeats end within its deadline")
def test_within_the_deadline(make_client, client, faults):
    faults.script += [TOO_MANY] * 99
    # The second attempt begins when 0.6 s or more are left.  The third would begin too late.
    patient = make_client(port=faults.port, retry=Retry(60, first=1.2, longest=60))
    began = time.monotonic()
    with pytest.raises(package.RateLimited):
        patient.kv.get("good", timeout=1.8)
    assert time.monotonic() - began < LATE
    assert len(faults.requests) == 2
    faults.script.clear()
    faults.script += [DROP, TOO_MANY, Fault(b"", "hang")]
    began = time.monotonic()
    with pytest.raises(package.Timeout):
        client.kv.get("good", timeout=1)
    assert 0.8 < time.monotonic() - began < LATE


@pytest.mark.behaviour("Retries", "A blocking query that is repeated ends within its deadline")
def test_blocking_query_within_its_deadline(make_client, faults):
    client = make_client(port=faults.port, timeout=0.5)
    faults.script += [TOO_MANY, TOO_MANY, Fault(b"", "hang")]
    began = time.monotonic()
    with pytest.raises(package.Timeout):
        client.kv.get("good", index=7, wait="1s")
    assert 1 < time.monotonic() - began < LATE
    waits = [path.rpartition("wait=")[2] for path in faults.paths()]
    assert waits[0] == "1s"
    assert waits[2] != "1s", "the server would answer too late"


@pytest.mark.behaviour("Retries", "Writes that may be done twice are repeated after a drop")
@pytest.mark.parametrize("fault", ["dropped", "reset", "429", "503"])
def test_write_that_may_be_done_twice(client, faults, fault):
    for write in TWICE.values():
        faults.requests.clear()
        faults.script += [PASSING[fault]] * 2
        assert write(client) is True
        assert len(faults.requests) == 3


@pytest.mark.behaviour("Retries", "Other writes are never sent again after a drop")
@pytest.mark.parametrize("fault", ["dropped", "reset", "truncated", "no leader", "503"])
@pytest.mark.parametrize("warm", [False, True], ids=["new", "reused"])
def test_write_that_must_be_done_once(client, faults, fault, warm):
    for write in ONCE.values():
        if warm:
            client.kv.get("good")
        faults.requests.clear()
        faults.script.append(PASSING[fault])
        with pytest.raises(package.ConsulException) as caught:
            write(client)
        assert len(faults.requests) == 1
        assert getattr(caught.value, "sent", True)


@pytest.mark.behaviour("Retries", "Any write is repeated when it was refused by a rate limit")
def test_write_that_was_refused(client, faults):
    limited = Fault(http("503 No", b"rate limit exceeded, try again later"), "keep")
    for write in ONCE.values():
        faults.requests.clear()
        faults.script += [TOO_MANY, limited]
        write(client)
        assert len(faults.requests) == 3


@pytest.mark.behaviour("Retries", "retry=False repeats nothing")
@pytest.mark.parametrize("retry", [False, None])
@pytest.mark.parametrize("name", PASSING)
def test_no_policy(make_client, faults, name, retry):
    client = make_client(port=faults.port, timeout=5, retry=retry)
    for call in (READS["kv"], TWICE["put"]):
        faults.requests.clear()
        faults.script.append(PASSING[name])
        with pytest.raises(package.ConsulException):
            call(client)
        assert len(faults.requests) == 1


@pytest.mark.behaviour("Retries", "A policy of one's own is heeded")
def test_own_policy(make_client, faults):
    client = make_client(port=faults.port, retry=Retry(0.5, first=0.1, longest=0.1))
    faults.script += [DROP] * 99
    began = time.monotonic()
    with pytest.raises(package.ConnectionFailed):
        client.kv.get("good")
    assert 0.3 < time.monotonic() - began < LATE
    assert 3 <= len(faults.requests) <= 12


@pytest.mark.behaviour("Retries", "A refused connection is an error at once, without connect=True")
@pytest.mark.parametrize("call", [READS["kv"], ONCE["session"]], ids=["read", "write"])
def test_refused(make_client, call):
    with FaultServer(listens=False) as server:
        began = time.monotonic()
        with pytest.raises(package.ConnectionFailed) as caught:
            call(make_client(port=server.port))
        assert not caught.value.sent
        assert time.monotonic() - began < LATE
        patient = make_client(port=server.port, retry=Retry(connect=True))
        timer = threading.Timer(0.5, server.listen)
        timer.start()
        call(patient)
        timer.join()
        assert 0.4 < time.monotonic() - began < 2 * LATE
        assert len(server.requests) == 1


@pytest.fixture(scope="module")
def own_agent(server):
    """An agent that is restarted at will."""
    with Agent(server) as agent:
        yield agent


@pytest.mark.behaviour("Retries", "With connect=True a call sits out the restart of the agent")
@NEWEST
def test_restart(make_client, own_agent, prefix):
    client = make_client(
        port=own_agent.port, timeout=60, retry=Retry(40, longest=0.5, connect=True)
    )
    assert client.kv.put(prefix, "1")
    own_agent.kill()
    starting = threading.Timer(0.5, own_agent.start)
    starting.start()
    try:
        assert client.kv.get("absent").data is None
        assert client.kv.put(prefix, "2")
        assert client.kv.get(prefix)[1]["Value"] == b"2"
    finally:
        starting.join()


@pytest.mark.behaviour("Retries", "A write whose answer was lost is repeated only if that is safe")
def test_answer_that_was_lost(make_client, agent, prefix):
    with Proxy(agent.port) as proxy:
        client = make_client(port=proxy.port, timeout=10)
        proxy.drops = 1
        assert client.kv.put(prefix, "1") is True
        assert proxy.dropped == 1
        index = client.kv.get(prefix)[1]["ModifyIndex"]
        proxy.drops = 2
        with pytest.raises(package.ConnectionFailed) as caught:
            client.kv.put(prefix, "2", cas=index)
        assert caught.value.sent
        pair = client.kv.get(prefix)[1]
        assert pair["Value"] == b"2"
        assert pair["ModifyIndex"] > index
        proxy.drops = 3
        with pytest.raises(package.ConnectionFailed):
            client.session.create(name=prefix)
        created = [one for one in client.session.list()[1] if one["Name"] == prefix]
        assert len(created) == 1
        proxy.drops = 4
        assert client.session.destroy(created[0]["ID"]) is True
        proxy.drops = 5
        assert client.kv.delete(prefix) is True
        assert client.kv.get(prefix)[1] is None


@pytest.mark.behaviour("Retries", "Hooks see each attempt of a call")
def test_hooks_see_each_attempt(make_client, faults):
    seen = []
    client = make_client(port=faults.port, on_response=seen.append)
    faults.script += [DROP, TOO_MANY]
    assert client.kv.get("good")[0] == 7
    assert [exchange.status for exchange in seen] == [None, 429, 200]

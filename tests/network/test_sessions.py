"""The HTTP library's own client in place of ours, and hooks: in every flavour."""

from __future__ import annotations

import base64
import gzip
import time
import traceback

import pytest

import consul as package
from tests.faults import FAULT, GOOD, Fault, FaultServer, http, works
from tests.flavours import LATE, missing

TOKEN = "5ec2e7aa-0000-4000-8000-000000000001"
#: 1.22 refuses a key that has both a blank and what looks like an escape.
ODD = ("a b/ü?#&=+;", "ü%2F?#")
BASIC = "Basic " + base64.b64encode(b"me:mine").decode()


class Sessions:
    """Makes clients of the flavour's HTTP library, and closes them."""

    def __init__(self, flavour):
        self.flavour = flavour
        self.made = []

    def __call__(self, *, auth=None):
        kind = {"threads": "std"}.get(self.flavour.name, self.flavour.name)
        session = self.flavour.call(getattr(self, kind), auth)
        self.made.append(session)
        return session

    def std(self, auth):
        import requests

        session = requests.Session()
        session.auth = auth
        return session

    async def aio(self, auth):
        import aiohttp

        return aiohttp.ClientSession(headers={"Authorization": BASIC} if auth else None)

    def tornado(self, auth):
        from tornado.httpclient import AsyncHTTPClient

        user, password = auth or (None, None)
        defaults = {"auth_username": user, "auth_password": password}
        return AsyncHTTPClient(force_instance=True, defaults=defaults)

    def twisted(self, auth):
        try:
            from treq.auth import add_auth
            from treq.client import HTTPClient
        except ImportError as error:
            missing(f"treq is missing: {error}")
        from twisted.internet import reactor
        from twisted.web.client import Agent, HTTPConnectionPool

        self.pool = HTTPConnectionPool(reactor)
        agent = Agent(reactor, pool=self.pool)
        return HTTPClient(add_auth(agent, auth) if auth else agent)

    def close(self):
        if self.flavour.name == "twisted":
            if self.made:
                self.flavour.call(self.pool.closeCachedConnections)
            return
        for session in self.made:
            self.flavour.call(session.close)


@pytest.fixture
def make_session(flavour):
    sessions = Sessions(flavour)
    yield sessions
    sessions.close()


@pytest.fixture
def session(flavour):
    """A ``requests.Session``, for the flavours that have one."""
    only_requests(flavour)
    import requests

    with requests.Session() as session:
        yield session


def only_requests(flavour):
    if flavour.name not in ("std", "threads"):
        pytest.skip("requests' sessions are those of std and threads")


def header(head, name):
    for line in head.split("\r\n")[1:]:
        if line.lower().startswith(f"{name.lower()}:"):
            return line.partition(":")[2].strip()
    return None


def failure(client):
    with pytest.raises(package.ConsulException) as caught:
        client.kv.get("fault")
    error = caught.value
    assert (error.method, error.path) == ("GET", FAULT)
    text = "".join(traceback.format_exception(error)) + repr(vars(error))
    assert TOKEN not in text
    return error


def kind(error):
    """The class of `consul.exceptions` that *error* is, or that its flavour made it of."""
    ours = vars(package.exceptions)
    return next(one for one in type(error).__mro__ if ours.get(one.__name__) is one)


@pytest.mark.behaviour("Bring your own", "calls go through the session, keys as they are")
def test_round_trip(make_client, make_session, agent, prefix):
    client = make_client(port=agent.port, session=make_session())
    for name in ODD:
        key = f"{prefix}/{name}"
        assert client.kv.put(key, b"\x00\xff" * 1000) is True
        index, pair = client.kv.get(key)
        assert (pair["Key"], pair["Value"]) == (key, b"\x00\xff" * 1000)
        assert client.kv.get(key, index=index, wait="20ms")[0] == index
    assert sorted(client.kv.get(f"{prefix}/", keys=True)[1]) == sorted(
        f"{prefix}/{name}" for name in ODD
    )
    for name in ODD:
        assert client.kv.delete(f"{prefix}/{name}") is True
    session = client.session.create(ttl="10s", lock_delay=0)
    assert client.kv.put(prefix, "mine", acquire=session) is True
    assert client.session.destroy(session) is True


@pytest.mark.behaviour("Bring your own", "the request is the one that our own client sends")
def test_same_request(make_client, make_session, recorder):
    options = {"port": recorder.port, "token": TOKEN, "headers": {"X-Own": "1"}}
    for extra in ({}, {"session": make_session()}):
        client = make_client(**options, **extra)
        assert client.kv.get("a b/ü%2F?#", dc="é&=")[0] == 7
        assert client.kv.put("a b/ü%2F?#", b"x") is True
    for first, second in zip(recorder.requests[:2], recorder.requests[2:], strict=True):
        assert first.split("\r\n")[0] == second.split("\r\n")[0]
        for name in ("Host", "X-Consul-Token", "X-Own", "User-Agent", "Content-Type"):
            assert header(first, name) == header(second, name), name
        assert second.lower().count("x-consul-token:") == 1
        assert second.lower().count("user-agent:") == 1


BROKEN = {
    "reset": Fault(b"", "reset"),
    "closed": Fault(b""),
    "truncated body": Fault(http("200 OK", b'[{"Key":', length=100)),
    "truncated chunks": Fault(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n[1,"),
    "noise": Fault(b"\x00\xff\x15\x03\r\n\r\n\x80"),
}


@pytest.mark.behaviour("Bring your own", "a connection that breaks is a ConnectionFailed")
@pytest.mark.parametrize("name", BROKEN)
def test_broken(make_client, make_session, recorder, name):
    recorder.fault = BROKEN[name]
    client = make_client(
        port=recorder.port, session=make_session(), timeout=5, token=TOKEN, retry=False
    )
    error = failure(client)
    assert kind(error) is package.ConnectionFailed
    assert error.sent is True
    assert error.__cause__ is not None
    assert works(client)


@pytest.mark.behaviour("Bring your own", "no connection is a ConnectionFailed, nothing sent")
def test_refused(make_client, make_session):
    with FaultServer(listens=False) as server:
        client = make_client(port=server.port, session=make_session(), timeout=5, token=TOKEN)
        error = failure(client)
        assert kind(error) is package.ConnectionFailed
        assert error.sent is False
        server.listen()
        assert works(client)


@pytest.mark.behaviour("Bring your own", "silence is a Timeout")
@pytest.mark.parametrize(
    "sent", [b"", http("200 OK", b"[", length=100)], ids=["at once", "within body"]
)
def test_silence(make_client, make_session, recorder, sent):
    recorder.fault = Fault(sent, "hang")
    client = make_client(port=recorder.port, session=make_session(), timeout=0.4, token=TOKEN)
    began = time.monotonic()
    error = failure(client)
    assert 0.3 < time.monotonic() - began < LATE
    assert kind(error) is package.Timeout
    assert "0.4 s" in str(error)
    assert works(client)


ANSWERED = {
    "500": (http("500 Internal Server Error", b"disk on fire"), package.ServerError),
    "no leader": (http("500 Internal Server Error", b"No cluster leader"), package.NoLeader),
    "403": (http("403 Forbidden", b"Permission denied"), package.ACLPermissionDenied),
    "401": (http("401 Unauthorized", b"ACL support disabled"), package.ACLDisabled),
    "429": (http("429 Too Many Requests", b"slow down"), package.RateLimited),
    "304": (b"HTTP/1.1 304 Not Modified\r\n\r\n", package.Redirected),
    "not JSON": (http("200 OK", b"<html>"), package.BadAnswer),
}


@pytest.mark.behaviour("Bring your own", "answers that are errors have the usual classes")
@pytest.mark.parametrize("name", ANSWERED)
def test_answered(make_client, make_session, recorder, name):
    answer, expected = ANSWERED[name]
    recorder.fault = Fault(answer, "keep")
    client = make_client(
        port=recorder.port, session=make_session(), timeout=5, token=TOKEN, retry=False
    )
    error = failure(client)
    assert type(error) is expected
    assert error.status == int(answer.split(b" ")[1])
    assert error.body == answer.partition(b"\r\n\r\n")[2].decode()
    assert recorder.paths() == [FAULT]
    assert works(client)


@pytest.mark.behaviour("Bring your own", "a redirect is not followed")
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect(make_client, make_session, recorder, status):
    with FaultServer() as other:
        target = f"http://127.0.0.1:{other.port}/elsewhere"
        recorder.fault = Fault(http(f"{status} Moved", b"", f"Location: {target}"), "keep")
        client = make_client(port=recorder.port, session=make_session(), timeout=5, token=TOKEN)
        error = failure(client)
        assert type(error) is package.Redirected
        assert error.status == status
        assert target in str(error)
        assert other.requests == []


@pytest.mark.behaviour("Bring your own", "a compressed answer is understood")
@pytest.mark.parametrize("compress", [None, True])
def test_compressed(make_client, make_session, recorder, compress):
    fields = ("X-Consul-Index: 7", "Content-Encoding: gzip")
    recorder.fault = Fault(http("200 OK", gzip.compress(GOOD), *fields), "keep")
    seen = []
    options = {"port": recorder.port, "session": make_session(), "compress": compress}
    for hooks in ({}, {"on_response": seen.append}):
        client = make_client(**options, **hooks)
        index, pair = client.kv.get("fault")
        assert (index, pair["Value"]) == (7, b"good")
        assert works(client)
    assert [one.response.body for one in seen] == [GOOD, GOOD]


@pytest.mark.behaviour("Bring your own", "a broken compressed answer is a BadAnswer")
@pytest.mark.parametrize("body", [GOOD, gzip.compress(GOOD)[:40]], ids=["no gzip", "truncated"])
def test_broken_compression(make_client, make_session, recorder, body):
    recorder.fault = Fault(http("200 OK", body, "Content-Encoding: gzip"), "keep")
    client = make_client(port=recorder.port, session=make_session(), timeout=5, token=TOKEN)
    assert kind(failure(client)) is package.BadAnswer
    assert recorder.paths() == [FAULT]
    assert works(client)


@pytest.mark.behaviour("Bring your own", "the session is not closed with the client")
def test_not_closed(make_client, make_session, recorder):
    session = make_session()
    for _ in range(3):
        client = make_client(port=recorder.port, session=session)
        assert works(client)
        client.close()
        with pytest.raises(RuntimeError, match="closed"):
            client.kv.get("good")
    assert len(recorder.requests) == 3


@pytest.mark.behaviour("Bring your own", "the session's own password is sent")
def test_own_auth(make_client, make_session, recorder):
    client = make_client(port=recorder.port, session=make_session(auth=("me", "mine")))
    assert works(client)
    assert client.kv.put("good", b"x") is True
    assert [header(head, "Authorization") for head in recorder.requests] == [BASIC, BASIC]


@pytest.mark.behaviour("Bring your own", "what the session decides cannot be given beside it")
@pytest.mark.parametrize(
    "option",
    [
        {"verify": False},
        {"cert": "cert.pem"},
        {"server_name": "db.example"},
        {"proxy": "http://proxy.example:3128"},
        {"trust_env": True},
        {"max_polls": 3},
    ],
    ids=lambda option: next(iter(option)),
)
def test_beside(make_client, make_session, option):
    with pytest.raises(ValueError, match=next(iter(option))):
        make_client(session=make_session(), **option)


@pytest.mark.behaviour("Bring your own", "requests: headers, hooks, adapters of the session")
def test_requests_own(make_client, session, recorder):
    from requests.adapters import HTTPAdapter

    class Counting(HTTPAdapter):
        sent = 0

        def send(self, request, **options):
            self.sent += 1
            return super().send(request, **options)

    adapter, seen = Counting(), []
    session.mount("http://127.0.0.1", adapter)
    session.headers.update({"X-Own": "1"})
    session.hooks["response"].append(lambda reply, **options: seen.append(reply.status_code))
    client = make_client(port=recorder.port, session=session)
    assert client.http.session is session
    assert works(client)
    assert client.kv.put("good", b"x") is True
    assert [header(head, "X-Own") for head in recorder.requests] == ["1", "1"]
    assert (adapter.sent, seen) == (2, [200, 200])
    client.close()
    assert session.get(f"http://127.0.0.1:{recorder.port}/v1/kv/good").status_code == 200


@pytest.mark.behaviour("Bring your own", "requests: changes to the session of a client of ours")
def test_requests_ours(make_client, flavour, recorder):
    only_requests(flavour)
    from requests.adapters import HTTPAdapter

    class Counting(HTTPAdapter):
        sent = 0

        def send(self, request, **options):
            self.sent += 1
            return super().send(request, **options)

    client = make_client(port=recorder.port, token=TOKEN, timeout=5, retry=False)
    assert works(client)
    session, seen = client.http.session, []
    assert client.http.session is session
    session.headers.update({"X-Own": "1"})
    request = session.request

    def wrapped(method, url, **options):
        seen.append((method, url))
        return request(method, url, **options)

    session.request = wrapped
    assert works(client)
    assert header(recorder.requests[-1], "X-Own") == "1"
    assert header(recorder.requests[-1], "X-Consul-Token") == TOKEN
    assert seen == [("GET", f"http://127.0.0.1:{recorder.port}/v1/kv/good")]
    # Errors are the same ones.
    for fault, expected in (
        (BROKEN["truncated body"], package.ConnectionFailed),
        (Fault(http("200 OK", b"<html>"), "keep"), package.BadAnswer),
        (Fault(http("500 Internal Server Error"), "keep"), package.ServerError),
    ):
        recorder.fault = fault
        assert kind(failure(client)) is expected
    session.hooks["response"].append(lambda reply, **options: seen.append(reply.status_code))
    adapter = Counting()
    session.mount("http://", adapter)
    assert works(client)
    assert (adapter.sent, seen[-1]) == (1, 200)


class Watching:
    """Hooks that keep everything they see."""

    def __init__(self):
        self.seen = []

    def before(self, exchange):
        self.seen.append(("before", exchange))

    def after(self, exchange):
        self.seen.append(("after", exchange))

    @property
    def order(self):
        return [when for when, _ in self.seen]

    @property
    def exchanges(self):
        return [exchange for when, exchange in self.seen if when == "after"]


@pytest.fixture
def watching():
    return Watching()


def watched(make_client, watching, **options):
    return make_client(on_request=watching.before, on_response=watching.after, **options)


@pytest.mark.behaviour("Hooks", "called before and after each exchange, with what it was")
def test_hooks(make_client, watching, recorder):
    client = watched(make_client, watching, port=recorder.port, token=TOKEN)
    assert works(client)
    assert client.kv.put("good", b"a-value") is True
    assert watching.order == ["before", "after"] * 2
    assert watching.seen[0][1] is watching.seen[1][1]
    read, write = watching.exchanges
    assert (read.method, read.path, read.status, read.error) == ("GET", "/v1/kv/good", 200, None)
    assert (write.method, write.path) == ("PUT", "/v1/kv/good")
    assert read.response.code == 200
    assert read.response.headers["x-consul-index"] == "7"
    assert read.response.body == GOOD
    assert write.response.body == b"true"
    assert 0 < read.seconds < LATE
    assert read.headers == {}
    assert repr(read) == "<Exchange GET /v1/kv/good: 200>"


@pytest.mark.behaviour("Hooks", "several are called in turn; context is theirs")
def test_several(make_client, recorder):
    seen = []

    def first(exchange):
        exchange.context["began"] = 1
        seen.append("first")

    def second(exchange):
        seen.append(("second", exchange.context["began"]))

    def after(exchange):
        seen.append(("after", exchange.context["began"], exchange.response is not None))

    client = make_client(port=recorder.port, on_request=[first, second], on_response=(after,))
    assert works(client)
    assert seen == ["first", ("second", 1), ("after", 1, True)]


@pytest.mark.behaviour("Hooks", "a header that a hook adds is sent")
@pytest.mark.parametrize("own", [False, True], ids=["ours", "session"])
def test_header(make_client, make_session, recorder, own):
    number = iter(range(9))

    def trace(exchange):
        exchange.headers["traceparent"] = f"00-abc-{next(number)}"

    options = {"session": make_session()} if own else {}
    client = make_client(port=recorder.port, on_request=trace, **options)
    assert works(client)
    assert client.kv.put("good", b"x") is True
    sent = [header(head, "traceparent") for head in recorder.requests]
    assert sent == ["00-abc-0", "00-abc-1"]
    # What a header cannot carry never gets to one.
    bad = make_client(
        port=recorder.port, on_request=lambda exchange: exchange.headers.update({"X": "a\r\nb: c"})
    )
    with pytest.raises(ValueError, match="X"):
        bad.kv.get("good")
    assert len(recorder.requests) == 2


@pytest.mark.behaviour("Hooks", "each repeat is an exchange of its own")
def test_repeats(make_client, watching, recorder):
    recorder.script.append(Fault(http("503 Service Unavailable"), "keep"))
    recorder.script.append(Fault(b"", "reset"))
    client = watched(make_client, watching, port=recorder.port, timeout=5)
    assert works(client)
    assert watching.order == ["before", "after"] * 3
    assert len({id(exchange) for exchange in watching.exchanges}) == 3
    assert [exchange.status for exchange in watching.exchanges] == [503, None, 200]
    kinds = [exchange.error and kind(exchange.error) for exchange in watching.exchanges]
    assert kinds == [package.RateLimited, package.ConnectionFailed, None]
    assert len(recorder.requests) == 3


@pytest.mark.behaviour("Hooks", "the one after an exchange sees its error")
@pytest.mark.parametrize("what", ["refused", "timeout", "500", "not JSON", "closed"])
def test_errors(make_client, watching, what):
    faults = {
        "timeout": (Fault(b"", "hang"), package.Timeout, None),
        "500": (Fault(http("500 Oh", b"disk on fire"), "keep"), package.ServerError, 500),
        "not JSON": (Fault(http("200 OK", b"<html>"), "keep"), package.BadAnswer, 200),
        "closed": (Fault(b""), package.ConnectionFailed, None),
        "refused": (Fault(b""), package.ConnectionFailed, None),
    }
    fault, expected, status = faults[what]
    with FaultServer(listens=what != "refused") as server:
        server.fault = fault
        client = watched(
            make_client, watching, port=server.port, timeout=0.5, token=TOKEN, retry=False
        )
        error = failure(client)
        assert kind(error) is expected
        assert watching.order == ["before", "after"]
        (exchange,) = watching.exchanges
        assert exchange.error is error
        assert exchange.status == status
        assert (exchange.response is None) == (status is None)
        assert exchange.seconds > (0.3 if what == "timeout" else 0)
        assert repr(exchange) == f"<Exchange GET {FAULT}: {status}>"
        server.fault = Fault(http("200 OK", GOOD), "keep")


@pytest.mark.behaviour("Hooks", "no token in what they show")
def test_no_token(make_client, watching, recorder):
    client = watched(make_client, watching, port=recorder.port, token=TOKEN)
    client.acl.info(TOKEN)
    client.kv.get("good", token="another-secret", dc="dc1", index=3, wait="1s")
    for _, exchange in watching.seen:
        shown = exchange.path + repr(exchange) + repr(exchange.headers)
        assert TOKEN not in shown
        assert "another-secret" not in shown
        assert "?" not in exchange.path
    assert [exchange.path for exchange in watching.exchanges] == [
        "/v1/acl/info/<hidden>",
        "/v1/kv/good",
    ]


@pytest.mark.behaviour("Hooks", "an error in a hook is the caller's, and the client goes on")
@pytest.mark.parametrize("which", ["on_request", "on_response"])
def test_failing_hook(make_client, recorder, which):
    def fails(exchange):
        if exchange.path == FAULT:
            raise LookupError("of the hook")

    recorder.fault = Fault(http("200 OK", GOOD), "keep")
    client = make_client(port=recorder.port, **{which: fails})
    for _ in range(2):
        with pytest.raises(LookupError, match="of the hook"):
            client.kv.get("fault")
    assert works(client)
    assert recorder.paths().count(FAULT) == (0 if which == "on_request" else 2)


@pytest.mark.behaviour("Hooks", "recipes are seen, call by call")
def test_recipe(make_client, watching, agent):
    client = watched(make_client, watching, port=agent.port)
    assert client.wait_for_leader(timeout=5)
    assert {exchange.path for exchange in watching.exchanges} == {"/v1/status/leader"}
    assert watching.order == ["before", "after"]


@pytest.mark.behaviour("Hooks", "blocking queries are seen with the time they took")
def test_blocking_query(make_client, watching, agent, prefix):
    client = watched(make_client, watching, port=agent.port)
    client.kv.put(prefix, "1")
    index, _ = client.kv.get(prefix)
    client.kv.get(prefix, index=index, wait="200ms")
    assert 0.2 <= watching.exchanges[-1].seconds < LATE


@pytest.mark.behaviour("Hooks", "what is no hook is refused")
def test_no_hook(make_client):
    for name in ("on_request", "on_response"):
        with pytest.raises(TypeError, match=name):
            make_client(**{name: "print"})

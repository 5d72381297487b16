"""What a report of an error shows: no token and no password, in every flavour.

Such a report has the exceptions that belong to it, their attributes, and the local variables of
each frame: of ours, and of the HTTP libraries.
"""

from __future__ import annotations

import ssl

import pytest
import trustme

import consul as package
from tests.faults import FAULT, Fault, FaultServer, http
from tests.network.test_faults import ANSWERED, BROKEN, TRICKLES

CLIENTS = "c1ie2t00-0000-4000-8000-000000000001"
CALLS = "ca115000-0000-4000-8000-000000000002"
PASSWORD = "the-password-of-the-agent"
PROXYS = "the-password-of-the-proxy"
#: "user:password" in base64, as it goes over the wire.
SECRETS = (
    CLIENTS,
    CALLS,
    PASSWORD,
    PROXYS,
    "bWU6dGhlLXBhc3N3b3JkLW9mLXRoZS1hZ2VudA",
    "bWU6dGhlLXBhc3N3b3JkLW9mLXRoZS1wcm94eQ",
)

#: Whose frames are looked at.
PACKAGES = ("consul", "requests", "urllib3", "http", "aiohttp", "tornado", "twisted", "treq")
#: Becomes the token of the call.
SENT_BACK = "the-token-of-this-call-is-put-here--"

FAULTS = {
    **BROKEN,
    **{name: Fault(answer, "keep") for name, (answer, _) in ANSWERED.items()},
    **{f"trickling {name}": fault for name, fault in TRICKLES.items()},
    "silence": Fault(b"", "hang"),
    "bad chunk": Fault(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n"
    ),
    "bad gzip": Fault(http("200 OK", b"x", "Content-Encoding: gzip"), "keep"),
    "token sent back": Fault(http("403 Forbidden", SENT_BACK.encode()), "keep"),
    "redirect": Fault(http("301 Moved", b"", f"Location: http://a/?token={SENT_BACK}"), "keep"),
}


def shown(value):
    try:
        return repr(value)
    except Exception as error:
        return f"<no repr: {type(error).__name__}>"


def exceptions_from(error):
    """*error* and each exception that can be reached from it."""
    pending, found = [error], []
    while pending:
        one = pending.pop()
        if isinstance(one, (list, tuple, set)):
            pending += one
        elif isinstance(one, dict):
            pending += one.values()
        elif isinstance(one, BaseException) and all(one is not other for other in found):
            found.append(one)
            pending += [one.__cause__, one.__context__, one.args, getattr(one, "__dict__", {})]
        elif type(one).__name__ == "Failure":
            pending.append(one.value)
    return found


def texts_of(error):
    """All that a report of *error* shows: where it stands, and the text."""
    for one in exceptions_from(error):
        name = type(one).__name__
        yield f"str of {name}", str(one)
        yield f"repr of {name}", repr(one)
        yield f"args of {name}", shown(one.args)
        for key, value in getattr(one, "__dict__", {}).items():
            yield f"{name}.{key}", shown(value)
        trace = one.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            # Of the error itself, the other frames are those of the test.
            packages = PACKAGES if one is not error else ("consul",)
            if frame.f_globals.get("__name__", "").partition(".")[0] in packages:
                for key, value in frame.f_locals.items():
                    yield f"{key} in {frame.f_code.co_qualname}", shown(value)
            trace = trace.tb_next


def reveals(error, secrets=SECRETS):
    return [
        (where, text[:300])
        for where, text in texts_of(error)
        if any(secret in text for secret in secrets)
    ]


def caught(function, *args, **options):
    """What *function* raises."""
    with pytest.raises((package.ConsulException, TypeError, ValueError)) as caught:
        function(*args, **options)
    return caught.value


CALL = {
    "the client's": lambda client: client.kv.get("fault"),
    "by keyword": lambda client: client.kv.get("fault", token=CALLS),
    "positional": lambda client: client.kv.get("fault", None, False, None, CALLS),
    "of a write": lambda client: client.kv.put("fault", "value", cas=1, token=CALLS),
    "a poll": lambda client: client.kv.get("fault", index=1, wait="100ms", token=CALLS),
}


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


def secretive(make_client, port, **options):
    options = {"timeout": 0.3, "retry": False, "auth": f"me:{PASSWORD}", **options}
    return make_client(port=port, token=CLIENTS, **options)


@pytest.mark.behaviour("Secrets", "No report of a fault shows a token or a password")
@pytest.mark.parametrize("name", FAULTS)
def test_faults(make_client, server, name):
    client = secretive(make_client, server.port)
    for call in ("the client's", "by keyword", "positional", "of a write"):
        if (FAULTS[name].slow or name == "silence") and call != "positional":
            continue
        token = CLIENTS if call == "the client's" else CALLS
        fault = FAULTS[name]
        server.script += [
            fault._replace(sent=fault.sent.replace(SENT_BACK.encode(), token.encode()))
        ]
        error = caught(CALL[call], client)
        assert isinstance(error, package.ConsulException), error
        assert reveals(error) == [], call
    # Or it would prove nothing; a call that ran out of time may not have been sent.
    if not isinstance(error, package.Timeout):
        assert any(CLIENTS in head or CALLS in head for head in server.requests)


@pytest.mark.behaviour("Secrets", "No report of a fault shows a token or a password")
@pytest.mark.parametrize("options", [{"retry": True}, {"max_polls": 1}, {"hooked": True}], ids=str)
@pytest.mark.parametrize("name", ["truncated chunks", "huge header", "503", "silence", "bad gzip"])
def test_faults_with_hooks_and_repeats(make_client, server, name, options):
    seen = []

    def look(exchange):
        seen.append(
            shown(exchange) + shown({name: shown(getattr(exchange, name)) for name in NAMES})
        )

    if options.pop("hooked", False):
        options = {"on_request": look, "on_response": look}
    client = secretive(make_client, server.port, **options)
    for call in ("positional", "a poll"):
        server.script.clear()
        server.script += [FAULTS[name]] * 50
        assert reveals(caught(CALL[call], client)) == [], call
    assert not any(secret in text for text in seen for secret in SECRETS)


NAMES = ("method", "path", "route", "response", "error", "context", "seconds")


@pytest.mark.behaviour("Secrets", "No report of a fault shows a token or a password")
@pytest.mark.parametrize("what", ["refused", "no such host", "no such socket", "no TLS", "bad TLS"])
def test_no_connection(make_client, server, what, tmp_path):
    options = {
        "refused": {"port": 1},
        "no such host": {"host": "nowhere.invalid", "trust_env": False},
        "no such socket": {"host": f"unix://{tmp_path}/none", "port": None},
        "no TLS": {"scheme": "https", "verify": False},
        "bad TLS": {"scheme": "https"},
    }[what]
    if what == "bad TLS":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        server.tls = context
    options = {"port": server.port, "timeout": 0.5 if what == "no TLS" else 5, **options}
    client = secretive(make_client, **options)
    for call in ("the client's", "positional", "of a write"):
        error = caught(CALL[call], client)
        assert isinstance(error, package.ConsulException), error
        assert reveals(error) == [], call


@pytest.mark.behaviour("Secrets", "No report of a fault shows the password of a proxy")
@pytest.mark.parametrize("name", ["refused", "truncated chunks", "407", "noise", "silence"])
def test_proxy(make_client, flavour, server, name):
    if flavour.name in ("tornado", "twisted"):
        pytest.skip("it uses no proxy")
    port = 1 if name == "refused" else server.port
    client = secretive(
        make_client, 1, proxy=f"http://me:{PROXYS}@127.0.0.1:{port}", host="10.9.8.7"
    )
    fault = FAULTS.get(name, Fault(http("407 Proxy Authentication Required"), "keep"))
    for call in ("the client's", "positional", "of a write"):
        server.script.append(fault)
        error = caught(CALL[call], client)
        assert isinstance(error, package.ConsulException), error
        assert reveals(error) == [], call


WRONG = {
    "key": lambda client: client.kv.get("", token=CALLS),
    "index": lambda client: client.kv.get("a", index="x", token=CALLS),
    "wait": lambda client: client.kv.get("a", 1, False, "soon", CALLS),
    "value": lambda client: client.kv.put("a", object(), token=CALLS),
    "keyword": lambda client: client.kv.get("a", indx=1, token=CALLS),
    "positional": lambda client: client.kv.get("a", None, False, None, CALLS, "sometimes"),
    "type of the token": lambda client: client.kv.get("a", token=[CALLS]),
    "line end in the token": lambda client: client.kv.get("a", token=f"{CALLS}\n"),
    "token beyond ASCII": lambda client: client.kv.get("a", token=f"{CALLS}\u2028"),
    "check": lambda client: client.agent.service.register("a", check=["x"], token=CALLS),
}


@pytest.mark.behaviour("Secrets", "No report of wrong arguments shows a token or a password")
@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments(make_client, name):
    error = caught(WRONG[name], secretive(make_client, 1))
    assert isinstance(error, (TypeError, ValueError)), error
    assert reveals(error) == []


@pytest.mark.behaviour("Secrets", "No report of wrong arguments shows a token or a password")
@pytest.mark.parametrize(
    "options",
    [
        {"token": f"{CLIENTS}\n"},
        {"token": CLIENTS, "timeout": "soon"},
        {"token": CLIENTS, "headers": {"A": "\n"}},
        {"auth": f"me:{PASSWORD}\n"},
        {"auth": ("me", PASSWORD, "more")},
        {"proxy": f"http://me:{PROXYS}@[bad"},
        {"proxy": f"ftp://me:{PROXYS}@a"},
        {"host": f"http://me:{PASSWORD}@a:b"},
        {"port": 1, "host": f"http://me:{PASSWORD}@a:2/?x"},
    ],
    ids=str,
)
def test_wrong_settings(flavour, options):
    error = caught(flavour.module.Consul, **options)
    assert isinstance(error, (TypeError, ValueError)), error
    # The frames of the constructor have what it was given.
    texts = [text for where, text in texts_of(error) if " in " not in where]
    assert not [text for text in texts for secret in SECRETS if secret in text]


@pytest.mark.behaviour("Secrets", "No report of a fault shows a token or a password")
def test_after_the_close(make_client, server):
    client = secretive(make_client, server.port)
    client.close()
    for call in CALL.values():
        assert reveals(caught(call, client)) == []


@pytest.mark.behaviour("Secrets", "A token that is a common word does not mangle texts")
@pytest.mark.parametrize("token", ["v1", "kv", "root", "GET", "500", "fault", "a"])
def test_common_words(make_client, server, token):
    body = f"the root of v1 is a {token} fault, GET kv"
    server.fault = Fault(http("500 Internal Server Error", body.encode()), "keep")
    client = make_client(port=server.port, token=token, retry=False, timeout=5, auth=f"me:{token}")
    error = caught(client.kv.get, "fault")
    assert (error.path, error.body) == (FAULT, body)
    assert str(error) == f"GET http://127.0.0.1:{server.port}{FAULT}: 500 {body}"
    assert f"X-Consul-Token: {token}" in server.requests[0]

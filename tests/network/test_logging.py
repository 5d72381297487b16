"""What the library writes to the log: for whoever looks for trouble, and no secret."""

from __future__ import annotations

import gzip
import logging
import re

import pytest

import consul as package
from tests.faults import FAULT, GOOD, Fault, FaultServer, http

TOKEN = "5ec2e7aa-0000-4000-8000-000000000001"
VALUE = "a-value-that-is-nobody-else's"
QUERY = "a-filter-of-the-query"
LINE = re.compile(r"(GET|PUT|DELETE) (/v1/\S+): (\w+) in \d+\.\d ms")


@pytest.fixture
def log(caplog):
    """All records at INFO or above, and all of ours."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "consul")
    return caplog


def lines(log):
    """What our lines say: method, path, outcome."""
    found = [record for record in log.records if record.name.partition(".")[0] == "consul"]
    assert {(record.name, record.levelno) for record in found} <= {("consul", logging.DEBUG)}
    matches = [LINE.fullmatch(record.getMessage()) for record in found]
    assert all(matches), [record.getMessage() for record in found]
    return [match.groups() for match in matches]


def quiet(log):
    """Nobody, our HTTP libraries included, wrote at INFO or above, or a secret anywhere.

    But Tornado, which says what is wrong with an answer or a handshake nowhere else.
    """
    others = [record for record in log.records if record.name != "tornado.general"]
    assert [record for record in others if record.levelno >= logging.INFO] == []
    for record in log.records:
        text = record.getMessage() + repr(record.args) + repr(vars(record))
        for secret in (TOKEN, VALUE, QUERY):
            assert secret not in text
    return True


@pytest.mark.behaviour("Logging", "a line for each exchange, at DEBUG, by the logger consul")
def test_lines(make_client, log, recorder):
    client = make_client(port=recorder.port, token=TOKEN)
    client.kv.get("good", dc=QUERY)
    client.kv.put("good", VALUE, cas=3)
    client.kv.delete("good")
    client.acl.info(TOKEN)
    assert lines(log) == [
        ("GET", "/v1/kv/good", "200"),
        ("PUT", "/v1/kv/good", "200"),
        ("DELETE", "/v1/kv/good", "200"),
        ("GET", "/v1/acl/info/<hidden>", "200"),
    ]
    assert quiet(log)


@pytest.mark.behaviour("Logging", "nothing above DEBUG")
def test_silent(make_client, caplog, recorder):
    caplog.set_level(logging.INFO)
    client = make_client(port=recorder.port, token=TOKEN, retry=False)
    client.kv.get("good")
    with pytest.raises(package.ServerError):
        client.kv.get("fault")
    assert caplog.records == []


FAULTS = {
    "500": (Fault(http("500 Internal Server Error", TOKEN.encode()), "keep"), "500"),
    "403": (Fault(http("403 Forbidden", TOKEN.encode()), "keep"), "403"),
    "not JSON": (Fault(http("200 OK", b"<html>"), "keep"), "200"),
    "bad gzip": (Fault(http("200 OK", b"x", "Content-Encoding: gzip"), "keep"), None),
    "redirect": (Fault(http("301 Moved", b"", f"Location: /?token={TOKEN}"), "keep"), "301"),
    "closed": (Fault(b""), "ConnectionFailed"),
    "reset": (Fault(b"", "reset"), "ConnectionFailed"),
    "noise": (Fault(TOKEN.encode() + b"\r\n\r\n"), "ConnectionFailed"),
    "truncated": (Fault(http("200 OK", b"[", length=100)), "ConnectionFailed"),
    "bad header": (Fault(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), None),
    "silence": (Fault(b"", "hang"), "Timeout"),
    "too much": (Fault(http("200 OK", b"[]") + b"and more"), None),
}


@pytest.mark.behaviour("Logging", "faults have their line, and no secret in it")
@pytest.mark.parametrize("name", FAULTS)
def test_faults(make_client, log, recorder, name):
    recorder.fault, outcome = FAULTS[name]
    client = make_client(port=recorder.port, token=TOKEN, timeout=0.5, retry=False)
    try:
        client.kv.get("fault", dc=QUERY)
    except package.ConsulException:
        pass
    else:
        assert outcome is None
    (line,) = lines(log)
    assert line[:2] == ("GET", FAULT)
    if outcome is not None:
        assert line[2] == outcome or line[2].endswith(outcome)
    # Another client, for the server may be about to close the connection.
    assert make_client(port=recorder.port, token=TOKEN).kv.get("good")[0] == 7
    client.close()
    assert len(lines(log)) == 2
    assert quiet(log)


@pytest.mark.behaviour("Logging", "a connection that cannot be made has its line")
def test_refused(make_client, log):
    with FaultServer(listens=False) as server:
        client = make_client(port=server.port, token=TOKEN, timeout=5)
        with pytest.raises(package.ConnectionFailed):
            client.kv.put("fault", VALUE, cas=3)
    assert lines(log) == [("PUT", FAULT, "ConnectionFailed")]
    assert quiet(log)


@pytest.mark.behaviour("Logging", "a TLS handshake that fails has its line")
def test_tls(make_client, log, recorder):
    import ssl

    import trustme

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with FaultServer(context) as server:
        client = make_client(port=server.port, scheme="https", token=TOKEN, timeout=5)
        with pytest.raises(package.TLSError):
            client.kv.get("fault")
    assert lines(log) == [("GET", FAULT, "TLSError")]
    assert quiet(log)


@pytest.mark.behaviour("Logging", "each repeat has its line")
def test_repeats(make_client, log, recorder):
    recorder.script.append(Fault(http("503 Service Unavailable", TOKEN.encode()), "keep"))
    recorder.script.append(Fault(b"", "reset"))
    client = make_client(port=recorder.port, token=TOKEN, timeout=5)
    assert client.kv.get("good")[0] == 7
    outcomes = [outcome for _, _, outcome in lines(log)]
    assert outcomes == ["503", "ConnectionFailed", "200"]
    assert quiet(log)


@pytest.mark.behaviour("Logging", "nothing of a value, compressed or not")
def test_values(make_client, log, recorder, agent, prefix):
    client = make_client(port=agent.port, compress=True)
    assert client.kv.put(prefix, VALUE * 200) is True
    assert client.kv.get(prefix)[1]["Value"] == VALUE.encode() * 200
    recorder.fault = Fault(http("200 OK", gzip.compress(GOOD), "Content-Encoding: gzip"), "keep")
    client = make_client(port=recorder.port, compress=True)
    assert client.kv.get("fault")[1]["Value"] == b"good"
    assert len(lines(log)) == 3
    assert quiet(log)

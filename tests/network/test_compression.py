"""gzip: asked for where it is worth it, understood wherever it comes, and noticed when broken."""

from __future__ import annotations

import gzip
import json
import os
import re
from base64 import b64encode

import pytest

import consul as package
from tests.faults import FAULT, GOOD, Fault, http, works

INDEX = "X-Consul-Index: 7"
ZIPPED = gzip.compress(GOOD)
#: A large answer: a gigabyte of it would be sent as a megabyte, 20 MB are enough to see.
LARGE = json.dumps(
    [{"Key": "fault", "Value": b64encode(bytes(15_000_000)).decode(), "Flags": 0}]
).encode()

BROKEN = {
    "no gzip": GOOD,
    "truncated": ZIPPED[: len(ZIPPED) // 2],
    "without its end": ZIPPED[:-4],
    "wrong checksum": ZIPPED[:-8] + bytes(8),
    "header only": ZIPPED[:10],
    "damaged": ZIPPED[:20] + b"\xff\xff\xff\xff" + ZIPPED[24:],
    "empty": b"",
}


def asked(head):
    """What a request says of compressed answers."""
    found = re.search(r"(?im)^accept-encoding: *(.*?)\r?$", head)
    return found[1] if found else "identity"


@pytest.mark.behaviour("Compression", "not asked for on this machine, unless told to")
def test_asked(make_client, recorder):
    for compress, expected in ((None, "identity"), (False, "identity"), (True, "gzip")):
        client = make_client(port=recorder.port, compress=compress)
        assert works(client)
        assert client.kv.put("good", b"x") is True
        assert [asked(head) for head in recorder.requests[-2:]] == [expected] * 2


@pytest.mark.behaviour("Compression", "asked for from other machines")
def test_asked_elsewhere(make_client, flavour):
    client = make_client(host="agent.example")
    assert dict(client.headers)["Accept-Encoding"] == "gzip"
    assert dict(make_client(host="agent.example", compress=False).headers) != client.headers


@pytest.mark.behaviour("Compression", "a compressed answer is understood, asked for or not")
@pytest.mark.parametrize("compress", [None, True])
@pytest.mark.parametrize("field", ["gzip", "GZIP", "x-gzip"])
def test_understood(make_client, recorder, compress, field):
    answer = http("200 OK", ZIPPED, INDEX, f"Content-Encoding: {field}")
    recorder.fault = Fault(answer, "keep")
    client = make_client(port=recorder.port, compress=compress)
    for _ in range(2):
        index, pair = client.kv.get("fault")
        assert (index, pair["Value"]) == (7, b"good")
    assert works(client)


@pytest.mark.behaviour("Compression", "compressed answers are understood in chunks, too")
def test_chunks(make_client, recorder):
    parts = [ZIPPED[:15], ZIPPED[15:]]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n"
    recorder.fault = Fault(f"{head}{INDEX}\r\n\r\n".encode() + chunks + b"0\r\n\r\n", "keep")
    client = make_client(port=recorder.port, compress=True)
    assert client.kv.get("fault")[1]["Value"] == b"good"
    assert works(client)


@pytest.mark.behaviour("Compression", "a large answer that was small on the wire")
def test_large(make_client, recorder):
    recorder.fault = Fault(
        http("200 OK", gzip.compress(LARGE, 1), INDEX, "Content-Encoding: gzip"), "keep"
    )
    client = make_client(port=recorder.port, compress=True)
    assert client.kv.get("fault")[1]["Value"] == bytes(15_000_000)
    assert works(client)


@pytest.mark.behaviour("Compression", "errors in compressed answers are read")
def test_errors(make_client, recorder):
    recorder.fault = Fault(
        http("500 Internal Server Error", gzip.compress(b"disk on fire"), "Content-Encoding: gzip"),
        "keep",
    )
    client = make_client(port=recorder.port, compress=True)
    with pytest.raises(package.ServerError, match="disk on fire") as caught:
        client.kv.get("fault")
    assert caught.value.body == "disk on fire"
    assert works(client)


@pytest.mark.behaviour("Compression", "answers of an agent, large ones compressed")
def test_agent(make_client, agent, prefix):
    value = (b"a line that is like many others\n" * 200 + os.urandom(1000)) * 20
    seen = []
    client = make_client(port=agent.port, compress=True)
    watched = make_client(port=agent.port, compress=True, on_response=seen.append)
    plain = make_client(port=agent.port)
    assert client.kv.put(prefix, value) is True
    for each in (client, watched, plain, client):
        assert each.kv.get(prefix)[1]["Value"] == value
        assert each.kv.get(f"{prefix}-absent")[1] is None
        assert each.agent.self()["Config"]["NodeName"] == agent.name
    # A hook sees what the call was given.
    assert len(json.loads(seen[0].response.body)) == 1
    assert client.kv.delete(prefix) is True


@pytest.mark.behaviour("Compression", "hooks see the answer that the call is given")
def test_hooks(make_client, recorder):
    recorder.fault = Fault(http("200 OK", ZIPPED, INDEX, "Content-Encoding: gzip"), "keep")
    seen = []
    client = make_client(port=recorder.port, compress=True, on_response=seen.append)
    assert client.kv.get("fault")[1]["Value"] == b"good"
    assert [(one.status, one.response.body, one.error) for one in seen] == [(200, GOOD, None)]


@pytest.mark.behaviour("Compression", "a broken compressed answer is a BadAnswer")
@pytest.mark.parametrize("compress", [None, True])
@pytest.mark.parametrize("name", BROKEN)
def test_broken(make_client, recorder, name, compress):
    recorder.fault = Fault(http("200 OK", BROKEN[name], "Content-Encoding: gzip"), "keep")
    client = make_client(port=recorder.port, compress=compress, timeout=5)
    with pytest.raises(package.BadAnswer) as caught:
        client.kv.get("fault")
    assert type(caught.value) is package.BadAnswer
    assert caught.value.status == 200
    assert f"{FAULT}: 200 " in str(caught.value)
    assert recorder.paths() == [FAULT]
    assert works(client)
    assert len(recorder.requests) == 2


@pytest.mark.behaviour("Compression", "a compression that nobody asked for is a BadAnswer")
@pytest.mark.parametrize("kind", ["br", "zstd", "gzip, gzip"])
def test_unknown(make_client, recorder, kind):
    recorder.fault = Fault(http("200 OK", GOOD, f"Content-Encoding: {kind}"), "keep")
    client = make_client(port=recorder.port, compress=True, timeout=5)
    with pytest.raises(package.BadAnswer, match=kind):
        client.kv.get("fault")
    assert works(client)

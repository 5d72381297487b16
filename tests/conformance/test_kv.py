"""The key/value store on real servers, in every flavour."""

from __future__ import annotations

import base64
import threading
import time
import unicodedata
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consul import ACLPermissionDenied, ClientError
from consul.callback import Indexed
from tests.agent import Agent

# What servers accept as they get it: printable in old and new editions of Unicode (a server knows
# that of its Go), and no space at either end (1.22 refuses those).
PRINTABLE = st.characters(categories=("L", "M", "N", "P", "S"), include_characters=" ").filter(
    lambda char: char == " " or unicodedata.ucd_3_2_0.category(char)[0] in "LMNPS"
)
SEGMENT = st.text(PRINTABLE, min_size=1, max_size=8).filter(
    lambda text: "/" not in text and ".." not in text and text != "." and text == text.strip()
)
KEYS = st.lists(SEGMENT, min_size=1, max_size=3).map("/".join)
VALUES = st.one_of(st.binary(max_size=64), st.text(max_size=32))


def test_put_and_get(consul, prefix):
    assert consul.kv.put(f"{prefix}/a", "ü") is True
    found = consul.kv.get(f"{prefix}/a")
    assert isinstance(found, Indexed)
    index, pair = found
    assert isinstance(index, int)
    assert index == found.index == found.meta.index
    assert pair["Key"] == f"{prefix}/a"
    assert pair["Value"] == "ü".encode()
    assert pair["Flags"] == 0
    assert found.meta.known_leader is True
    assert found.meta.last_contact == 0


def test_missing_key_has_an_index_and_no_data(consul, prefix):
    index, pair = consul.kv.get(f"{prefix}/missing")
    assert index > 0
    assert pair is None
    assert consul.kv.get(f"{prefix}/missing/", recurse=True).data is None
    assert consul.kv.get(f"{prefix}/missing/", keys=True).data is None


@pytest.mark.parametrize("value", [None, "", b""])
def test_empty_value_is_none_and_not_missing(consul, prefix, value):
    consul.kv.put(f"{prefix}/empty", value)
    pair = consul.kv.get(f"{prefix}/empty").data
    assert pair is not None
    assert pair["Value"] is None


def test_null_is_a_value(consul, prefix):
    consul.kv.put(f"{prefix}/null", "null")
    assert consul.kv.get(f"{prefix}/null").data["Value"] == b"null"


def test_binary_value_and_bytes_key(consul, prefix):
    raw = bytes(range(256))
    key = f"{prefix}/ключ".encode()
    consul.kv.put(key, raw)
    pair = consul.kv.get(key).data
    assert pair["Key"] == key.decode()
    assert pair["Value"] == raw


def test_recurse_and_keys(consul, prefix):
    for name in ("a", "b/c", "b/d"):
        consul.kv.put(f"{prefix}/{name}", name)
    pairs = consul.kv.get(f"{prefix}/", recurse=True).data
    assert [pair["Value"] for pair in pairs] == [b"a", b"b/c", b"b/d"]
    every = consul.kv.get(f"{prefix}/", keys=True).data
    assert every == [f"{prefix}/a", f"{prefix}/b/c", f"{prefix}/b/d"]
    assert consul.kv.get(f"{prefix}/", keys=True, separator="/").data == [
        f"{prefix}/a",
        f"{prefix}/b/",
    ]
    assert f"{prefix}/a" in consul.kv.get("", keys=True).data


def test_delete(consul, prefix):
    for name in ("a", "ab", "b"):
        consul.kv.put(f"{prefix}/{name}", name)
    assert consul.kv.delete(f"{prefix}/b") is True
    assert consul.kv.delete(f"{prefix}/b") is True
    assert consul.kv.get(f"{prefix}/", keys=True).data == [f"{prefix}/a", f"{prefix}/ab"]
    assert consul.kv.delete(f"{prefix}/a", recurse=True) is True
    assert consul.kv.get(f"{prefix}/", keys=True).data is None


def test_cas(consul, prefix):
    key = f"{prefix}/cas"
    assert consul.kv.put(key, "1", cas=0) is True
    assert consul.kv.put(key, "2", cas=0) is False
    modified = consul.kv.get(key).data["ModifyIndex"]
    assert consul.kv.put(key, "3", cas=modified - 1) is False
    assert consul.kv.put(key, "3", cas=str(modified)) is True
    assert consul.kv.delete(key, cas=modified) is False
    assert consul.kv.delete(key, cas=0) is False
    assert consul.kv.delete(key, cas=consul.kv.get(key).data["ModifyIndex"]) is True


def test_flags_up_to_64_bits(consul, prefix):
    for flags in (0, 2**64 - 1):
        consul.kv.put(f"{prefix}/flags", "x", flags=flags)
        assert consul.kv.get(f"{prefix}/flags").data["Flags"] == flags


@pytest.fixture(scope="module")
def small_agent(server):
    """An agent that takes small values only.

    It reads a short body to its end before it refuses it; one above the normal limit it may answer
    by a reset, in the midst of the writing.
    """
    with Agent(server, config={"limits": {"kv_max_value_size": 100}}) as agent:
        yield agent


def test_value_too_large(make_client, small_agent, prefix):
    client = make_client(port=small_agent.port)
    assert client.kv.put(f"{prefix}/large", b"x" * 100) is True
    with pytest.raises(ClientError) as caught:
        client.kv.put(f"{prefix}/large", b"x" * 101)
    assert caught.value.status == 413
    assert caught.value.method == "PUT"


@pytest.mark.parametrize("consistency", ["default", "consistent", "stale"])
def test_consistency(consul, prefix, consistency):
    consul.kv.put(f"{prefix}/x", "x")
    assert consul.kv.get(f"{prefix}/x", consistency=consistency).data["Value"] == b"x"


def test_blocking_read_ends_with_wait(consul, prefix):
    index, _ = consul.kv.get(f"{prefix}/idle")
    start = time.monotonic()
    again = consul.kv.get(f"{prefix}/idle", index=index, wait="300ms")
    assert 0.25 < time.monotonic() - start < 5
    assert again.data is None


def test_blocking_read_wakes_on_a_write(consul, agent, prefix):
    consul.kv.put(f"{prefix}/woken", "old")
    index, _ = consul.kv.get(f"{prefix}/woken")
    timer = threading.Timer(0.3, agent.request, ("PUT", f"/v1/kv/{prefix}/woken", b"new"))
    timer.start()
    start = time.monotonic()
    try:
        woken = consul.kv.get(f"{prefix}/woken", index=str(index), wait="20s")
    finally:
        timer.join()
    assert 0.2 < time.monotonic() - start < 10
    assert woken.data["Value"] == b"new"
    assert woken.index > index


@pytest.mark.parametrize(
    "key", ["", "/a", "a//b", "a/../b", "../a", ".", "a/.", "a\nb", "a\x00", "\x7f", "\ud800"]
)
def test_keys_that_are_refused_before_anything_is_sent(consul, prefix, key):
    for call in (
        lambda: consul.kv.get(key),
        lambda: consul.kv.put(key, "x"),
        lambda: consul.kv.delete(key),
    ):
        with pytest.raises(ValueError, match="key"):
            call()


@pytest.mark.behaviour("Endpoints", "a transaction reaches the keys that no URL can have")
@pytest.mark.parametrize("key", ["/lead", "a//b", "a/../b", "ctl\n"])
def test_keys_that_only_a_transaction_reaches(consul, prefix, key):
    # The dots of a key with its prefix would be resolved all the same.
    key = key if key.startswith("/") else f"{prefix}/{key}"
    write = {"Verb": "set", "Key": key, "Value": base64.b64encode(b"x").decode()}
    assert consul.txn.put([{"KV": write}])["Results"][0]["KV"]["Key"] == key
    with pytest.raises(ValueError, match=r"^key .* only txn\.put can reach such a key$"):
        consul.kv.get(key)
    (found,) = consul.txn.put([{"KV": {"Verb": "get", "Key": key}}])["Results"]
    assert base64.b64decode(found["KV"]["Value"]) == b"x"
    consul.txn.put([{"KV": {"Verb": "delete", "Key": key}}])


@pytest.mark.parametrize("value", [1, 1.5, {}, ["x"], True])
def test_values_that_are_refused_before_anything_is_sent(consul, prefix, value):
    with pytest.raises(TypeError, match="value"):
        consul.kv.put(f"{prefix}/x", value)
    assert consul.kv.get(f"{prefix}/x").data is None


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(key=KEYS, value=VALUES)
def test_any_legal_key_and_value_come_back(consul, prefix, key, value):
    # Below a folder of its own: examples must not meet.
    key = f"{prefix}/{uuid.uuid4().hex}/{key}"
    assert consul.kv.put(key, value) is True
    pair = consul.kv.get(key).data
    assert pair["Key"] == key
    assert (pair["Value"] or b"") == (value.encode() if isinstance(value, str) else value)
    assert consul.kv.get(key, keys=True).data == [key]
    assert consul.kv.delete(key) is True
    assert consul.kv.get(key).data is None


def test_a_refused_token_is_named_by_class_and_not_by_text(acl_client, prefix):
    master = acl_client()
    master.kv.put(f"{prefix}/secret", "x")
    token = str(uuid.uuid4())
    stranger = acl_client(token=token)
    with pytest.raises(ACLPermissionDenied) as caught:
        stranger.kv.put(f"{prefix}/secret", "y")
    assert caught.value.status == 403
    assert f"/v1/kv/{prefix}/secret: 403" in str(caught.value)
    assert token not in f"{caught.value!r} {caught.value} {stranger!r} {stranger.kv!r}"
    assert master.kv.get(f"{prefix}/secret").data["Value"] == b"x"


def test_token_of_one_call(acl_client, acl_agent, prefix):
    nobody = acl_client(token="")
    with pytest.raises(ACLPermissionDenied):
        nobody.kv.put(f"{prefix}/x", "x")
    assert nobody.kv.put(f"{prefix}/x", "x", token=acl_agent.token) is True

"""Python values as Consul takes them: quoting, and forms of values."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consul.core import values

# Paths

GOOD_KEYS = (
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)
    .filter(lambda key: not key.startswith("/") and "//" not in key)
    .filter(lambda key: not {".", ".."} & set(key.split("/")))
)


@given(GOOD_KEYS)
@example("a b+c%2F?x=1#y&z;")
@example("ключ/鍵")
@example("...")
@example("folder/")
def test_kv_path_round_trips(key):
    path = values.kv_path("key", key)
    assert unquote(path) == key
    assert path.count("/") == key.count("/")
    assert urlsplit(f"http://h/v1/kv/{path}").path == f"/v1/kv/{path}"


@given(GOOD_KEYS)
def test_segment_round_trips_and_is_one_segment(name):
    path = values.segment("name", name)
    assert unquote(path) == name
    assert "/" not in path


@given(st.binary(min_size=1))
def test_bytes_keys_round_trip_or_are_refused(key):
    try:
        path = values.kv_path("key", key)
    except ValueError:
        odd = any(byte < 0x20 or byte == 0x7F for byte in key)
        dots = {b".", b".."} & set(key.split(b"/"))
        assert odd or dots or key.startswith(b"/") or b"//" in key
    else:
        assert unquote_to_bytes(path) == key


def test_bytes_and_text_are_the_same_key():
    assert values.kv_path("key", "é/x") == values.kv_path("key", "é/x".encode()) == "%C3%A9/x"


@pytest.mark.parametrize("quoting", [values.kv_path, values.segment])
@pytest.mark.parametrize(
    "value",
    [
        ".",
        "..",
        "a/..",
        "../a",
        "a/../b",
        "a/./b",
        "/a",
        "",
        "a\nb",
        "a\0",
        "\x7f",
        "\ud800",
        b"a\r",
    ],
)
def test_dangerous_paths_are_refused_by_name(quoting, value):
    with pytest.raises(ValueError, match=r"^the key "):
        quoting("the key", value)


@pytest.mark.parametrize("value", [None, 1, 1.5, ["a"], True])
def test_paths_are_text_or_bytes(value):
    with pytest.raises(TypeError, match=r"^key must be str or bytes"):
        values.kv_path("key", value)


def test_empty_segments_are_refused_in_keys_only():
    with pytest.raises(ValueError, match=r"'//'"):
        values.kv_path("key", "a//b")
    assert values.segment("id", "a//b") == "a%2F%2Fb"


def test_the_empty_key_is_for_those_who_ask():
    assert values.kv_path("key", "", empty=True) == ""
    with pytest.raises(ValueError, match=r"empty"):
        values.kv_path("key", "")


@pytest.mark.parametrize("value", ["a%2e%2e", "%2e%2e", "..a", "a..", ".hidden", "a/...", "a\\b"])
def test_harmless_dots_and_percents_stay_what_they_are(value):
    assert unquote(values.kv_path("key", value)) == value


# Values


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, b""), ("", b""), ("é", b"\xc3\xa9"), (b"\0\xff", b"\0\xff"), (bytearray(b"x"), b"x")],
)
def test_octets(value, expected):
    assert values.body_bytes("value", value) == expected
    assert type(values.body_bytes("value", value)) is bytes


@pytest.mark.parametrize("value", [{}, [], 1, 1.0, True, object()])
def test_octets_refuses_what_is_not_a_value(value):
    with pytest.raises(TypeError, match=r"^value must be"):
        values.body_bytes("value", value)


def test_octets_refuses_lone_surrogates():
    with pytest.raises(ValueError, match=r"^value has lone surrogates"):
        values.body_bytes("value", "\udcff")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10s", "10s"),
        ("1h2m3.5s", "1h2m3.5s"),
        ("10µs", "10µs"),
        (0, "0s"),
        (10, "10s"),
        (100, "100s"),
        (86400.0, "86400s"),
        (0.001, "0.001s"),
        (1e-12, "0.000000001s"),
        (timedelta(minutes=1, milliseconds=5), "60.005s"),
    ],
)
def test_duration(value, expected):
    assert values.duration("ttl", value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "10",
        "",
        "s",
        "1 s",
        "-1s",
        "1d",
        "10s ",
        "10s\n",
        "1e3s",
        "\uff11s",
        -1,
        float("nan"),
        float("inf"),
    ],
)
def test_what_is_no_duration(value):
    with pytest.raises(ValueError, match=r"^ttl must be"):
        values.duration("ttl", value)


@pytest.mark.parametrize("value", [True, None, b"10s", [1]])
def test_a_duration_of_another_type(value):
    with pytest.raises(TypeError, match=r"^ttl must be"):
        values.duration("ttl", value)


@given(st.floats(0, 1e9, allow_nan=False))
def test_duration_and_seconds_agree(value):
    read = values.seconds("wait", values.duration("wait", value))
    assert read == pytest.approx(value, abs=1e-9)
    assert (read == 0) == (value == 0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1m30s", 90), (".5s", 0.5), ("1.s", 1), ("250ms", 0.25), ("0", 0), (2, 2), ("1h", 3600)],
)
def test_seconds(value, expected):
    assert values.seconds("wait", value) == pytest.approx(expected)


def test_flag():
    texts = (True, False, "true", "false")
    assert [values.true_false("x", value) for value in texts] == ["true", "false"] * 2


@pytest.mark.parametrize("value", [1, 0, None, "yes", "True", "", []])
def test_what_is_no_flag(value):
    with pytest.raises(ValueError, match=r"^enable must be True or False"):
        values.true_false("enable", value)


@pytest.mark.parametrize(
    ("value", "expected"), [(True, "1"), ("", ""), ("é", "é"), (5, "5"), (False, "False")]
)
def test_text(value, expected):
    assert values.query_text("x", value) == expected


@pytest.mark.parametrize("value", ["", "a b", "x" * 9000, "~!@#"])
def test_what_a_header_can_carry(value):
    assert values.header("token", value) == value


@pytest.mark.parametrize("value", [" a", "a ", "a\n", "a\0", "é", "\x7f"])
def test_what_a_header_cannot_carry(value):
    with pytest.raises(ValueError, match=r"^token has characters that a header cannot carry$"):
        values.header("token", value)


@pytest.mark.parametrize(
    ("host", "expected"), [("h", "h"), ("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("[::1]",) * 2]
)
def test_bracketed(host, expected):
    assert values.bracketed(host) == expected


def test_json_bytes():
    assert json.loads(values.json_bytes({"é": [None, 1]})) == {"é": [None, 1]}
    assert type(values.json_bytes("")) is bytes


def test_present():
    falsy = {"a": 0, "b": "", "c": False, "d": []}
    assert values.without_none({**falsy, "e": None}) == falsy

"""Python values as Consul takes them: quoting, and forms of values."""

from __future__ import annotations

import enum
import ipaddress
import json
import uuid
from datetime import UTC, datetime, timedelta, timezone
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


def test_slashes_lead_elsewhere_in_keys_only():
    with pytest.raises(ValueError, match=r"'//'"):
        values.kv_path("key", "a//b")
    with pytest.raises(ValueError, match=r"start with '/'"):
        values.kv_path("key", "/a")
    assert values.segment("id", "a//b") == "a%2F%2Fb"
    assert values.segment("id", "/pod/web") == "%2Fpod%2Fweb"


@pytest.mark.parametrize("key", ["/lead", "a//b", "ctl\n", "a/../b", b"/lead", b"\x00"])
def test_the_error_of_a_key_that_no_url_can_have_names_the_way(key):
    with pytest.raises(ValueError, match=r"only txn\.put can reach"):
        values.kv_path("key", key)
    with pytest.raises(ValueError, match=r"^key must not be empty$"):
        values.kv_path("key", "")


@pytest.mark.parametrize("quoting", [values.kv_path, values.segment])
def test_objects_with_one_text_are_paths(quoting):
    number = uuid.UUID(int=5)
    assert quoting("id", number) == str(number)
    assert quoting("id", ipaddress.ip_address("10.0.0.1")) == "10.0.0.1"
    assert unquote(quoting("id", ipaddress.ip_address("::1"))) == "::1"
    assert quoting("id", bytearray(b"a")) == "a"
    assert quoting("id", Word.ONE) == "one"


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


@pytest.mark.parametrize("value", [True, "1", "t", "T", "true", "TRUE", "True"])
def test_true(value):
    assert values.flag("x", value) is True
    assert values.true_false("x", value) == "true"


@pytest.mark.parametrize("value", [False, "0", "f", "F", "false", "FALSE", "False"])
def test_false(value):
    assert values.flag("x", value) is False
    assert values.true_false("x", value) == "false"


@pytest.mark.parametrize("value", ["yes", "no", "tRUE", "", " 1", "on", "2"])
def test_words_that_are_no_flag(value):
    with pytest.raises(ValueError, match=r"^enable must be True or False"):
        values.flag("enable", value)


@pytest.mark.parametrize("value", [1, 0, 1.0, [], b"1", object()])
def test_what_is_no_flag(value):
    with pytest.raises(TypeError, match=r"^enable must be True or False"):
        values.flag("enable", value)


def test_a_flag_that_is_not_given():
    assert values.flag("x", None) is None
    with pytest.raises(TypeError, match=r"^x must be True or False, not None"):
        values.true_false("x", None)


class Word(str, enum.Enum):  # noqa: UP042, whose str() is "Word.ONE"
    ONE = "one"


class Small(enum.IntEnum):
    SEVEN = 7


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (7, 7),
        ("7", 7),
        ("007", 7),
        ("0", 0),
        ("00", 0),
        (Small.SEVEN, 7),
        (2**64 - 1, 2**64 - 1),
        (str(2**64 - 1), 2**64 - 1),
    ],
)
def test_number(value, expected):
    found = values.number("cas", value)
    assert found == expected
    assert type(found) is int


@pytest.mark.parametrize(
    "value", [-1, "-1", "", "abc", "1.0", " 1", "+1", "1_0", "\u0661", 2**64, "9" * 5000]
)
def test_numbers_that_make_no_sense(value):
    with pytest.raises(ValueError, match=r"^cas must be a whole number from 0 to 2\*\*64-1"):
        values.number("cas", value)


@pytest.mark.parametrize("value", [True, 1.0, None, b"1", [1]])
def test_what_is_no_number(value):
    with pytest.raises(TypeError, match=r"^cas must be a whole number"):
        values.number("cas", value)


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (80, 80), ("80", 80), (65535, 65535)])
def test_port(value, expected):
    assert values.port("port", value) == expected


@pytest.mark.parametrize("value", [-1, 65536, 70000, "70000", "http", True, 80.5, 3306.0])
def test_what_is_no_port(value):
    with pytest.raises((TypeError, ValueError), match=r"^port must be a whole number"):
        values.port("port", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ""),
        ("é", "é"),
        (b"\xc3\xa9", "é"),
        (bytearray(b"a"), "a"),
        (Word.ONE, "one"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (ipaddress.ip_address("::1"), "::1"),
        (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
    ],
)
def test_text(value, expected):
    for convert in (values.text, values.query_text):
        found = convert("x", value)
        assert found == expected
        assert type(found) is str


def test_numbers_are_text_in_queries_only():
    assert values.query_text("x", 5) == "5"
    assert values.query_text("x", Small.SEVEN) == "7"
    with pytest.raises(TypeError, match=r"^x must be str, not int"):
        values.text("x", 5)


@pytest.mark.parametrize(
    "value", [True, False, 1.0, None, [], ["a"], object(), ipaddress.ip_interface("10.0.0.1/8")]
)
def test_what_is_no_text(value):
    for convert in (values.text, values.query_text):
        with pytest.raises(TypeError, match=r"^x must be str, not "):
            convert("x", value)


@pytest.mark.parametrize("value", ["\ud800", b"\xff"])
def test_text_that_is_not_utf_8(value):
    for convert in (values.text, values.query_text, values.identifier):
        with pytest.raises(ValueError, match=r"^x (has lone surrogates|must be text in UTF-8)"):
            convert("x", value)


@pytest.mark.parametrize("value", ["", "web", "a b", "/pod/web", "a//b", "é", "...", "%2F", "😀"])
def test_identifiers(value):
    assert values.identifier("service_id", value) == value


# Both servers answer 400 to each URL that has one of these; a newer one may print U+1FAE8.
@pytest.mark.parametrize(
    "char",
    ["\n", "\0", "\x7f", "\x85", "\xa0", "\xad", "\u200b", "\u2028", "\u2029", "\u3000",
     "\u202e", "\ufeff", "\ue000", "\uffff", "\ufdd0"],
)  # fmt: skip
def test_identifiers_that_could_never_be_asked_for(char):
    with pytest.raises(ValueError, match=r"^service_id has "):
        values.identifier("service_id", f"a{char}b")


def test_what_a_newer_unicode_may_print_is_left_to_the_server():
    assert values.identifier("x", "\U000e0fff") == "\U000e0fff"


@pytest.mark.parametrize("value", [".", "..", "a/../b", "./a"])
def test_identifiers_that_lead_elsewhere(value):
    with pytest.raises(ValueError, match=r"^service_id must not have '\.' or '\.\.'"):
        values.identifier("service_id", value)


@pytest.mark.parametrize("value", [0, 0.0, "0", "0s", "0h0m", ".1ns", timedelta(0)])
def test_zero_where_it_means_not_given(value):
    with pytest.raises(ValueError, match=r"^ttl must be above 0"):
        values.above_zero("ttl", value)
    assert values.is_zero(values.seconds("ttl", value))


@pytest.mark.parametrize("value", [1e-12, "1ns", timedelta(microseconds=1)])
def test_the_shortest_durations(value):
    assert not values.is_zero(values.seconds("ttl", values.above_zero("ttl", value)))


@pytest.mark.parametrize("value", [10**400, 1e300, "9999999999s", "9" * 500 + "s", 2**63 / 1e9])
def test_durations_that_64_bits_cannot_count(value):
    with pytest.raises(ValueError, match=r"^ttl must be a duration from 0 s to 292 years"):
        values.duration("ttl", value)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**400])
def test_limits_must_be_finite(value):
    with pytest.raises(ValueError, match=r"^limit must be finite"):
        values.limited("limit", value)


@pytest.mark.parametrize("value", [0, -1, -0.5])
def test_limits_must_be_above_zero(value):
    with pytest.raises(ValueError, match=r"^limit must be above 0 seconds"):
        values.limited("limit", value)


def test_consistency():
    assert values.check_consistency(b"stale") == "stale"

    class Mode(str, enum.Enum):  # noqa: UP042
        STALE = "stale"

    assert values.check_consistency(Mode.STALE) == "stale"
    for value in ("Stale", "", 1, None, [], b"fresh"):
        with pytest.raises(ValueError, match=r"^consistency must be one of"):
            values.check_consistency(value)


@pytest.mark.parametrize("value", ["", "a b", "x" * 9000, "~!@#"])
def test_what_a_header_can_carry(value):
    assert values.header("token", value) == value


@pytest.mark.parametrize("value", [" a", "a ", "a\n", "a\0", "é", "\x7f"])
def test_what_a_header_cannot_carry(value):
    with pytest.raises(ValueError, match=r"^token has characters that a header cannot carry$"):
        values.header("token", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"secret", "secret"), (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005")],
)
def test_headers_of_other_types(value, expected):
    assert values.header("token", value) == expected


@pytest.mark.parametrize("value", [0, False, 5, ["secret"], b"secret\xff", b"secret\n", "secret\n"])
def test_a_bad_header_is_not_shown(value):
    with pytest.raises((TypeError, ValueError), match=r"^token ") as caught:
        values.header("token", value)
    shown = [repr(error) for error in (caught.value, caught.value.__cause__)]
    assert "secret" not in "".join(shown)


def test_a_bad_secret_is_not_shown():
    assert values.secret("code", b"secret") == "secret"
    for value in (b"secret\xff", "secret\ud800", ["secret"]):
        with pytest.raises((TypeError, ValueError), match=r"^code must be ") as caught:
            values.secret("code", value)
        assert "secret" not in repr(caught.value)
        assert caught.value.__cause__ is None


def test_moments():
    east = timezone(timedelta(hours=2, seconds=30))
    assert (
        values.moment("end", datetime(2030, 1, 31, 12, tzinfo=UTC)) == "2030-01-31T12:00:00+00:00"
    )
    assert values.moment("end", datetime(2030, 1, 1, tzinfo=east)) == "2029-12-31T21:59:30+00:00"
    assert values.moment("end", "2030-01-31T12:00:00Z") == "2030-01-31T12:00:00Z"
    with pytest.raises(ValueError, match=r"^end must be a datetime with a time zone: "):
        values.moment("end", datetime(2030, 1, 31))
    with pytest.raises(TypeError, match=r"^end must be str"):
        values.moment("end", 5)


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

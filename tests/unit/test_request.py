"""What is decided before anything is sent: quoting, forms of values, tokens kept out of sight."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import parse_qsl, unquote, unquote_to_bytes, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consul import callback, exceptions, request
from consul.request import Call, Limits, Request, build

TOKEN = "7f0c6a2e-secret"


def settings(**changes):
    base = {
        "token": None,
        "dc": None,
        "consistency": "default",
        "user_agent": "test/1",
        "limits": Limits(),
    }
    return SimpleNamespace(**{**base, **changes})


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
    path = request.kv_path("key", key)
    assert unquote(path) == key
    assert path.count("/") == key.count("/")
    assert urlsplit(f"http://h/v1/kv/{path}").path == f"/v1/kv/{path}"


@given(GOOD_KEYS)
def test_segment_round_trips_and_is_one_segment(name):
    path = request.segment("name", name)
    assert unquote(path) == name
    assert "/" not in path


@given(st.binary(min_size=1))
def test_bytes_keys_round_trip_or_are_refused(key):
    try:
        path = request.kv_path("key", key)
    except ValueError:
        odd = any(byte < 0x20 or byte == 0x7F for byte in key)
        dots = {b".", b".."} & set(key.split(b"/"))
        assert odd or dots or key.startswith(b"/") or b"//" in key
    else:
        assert unquote_to_bytes(path) == key


def test_bytes_and_text_are_the_same_key():
    assert request.kv_path("key", "é/x") == request.kv_path("key", "é/x".encode()) == "%C3%A9/x"


@pytest.mark.parametrize("quoting", [request.kv_path, request.segment])
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
        request.kv_path("key", value)


def test_empty_segments_are_refused_in_keys_only():
    with pytest.raises(ValueError, match=r"'//'"):
        request.kv_path("key", "a//b")
    assert request.segment("id", "a//b") == "a%2F%2Fb"


def test_the_empty_key_is_for_those_who_ask():
    assert request.kv_path("key", "", empty=True) == ""
    with pytest.raises(ValueError, match=r"empty"):
        request.kv_path("key", "")


@pytest.mark.parametrize("value", ["a%2e%2e", "%2e%2e", "..a", "a..", ".hidden", "a/...", "a\\b"])
def test_harmless_dots_and_percents_stay_what_they_are(value):
    assert unquote(request.kv_path("key", value)) == value


# Values


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, b""), ("", b""), ("é", b"\xc3\xa9"), (b"\0\xff", b"\0\xff"), (bytearray(b"x"), b"x")],
)
def test_octets(value, expected):
    assert request.octets("value", value) == expected
    assert type(request.octets("value", value)) is bytes


@pytest.mark.parametrize("value", [{}, [], 1, 1.0, True, object()])
def test_octets_refuses_what_is_not_a_value(value):
    with pytest.raises(TypeError, match=r"^value must be"):
        request.octets("value", value)


def test_octets_refuses_lone_surrogates():
    with pytest.raises(ValueError, match=r"^value has lone surrogates"):
        request.octets("value", "\udcff")


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
    assert request.duration("ttl", value) == expected


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
        request.duration("ttl", value)


@pytest.mark.parametrize("value", [True, None, b"10s", [1]])
def test_a_duration_of_another_type(value):
    with pytest.raises(TypeError, match=r"^ttl must be"):
        request.duration("ttl", value)


@given(st.floats(0, 1e9, allow_nan=False))
def test_duration_and_seconds_agree(value):
    read = request.seconds("wait", request.duration("wait", value))
    assert read == pytest.approx(value, abs=1e-9)
    assert (read == 0) == (value == 0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1m30s", 90), (".5s", 0.5), ("1.s", 1), ("250ms", 0.25), ("0", 0), (2, 2), ("1h", 3600)],
)
def test_seconds(value, expected):
    assert request.seconds("wait", value) == pytest.approx(expected)


def test_flag():
    values = (True, False, "true", "false")
    assert [request.flag("x", value) for value in values] == ["true", "false"] * 2


@pytest.mark.parametrize("value", [1, 0, None, "yes", "True", "", []])
def test_what_is_no_flag(value):
    with pytest.raises(ValueError, match=r"^enable must be True or False"):
        request.flag("enable", value)


@pytest.mark.parametrize(
    ("index", "sent"),
    [
        (None, None),
        (0, None),
        ("0", None),
        (5, "5"),
        ("5", "5"),
        (2**64 - 1, "18446744073709551615"),
    ],
)
def test_index(index, sent):
    made = build(settings(), "GET", "/", options={"index": index}, reads=True)
    assert dict(made.params).get("index") == sent


@pytest.mark.parametrize("index", [-1, 2**64, "x", "", "5 ", "1.0", "٥", "9" * 5000])
def test_an_index_that_makes_no_sense(index):
    with pytest.raises(ValueError):  # noqa: PT011  (the last is Python's own limit on digits)
        build(settings(), "GET", "/", options={"index": index}, reads=True)


@pytest.mark.parametrize("index", [True, 1.0, b"5", [5]])
def test_an_index_of_another_type(index):
    with pytest.raises(TypeError, match=r"^index must be"):
        build(settings(), "GET", "/", options={"index": index}, reads=True)


# Time limits


@pytest.mark.parametrize(
    ("timeout", "expected"),
    [
        (5, (5, 5, 10)),
        ((1, 2), (1, 2, 10)),
        ([1, None], (1, None, 10)),
        (None, (None, None, 10)),
        (Limits(1, 2, 3), (1, 2, 3)),
    ],
)
def test_limits(timeout, expected):
    assert Limits.of(timeout) == expected


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), (1,), (1, 2, 3), (1, 0)])
def test_limits_out_of_range(timeout):
    with pytest.raises(ValueError, match=r"^timeout must be"):
        Limits.of(timeout)


@pytest.mark.parametrize("timeout", ["5", True, (1, "2"), {}])
def test_limits_of_another_type(timeout):
    with pytest.raises(TypeError, match=r"^timeout must be"):
        Limits.of(timeout)


@pytest.mark.parametrize(
    ("options", "held"),
    [
        ({}, None),
        ({"wait": "10s"}, None),
        ({"index": 1}, 300),
        ({"index": 1, "wait": "32s"}, 32),
        ({"index": 1, "wait": timedelta(hours=1)}, 600),
        ({"index": 0, "wait": "32s"}, None),
    ],
)
def test_a_blocking_query_gets_the_time_it_may_be_held(options, held):
    made = build(settings(), "GET", "/", options=options, reads=True)
    assert made.deadline == (60 if held is None else held + held / 16 + 10)


def test_a_zero_wait_does_not_become_the_default():
    made = build(settings(), "GET", "/", options={"index": 1, "wait": 0}, reads=True)
    assert ("wait", "1ms") in made.params


def test_without_a_limit_nothing_has_a_deadline():
    made = build(settings(limits=Limits.of(None)), "GET", "/", options={"index": 1}, reads=True)
    assert (made.deadline, made.connect) == (None, None)


def test_within_only_shortens():
    call = Call(build(settings(), "GET", "/"), callback.value)
    assert (call.within(2).request.deadline, call.within(2).request.connect) == (2, 2)
    assert (call.within(99).request.deadline, call.within(99).request.connect) == (60, 10)
    endless = Call(build(settings(limits=Limits.of(None)), "GET", "/"), callback.value)
    assert (endless.within(3).request.deadline, endless.within(3).request.connect) == (3, 3)
    assert endless.request.deadline is None


# What every request carries


def test_options_become_params_and_headers():
    options = {
        "index": 7,
        "wait": "10s",
        "near": "_agent",
        "node_meta": {"rack": 2},
        "filter": 'Node == "x"',
        "peer": "p",
        "consistency": "stale",
        "max_stale": 10,
        "cached": True,
        "max_age": "1m",
        "stale_if_error": 5,
        "dc": "dc2",
        "ns": "team",
        "partition": "part",
    }
    made = build(
        settings(dc="dc1"), "GET", "/v1/x", [("a", True), ("b", None)], options, reads=True
    )
    assert dict(made.params) == {
        "a": "1",
        "index": "7",
        "wait": "10s",
        "near": "_agent",
        "node-meta": "rack:2",
        "filter": 'Node == "x"',
        "peer": "p",
        "stale": "1",
        "max_stale": "10s",
        "cached": "1",
        "dc": "dc2",
        "ns": "team",
        "partition": "part",
    }
    assert dict(made.headers) == {
        "User-Agent": "test/1",
        "Accept": "application/json",
        "Cache-Control": "max-age=60, stale-if-error=5",
    }
    assert made.body is None


def test_settings_are_defaults():
    client = settings(dc="dc1", consistency="consistent", token=TOKEN)
    made = build(client, "GET", "/", options={"dc": None, "token": None}, reads=True)
    assert made.params == (("consistent", "1"), ("dc", "dc1"))
    assert ("X-Consul-Token", TOKEN) in made.headers
    made = build(client, "GET", "/", options={"consistency": "default", "token": "b"}, reads=True)
    assert made.params == (("dc", "dc1"),)
    assert ("X-Consul-Token", "b") in made.headers


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match=r"recuse"):
        build(settings(), "GET", "/", options={"recuse": True}, reads=True)
    with pytest.raises(TypeError, match=r"index"):
        build(settings(), "PUT", "/", options={"index": 1})


def test_a_consistency_that_does_not_exist():
    with pytest.raises(ValueError, match=r"^consistency must be one of default, consistent, stale"):
        build(settings(), "GET", "/", options={"consistency": "best"}, reads=True)


def test_bodies_have_a_type():
    assert build(settings(), "PUT", "/").body == b""
    kinds = [
        dict(build(settings(), "PUT", "/", body=b"{}", json_body=given).headers)["Content-Type"]
        for given in (True, False)
    ]
    assert kinds == ["application/json", "application/octet-stream"]


@given(
    st.dictionaries(st.text("ab", min_size=1), st.text(st.characters(exclude_categories=["Cs"])))
)
def test_the_query_round_trips(params):
    made = build(settings(), "GET", "/v1/x", params.items())
    query = urlsplit(made.target).query
    assert parse_qsl(query, keep_blank_values=True) == list(params.items())


def test_params_with_lone_surrogates_are_refused():
    with pytest.raises(ValueError, match=r"^separator has lone surrogates"):
        build(settings(), "GET", "/", [("separator", "\ud800")])


# Secrets


@pytest.mark.parametrize("tail", ["\n", "\r\nX: y", "\0", "é", "\t", " "])
def test_a_token_that_no_header_can_carry_is_never_shown(tail):
    with pytest.raises(ValueError, match=r"^token has characters") as caught:
        build(settings(token=TOKEN + tail), "GET", "/")
    assert TOKEN not in repr(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("token", [TOKEN.encode(), [TOKEN], {"token": TOKEN}])
def test_a_token_of_another_type_is_never_shown(token):
    with pytest.raises(TypeError, match=r"^token must be str") as caught:
        build(settings(), "GET", "/", options={"token": token})
    assert TOKEN not in repr(caught.value)


def shown(thing):
    return f"{thing} {thing!r}"


def test_the_token_is_in_the_header_and_shown_nowhere():
    made = build(settings(token=TOKEN), "GET", "/v1/kv/x", [("dc", "dc1")])
    call = Call(made, callback.value)
    assert ("X-Consul-Token", TOKEN) in made.headers
    assert TOKEN not in made.target
    assert TOKEN not in shown(made) + shown(call) + made.shown
    assert repr(call) == "<Call GET /v1/kv/x?dc=dc1>"


@pytest.mark.parametrize("secret", ["s3cret", "a b/c", "it's", 'x"y', "back\\slash", "per%cent"])
def test_secrets_are_hidden_in_every_form(secret):
    path = f"/v1/acl/info/{request.segment('token', secret)}"
    made = build(settings(), "GET", path, [("q", secret)], secrets=(secret,))
    call = Call(made, callback.value)
    assert made.target.startswith(path)
    for text in (shown(made), shown(call), made.shown, made.redact(f"{secret} {[secret]!r}")):
        assert secret not in text
        assert request.segment("token", secret) not in text
        assert repr(secret)[1:-1] not in text
        assert "<hidden>" in text


def test_a_secret_within_a_longer_one_and_an_empty_one():
    made = Request("GET", "/", secrets=("abc", "abcdef", ""))
    assert made.redact("x abcdef abc y") == "x <hidden> <hidden> y"


def test_a_call_locates_its_errors_and_hides_its_secrets():
    made = build(settings(token=TOKEN), "GET", "/v1/kv/x")
    call = Call(made, callback.value)
    answer = request.Response(403, {}, f"no such token {TOKEN}".encode())
    with pytest.raises(exceptions.ACLPermissionDenied) as caught:
        call.read(answer)
    error = caught.value
    assert (error.method, error.path, error.status) == ("GET", "/v1/kv/x", 403)
    assert error.body == error.args[0] == "no such token <hidden>"
    assert str(error) == "GET /v1/kv/x: 403 no such token <hidden>"
    with pytest.raises(exceptions.BadAnswer) as caught:
        call.read(request.Response(200, {}, TOKEN.encode()))
    assert TOKEN not in f"{caught.value} {caught.value.body} {caught.value.args}"


def test_transport_errors_hide_secrets_and_then_drop_their_cause():
    call = Call(build(settings(token=TOKEN), "GET", "/v1/kv/x"), callback.value)
    telling, harmless = OSError(f"bad header {TOKEN}"), OSError("refused")
    assert TOKEN not in shown(call.failed(exceptions.ConnectionFailed, telling))
    assert call.cause(telling) is None
    assert call.cause(harmless) is harmless
    failed = call.failed(exceptions.ConnectionFailed, harmless)
    assert str(failed) == "GET /v1/kv/x: OSError: refused"
    assert str(call.failed(exceptions.ConnectionFailed, OSError())) == "GET /v1/kv/x: OSError()"
    late = call.within(2.5).timed_out(exceptions.Timeout)
    assert str(late) == "GET /v1/kv/x: no answer in 2.5 s"


def test_a_call_cannot_be_changed():
    call = Call(build(settings(), "GET", "/"), callback.value)
    with pytest.raises(AttributeError, match=r"request"):
        call.request = None

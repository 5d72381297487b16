"""What is decided before anything is sent, and how an answer is read; tokens kept out of sight."""

from __future__ import annotations

import gzip
import zlib
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consul import exceptions
from consul.base import Consul
from consul.core import answers
from consul.core.build import build
from consul.core.client import Fault, HTTPClient
from consul.core.endpoint import Route
from consul.core.limits import Limits
from consul.core.request import Call, Response
from consul.core.settings import Settings
from consul.core.values import seconds, segment

TOKEN = "7f0c6a2e-secret"
#: Without the time, for it is part of the ids of tests, which have to be the same in each process.
ZIPPED = gzip.compress(b'{"a": 1}', mtime=0)


def settings(**changes):
    made = Settings(headers=(("User-Agent", "test/1"), ("Accept", "application/json")))
    return made._replace(**changes)


# Indexes


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
        (5, (5, 5, 5)),
        ((1, 2), (1, 2, 2)),
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


def test_after_leaves_what_is_left_of_the_time_and_never_nothing():
    call = Call(build(settings(), "GET", "/"), answers.value)
    assert call.after(20).request.deadline == 40
    assert call.after(60).request.deadline == call.after(1000).request.deadline == 0.001
    endless = Call(build(settings(limits=Limits.of(None)), "GET", "/"), answers.value)
    assert endless.after(1000) is endless


def test_within_only_shortens():
    call = Call(build(settings(), "GET", "/"), answers.value)
    assert (call.within(2).request.deadline, call.within(2).request.connect) == (2, 2)
    assert (call.within(99).request.deadline, call.within(99).request.connect) == (60, 10)
    endless = Call(build(settings(limits=Limits.of(None)), "GET", "/"), answers.value)
    assert (endless.within(3).request.deadline, endless.within(3).request.connect) == (3, 3)
    assert endless.request.deadline is None


def hold_of(**options):
    """A blocking query that `within` may shorten, and what it says of its wait."""
    return Call(build(settings(), "GET", "/", options=options, reads=True), answers.value)


@pytest.mark.parametrize("wait", [None, "5m", "100s"])
@pytest.mark.parametrize("limit", [70, 44, 27])
def test_within_asks_the_server_for_less(wait, limit):
    call = hold_of(index=5, wait=wait).within(limit)
    made = call.request
    waits = [value for name, value in made.params if name == "wait"]
    assert (made.deadline, made.connect, len(waits)) == (limit, 10, 1)
    # The margin stays what it was.
    assert seconds("wait", waits[0]) == pytest.approx(made.hold, abs=1e-3)
    assert made.hold * 17 / 16 + 10 == pytest.approx(limit)
    assert ("index", "5") in made.params


def test_within_leaves_a_query_alone_that_ends_in_time():
    call = hold_of(index=5, wait="1s")
    assert call.within(11.0625) is call
    assert call.within(60) is call


@pytest.mark.parametrize("limit", [10, 5, 0.001])
def test_within_less_than_the_margin_does_not_ask_for_no_wait(limit):
    made = hold_of(index=5, wait="10s").within(limit).request
    assert (dict(made.params)["wait"], made.deadline) == ("0.001s", limit)


def test_within_is_for_endless_queries_too():
    endless = build(settings(limits=Limits.of(None)), "GET", "/", (), {"index": 5}, reads=True)
    made = Call(endless, answers.value).within(17).request
    assert (dict(made.params)["wait"], made.deadline) == ("16s", 17)


def test_the_timeout_of_a_call_wins():
    for options, expected in (
        ({}, (60, 10)),
        ({"timeout": 5}, (5, 5)),
        ({"timeout": (1, 2)}, (2, 1)),
        ({"timeout": None}, (None, None)),
        ({"timeout": 5, "index": 1, "wait": "16s"}, (22, 5)),
    ):
        made = build(settings(), "GET", "/", options=options, reads=True)
        assert (made.deadline, made.connect) == expected
    assert build(settings(), "PUT", "/", options={"timeout": 5}).deadline == 5
    with pytest.raises(TypeError, match=r"^timeout must be"):
        build(settings(), "PUT", "/", options={"timeout": "5"})


def test_hold_marks_a_blocking_query():
    assert hold_of(index=0, wait="5s").request.hold is None
    assert hold_of(index=5, wait="5s").request.hold == 5
    assert hold_of(index=5).request.hold == 300


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_writes_are_repeatable_only_where_said_and_reads_always(method):
    def call(method, route=None, params=()):
        return Call(build(settings(), method, "/", params), answers.value, route)

    assert call("GET").repeatable is True
    assert call("GET", Route("GET /v1/x")).repeatable is True
    assert call(method).repeatable is False
    assert call(method, Route(f"{method} /v1/x", False)).repeatable is False
    assert call(method, Route(f"{method} /v1/x", True)).repeatable is True
    conditional = Route(f"{method} /v1/x", True, ("cas", "acquire"))
    assert call(method, conditional, [("flags", 1)]).repeatable is True
    assert call(method, conditional, [("flags", 1), ("acquire", "s")]).repeatable is False
    # A condition that is not given is not one.
    assert call(method, conditional, [("cas", None)]).repeatable is True


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
    made = build(settings(dc="dc1"), "GET", "/v1/x", [("a", "1"), ("b", None)], options, reads=True)
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
    client = settings(dc="d", ns="n", partition="p")
    assert build(client, "PUT", "/").params == (("dc", "d"), ("ns", "n"), ("partition", "p"))
    made = build(client, "PUT", "/", options={"dc": "e", "ns": "o", "partition": "q"})
    assert made.params == (("dc", "e"), ("ns", "o"), ("partition", "q"))
    client = settings(dc="dc1", consistency="consistent", token=TOKEN)
    made = build(client, "GET", "/", options={"dc": None, "token": None}, reads=True)
    assert made.params == (("consistent", "1"), ("dc", "dc1"))
    assert ("X-Consul-Token", TOKEN) in made.headers
    made = build(client, "GET", "/", options={"consistency": "default", "token": "b"}, reads=True)
    assert made.params == (("dc", "dc1"),)
    assert ("X-Consul-Token", "b") in made.headers


def test_cached_alone_says_nothing_of_ages():
    made = build(settings(), "GET", "/", options={"cached": True}, reads=True)
    assert made.params == (("cached", "1"),)
    assert "Cache-Control" not in dict(made.headers)
    made = build(settings(), "GET", "/", options={"max_age": 5}, reads=True)
    assert "Cache-Control" not in dict(made.headers)


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match=r"recuse"):
        Consul().kv.get("key", recuse=None)
    with pytest.raises(TypeError, match=r"index"):
        Consul().kv.put("key", "value", index=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda api: api.kv.get("a", indx=5),
            "kv.get() got an unexpected keyword argument 'indx'; did you mean 'index'?",
        ),
        (
            # One of the options, which have a type of their own.
            lambda api: api.kv.get("a", partitoin="p"),
            "kv.get() got an unexpected keyword argument 'partitoin'; did you mean 'partition'?",
        ),
        (
            lambda api: api.agent.service.deregister("a", tokn="t"),
            "agent.service.deregister() got an unexpected keyword argument 'tokn'; "
            "did you mean 'token'?",
        ),
        (
            lambda api: api.agent.self(xyzzy=1),
            "agent.self() got an unexpected keyword argument 'xyzzy'",
        ),
        (
            # The hint is for the first of them.
            lambda api: api.kv.get("a", wiat="1s", zz=None),
            "kv.get() got an unexpected keyword argument 'wiat', 'zz'; did you mean 'wait'?",
        ),
    ],
)
def test_a_wrong_keyword_is_named(call, message):
    with pytest.raises(TypeError) as caught:
        call(Consul())
    assert str(caught.value) == message


def test_the_noun_itself_is_no_keyword():
    with pytest.raises(TypeError, match=r"multiple values for argument 'self'"):
        Consul().kv.get("a", self=None)


# Routes


@pytest.mark.parametrize(
    ("describe", "shown", "name"),
    [
        (lambda api: api.kv.get("a/b"), "GET /v1/kv/:key", "kv.get"),
        (lambda api: api.kv.put("a", "b"), "PUT /v1/kv/:key", "kv.put"),
        (lambda api: api.status.leader(), "GET /v1/status/leader", "status.leader"),
        (
            lambda api: api.agent.check.ttl_pass("c"),
            "PUT /v1/agent/check/pass/:check_id",
            "agent.check.ttl_pass",
        ),
    ],
)
def test_a_call_has_the_route_of_its_endpoint(describe, shown, name):
    call = describe(Consul())
    assert f"{call.route.method} {call.route.path}" == shown
    assert (call.route.name, repr(call.route)) == (name, f"<Route {shown}>")
    # One for all calls, and what is made of a call keeps it.
    assert describe(Consul("h")).route is call.route
    assert call.within(1).route is call.after(1).route is call.route


def test_a_call_made_by_hand_has_no_route():
    assert Call(build(settings(), "GET", "/"), answers.value).route is None


def test_the_route_can_be_looked_up_at_the_endpoint():
    assert Consul.KV.get.route is Consul().kv.get.route is Consul().kv.get("x").route


@pytest.mark.parametrize("route", ["", "GET", "GET /v2/x", "get /v1/x", "PATCH /v1/x", "GET /v1/ "])
def test_what_is_no_route(route):
    with pytest.raises(ValueError, match=r"^not a route: "):
        Route(route)


@pytest.mark.parametrize(
    ("route", "repeatable"),
    [
        ("GET /v1/x", True),
        ("GET /v1/x", False),
        ("PUT /v1/x", None),
        ("DELETE /v1/x", None),
    ],
)
def test_only_of_a_write_is_it_said_whether_it_is_repeatable(route, repeatable):
    with pytest.raises(ValueError, match=r"repeatable has to be given for writes"):
        Route(route, repeatable)


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


@pytest.mark.parametrize("token", [(TOKEN,), [TOKEN], {"token": TOKEN}])
def test_a_token_of_another_type_is_never_shown(token):
    with pytest.raises(TypeError, match=r"^token must be str") as caught:
        build(settings(), "GET", "/", options={"token": token})
    assert TOKEN not in repr(caught.value)


def shown(thing):
    return f"{thing} {thing!r}"


def test_the_token_is_in_the_header_and_shown_nowhere():
    made = build(settings(token=TOKEN), "GET", "/v1/kv/x", [("dc", "dc1")])
    call = Call(made, answers.value)
    assert ("X-Consul-Token", TOKEN) in made.headers
    assert TOKEN not in made.target
    assert TOKEN not in shown(made) + shown(call) + made.shown
    assert repr(call) == "<Call GET /v1/kv/x?dc=dc1>"


@pytest.mark.parametrize("secret", ["s3cret", "a b/c", "it's", 'x"y', "back\\slash", "per%cent"])
def test_secrets_are_hidden_in_every_form(secret):
    path = f"/v1/acl/info/{segment('token', secret)}"
    made = build(settings(), "GET", path, [("q", secret)], secrets=(secret,))
    call = Call(made, answers.value)
    assert made.target.startswith(path)
    for text in (shown(made), shown(call), made.shown, made.redact(f"{secret} {[secret]!r}")):
        assert secret not in text
        assert segment("token", secret) not in text
        assert repr(secret)[1:-1] not in text
        assert "<hidden>" in text


def test_a_secret_within_a_longer_one_and_an_empty_one():
    made = build(settings(secrets=("abcdef", "")), "GET", "/", secrets=("abc",))
    assert made.redact("x abcdef abc y") == "x <hidden> <hidden> y"


def test_a_call_locates_its_errors_and_hides_its_secrets():
    made = build(settings(token=TOKEN), "GET", "/v1/kv/x")
    call = Call(made, answers.value)
    answer = Response(403, {}, f"no such token {TOKEN}".encode())
    with pytest.raises(exceptions.ACLPermissionDenied) as caught:
        call.read(answer)
    error = caught.value
    assert (error.method, error.path, error.status) == ("GET", "/v1/kv/x", 403)
    assert error.body == error.args[0] == "no such token <hidden>"
    assert str(error) == "GET /v1/kv/x: 403 no such token <hidden> (with a token)"
    with pytest.raises(exceptions.BadAnswer) as caught:
        call.read(Response(200, {}, TOKEN.encode()))
    assert TOKEN not in f"{caught.value} {caught.value.body} {caught.value.args}"


def test_an_error_is_located_once():
    inner, outer = (Call(build(settings(), "GET", path), answers.value) for path in ("/a", "/b"))
    error = inner.located(exceptions.NotFound("gone"))
    assert outer.located(error) is error
    assert error.path == "/a"


class Failing(HTTPClient):
    """Says of an error what the flavours say."""

    def classify(self, error):
        late = isinstance(error, TimeoutError)
        return Fault(exceptions.Timeout if late else exceptions.ConnectionFailed)


def test_transport_errors_hide_secrets_and_then_drop_their_cause():
    call = Call(build(settings(token=TOKEN), "GET", "/v1/kv/x"), answers.value)
    telling, harmless = OSError(f"bad header {TOKEN}"), OSError("refused")
    client = Failing(settings(token=TOKEN))
    assert TOKEN not in shown(client._failure(call, telling))
    assert client._failure(call, telling).__cause__ is None
    failed = client._failure(call, harmless)
    assert failed.__cause__ is harmless
    where = "http://127.0.0.1:8500/v1/kv/x: the connection to 127.0.0.1:8500 broke"
    assert str(failed) == f"GET {where}: OSError: refused"
    assert str(client._failure(call, OSError())) == f"GET {where}: OSError"
    late = client._failure(call.within(2.5), TimeoutError())
    assert str(late) == "GET http://127.0.0.1:8500/v1/kv/x: no answer in 2.5 s"


def test_a_call_cannot_be_changed():
    call = Call(build(settings(), "GET", "/"), answers.value)
    with pytest.raises(AttributeError, match=r"request"):
        call.request = None
    with pytest.raises(AttributeError, match=r"route"):
        call.route = None


# Answers


def answered(code, headers, body=b'{"a": 1}'):
    return Call(build(settings(token=TOKEN), "GET", "/v1/x"), answers.value).read(
        Response(code, headers, body)
    )


@pytest.mark.parametrize("kind", ["gzip", "GZIP", " x-gzip ", "identity", ""])
def test_a_compressed_body_is_read(kind):
    body = b'{"a": 1}'
    if "gzip" in kind.lower():
        body = gzip.compress(body)
    assert answered(200, {"content-encoding": kind}, body) == {"a": 1}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("gzip", b""),
        ("gzip", b'{"a": 1}'),
        ("gzip", ZIPPED[:-9]),
        ("gzip", ZIPPED[:-1]),
        ("gzip", ZIPPED[:-8] + bytes(8)),
        ("gzip", zlib.compress(b'{"a": 1}')),
        ("br", b'{"a": 1}'),
        ("gzip, gzip", gzip.compress(ZIPPED, mtime=0)),
    ],
)
@pytest.mark.parametrize("code", [200, 500])
def test_a_body_that_cannot_be_decompressed(code, kind, body):
    with pytest.raises(
        exceptions.BadAnswer, match=r"^GET /v1/x: \d+ the body cannot be decompressed"
    ) as caught:
        answered(code, {"content-encoding": kind}, body)
    assert caught.value.status == code


def test_an_error_with_a_compressed_body_has_its_text():
    with pytest.raises(exceptions.NoLeader, match=r"No cluster leader") as caught:
        answered(500, {"content-encoding": "gzip"}, gzip.compress(b"No cluster leader"))
    assert caught.value.body == "No cluster leader"


def test_a_body_is_decompressed_once():
    """The exchange that hooks see, and an adapter's own Call within ours, are read twice."""
    call = Call(build(settings(), "GET", "/"), lambda response: response)
    once = call.read(Response(200, {"content-encoding": "gzip"}, gzip.compress(b"x")))
    assert call.read(once).body == b"x"


def dated(seconds_ahead, zone=UTC):
    return format_datetime(datetime.now(zone) + timedelta(seconds=seconds_ahead))


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("999999999", 999999999),
        ("1000000000", 1000000000),
        ("9" * 5000, 9999999999),
        ("-1", None),
        ("1.5", None),
        ("1e3", None),
        ("\u0663", None),
        ("soon", None),
        ("Mon, 99 Jan 2024 00:00:00 GMT", None),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999", None),
        ("Mon, 01 Jan 2024 00:00:00 GMT", 0),
        ("Mon, 01 Jan 2024 00:00:00 -0000", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", pytest.approx(2.5e11, rel=0.02)),
    ],
)
def test_retry_after(code, value, expected):
    with pytest.raises(exceptions.RateLimited) as caught:
        answered(code, {} if value is None else {"retry-after": value})
    assert caught.value.retry_after == expected


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-7))])
def test_retry_after_a_date(zone):
    with pytest.raises(exceptions.RateLimited) as caught:
        answered(429, {"retry-after": dated(100, zone)})
    assert 95 < caught.value.retry_after <= 100


@given(st.text(max_size=60))
def test_whatever_retry_after_says_the_error_is_the_same(value):
    with pytest.raises(exceptions.RateLimited) as caught:
        answered(429, {"retry-after": value})
    assert caught.value.retry_after is None or caught.value.retry_after >= 0


def test_other_errors_have_no_retry_after():
    with pytest.raises(exceptions.ServerError) as caught:
        answered(500, {"retry-after": "7"})
    assert not hasattr(caught.value, "retry_after")

"""What hooks and the log see of each request on the wire."""

from __future__ import annotations

import contextlib
import gzip
import logging

import pytest

from consul import base
from consul.base import Consul
from consul.core import hooks
from consul.core.hooks import attempt_with_hooks
from consul.core.request import Attempt, Call, Request, Response
from consul.core.retry import Retry
from consul.core.settings import Settings
from consul.core.steps import Invoke, Now, Wait, drive_directly
from consul.exceptions import BadAnswer, ConnectionFailed, NotFound

TOKEN, VALUE, QUERY = "t0ken-secret", b"v4lue", "qu3ry"
OK = Response(200, {"x-consul-index": "5"}, b"true")


def put():
    return Consul(token=TOKEN).kv.put("a/b", VALUE, dc=QUERY)


class Wire:
    """Performs steps: each attempt takes 0.25 s and has the next outcome."""

    def __init__(self, *outcomes):
        self.outcomes, self.sent, self.now = list(outcomes or (OK,)), [], 1000.0

    def __call__(self, step):
        if isinstance(step, Now):
            return self.now
        if isinstance(step, Wait):
            assert not step.signal
            self.now += step.seconds
            return False
        if isinstance(step, Invoke):
            return step.function(*step.args)
        assert isinstance(step, Attempt)
        self.sent.append(step.call.request)
        self.now += 0.25
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return step.call.read(outcome)


def watch(call, wire, before=(), after=()):
    return drive_directly(attempt_with_hooks(call, before, after), wire)


def test_hooks_are_called_in_order_with_one_exchange():
    seen, wire = [], Wire()

    def hook(name):
        def note(each):
            seen.append((name, each, len(wire.sent), each.response, each.seconds))

        return note

    before, after = (hook("a"), hook("b")), (hook("c"), hook("d"))
    assert watch(put(), wire, before, after) is True
    assert [(name, sent) for name, _, sent, _, _ in seen] == [
        ("a", 0), ("b", 0), ("c", 1), ("d", 1)
    ]  # fmt: skip
    assert len({id(each) for _, each, _, _, _ in seen}) == 1
    assert [response for _, _, _, response, _ in seen] == [None, None, OK, OK]
    assert [seconds for *_, seconds in seen] == [0, 0, 0.25, 0.25]


def test_what_an_exchange_says():
    found = []
    watch(put(), Wire(), after=(found.append,))
    (each,) = found
    assert (each.method, each.path, each.status, each.error) == ("PUT", "/v1/kv/a/b", 200, None)
    assert (each.response, each.seconds, each.headers, each.context) == (OK, 0.25, {}, {})
    assert repr(each) == "<Exchange PUT /v1/kv/a/b: 200>"
    for secret in (TOKEN, QUERY, VALUE.decode()):
        assert secret not in f"{each!r} {each.path}"


def test_an_exchange_hides_a_secret_in_its_path():
    found = []
    watch(Consul().acl.info(TOKEN), Wire(Response(200, {}, b"[]")), after=(found.append,))
    assert found[0].path == "/v1/acl/info/<hidden>"


@pytest.mark.parametrize(
    ("describe", "path", "route"),
    [
        (lambda api: api.kv.get("a b/c"), "/v1/kv/a%20b/c", "/v1/kv/:key"),
        (lambda api: api.kv.put("x", "y", dc=QUERY), "/v1/kv/x", "/v1/kv/:key"),
        (lambda api: api.acl.info(TOKEN), "/v1/acl/info/<hidden>", "/v1/acl/info/:acl_id"),
        (
            lambda api: api.agent.service.deregister("web"),
            "/v1/agent/service/deregister/web",
            "/v1/agent/service/deregister/:service_id",
        ),
        (lambda api: api.status.leader(), "/v1/status/leader", "/v1/status/leader"),
    ],
)
def test_the_route_is_the_same_for_all_calls_of_an_endpoint(describe, path, route):
    found = []
    # Whether the answer can be read does not matter here.
    with contextlib.suppress(BadAnswer):
        watch(describe(Consul()), Wire(), (found.append,), (found.append,))
    assert [(each.path, each.route) for each in found] == [(path, route)] * 2


def test_the_route_of_a_request_that_no_endpoint_made_is_its_path():
    found = []
    request = Request("GET", f"/v1/new/{TOKEN}", secrets=(TOKEN,))
    watch(Call(request, lambda response: None), Wire(), after=(found.append,))
    assert found[0].route == found[0].path == "/v1/new/<hidden>"


def test_the_route_of_a_repeat_is_that_of_the_call():
    seen = []
    settings = Settings(retry=Retry(), on_request=(lambda each: seen.append(each.route),))
    wire = Wire(ConnectionFailed("dropped"), OK)
    drive_directly(base.HTTPClient(settings)._sending(put()), wire)
    assert seen == ["/v1/kv/:key"] * 2


def test_hooks_keep_things_in_the_context():
    found = []
    before = (lambda each: each.context.update(span=7),)
    watch(put(), Wire(), before, (lambda each: found.append(each.context["span"]),))
    assert found == [7]


def test_headers_of_a_hook_are_sent():
    before = (
        lambda each: each.headers.update({"traceparent": "00-1"}),
        lambda each: each.headers.update({"X-More": "2"}),
    )
    wire, call = Wire(), put()
    watch(call, wire, before)
    assert wire.sent[0].headers == (*call.request.headers, ("traceparent", "00-1"), ("X-More", "2"))
    assert wire.sent[0]._replace(headers=()) == call.request._replace(headers=())


@pytest.mark.parametrize(("value", "kind"), [("a\r\nb: c", ValueError), (5, TypeError)])
def test_a_header_that_cannot_be_sent(value, kind):
    wire = Wire()
    with pytest.raises(kind, match=r"^headers\['x-trace'\] "):
        watch(put(), wire, (lambda each: each.headers.update({"x-trace": value}),))
    assert wire.sent == []


def test_a_header_of_a_hook_replaces_that_of_the_request():
    wire = Wire()
    watch(put(), wire, (lambda each: each.headers.update({"user-agent": "mine"}),))
    agents = [value for name, value in wire.sent[0].headers if name.lower() == "user-agent"]
    assert agents == ["mine"]


@pytest.mark.parametrize(
    ("outcome", "kind", "status"),
    [
        (Response(404, {}, b"gone"), NotFound, 404),
        (ConnectionFailed("dropped"), ConnectionFailed, None),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
        (ZeroDivisionError("bug"), ZeroDivisionError, None),
    ],
)
def test_errors_are_seen_and_raised(outcome, kind, status):
    found = []
    with pytest.raises(kind) as caught:
        watch(put(), Wire(outcome), after=(found.append,))
    (each,) = found
    assert (each.error, each.status, each.seconds) == (caught.value, status, 0.25)
    assert (each.response is None) == (status is None)


def test_a_request_hook_that_raises_keeps_the_request_from_being_sent():
    wire, later = Wire(), []

    def hook(each):
        raise LookupError("hook")

    with pytest.raises(LookupError, match=r"hook"):
        watch(put(), wire, (hook, later.append), (later.append,))
    assert (wire.sent, later) == ([], [])


@pytest.mark.parametrize("outcome", [OK, ConnectionFailed("dropped")])
def test_a_response_hook_that_raises_is_heard(outcome):
    wire = Wire(outcome)

    def hook(each):
        raise LookupError("hook")

    with pytest.raises(LookupError, match=r"hook") as caught:
        watch(put(), wire, after=(hook,))
    assert len(wire.sent) == 1
    assert caught.value.__context__ is (None if outcome is OK else outcome)


def test_a_compressed_answer_is_seen_and_read():
    found = []
    answer = Response(200, {"content-encoding": "gzip"}, gzip.compress(b"true"))
    assert watch(put(), Wire(answer), after=(found.append,)) is True
    assert found[0].response.body == b"true"


@pytest.mark.parametrize("called", [(), (lambda each: None,)])
def test_a_watched_call_that_is_dropped_just_ends(called):
    steps = attempt_with_hooks(put(), called, called)
    step = steps.send(None)
    for hook in called:
        assert isinstance(step, Invoke)
        assert step.function is hook
        step = steps.send(None)
    assert isinstance(step, Now)
    assert isinstance(steps.send(1000.0), Attempt)
    steps.close()


# The log


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (OK, "PUT /v1/kv/a/b: 200 in 250.0 ms"),
        (Response(404, {}, TOKEN.encode()), "PUT /v1/kv/a/b: 404 in 250.0 ms"),
        (ConnectionFailed(TOKEN), "PUT /v1/kv/a/b: ConnectionFailed in 250.0 ms"),
    ],
)
def test_one_line_for_each_exchange(caplog, outcome, text):
    caplog.set_level(logging.DEBUG, "consul")
    try:
        watch(put(), Wire(outcome))
    except Exception:
        assert outcome is not OK
    assert [(each.name, each.levelno, each.getMessage()) for each in caplog.records] == [
        ("consul", logging.DEBUG, text)
    ]
    for secret in (TOKEN, QUERY, VALUE.decode()):
        assert secret not in f"{caplog.text} {caplog.records[0].args}"


def test_no_line_above_debug(caplog):
    caplog.set_level(logging.INFO, "consul")
    watch(put(), Wire())
    assert caplog.records == []


# The client


@pytest.mark.parametrize(
    ("settings", "level", "expected"),
    [
        (Settings(), logging.INFO, False),
        (Settings(), logging.DEBUG, True),
        (Settings(on_request=(print,)), logging.INFO, True),
        (Settings(on_response=(print,)), logging.INFO, True),
    ],
)
def test_when_a_client_is_watched(caplog, settings, level, expected):
    caplog.set_level(level, "consul")
    http = base.HTTPClient(settings)
    assert http._is_plain(put()) is not expected
    steps = http._attempting(put())
    assert (steps.__name__ == "attempt_with_hooks") is expected
    steps.close()


def test_a_repeat_is_an_exchange_of_its_own():
    seen = []
    settings = Settings(
        retry=Retry(),
        on_request=(lambda each: each.headers.update(n=str(len(seen))),),
        on_response=(lambda each: seen.append((each.status, each.headers["n"], each.seconds)),),
    )
    wire = Wire(Response(500, {}, b"No cluster leader"), ConnectionFailed("dropped"), OK)
    assert drive_directly(base.HTTPClient(settings)._sending(put()), wire) is True
    assert seen == [(500, "0", 0.25), (None, "1", 0.25), (200, "2", 0.25)]
    # Headers of a hook do not add up.
    assert [dict(request.headers)["n"] for request in wire.sent] == ["0", "1", "2"]
    assert len({len(request.headers) for request in wire.sent}) == 1


def test_the_logger_is_named_after_the_package():
    assert hooks.log.name == "consul"

"""Every argument of every endpoint, with what it means and with what it cannot mean.

The kind of an argument is read from its annotation, so a new endpoint is tested as well.  Bad
values are refused by the name that the caller wrote.  The core does it, so no flavour is needed.
"""

from __future__ import annotations

import inspect
import io
import re
import uuid
import warnings
from datetime import timedelta

import pytest

from consul.base import Consul
from consul.core.answers import Indexed, Meta
from tests.unit.test_endpoints import METHODS, SAMPLES

C = Consul()
ID = uuid.UUID(int=5)
SURROGATE = "\ud800"
NAN = float("nan")

#: What each kind refuses.
BAD = {
    "text": [True, 1.5, object(), ["a", None], {"a": "b"}, SURROGATE, b"\xff"],
    "id": [True, 1.5, object(), ["a", None], {"a": "b"}, SURROGATE, "", "a/../b"],
    "flag": [1, 0, 1.5, "", "no", "yes", "tRUE", b"1", []],
    "index": [True, 1.0, -1, "-1", "abc", "1.5", "", 2**64, b"1", (1, None)],
    "number": [True, 1.0, -1, "-1", "abc", "1.5", "", 2**64, b"1"],
    "port": [True, 80.5, 3306.0, -1, 70000, "http", "", b"80"],
    "duration": [True, "10", "", -1, NAN, float("inf"), b"10s", object()],
    "duration or none": [True, "10", -1, NAN, b"10s"],
    "above zero": [True, "10", -1, NAN, b"10s", 0, "0s", timedelta(0)],
    "texts": ["web", b"web", {"a": "b"}, 5, ["a", None], ["a", 5], [SURROGATE]],
    "text map": [["a"], "a", {"a": None}, {"a": 5}, {"a": SURROGATE}, {5: "a"}],
    "word": [True, 1.5, object(), ["a"], "nonsense"],
    "body": [True, 5, 1.5, {}, [], SURROGATE],
    "dict": ["a", ["a"], 5, {5: "a"}],
    "dicts": [{"a": "b"}, "ab", [None], ["a"], [[]]],
    "tags": [True, 1.5, ["a", None], [SURROGATE], {"a": "b"}.items(), object()],
    "node_meta": ["os:linux", 5, ["a", None], ["a:1", "a:2"], {"a": None}, {"a:b": "c"}, {5: "a"}],
    "timeout": [True, "5", -1, 0, NAN, float("inf"), (1,), (1, "5")],
    "limit": [True, "5", -1, 0, NAN, float("inf"), b"5"],
    "target": [None, 5, "", b"file", io.StringIO(), ["a"]],
    "source": [None, 5, "", b"", io.StringIO(), ["a"]],
    "function": [5, "print", [], True],
}  # fmt: skip
#: The kind of an argument by its name, where its annotation does not say it.
KINDS = {
    "behavior": "word",
    "body": "body",
    "check": "dict",
    "checks": "texts",
    "acls": "dict",
    "consistency": "word",
    "format": "word",
    "locality": "dict",
    "coord": "dict",
    "datacenters": "texts",
    "extra": "dict",
    "extra_checks": "dicts",
    "meta": "text map",
    "node_meta": "node_meta",
    "payload": "dicts",
    "port": "port",
    "script": "texts",
    "service_fields": "dict",
    "tag": "tags",
    "tagged_addresses": "dict",
    "tags": "texts",
    "template": "dict",
    "timeout": "timeout",
    "progress": "function",
    "source": "source",
    "target": "target",
    "total": "limit",
    "value": "body",
    "weights": "dict",
}
#: Its kind by what its annotation begins with.
ANNOTATED = {
    "Text": "text", "Key": "id", "Flag": "flag", "AnyIndex": "index", "Number": "number",
    "Duration": "duration", "int | str": "number", "Timeout": "timeout",
    "str | bytes": "body", "Iterable[Text]": "texts", "Iterable[": "dicts",
    "Mapping[str, Text]": "text map", "Mapping[": "dict",
}  # fmt: skip
#: Where an argument has another kind.
OTHER = {
    ("acl.token.create", "expiration_ttl"): "above zero",
    ("acl.token.update", "expiration_ttl"): "above zero",
    ("acl.create", "type"): "word",
    ("acl.update", "type"): "word",
    ("agent.check.register", "interval"): "above zero",
    ("agent.check.register", "timeout"): "above zero",
    ("agent.check.register", "ttl"): "above zero",
    ("agent.service.register", "interval"): "above zero",
    ("agent.service.register", "timeout"): "above zero",
    ("agent.service.register", "ttl"): "above zero",
    ("session.create", "ttl"): "above zero",
    ("agent.connect.authorize", "target"): "text",
    # As read from a query without one, "" is none.
    ("query.create", "ttl"): "duration or none",
    ("query.update", "ttl"): "duration or none",
    ("catalog.register", "checks"): "dicts",
    ("catalog.register", "service"): "dict",
    ("catalog.register", "node_meta"): "text map",
    ("catalog.register", "tagged_addresses"): "text map",
    **{(f"query.{name}", "node_meta"): "text map" for name in ("create", "update")},
    ("event.fire", "tag"): "text",
    ("event.list", "tag"): "text",
    ("health.state", "name"): "word",
}
#: What no error shows.
SECRETS = {
    "bearer_token", "bootstrap_secret", "client_nonce", "code", "secret_id", "state", "token",
}  # fmt: skip
#: A str is the old form of a script.
OLD = {"script": {"interval": 1}, "http": {"interval": 1}, "interval": {"http": "http://a"},
       "timeout": {"http": "http://a", "interval": 1}, "ttl": {}}  # fmt: skip


def arguments():
    """Each argument of each endpoint: the method's name, the argument's, its kind."""
    for name, method in METHODS.items():
        groups = {}
        for parameter in inspect.signature(method).parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                group = parameter.annotation.removeprefix("Unpack[").rstrip("]")
                groups.update(inspect.unwrap(method).__globals__[group].__annotations__)
            elif parameter.name != "self":
                groups[parameter.name] = parameter.annotation
        for argument, annotation in groups.items():
            text = getattr(annotation, "__forward_arg__", annotation)
            kind = OTHER.get((name, argument)) or KINDS.get(argument)
            if kind is None:
                found = [kind for start, kind in ANNOTATED.items() if text.startswith(start)]
                assert found, f"{name}: {argument}: {text} is of no known kind"
                kind = found[0]
            if kind == "text" and re.search(rf":{argument}\b", method.route.path):
                kind = "id"
            yield name, argument, kind


ALL = list(arguments())


def call(name, /, **given):
    method = C
    for part in name.split("."):
        method = getattr(method, part)
    needed = {
        parameter.name: SAMPLES.get(parameter.name, "7")
        for parameter in inspect.signature(method).parameters.values()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }
    if name in ("agent.service.register", "agent.check.register"):
        for old, needs in OLD.items():
            if old in given:
                needed.update(needs)
                break
        else:
            needed["check"] = SAMPLES["check"]
    elif name == "operator.raft.remove_peer" and not given.keys() & {"peer_id", "address"}:
        needed["address"] = "10.0.0.1:8300"
    elif name == "health.state":
        needed["name"] = "any"
    elif name == "kv.get" and "separator" in given:
        needed["keys"] = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return method(**{**needed, **given})


def sent(name, /, **given):
    request = call(name, **given).request
    return request.target, request.headers, request.body, request.hold


def cases(*kinds):
    return [
        pytest.param(name, argument, kind, id=f"{name}-{argument}")
        for name, argument, kind in ALL
        if not kinds or kind in kinds
    ]


def test_all_kinds_are_there():
    assert {kind for _, _, kind in ALL} == set(BAD)
    assert len(ALL) > 400


@pytest.mark.parametrize(("name", "argument", "kind"), cases())
def test_what_it_cannot_mean_is_refused_by_name(name, argument, kind):
    for value in BAD[kind]:
        if argument == "script" and isinstance(value, (str, bytes)):
            continue
        with pytest.raises((TypeError, ValueError), match=rf"^(a name in )?{argument}\b") as caught:
            call(name, **{argument: value})
        # By name and in words, not in those of a library.
        assert "JSON serializable" not in str(caught.value)
        if argument in SECRETS:
            assert repr(value)[1:-1] not in str(caught.value)


@pytest.mark.parametrize(("name", "argument", "kind"), cases("text", "id", "tags"))
def test_text_is_text_in_any_form(name, argument, kind):
    word = "any" if (name, argument) == ("health.state", "name") else "a"
    expected = sent(name, **{argument: word})
    for value in (word.encode(), bytearray(word.encode())):
        assert sent(name, **{argument: value}) == expected
    if word == "a":
        assert sent(name, **{argument: ID}) == sent(name, **{argument: str(ID)})
        assert str(ID) in repr(sent(name, **{argument: ID}))


@pytest.mark.parametrize(("name", "argument", "kind"), cases("flag"))
def test_flags_are_words_in_any_form(name, argument, kind):
    more = {"cached": True} if argument == "must_revalidate" else {}
    on, off = (sent(name, **{argument: value}, **more) for value in (True, False))
    assert on != off
    for value in ("1", "t", "T", "true", "TRUE", "True"):
        assert sent(name, **{argument: value}, **more) == on
    for value in ("0", "f", "F", "false", "FALSE", "False"):
        assert sent(name, **{argument: value}, **more) == off
    if argument not in ("enable", "enabled"):
        assert sent(name, **{argument: None}) == sent(name)


@pytest.mark.parametrize(("name", "argument", "kind"), cases("number", "port"))
def test_numbers_are_digits_too(name, argument, kind):
    assert sent(name, **{argument: "5"}) == sent(name, **{argument: 5})
    assert "5" in repr(sent(name, **{argument: 5}))
    assert sent(name, **{argument: None}) == sent(name)


@pytest.mark.parametrize(("name", "argument", "kind"), cases("index"))
def test_an_index_is_that_of_an_answer(name, argument, kind):
    expected = sent(name, **{argument: 7})
    answer = Indexed(7, None, {"x-consul-index": "7"})
    for value in ("7", answer, answer.meta):
        assert sent(name, **{argument: value}) == expected
    # There is nothing to wait from.
    for value in (None, 0, "0", Indexed(None, None, {}), Meta({})):
        assert sent(name, **{argument: value}) == sent(name)


@pytest.mark.parametrize(
    ("name", "argument", "kind"), cases("duration", "duration or none", "above zero")
)
def test_durations_have_four_forms(name, argument, kind):
    if kind == "duration":
        more = {"index": 7} if argument == "wait" else {}
        more = {"hash": "abc"} if (name, argument) == ("agent.service.get", "wait") else more
        more = {"cached": True} if argument in ("max_age", "stale_if_error") else more
    else:
        more = {}
    forms = [sent(name, **{argument: one}, **more) for one in (60, 60.0, timedelta(minutes=1))]
    assert forms[0] == forms[1] == forms[2]
    assert "60" in repr(forms[0])
    call(name, **{argument: "1m"}, **more)


@pytest.mark.parametrize(("name", "argument", "kind"), cases("texts", "tags"))
def test_lists_of_text_have_many_forms(name, argument, kind):
    expected = sent(name, **{argument: ["a", "b"]})
    forms = [("a", "b"), {"b", "a"}, frozenset("ab"), {"a": 1, "b": 2}.keys(), ["a", b"b"]]
    for value in (*forms, {1: "a", 2: "b"}.values()):
        assert sent(name, **{argument: value}) == expected

"""JSON bodies: what is converted, and what is refused by its path."""

from __future__ import annotations

import enum
import ipaddress
import json
import math
import types
import uuid
from collections import OrderedDict, UserDict, deque
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consul.core import bodies
from consul.core.values import json_bytes


class Word(str, enum.Enum):  # noqa: UP042, whose str() is "Word.ONE"
    ONE = "one"


class Plain(enum.Enum):
    ONE = "one"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (5, 5),
        (0.5, 0.5),
        ("é", "é"),
        (b"\xc3\xa9", "é"),
        (Word.ONE, "one"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (ipaddress.ip_address("::1"), "::1"),
        ((1, [2]), [1, [2]]),
        (deque("ab"), ["a", "b"]),
        ({"b", "a", "c"}, ["a", "b", "c"]),
        (frozenset((1,)), [1]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        (range(2), [0, 1]),
        (types.MappingProxyType({"a": (1,)}), {"a": [1]}),
        (OrderedDict(a=1), {"a": 1}),
        (UserDict(a={"b": 1}), {"a": {"b": 1}}),
    ],
)
def test_what_has_one_meaning_is_converted(value, expected):
    found = bodies.opaque("x", value)
    assert found == expected
    assert type(found) is type(expected)
    json_bytes(found)


@pytest.mark.parametrize(
    ("value", "kind", "path"),
    [
        (math.nan, ValueError, "x must be finite"),
        ({"a": [1, math.inf]}, ValueError, r"x\['a'\]\[1\] must be finite"),
        ({"a": -math.inf}, ValueError, r"x\['a'\] must be finite"),
        (["\ud800"], ValueError, r"x\[0\] has lone surrogates"),
        ({"\ud800": 1}, ValueError, r"a name in x has lone surrogates"),
        ({"a": b"\xff"}, ValueError, r"x\['a'\] must be text in UTF-8"),
        ({"a": {5: 1}}, TypeError, r"x\['a'\] must have names that are str, not 5"),
        ({"a": {None: 1}}, TypeError, r"x\['a'\] must have names that are str, not None"),
        ({"a": timedelta(1)}, TypeError, r"x\['a'\] must be .* not timedelta"),
        ({"a": date(2000, 1, 1)}, TypeError, r"x\['a'\] must be .* not date"),
        ([Decimal(1)], TypeError, r"x\[0\] must be .* not Decimal"),
        ([Plain.ONE], TypeError, r"x\[0\] must be .* not Plain"),
        ([object()], TypeError, r"x\[0\] must be .* not object"),
        ([memoryview(b"a")], TypeError, r"x\[0\] must be .* not memoryview"),
        ([iter("a")], TypeError, r"x\[0\] must be .* not str_"),
    ],
)
def test_what_json_has_no_form_for_is_named_by_its_path(value, kind, path):
    with pytest.raises(kind, match=f"^{path}"):
        bodies.opaque("x", value)


def test_what_contains_itself_is_refused():
    value = []
    value.append({"a": value})
    with pytest.raises(ValueError, match=r"^x\[0\].* is nested too deeply"):
        bodies.opaque("x", value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
)


@given(JSON)
def test_json_stays_as_it_is(value):
    assert bodies.opaque("x", value) == value
    assert json.loads(json_bytes(bodies.opaque("x", value))) == value


def test_a_body_is_never_invalid_json():
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_bytes(math.nan)


@pytest.mark.parametrize("value", ["web", b"web", {"a": 1}, 5, None, iter("a")])
def test_a_list_of_text(value):
    with pytest.raises(TypeError, match=r"^tags must be a list of str, not "):
        bodies.texts("tags", value)


@pytest.mark.parametrize("value", [None, 5, True, ["a"]])
def test_what_is_in_a_list_of_text(value):
    with pytest.raises(TypeError, match=r"^tags\[1\] must be str, not "):
        bodies.texts("tags", ["a", value])
    with pytest.raises(TypeError, match=r"^meta\['port'\] must be str, not "):
        bodies.text_map("meta", {"a": "b", "port": value})


FIELDS = [
    ("Port", "80", 80),
    ("port", "0", 0),
    ("tags", ("a", b"b"), ["a", "b"]),
    ("Meta", {"a": uuid.UUID(int=0)}, {"a": str(uuid.UUID(int=0))}),
    ("enable_tag_override", "true", True),
    ("EnableTagOverride", None, None),
    ("tagged_addresses", {"lan": {"Address": "a", "Port": "1"}},
     {"lan": {"Address": "a", "Port": 1}}),
    ("Weights", {"passing": "2"}, {"passing": 2}),
    ("checks", ({"Interval": timedelta(minutes=1)},), [{"Interval": "60s"}]),
    ("Connect", {"SidecarService": {"Port": "5"}}, {"SidecarService": {"Port": 5}}),
    ("Proxy", {"Config": {"a": None, "b": (1,)}}, {"Config": {"a": None, "b": [1]}}),
    ("SomethingNew", deque((1,)), [1]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "expected"), FIELDS)
def test_fields_of_a_service(name, value, expected):
    assert bodies.SERVICE("extra", {name: value}) == {name: expected}


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("Port", True, r"\['Port'\]"),
        ("port", 70000, r"\['port'\]"),
        ("Tags", "web", r"\['Tags'\]"),
        ("ID", "a\nb", r"\['ID'\]"),
        ("name", "a\xa0b", r"\['name'\]"),
        ("Check", [{"ttl": "1s"}], r"\['Check'\]"),
        ("Checks", {"ttl": "1s"}, r"\['Checks'\]"),
        ("Checks", [{"ttl": "0s"}], r"\['Checks'\]\[0\]\['ttl'\]"),
        ("Check", {"CheckID": "a\u2028b", "ttl": "1s"}, r"\['Check'\]\['CheckID'\]"),
        ("Check", {"header": {"A": "x"}}, r"\['Check'\]\['header'\]\['A'\]"),
        ("Check", {"args": "true"}, r"\['Check'\]\['args'\]"),
        ("Check", {"Interval": 10}, r"\['Check'\]\['Interval'\]"),
        ("Check", {"Interval": 0.5}, r"\['Check'\]\['Interval'\]"),
        ("Check", {"tls_skip_verify": "yes"}, r"\['Check'\]\['tls_skip_verify'\]"),
        ("Check", {"OutputMaxSize": -1}, r"\['Check'\]\['OutputMaxSize'\]"),
        ("Connect", {"sidecar_service": {"Port": "x"}}, r"\['Connect'\]\['sidecar_service'\]\['Po"),
        ("Proxy", {"Config": {"a": math.nan}}, r"\['Proxy'\]\['Config'\]\['a'\]"),
    ],
)
def test_wrong_fields_of_a_service_are_named(name, value, path):
    with pytest.raises((TypeError, ValueError), match=f"^extra{path}"):
        bodies.SERVICE("extra", {name: value})


def test_nanoseconds_as_consul_answers_them_pass():
    assert bodies.CHECK("check", {"Interval": 10**10}) == {"Interval": 10**10}


@pytest.mark.parametrize(
    "names", [("Name", "name"), ("EnableTagOverride", "enable_tag_override"), ("ID", "Id")]
)
def test_one_field_by_two_names(names):
    with pytest.raises(ValueError, match=rf"^extra\['{names[0]}'\] and extra\['{names[1]}'\]"):
        bodies.SERVICE("extra", dict.fromkeys(names))


def test_names_of_maps_differ_by_their_case():
    value = {"a_b": "1", "AB": "2", "ab": "3"}
    assert bodies.SERVICE("extra", {"Meta": value}) == {"Meta": value}


def test_operations():
    kv = {"Verb": "set", "Key": "ctl\n", "Value": "eA==", "Flags": "5", "Index": 2**64 - 1}
    assert bodies.OPERATION("x", {"KV": kv}) == {"KV": {**kv, "Flags": 5}}
    for wrong in ({"Value": b"eA=="}, {"Key": 5}, {"Index": -1}, {"Session": ["a"]}):
        (name,) = wrong
        with pytest.raises((TypeError, ValueError), match=rf"^x\['KV'\]\['{name}'\]"):
            bodies.OPERATION("x", {"KV": wrong})
    # What was registered before may be removed by any name.
    bodies.OPERATION("x", {"Service": {"Verb": "delete", "Service": {"ID": "a\nb"}}})


def test_joined():
    body, more = {"Name": "a", "Tags": []}, {"tags": [], "Kind": "k"}
    assert bodies.joined(body, {}, "extra", more) == {"Name": "a", "tags": [], "Kind": "k"}
    assert body == {"Name": "a", "Tags": []}
    for twice in ({"name": "b"}, {"NAME": "b"}, {"na_me": "b"}):
        with pytest.raises(ValueError, match=r"^title and extra\['\w+'\] are two values"):
            bodies.joined(body, {"Name": "title"}, "extra", twice)
    with pytest.raises(ValueError, match=r"^Name and extra\['Title'\] are two values"):
        bodies.joined(body, {}, "extra", {"Title": "b"}, {"title": "name"})

"""Request bodies from tables of fields."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

import pytest

from consul.core.bodies import texts
from consul.core.fields import Fields, consul_name
from consul.core.values import port


@pytest.mark.parametrize(
    ("name", "consul"),
    [
        ("name", "Name"),
        ("node_meta", "NodeMeta"),
        ("service_id", "ServiceID"),
        ("expiration_ttl", "ExpirationTTL"),
        ("dns", "DNS"),
        ("tls_skip_verify", "TLSSkipVerify"),
        ("h2ping", "H2ping"),
    ],
)
def test_consul_names(name, consul):
    assert consul_name(name) == consul


def test_a_body_has_the_order_in_which_it_is_given():
    fields = Fields(node_id="ID")
    assert list(fields.body(node_id="x", address="a", name="n")) == ["ID", "Address", "Name"]
    assert list(fields.body(name="n", node_id="x")) == ["Name", "ID"]


def test_only_none_is_left_out():
    given = {"port": 0, "tags": [], "meta": {}, "override": False, "address": "", "name": None}
    assert Fields().body(**given) == {
        "Port": 0,
        "Tags": [],
        "Meta": {},
        "Override": False,
        "Address": "",
    }


def test_durations():
    fields = Fields(durations=("ttl", "delay"), as_is=("delay",))
    assert fields.body(ttl=timedelta(minutes=1), delay=0.5) == {"TTL": "60s", "delay": "0.5s"}
    assert fields.body(ttl=None, delay="1m") == {"delay": "1m"}
    with pytest.raises(ValueError, match="ttl"):
        fields.body(ttl="10")


def test_kinds():
    fields = Fields(kinds={"tags": texts, "port": port})
    assert fields.body(tags=("a",), port="80", meta={"a": (1,)}) == {
        "Tags": ["a"],
        "Port": 80,
        "Meta": {"a": [1]},
    }
    for name, value in (("tags", "a"), ("port", -1), ("meta", {"a": object()})):
        with pytest.raises((TypeError, ValueError), match=f"^{name}"):
            fields.body(**{name: value})


def test_a_field_with_two_values_is_named_as_the_caller_wrote_it():
    fields = Fields(node_id="ID")
    body = fields.body(node_id="a", address="b")
    assert fields.joined(body, "extra", {"id": "a", "Kind": "k"}) == {
        "Address": "b",
        "id": "a",
        "Kind": "k",
    }
    with pytest.raises(ValueError, match=r"^node_id and extra\['Id'\] are two values"):
        fields.joined(body, "extra", {"Id": "c"})


def test_names_as_they_are():
    assert Fields(as_is=("name", "node"), lock_delay="lockdelay").body(
        name="n", node="m", lock_delay="1s", ttl=1
    ) == {"name": "n", "node": "m", "lockdelay": "1s", "TTL": 1}


def test_a_typeddict_says_which_names_there_are():
    class Known(TypedDict, total=False):
        status: str | None
        node_id: str | None

    fields = Fields(Known, node_id="ID")
    assert fields.body() == {}
    assert fields.body(node_id="x", status=None) == {"ID": "x"}
    with pytest.raises(TypeError, match="'statsu', 'zzz'"):
        fields.body(zzz=1, statsu="passing", status="passing")
    with pytest.raises(TypeError, match="'statsu'"):
        fields.body(statsu=None)


def test_a_name_may_be_that_of_an_argument():
    assert Fields(as_is=("self",)).body(self=1, known=2) == {"self": 1, "Known": 2}

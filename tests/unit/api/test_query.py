import json

import pytest

from consul.api.query import QueryFields
from consul.base import Consul

C = Consul()


def body(made):
    return json.loads(made.request.body)


def test_definition():
    made = C.query.create("web", "n", None, "s", "token", 0, ["dc2"], False, [], 10)
    assert body(made) == {
        "Name": "n",
        "Session": "s",
        "Service": {
            "Service": "web",
            "Failover": {"NearestN": 0, "Datacenters": ["dc2"]},
            "OnlyPassing": False,
            "Tags": [],
        },
        "DNS": {"TTL": "10s"},
    }
    template = {"Type": "name_prefix_match", "Regexp": ""}
    assert body(C.query.create("web", regexp=""))["Template"] == template
    assert body(C.query.create("web", template={"Type": "t"}))["Template"] == {"Type": "t"}
    with pytest.raises(ValueError, match="template and regexp"):
        C.query.create("web", regexp="", template={})
    made = C.query.create("web", near="n", service_fields={"Connect": True})
    assert made.request.body == b'{"Service": {"Service": "web", "Near": "n", "Connect": true}}'


def test_the_whole_definition():
    made = C.query.create(
        "web", "n", None, None, None, None, None, None, ["a"], None, None, "_agent", {"a": "b"},
        {"c": "d"}, targets=[{"Datacenter": "dc2"}, {"Peer": "p"}], ignore_check_ids=["x"],
        connect=True, sameness_group="g",
    )  # fmt: skip
    assert body(made)["Service"] == {
        "Service": "web",
        "SamenessGroup": "g",
        "Failover": {"Targets": [{"Datacenter": "dc2"}, {"Peer": "p"}]},
        "IgnoreCheckIDs": ["x"],
        "Near": "_agent",
        "Tags": ["a"],
        "NodeMeta": {"a": "b"},
        "ServiceMeta": {"c": "d"},
        "Connect": True,
    }
    assert not made.request.params
    # Of the definition, and not of the call.
    assert C.query.update("q", "web", connect=False).request.target == "/v1/query/q"
    # What is given as "not given".
    options = dict.fromkeys(QueryFields.__annotations__)
    assert body(C.query.create("web", **options)) == {"Service": {"Service": "web"}}


def test_targets_stand_alone():
    for name, value in (("nearestn", 1), ("datacenters", ["dc2"])):
        with pytest.raises(ValueError, match=rf"^targets and {name} exclude each other"):
            C.query.create("web", targets=[{"Peer": "a"}], **{name: value})
    with pytest.raises(TypeError, match=r"^targets\[0\]\['Peer'\] must be str"):
        C.query.create("web", targets=[{"Peer": 1}])


def test_two_values_for_one_field():
    failover = {"Failover": {"Targets": [{"Peer": "a"}]}}
    assert body(C.query.create("web", service_fields=failover))["Service"] == {
        "Service": "web", **failover
    }  # fmt: skip
    for arguments, fields in (
        ({"nearestn": 2}, failover),
        ({"datacenters": ["dc2"]}, {"failover": {}}),
        ({"targets": []}, {"failover": {}}),
        ({"ignore_check_ids": []}, {"IgnoreCheckIDs": ["a"]}),
        ({"service_meta": {}}, {"ServiceMeta": {"a": "b"}}),
        ({"near": "a"}, {"Near": "b"}),
        ({"onlypassing": True}, {"only_passing": False}),
        ({}, {"Service": "other"}),
    ):
        name, (field,) = next(iter(arguments), "service"), fields
        with pytest.raises(ValueError, match=rf"^{name} and service_fields\['{field}'\] are two"):
            C.query.create("web", **arguments, service_fields=fields)


def test_a_ttl_of_zero_means_zero_for_dns():
    assert body(C.query.create("web", ttl=0))["DNS"] == {"TTL": "0s"}
    assert "DNS" not in body(C.query.create("web", ttl=""))


def test_a_limit_of_zero_would_be_none():
    with pytest.raises(ValueError, match=r"^limit must be 1 or more"):
        C.query.execute("q", limit=0)


def test_the_captured_token_is_a_secret():
    made = C.query.update("q", "web", capture_token="kept")
    assert body(made)["Token"] == "kept"
    assert "kept" in made.request.secrets
    assert "kept" in C.query.create("web", capture_token="kept").request.secrets


def test_execute():
    assert C.query.execute("q", near="_agent", limit=1).request.target == (
        "/v1/query/q/execute?limit=1&near=_agent"
    )
    assert C.query.execute("q", connect=True).request.target == "/v1/query/q/execute?connect=true"
    assert C.query.execute("q", connect=False).request.target == "/v1/query/q/execute"


def test_what_is_repeated():
    assert C.query.update("q", "web").repeatable
    assert not C.query.create("web").repeatable
    # An error for what is gone.
    assert not C.query.delete("q").repeatable

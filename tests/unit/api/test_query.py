import json

import pytest

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


def test_the_captured_token_is_a_secret():
    made = C.query.update("q", "web", capture_token="kept")
    assert body(made)["Token"] == "kept"
    assert "kept" in made.request.secrets
    assert "kept" in C.query.create("web", capture_token="kept").request.secrets


def test_execute():
    assert C.query.execute("q", near="_agent", limit=1).request.target == (
        "/v1/query/q/execute?limit=1&near=_agent"
    )


def test_what_is_repeated():
    assert C.query.update("q", "web").repeatable
    assert not C.query.create("web").repeatable
    # An error for what is gone.
    assert not C.query.delete("q").repeatable

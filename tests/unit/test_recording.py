"""What an adapter gets to see that does no more than record it, as python-consul's own tests do."""

from __future__ import annotations

import json
from collections import namedtuple

import pytest

import consul.base

Request = namedtuple("Request", "method, path, params, data")


class HTTPClient:
    def __init__(self, host=None, port=None, scheme=None, verify=True, cert=None):
        pass

    def get(self, callback, path, params=None):
        return Request("get", path, params, None)

    def put(self, callback, path, params=None, data=""):
        return Request("put", path, params, data)

    def delete(self, callback, path, params=None):
        return Request("delete", path, params, None)


class Consul(consul.base.Consul):
    def connect(self, host, port, scheme, verify=True, cert=None):
        return HTTPClient(host, port, scheme, verify=verify, cert=None)


def reads(client):
    return [
        lambda **options: client.kv.get("foo", **options),
        client.catalog.nodes,
        client.catalog.services,
        lambda **options: client.catalog.node("foo", **options),
        lambda **options: client.catalog.service("foo", **options),
        client.session.list,
        lambda **options: client.session.info("foo", **options),
        lambda **options: client.session.node("foo", **options),
        lambda **options: client.health.service("foo", **options),
        lambda **options: client.health.checks("foo", **options),
        lambda **options: client.health.state("any", **options),
        lambda **options: client.health.node("foo", **options),
    ]


@pytest.mark.parametrize("read", reads(Consul()))
def test_index(read):
    assert read().params == []
    assert read(index="5").params == [("index", 5)]
    assert read(index=5, wait="10s").params == [("index", 5), ("wait", "10s")]
    assert read(wait="10s").params == []


def test_consistency():
    for read in reads(Consul()):
        assert read(consistency="consistent").params == [("consistent", "1")]
    for read in reads(Consul(consistency="consistent")):
        assert read().params == [("consistent", "1")]
        assert read(consistency="stale").params == [("stale", "1")]
        assert read(consistency="default").params == []
    with pytest.raises(ValueError, match="consistency"):
        Consul(consistency="eventual")


def test_node_meta():
    client = Consul()
    for read in (client.catalog.nodes, client.catalog.services):
        assert sorted(read(node_meta={"env": "prod", "net": 1}).params) == [
            ("node-meta", "env:prod"),
            ("node-meta", "net:1"),
        ]


def test_paths_are_not_quoted_and_bodies_are_text():
    client = Consul(token="t0")
    put = client.kv.put("a b/c", "v")
    assert put == ("put", "/v1/kv/a b/c", [("token", "t0")], b"v")
    created = client.session.create(name="n", ttl=10.0)
    assert isinstance(created.data, str)
    assert created.data.endswith("}")
    assert {name.lower(): value for name, value in json.loads(created.data).items()} == {
        "name": "n",
        "ttl": "10s",
    }
    assert client.session.create().data == ""
    assert client.kv.delete("x", recurse=True, token="t1").params == [
        ("recurse", "1"),
        ("token", "t1"),
    ]

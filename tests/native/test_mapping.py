"""The mapping of the blocking client."""

from __future__ import annotations

import json
from collections.abc import MutableMapping

import pytest

import consul
from consul import codecs


@pytest.fixture
def mapping(agent, prefix):
    with consul.Consul(port=agent.port) as client:
        yield client.kv.mapping(f"{prefix}/")
        client.kv.delete_tree(f"{prefix}/")


def test_it_is_a_mutable_mapping(mapping, prefix):
    assert isinstance(mapping, MutableMapping)
    mapping["a"] = "1"
    mapping.update({"b/c": "2", "d": "3"})
    assert dict(mapping) == {"a": "1", "b/c": "2", "d": "3"}
    assert len(mapping) == 3
    assert list(mapping) == ["a", "b/c", "d"]
    assert list(mapping.values()) == ["1", "2", "3"]
    assert "a" in mapping
    assert "x" not in mapping
    assert 5 not in mapping
    assert mapping.get("x") is None
    assert mapping.setdefault("a", "9") == "1"
    assert mapping.pop("a") == "1"
    with pytest.raises(KeyError, match="'a'"):
        mapping["a"]
    with pytest.raises(KeyError, match="'a'"):
        del mapping["a"]
    assert mapping == {"b/c": "2", "d": "3"}
    assert mapping.find("b") == {"b/c": "2"}
    assert mapping.change("d", lambda value: value * 2) == "33"
    assert mapping.record("d").flags == 0
    assert [record.key for record in mapping.pages()] == ["b/c", "d"] or len(mapping) == 2
    assert prefix in repr(mapping)
    mapping.clear()
    assert not mapping


def test_values_by_a_codec(agent, prefix):
    with consul.Consul(port=agent.port) as client:
        mapping = client.kv.mapping(f"{prefix}/", codecs.json)
        mapping["a"] = {"b": [1, "ü"]}
        assert mapping["a"] == {"b": [1, "ü"]}
        assert json.loads(client.kv.get(f"{prefix}/a", raw=True).data) == {"b": [1, "ü"]}
        with pytest.raises(TypeError, match=f"the value for '{prefix}/x' is no JSON"):
            mapping["x"] = object()
        with pytest.raises(ValueError, match="is no JSON"):
            mapping["x"] = float("nan")
        client.kv.put(f"{prefix}/b", "{")
        with pytest.raises(ValueError, match=f"the value of '{prefix}/b' is no JSON"):
            mapping["b"]
        raw = client.kv.mapping(f"{prefix}/", codecs.raw)
        raw["c"] = bytearray(b"\xff")
        assert raw["c"] == b"\xff"
        client.kv.put(f"{prefix}/empty", None)
        assert raw["empty"] == b""
        assert client.kv.mapping(f"{prefix}/")["empty"] == ""
        client.kv.delete_tree(f"{prefix}/")


def test_the_whole_store_is_not_cleared_by_chance(agent):
    with consul.Consul(port=agent.port) as client:
        with pytest.raises(ValueError, match="whole store"):
            client.kv.mapping().clear()
        for wrong in ("a//b", "../a"):
            with pytest.raises(ValueError, match="prefix"):
                client.kv.mapping(wrong)

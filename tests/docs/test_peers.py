"""The tables for those who come from another project say what is true."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

import consul

EXTENSIONS = Path(__file__).resolve().parent.parent.parent / "docs" / "_ext"


@pytest.fixture(scope="module")
def peers() -> Any:
    pytest.importorskip("sphinx")
    sys.path.insert(0, str(EXTENSIONS))
    try:
        spec = importlib.util.spec_from_file_location("peers", EXTENSIONS / "peers.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(EXTENSIONS))


def test_all_of_python_consul_is_here(peers: Any) -> None:
    peer = next(peer for peer in peers.peers() if peer.name == "python-consul")
    assert len(peer.methods) == 56
    for method, theirs in peer.methods.items():
        ours = peers.find(method)
        assert ours is not None, method
        rest = theirs[peers.alike(theirs, peers.positions(ours)) :]
        # Those with another position can be given by keyword.
        assert peers.keywords(ours).issuperset(rest), method


def test_forks_are_compared(peers: Any) -> None:
    found = {peer.name: peer for peer in peers.peers()}
    assert set(found) == {"python-consul", "python-consul2", "py-consul"}
    for peer in found.values():
        here = {method for method in peer.methods if peers.find(method) is not None}
        assert len(here) > 50
        with consul.Consul() as client:
            for method in here:
                noun: Any = client
                for name in method.split("."):
                    noun = getattr(noun, name)
                assert callable(noun)


def test_what_is_missing_is_told(peers: Any) -> None:
    assert peers.find("kv.get") is not None
    assert peers.find("kv.nothing") is None
    assert peers.find("nothing.get") is None
    # A noun is not a method.
    assert peers.find("agent.service") is None
    assert peers.alike(("a", "b", "c"), ("a", "x")) == 1
    assert peers.by_noun(["kv.get", "agent.service.register", "kv.put"]) == {
        "kv": ["get", "put"],
        "agent.service": ["register"],
    }

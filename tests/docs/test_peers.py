"""The tables for those who come from another project say what is true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import consul


@pytest.fixture
def peers(extension: Callable[[str], Any]) -> Any:
    return extension("peers")


def test_all_of_python_consul_is_here(peers: Any) -> None:
    peer = next(peer for peer in peers.peers() if peer.name == "python-consul")
    assert len(peer.methods) == 61
    for method in peer.methods:
        found = peers.compare(peer, method)
        # Those with another position can be given by keyword.
        assert found.state in ("works", "signature"), method
        assert not found.lost, method


def test_forks_are_compared(peers: Any) -> None:
    found = {peer.name: peer for peer in peers.peers()}
    assert set(found) == {"python-consul", "python-consul2", "py-consul"}
    for peer in found.values():
        here = {method for method in peer.methods if peers.find(method) is not None}
        assert len(here) > 50
        with consul.Consul() as client:
            for method in here:
                noun: Any = consul if method.startswith("Check.") else client
                for name in method.split("."):
                    noun = getattr(noun, name)
                assert callable(noun)


def test_what_is_not_here_has_a_reason(peers: Any) -> None:
    for peer in peers.peers():
        for method in peer.methods:
            found = peers.compare(peer, method)
            if found.state == "missing":
                assert found.reason, f"{peer.name} {method}"


def test_the_reasons_are_about_methods_that_differ(peers: Any) -> None:
    known = peers.reasons()
    found = {peer.name: peer for peer in peers.peers()}
    assert set(known["methods"]) == set(found)
    for name, reasons in known["methods"].items():
        assert set(reasons) <= set(found[name].methods)
        for method, reason in reasons.items():
            assert reason.endswith("."), f"{name} {method}"
    theirs = {each for peer in found.values() for names in peer.methods.values() for each in names}
    assert set(known["names"]) | set(known["arguments"]) <= theirs


def test_what_a_method_is_told_to_be(peers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    methods = {
        "kv.get": ("key", "index", "recurse"),
        "kv.put": ("key", "value", "flags", "ns", "connections_timeout", "wrong"),
        "kv.delete": ("key",),
        "kv.nothing": (),
        "agent.service": (),
    }
    peer = peers.Peer("other", "1.0", methods)
    reasons = {**peers.reasons(), "methods": {"other": {"kv.delete": "It is slower."}}}
    monkeypatch.setattr(peers, "reasons", lambda: reasons)
    found = {method: peers.compare(peer, method) for method in methods}
    assert found["kv.get"] == peers.Verdict("works")
    assert found["kv.put"] == peers.Verdict(
        "signature", ("flags", "ns"), (("connections_timeout", "timeout"),), ("wrong",)
    )
    assert peers.text(peer, "kv.put") == (
        "By keyword: *flags*, *ns*. *connections_timeout* is *timeout*. Not taken: *wrong*."
    )
    assert found["kv.delete"] == peers.Verdict("differs", reason="It is slower.")
    assert found["kv.nothing"].state == "missing"
    # A noun is not a method.
    assert found["agent.service"].state == "missing"
    assert peers.find("nothing.get") is None
    assert peers.alike(("a", "b", "c"), ("a", "x")) == 1

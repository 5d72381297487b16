"""What the page about versions says, on each server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import consul

PAGE = " ".join(
    (Path(__file__).resolve().parent.parent.parent / "docs" / "versions.rst")
    .read_text(encoding="utf-8")
    .split()
)
NOBODY = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
def client(agent: Any) -> Iterator[consul.Consul]:
    with consul.Consul(port=agent.port) as made:
        yield made


def outcome(call: Callable[[], Any]) -> Any:
    """What *call* returns, or the class of its error."""
    try:
        return call()
    except consul.ConsulException as error:
        return type(error)


#: Words of the page, a call, the first version with the second outcome, and both outcomes.
FACTS: list[tuple[str, Callable[[consul.Consul], Any], tuple[int, ...], Any, Any]] = [
    (
        "The legacy ACL tokens, and the translation of their rules, exist before 1.11",
        lambda client: client.acl.list(),
        (1, 11),
        consul.ACLDisabled,
        consul.NotFound,
    ),
    (
        "A check for a service that the agent does not know raises `UnknownService",
        lambda client: client.agent.check.register(
            "docs", consul.Check.ttl("10s"), service_id="docs-none"
        ),
        (1, 8),
        None,
        consul.UnknownService,
    ),
    (
        "An unknown service or check is a 404 since 1.12",
        lambda client: client.agent.check.deregister("docs-none"),
        (1, 12),
        True,
        consul.UnknownCheck,
    ),
    (
        "A session id that is no UUID raises `InvalidSession",
        lambda client: client.session.info("docs-none"),
        (1, 9),
        consul.InvalidSession,
        (1, None),
    ),
    (
        "A key with a space at its beginning or end is stored by 1.8.7 and is a 500 with 1.22",
        lambda client: client.kv.put("docs/versions ", ""),
        (1, 22),
        True,
        consul.ServerError,
    ),
    (
        "*partition* is ignored before 1.11, and a 400 at Consul CE since then",
        lambda client: client.kv.get("docs/none", keys=True, partition="default")[1],
        (1, 11),
        None,
        consul.BadRequest,
    ),
    (
        "With 1.22 it may have 300 bytes, and more is a 413",
        lambda client: client.event.fire("docs", "x" * 350)["Name"],
        (1, 22),
        "docs",
        consul.ClientError,
    ),
    (
        "*ns* is a 400 at Consul CE",
        lambda client: client.kv.get("docs/none", ns="default"),
        (1, 8),
        None,
        consul.BadRequest,
    ),
    (
        "A server that lacks the endpoint answers 404",
        lambda client: client.agent.version().keys() >= {"SHA"},
        (1, 16),
        consul.NotFound,
        True,
    ),
    (
        'The client refuses those marked as "refused" with `Unsupported',
        lambda client: client.catalog.services(filter='ServiceName == "docs-none"')[1],
        (1, 14),
        consul.Unsupported,
        {},
    ),
    (
        "An unknown datacenter is a 500 with all versions",
        lambda client: client.catalog.nodes(dc="docs-none"),
        (1, 8),
        None,
        consul.ServerError,
    ),
]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: re.sub(r"\W+", " ", fact[0])[:40])
def test_a_fact(fact: tuple[Any, ...], client: consul.Consul, agent: Any) -> None:
    words, call, since, before, after = fact
    assert words in PAGE
    found = outcome(lambda: call(client))
    expected = after if agent.version >= since else before
    if isinstance(expected, tuple):
        assert found[1] == expected[1]
    else:
        assert found == expected


def test_where_a_namespace_means_nothing(client: consul.Consul) -> None:
    names = re.search(r"Elsewhere it is ignored: by (.+?)\. ", PAGE)
    assert names is not None
    calls: dict[str, Callable[[], Any]] = {
        "client.status": lambda: client.status.leader(ns="default"),
        "client.operator": lambda: client.operator.raft_config(ns="default"),
        "client.event": lambda: client.event.list(ns="default"),
        "client.query": lambda: client.query.list(ns="default"),
        "client.txn": lambda: client.txn.put(
            [{"KV": {"Verb": "get-tree", "Key": "docs/none"}}], ns="default"
        ),
        "catalog.nodes": lambda: client.catalog.nodes(ns="default"),
    }
    assert re.findall(r"``(.+?)``", names[1]) == list(calls)
    for call in calls.values():
        call()

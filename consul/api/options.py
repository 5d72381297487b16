"""The keywords that endpoints have in common.

An endpoint takes ``**options: Unpack[...]`` of one group.  Type checkers read that annotation, and
so does `consul.core.endpoint.keywords`, which refuses other keywords at run time.  A group must not
have a keyword that the signature spells out.  python-consul gave some of them a position, so there
are groups without token, dc, index, wait and consistency.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

from consul.core.answers import AnyIndex
from consul.core.limits import Timeout
from consul.core.request import Duration
from consul.core.values import Flag, Text

# What one keyword is about.


class Enterprise(TypedDict, total=False):
    """Where objects live on Consul Enterprise; Consul CE answers 400."""

    #: Namespace and admin partition, instead of the client's.
    ns: Text | None
    partition: Text | None


class Consistency(TypedDict, total=False):
    """How fresh the answer of a read from the servers has to be."""

    #: "default", "consistent" or "stale", instead of the client's.
    consistency: str | None


class MaxStale(TypedDict, total=False):
    """A bound for stale reads (catalog, health, query)."""

    #: Oldest state that a stale read may show.
    max_stale: Duration | None


class Blocking(TypedDict, total=False):
    """A read that waits for a change."""

    #: Wait until there is something newer: the index of an answer, the answer, or its ``meta``.
    index: AnyIndex | None
    #: Wait for this long at most: seconds, "10s" or a timedelta.
    wait: Duration | None


class Hashed(TypedDict, total=False):
    """A read that waits until its content is another one."""

    #: Wait while the content has this hash: ``ContentHash`` of the last answer.
    hash: Text | None
    #: Wait for this long at most: seconds, "10s" or a timedelta.
    wait: Duration | None


class Filtered(TypedDict, total=False):
    """A read that the server filters."""

    #: A bexpr expression.
    filter: Text | None


class NodeMeta(TypedDict, total=False):
    """A read of nodes, or of what is on them."""

    #: Node metadata that must match: a mapping, or texts like "os:linux".
    node_meta: Mapping[str, object] | Iterable[Text] | None


class Refreshed(TypedDict, total=False):
    """A read that the agent can answer from a cache which it keeps up to date."""

    #: Answer from the agent's cache.
    cached: Flag


class Cached(Refreshed, total=False):
    """A read that the agent can answer from a cache which it does not keep up to date."""

    #: Oldest entry of the cache to accept, and the oldest one while the servers fail.
    max_age: Duration | None
    stale_if_error: Duration | None
    #: Ask the servers whether the entry of the cache is still right.
    must_revalidate: Flag


class FromPeer(TypedDict, total=False):
    """A read of what a peered cluster exports."""

    #: Name of the peer (1.13).
    peer: Text | None


class FromSamenessGroup(TypedDict, total=False):
    """A read of what a group of peers and partitions exports (Enterprise)."""

    #: Name of the sameness group (1.16).
    sameness_group: Text | None


class Merged(TypedDict, total=False):
    """A read of services that can have what config entries say of them."""

    #: Fill in what proxy-defaults and service-defaults say (1.13).
    merge_central_config: Flag


# What every call takes, less what its signature spells out.


class Common(Enterprise, total=False):
    """What every call takes besides token and dc."""

    #: Seconds for the call, (connect, read), or None for no limit, instead of the client's.
    timeout: Timeout


class WithToken(Common, total=False):
    """The same with the token."""

    #: ACL token, instead of the client's.
    token: Text | None


class WithDC(Common, total=False):
    """The same with the datacenter."""

    #: Datacenter, instead of the client's.
    dc: Text | None


class Scope(WithToken, WithDC, total=False):
    """What every call takes."""


class Untimed(Enterprise, total=False):
    """What calls take whose own *timeout* is that of a check."""

    #: Datacenter, instead of the client's.
    dc: Text | None


# The groups of single endpoints.


class ACLRead(WithDC, Consistency, Blocking, total=False):
    """The reads of tokens, policies and the other things of ``acl``."""


class ReplicationRead(Common, Consistency, total=False):
    """``acl.replication``."""


class AgentRead(WithDC, Filtered, total=False):
    """``agent.members``."""


class DatacentersRead(Scope, Cached, total=False):
    """``catalog.datacenters``."""


class CatalogRead(Common, MaxStale, total=False):
    """``catalog.nodes`` and ``catalog.node``."""


class CatalogServicesRead(CatalogRead, Refreshed, total=False):
    """``catalog.services``."""


class AgentServiceRead(Scope, Hashed, total=False):
    """``agent.service.get``."""


class CatalogServiceRead(CatalogServicesRead, FromPeer, Merged, total=False):
    """``catalog.service`` and ``catalog.connect``."""


class HealthRead(CatalogRead, Consistency, total=False):
    """``health.node``, ``health.checks`` and ``health.state``."""


class HealthIngressRead(HealthRead, Refreshed, Merged, total=False):
    """``health.ingress``."""


class HealthServiceRead(HealthIngressRead, FromPeer, FromSamenessGroup, total=False):
    """``health.service`` and ``health.connect``."""


class LocalBlockingRead(Scope, Blocking, total=False):
    """A read that can wait for a change, and has no consistency modes."""


class ServerRead(Scope, Consistency, total=False):
    """A read of what the servers have, in one of the consistency modes."""


class TokenlessRead(WithDC, Consistency, total=False):
    """The same, where the token has a position."""


class BlockingRead(ServerRead, Blocking, total=False):
    """The same, which can wait for a change."""


class FilteredRead(BlockingRead, Filtered, total=False):
    """The same, filtered by the server."""


class NodeServicesRead(FilteredRead, MaxStale, Merged, total=False):
    """``catalog.node_services``."""


class RefreshedRead(BlockingRead, Refreshed, total=False):
    """A read that can wait for a change, or be answered from a cache that the agent refreshes."""


class QueryRead(Common, Consistency, MaxStale, total=False):
    """``query.explain``."""


class QueryListRead(QueryRead, Blocking, total=False):
    """``query.list``, ``query.get`` and ``catalog.gateway_services``."""


class QueryExecuteRead(QueryRead, Cached, total=False):
    """``query.execute``."""

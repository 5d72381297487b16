"""Prepared queries, /v1/query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.catalog import Node, StoredService
from consul.api.health import StoredCheck
from consul.api.noun import Noun
from consul.api.options import Common, QueryExecuteRead, QueryListRead, QueryRead
from consul.api.params import one_or_absent
from consul.core import answers, bodies
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import (
    Flag,
    Number,
    Text,
    at_least_one,
    duration,
    flag,
    identifier,
    number,
    segment,
    text,
)

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.request import Call, Response


class QueryFields(TypedDict, total=False):
    """What may be said of a query besides what has a position."""

    #: Where to look in turn when this datacenter has no instance: dicts with ``Datacenter``, or
    #: ``Peer`` (1.14), instead of *nearestn* and *datacenters*.
    targets: Iterable[Mapping[str, Text]] | None
    #: Checks that do not count.
    ignore_check_ids: Iterable[Text] | None
    #: Find what the mesh reaches the service by.
    connect: Flag
    #: Name of a sameness group to look in (Enterprise, 1.16).
    sameness_group: Text | None
    #: Further fields of ``Service`` in Consul's spelling.
    service_fields: Mapping[str, Any] | None
    #: ``Type``, ``Regexp`` and ``RemoveEmptyTags``: for all names that start with the query's.
    template: Mapping[str, Any] | None
    #: A token that is stored, and used whenever the query runs.
    capture_token: Text | None


class QueryWrite(QueryFields, Common, total=False):
    """``query.create`` and ``query.update``."""


_FIELDS = frozenset(QueryFields.__annotations__)
_DEFINITION = Fields(
    kinds={
        "name": identifier,
        "session": text,
        "capture_token": text,
        "template": bodies.TEMPLATE,
    },
    capture_token="Token",
)
_FAILOVER = Fields(
    kinds={
        "nearestn": bodies.count,
        "datacenters": bodies.texts,
        "targets": bodies.listed(bodies.text_map, "dicts"),
    },
    nearestn="NearestN",
)
_SERVICE = Fields(
    kinds={
        "service": text,
        "onlypassing": flag,
        "ignore_check_ids": bodies.texts,
        "near": text,
        "tags": bodies.texts,
        "node_meta": bodies.text_map,
        "service_meta": bodies.text_map,
        "connect": flag,
        "sameness_group": text,
    },
    onlypassing="OnlyPassing",
    ignore_check_ids="IgnoreCheckIDs",
)


class QueryTemplate(TypedDict):
    """What makes a query one for many names."""

    #: "name_prefix_match", "" where the query is no template.
    Type: str
    Regexp: str
    RemoveEmptyTags: bool


class QueryFailoverTarget(TypedDict, total=False):
    """Where to look; it has one of the first two."""

    Peer: str
    Datacenter: str
    Namespace: str
    Partition: str


class QueryFailoverOptions(TypedDict):
    """Where to look when this datacenter has no instance."""

    NearestN: int
    Datacenters: list[str] | None
    Targets: NotRequired[list[QueryFailoverTarget] | None]


class ServiceQuery(TypedDict):
    """Which instances a query finds."""

    #: Name of the service.
    Service: str
    SamenessGroup: NotRequired[str]
    Namespace: NotRequired[str]
    Partition: NotRequired[str]
    Peer: NotRequired[str]
    Failover: QueryFailoverOptions
    OnlyPassing: bool
    IgnoreCheckIDs: list[str] | None
    Near: str
    Tags: list[str] | None
    NodeMeta: dict[str, str] | None
    ServiceMeta: dict[str, str] | None
    Connect: bool


class QueryDNSOptions(TypedDict):
    """How DNS answers."""

    #: Like "10s", "" without one.
    TTL: str


class PreparedQueryDefinition(TypedDict):
    """A prepared query as the servers store it."""

    ID: str
    Name: str
    Session: str
    #: The token that the query runs with; hidden from those who may not see it.
    Token: str
    Template: QueryTemplate
    Service: ServiceQuery
    DNS: QueryDNSOptions
    CreateIndex: int
    ModifyIndex: int


class _Meta(TypedDict):
    Index: int
    LastContact: int
    KnownLeader: bool
    ConsistencyLevel: str
    NotModified: NotRequired[bool]
    Backend: NotRequired[int]
    ResultsFilteredByACLs: NotRequired[bool]


class QueryNode(TypedDict):
    """An instance that a query found, with its node and the checks of both."""

    Node: Node
    Service: StoredService
    #: None where it has none, and another datacenter has answered.
    Checks: list[StoredCheck] | None


class QueryResult(_Meta):
    """What a prepared query found."""

    #: Name of the service.
    Service: str
    Nodes: list[QueryNode]
    DNS: QueryDNSOptions
    #: The datacenter that answered.
    Datacenter: str
    #: The peer that answered.
    PeerName: NotRequired[str]
    #: How many datacenters and peers were asked in vain.
    Failovers: int


class QueryExplanation(_Meta):
    """The definition that a name stands for."""

    Query: PreparedQueryDefinition


def _definition(
    given: Mapping[str, Any],
    service: Text | None,
    name: Text | None,
    session: Text | None,
    nearestn: Number | None,
    datacenters: Iterable[Text] | None,
    onlypassing: Flag,
    tags: Iterable[Text] | None,
    ttl: Duration | None,
    regexp: Text | None,
    near: Text | None,
    node_meta: Mapping[str, Text] | None,
    service_meta: Mapping[str, Text] | None,
) -> dict[str, Any]:
    """The body of a query; *given* has what has no position."""
    template = given.get("template")
    if regexp is not None:
        if template is not None:
            raise ValueError("template and regexp exclude each other")
        template = {"Type": "name_prefix_match", "Regexp": text("regexp", regexp)}
    targets = given.get("targets")
    failover = _FAILOVER.body(nearestn=nearestn, datacenters=datacenters, targets=targets)
    if targets is not None and len(failover) > 1:
        other = "datacenters" if nearestn is None else "nearestn"
        raise ValueError(f"targets and {other} exclude each other")
    more = bodies.QUERY_SERVICE("service_fields", given.get("service_fields") or {})
    for spelling in more:
        if failover and bodies.plain(spelling) == "failover":
            own = next(iter(failover)).lower()
            raise ValueError(f"{own} and service_fields[{spelling!r}] are two values for one thing")
    about = _SERVICE.body(
        service=service,
        sameness_group=given.get("sameness_group"),
        failover=failover or None,
        onlypassing=onlypassing,
        ignore_check_ids=given.get("ignore_check_ids"),
        near=near,
        tags=tags,
        node_meta=node_meta,
        service_meta=service_meta,
        connect=given.get("connect"),
    )
    ttl = None if ttl == "" else ttl
    return _DEFINITION.body(
        name=name,
        session=session,
        capture_token=given.get("capture_token"),
        service=_SERVICE.joined(about, "service_fields", more) or None,
        dns=None if ttl is None else {"TTL": duration("ttl", ttl)},
        template=template,
    )


def _limit(limit: Number | None) -> int | None:
    """*limit*, which Consul takes for "no limit" when it is zero."""
    return None if limit is None else at_least_one("limit", number("limit", limit))


class Query(Noun[F]):
    """Prepared queries, /v1/query: searches for services that the servers store."""

    def _written(
        self,
        name: str,
        path: str,
        decode: Callable[[Response], Any],
        body: dict[str, Any],
        options: Mapping[str, Any],
        dc: Text | None,
        token: Text | None,
    ) -> Call[Any]:
        """Make the call that writes the definition *body*."""
        rest = {key: value for key, value in options.items() if key not in _FIELDS}
        captured = body.get("Token")
        secrets = (captured,) if captured else ()
        return self._call(
            name, path, decode, (), rest, json=body, secrets=secrets, dc=dc, token=token
        )

    @endpoint("GET /v1/query")
    def list(
        self,
        dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[QueryListRead],
    ) -> Call[builtins.list[PreparedQueryDefinition]]:
        """List the queries that the token may read.

        ``GET /v1/query``
        """
        return self._read("list", "/v1/query", answers.value, (), options, dc=dc, token=token)

    @endpoint("POST /v1/query", repeatable=False)
    def create(
        self,
        service: Text,
        name: Text | None = None,
        dc: Text | None = None,
        session: Text | None = None,
        token: Text | None = None,
        nearestn: Number | None = None,
        datacenters: Iterable[Text] | None = None,
        onlypassing: Flag = None,
        tags: Iterable[Text] | None = None,
        ttl: Duration | None = None,
        regexp: Text | None = None,
        near: Text | None = None,
        node_meta: Mapping[str, Text] | None = None,
        service_meta: Mapping[str, Text] | None = None,
        **options: Unpack[QueryWrite],
    ) -> Call[dict[str, str]]:
        """Create a query for *service*.  Return a dict with its ``ID``.

        *name* is a name to run it by.  *session* is a session that the query ends with.  Servers
        need one of the two.

        An instance must have all of *tags*, and none of those that start with "!".  Its node must
        have the metadata *node_meta*, and itself *service_meta*.  *onlypassing* also drops the
        instances with warnings.  *ignore_check_ids* are checks that do not count.  With *connect*
        the query finds what the mesh reaches the service by.  *near* names a node to sort by round
        trip time from; "_agent" is the agent that runs the query.

        *nearestn* (int) and *datacenters* (list of str) are where to look when this datacenter has
        no instance: first in that many of the nearest ones, then in those that are named.
        *targets* say the same as a list of dicts with ``Datacenter`` or ``Peer``, in order (1.14).
        *sameness_group* names a sameness group to look in (Enterprise, 1.16).

        *ttl* (seconds, "10s" or a timedelta) is for DNS.  *regexp* makes the query a template for
        all names that start with *name*; "" matches them all.  *template* says the same as a dict
        with ``Type``, ``Regexp`` and ``RemoveEmptyTags``.  Texts of the query may then have
        ``${name.full}``, ``${name.suffix}`` or ``${match(1)}``.  *service_fields* are further
        fields of ``Service`` in Consul's spelling.
        *token* is for this call.  *capture_token* is stored, and used whenever the query runs.

        Raises ACLPermissionDenied where the token may not write it, ServerError when the name is
        taken.

        ``POST /v1/query``
        """
        body = _definition(
            options, service, name, session, nearestn, datacenters, onlypassing, tags, ttl, regexp,
            near, node_meta, service_meta,
        )  # fmt: skip
        return self._written("create", "/v1/query", answers.value, body, options, dc, token)

    @endpoint("PUT /v1/query/:query_id", repeatable=True)
    def update(
        self,
        query_id: Text,
        service: Text | None = None,
        name: Text | None = None,
        dc: Text | None = None,
        session: Text | None = None,
        token: Text | None = None,
        nearestn: Number | None = None,
        datacenters: Iterable[Text] | None = None,
        onlypassing: Flag = None,
        tags: Iterable[Text] | None = None,
        ttl: Duration | None = None,
        regexp: Text | None = None,
        near: Text | None = None,
        node_meta: Mapping[str, Text] | None = None,
        service_meta: Mapping[str, Text] | None = None,
        **options: Unpack[QueryWrite],
    ) -> Call[bool]:
        """Replace the whole definition of a query.  Return True.

        The arguments are those of `create`.  What is not given is as in a new query.

        Raises ACLPermissionDenied where the token may not write it, UnknownQuery for an unknown
        query.

        ``PUT /v1/query/:query_id``
        """
        path = f"/v1/query/{segment('query_id', query_id)}"
        body = _definition(
            options, service, name, session, nearestn, datacenters, onlypassing, tags, ttl, regexp,
            near, node_meta, service_meta,
        )  # fmt: skip
        return self._written("update", path, answers.done, body, options, dc, token)

    @endpoint("GET /v1/query/:query_id")
    def get(
        self,
        query_id: Text,
        token: Text | None = None,
        dc: Text | None = None,
        **options: Unpack[QueryListRead],
    ) -> Call[builtins.list[PreparedQueryDefinition]]:
        """Read one query: a list with it alone.

        Raises UnknownQuery for an unknown query, ACLPermissionDenied where the token may not read
        it.

        ``GET /v1/query/:query_id``
        """
        return self._read(
            "get",
            f"/v1/query/{segment('query_id', query_id)}",
            answers.value,
            (),
            options,
            token=token,
            dc=dc,
        )

    @endpoint("DELETE /v1/query/:query_id", repeatable=False)
    def delete(
        self,
        query_id: Text,
        token: Text | None = None,
        dc: Text | None = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """Delete a query.  Return True.

        Raises ACLPermissionDenied where the token may not write it, UnknownQuery for an unknown
        query.

        ``DELETE /v1/query/:query_id``
        """
        return self._call(
            "delete",
            f"/v1/query/{segment('query_id', query_id)}",
            answers.done,
            (),
            options,
            token=token,
            dc=dc,
        )

    @endpoint("GET /v1/query/:query/execute")
    def execute(
        self,
        query: Text,
        token: Text | None = None,
        dc: Text | None = None,
        near: Text | None = None,
        limit: Number | None = None,
        *,
        connect: Flag = None,
        **options: Unpack[QueryExecuteRead],
    ) -> Call[QueryResult]:
        """Run a query, by its id or name.

        *near* names a node to sort by round trip time from; "_agent" is the agent that answers.
        *limit* is the largest number of nodes in the answer.  With *connect* it finds what the mesh
        reaches the service by, as if the query said so.  It never waits for a change.

        Where the token may not read something, it is left out.  Nor is a datacenter an error that
        cannot be reached.

        Raises UnknownQuery for an unknown query.

        ``GET /v1/query/:query/execute``
        """
        return self._read(
            "execute",
            f"/v1/query/{segment('query', query)}/execute",
            answers.value,
            (("limit", _limit(limit)), ("connect", one_or_absent("connect", connect, "true"))),
            options,
            token=token,
            dc=dc,
            near=near,
        )

    @endpoint("GET /v1/query/:query/explain")
    def explain(
        self,
        query: Text,
        token: Text | None = None,
        dc: Text | None = None,
        **options: Unpack[QueryRead],
    ) -> Call[QueryExplanation]:
        """Read the definition that would run for a name, with its template filled in.

        Raises UnknownQuery for a name that no query has, ACLPermissionDenied where the token may
        not read the query.

        ``GET /v1/query/:query/explain``
        """
        return self._read(
            "explain",
            f"/v1/query/{segment('query', query)}/explain",
            answers.value,
            (),
            options,
            token=token,
            dc=dc,
        )

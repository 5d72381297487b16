"""Prepared queries, /v1/query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import Common, QueryExecuteRead, QueryListRead, QueryRead
from consul.core import answers, bodies
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import (
    Flag,
    Number,
    Text,
    at_least_one,
    flag,
    identifier,
    number,
    segment,
    text,
)

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.request import Call

_DEFINITION = Fields(
    durations=("ttl",),
    kinds={
        "name": identifier,
        "session": text,
        "nearestn": bodies.count,
        "datacenters": bodies.texts,
        "onlypassing": flag,
        "tags": bodies.texts,
        "regexp": text,
        "capture_token": text,
        "template": bodies.TEMPLATE,
        "near": text,
    },
    capture_token="Token",
    nearestn="NearestN",
    onlypassing="OnlyPassing",
    service="Service",
)


class PreparedQuery(TypedDict):
    """A prepared query as the servers store it."""

    ID: str
    Name: str
    Session: str
    #: The token that the query runs with; hidden from those who may not see it.
    Token: str
    Template: dict[str, Any]
    Service: dict[str, Any]
    DNS: dict[str, str]
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


class QueryResult(_Meta):
    """What a prepared query found."""

    #: Name of the service.
    Service: str
    #: Each like a `consul.types.ServiceEntry`, but its tags are None where it has none.
    Nodes: list[dict[str, Any]]
    DNS: dict[str, str]
    #: The datacenter that answered.
    Datacenter: str
    PeerName: NotRequired[str]
    #: How many datacenters were asked in vain.
    Failovers: int


class QueryExplanation(_Meta):
    """The definition that a name stands for."""

    Query: PreparedQuery


def _definition(
    *,
    service: Text | None,
    name: Text | None,
    session: Text | None,
    nearestn: Number | None,
    datacenters: Iterable[Text] | None,
    onlypassing: Flag,
    tags: Iterable[Text] | None,
    ttl: Duration | None,
    regexp: Text | None,
    capture_token: Text | None,
    template: Mapping[str, Any] | None,
    near: Text | None,
    service_fields: Mapping[str, Any] | None,
) -> dict[str, Any]:
    if template is not None and regexp is not None:
        raise ValueError("template and regexp exclude each other")
    if regexp is not None:
        template = {"Type": "name_prefix_match", "Regexp": text("regexp", regexp)}
    body = _DEFINITION.body
    more = bodies.QUERY_SERVICE("service_fields", service_fields or {})
    failover = body(nearestn=nearestn, datacenters=datacenters)
    for spelling in more:
        if failover and bodies.plain(spelling) == "failover":
            given = "datacenters" if nearestn is None else "nearestn"
            raise ValueError(
                f"{given} and service_fields[{spelling!r}] are two values for one thing"
            )
    about = body(
        service=None if service is None else text("service", service),
        failover=failover or None,
        onlypassing=onlypassing,
        tags=tags,
        near=near,
    )
    return body(
        name=name,
        session=session,
        capture_token=capture_token,
        service=_DEFINITION.joined(about, "service_fields", more) or None,
        dns=body(ttl=None if ttl == "" else ttl) or None,
        template=template,
    )


def _limit(limit: Number | None) -> int | None:
    """*limit*, which Consul takes for "no limit" when it is zero."""
    return None if limit is None else at_least_one("limit", number("limit", limit))


class Query(Noun[F]):
    """Prepared queries, /v1/query: searches for services that the servers store."""

    @endpoint("GET /v1/query")
    def list(
        self,
        dc: Text | None = None,
        token: Text | None = None,
        **options: Unpack[QueryListRead],
    ) -> Call[builtins.list[PreparedQuery]]:
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
        *,
        capture_token: Text | None = None,
        template: Mapping[str, Any] | None = None,
        near: Text | None = None,
        service_fields: Mapping[str, Any] | None = None,
        **options: Unpack[Common],
    ) -> Call[dict[str, str]]:
        """Create a query for *service*.  Return a dict with its ``ID``.

        *name* is a name to run it by.  *session* is a session that the query ends with.  Servers
        need one of the two.
        *nearestn* (int) and *datacenters* (list of str) are where to look when this datacenter has
        no instance.  *onlypassing* also drops the instances with warnings.  An instance must have
        all of *tags*, and none of those that start with "!".  *ttl* (seconds, "10s" or a timedelta)
        is for DNS.  *near* names a node to sort by round trip time from; "_agent" is the agent that
        runs the query.
        *regexp* makes the query a template for all names that start with *name*; "" matches them
        all.  *template* says the same as a dict with ``Type``, ``Regexp`` and ``RemoveEmptyTags``.
        *service_fields* are further fields of ``Service`` in Consul's spelling.
        *token* is for this call.  *capture_token* is stored, and used whenever the query runs.

        Raises ACLPermissionDenied where the token may not write it, ServerError when the name is
        taken.

        ``POST /v1/query``
        """
        return self._call(
            "create",
            "/v1/query",
            answers.value,
            (),
            options,
            json=_definition(
                service=service,
                name=name,
                session=session,
                nearestn=nearestn,
                datacenters=datacenters,
                onlypassing=onlypassing,
                tags=tags,
                ttl=ttl,
                regexp=regexp,
                capture_token=capture_token,
                template=template,
                near=near,
                service_fields=service_fields,
            ),
            secrets=(text("capture_token", capture_token),) if capture_token else (),
            dc=dc,
            token=token,
        )

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
        *,
        capture_token: Text | None = None,
        template: Mapping[str, Any] | None = None,
        near: Text | None = None,
        service_fields: Mapping[str, Any] | None = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """Replace the whole definition of a query.  Return True.

        The arguments are those of `create`.

        Raises ACLPermissionDenied where the token may not write it, ServerError for an unknown
        query.

        ``PUT /v1/query/:query_id``
        """
        return self._call(
            "update",
            f"/v1/query/{segment('query_id', query_id)}",
            answers.done,
            (),
            options,
            json=_definition(
                service=service,
                name=name,
                session=session,
                nearestn=nearestn,
                datacenters=datacenters,
                onlypassing=onlypassing,
                tags=tags,
                ttl=ttl,
                regexp=regexp,
                capture_token=capture_token,
                template=template,
                near=near,
                service_fields=service_fields,
            ),
            secrets=(text("capture_token", capture_token),) if capture_token else (),
            dc=dc,
            token=token,
        )

    @endpoint("GET /v1/query/:query_id")
    def get(
        self,
        query_id: Text,
        token: Text | None = None,
        dc: Text | None = None,
        **options: Unpack[QueryListRead],
    ) -> Call[builtins.list[PreparedQuery]]:
        """Read one query: a list with it alone.

        Raises NotFound for an unknown query, ACLPermissionDenied where the token may not read it.

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

        Raises ACLPermissionDenied where the token may not write it, ServerError for an unknown
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
        **options: Unpack[QueryExecuteRead],
    ) -> Call[QueryResult]:
        """Run a query, by its id or name.

        *near* names a node to sort by round trip time from.  *limit* is the largest number of
        nodes in the answer.

        Raises NotFound for an unknown query.

        ``GET /v1/query/:query/execute``
        """
        return self._read(
            "execute",
            f"/v1/query/{segment('query', query)}/execute",
            answers.value,
            (("limit", _limit(limit)),),
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

        Raises NotFound for an unknown query.

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

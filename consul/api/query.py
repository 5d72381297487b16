"""Prepared queries, /v1/query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from consul import callback
from consul.api.noun import Noun
from consul.request import Duration
from consul.values import duration, present, segment

if TYPE_CHECKING:
    import builtins

    from typing_extensions import Unpack

    from consul.request import Call, ReadOptions, WriteOptions


def _definition(
    service: str | None,
    name: str | None,
    session: str | None,
    nearestn: int | None,
    datacenters: Sequence[str] | None,
    onlypassing: bool | None,
    tags: Sequence[str] | None,
    ttl: Duration | None,
    regexp: str | None,
    capture_token: str | None,
    template: Mapping[str, Any] | None,
    near: str | None,
    service_fields: Mapping[str, Any] | None,
) -> dict[str, Any]:
    if template is not None and regexp is not None:
        raise ValueError("template and regexp exclude each other")
    if regexp is not None:
        template = {"Type": "name_prefix_match", "Regexp": regexp}
    failover = present({"NearestN": nearestn, "Datacenters": datacenters})
    about = {
        "Service": service,
        "Failover": failover or None,
        "OnlyPassing": onlypassing,
        "Tags": tags,
        "Near": near,
    }
    return present(
        {
            "Name": name,
            "Session": session,
            "Token": capture_token,
            "Service": {**present(about), **(service_fields or {})} or None,
            "DNS": None if ttl is None else {"TTL": duration("ttl", ttl)},
            "Template": template,
        }
    )


class Query(Noun):
    """Prepared queries, /v1/query: searches for services that the servers keep."""

    def list(
        self,
        dc: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[builtins.list[Any]]:
        """The queries that the token may read, a list of dicts as of `get`.

        ``GET /v1/query``
        """
        return self._read("/v1/query", callback.value, (), options, dc=dc, token=token)

    def create(
        self,
        service: str,
        name: str | None = None,
        dc: str | None = None,
        session: str | None = None,
        token: str | None = None,
        nearestn: int | None = None,
        datacenters: Sequence[str] | None = None,
        onlypassing: bool | None = None,
        tags: Sequence[str] | None = None,
        ttl: Duration | None = None,
        regexp: str | None = None,
        *,
        capture_token: str | None = None,
        template: Mapping[str, Any] | None = None,
        near: str | None = None,
        service_fields: Mapping[str, Any] | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[dict[str, Any]]:
        """Create a query for *service*; return a dict with its ``ID``.

        *name* lets it be run by name; servers want it or *session*, with which the query ends.
        *nearestn* (int) and *datacenters* (list of str) say where to look when there is nothing
        here.  *onlypassing* drops instances with warnings, too; *tags* must all be there, those
        with "!" must not.  *ttl* (seconds, "10s" or a timedelta) is for DNS.  *near* names the
        node to sort by round trip time from, "_agent" for the one that is asked.
        *regexp*, "" for none, makes it a template for all names that start with *name*;
        *template* is the same as a dict with ``Type``, ``Regexp`` and ``RemoveEmptyTags``.
        *service_fields* are further fields of ``Service``, as Consul spells them.
        *token* is for this call; *capture_token* is kept and used whenever the query is run.

        Raises ACLPermissionDenied where the token may not write it, ServerError when the name is
        taken.

        ``POST /v1/query``
        """
        return self._call(
            "POST",
            "/v1/query",
            callback.value,
            (),
            options,
            json=_definition(
                service,
                name,
                session,
                nearestn,
                datacenters,
                onlypassing,
                tags,
                ttl,
                regexp,
                capture_token,
                template,
                near,
                service_fields,
            ),
            secrets=(capture_token,) if capture_token else (),
            dc=dc,
            token=token,
        )

    def update(
        self,
        query_id: str,
        service: str | None = None,
        name: str | None = None,
        dc: str | None = None,
        session: str | None = None,
        token: str | None = None,
        nearestn: int | None = None,
        datacenters: Sequence[str] | None = None,
        onlypassing: bool | None = None,
        tags: Sequence[str] | None = None,
        ttl: Duration | None = None,
        regexp: str | None = None,
        *,
        capture_token: str | None = None,
        template: Mapping[str, Any] | None = None,
        near: str | None = None,
        service_fields: Mapping[str, Any] | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[bool]:
        """Replace the whole definition of a query: True.  Arguments as of `create`.

        Raises ACLPermissionDenied where the token may not write it, ServerError for an unknown
        query.

        ``PUT /v1/query/:query_id``
        """
        return self._call(
            "PUT",
            f"/v1/query/{segment('query_id', query_id)}",
            callback.done,
            (),
            options,
            json=_definition(
                service,
                name,
                session,
                nearestn,
                datacenters,
                onlypassing,
                tags,
                ttl,
                regexp,
                capture_token,
                template,
                near,
                service_fields,
            ),
            secrets=(capture_token,) if capture_token else (),
            dc=dc,
            token=token,
            repeatable=True,
        )

    def get(
        self,
        query_id: str,
        token: str | None = None,
        dc: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[builtins.list[Any]]:
        """A list with the one query: a dict with ``ID``, ``Name``, ``Service`` and others.

        Raises NotFound for an unknown query, ACLPermissionDenied where the token may not read it.

        ``GET /v1/query/:query_id``
        """
        return self._read(
            f"/v1/query/{segment('query_id', query_id)}",
            callback.value,
            (),
            options,
            token=token,
            dc=dc,
        )

    def delete(
        self,
        query_id: str,
        token: str | None = None,
        dc: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[bool]:
        """Delete a query: True.

        Raises ACLPermissionDenied where the token may not write it, ServerError for an unknown
        query.

        ``DELETE /v1/query/:query_id``
        """
        return self._call(
            "DELETE",
            f"/v1/query/{segment('query_id', query_id)}",
            callback.done,
            (),
            options,
            token=token,
            dc=dc,
        )

    def execute(
        self,
        query: str,
        token: str | None = None,
        dc: str | None = None,
        near: str | None = None,
        limit: int | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[dict[str, Any]]:
        """Run a query, by its id or name.

        A dict with ``Service``, ``Nodes`` (a list as of ``health.service``), ``DNS``,
        ``Datacenter`` (the one that answered), ``Failovers`` (int) and others.  *near* names the
        node to sort by round trip time from; *limit* keeps no more nodes than that.

        Raises NotFound for an unknown query.

        ``GET /v1/query/:query/execute``
        """
        return self._read(
            f"/v1/query/{segment('query', query)}/execute",
            callback.value,
            (("limit", limit),),
            options,
            token=token,
            dc=dc,
            near=near,
        )

    def explain(
        self,
        query: str,
        token: str | None = None,
        dc: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[dict[str, Any]]:
        """The definition that would be run for a name: a dict with ``Query``.

        Raises NotFound for an unknown query.

        ``GET /v1/query/:query/explain``
        """
        return self._read(
            f"/v1/query/{segment('query', query)}/explain",
            callback.value,
            (),
            options,
            token=token,
            dc=dc,
        )

"""The agent itself and what is registered with it, /v1/agent."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from consul import callback
from consul import check as checks
from consul.api.noun import Client, Noun
from consul.request import Duration
from consul.values import flag, present, segment

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from consul.request import Call, ScopeOptions, WriteOptions


def _check(
    check: Mapping[str, Any] | None,
    script: str | Sequence[str] | None,
    interval: Duration | None,
    ttl: Duration | None,
    http: str | None,
    timeout: Duration | None,
) -> Mapping[str, Any] | None:
    """*check*, or the one that python-consul's old arguments mean."""
    old = present(
        {"script": script, "interval": interval, "ttl": ttl, "http": http, "timeout": timeout}
    )
    if not old:
        return check
    names = ", ".join(old)
    if check is not None:
        raise ValueError(f"check and {names} exclude each other")
    warnings.warn(f"{names}: deprecated, give check instead", DeprecationWarning, stacklevel=3)
    if len(old.keys() & {"script", "ttl", "http"}) != 1:
        raise ValueError(f"exactly one of script, ttl and http is needed, not {names}")
    if ttl is not None:
        if len(old) > 1:
            raise ValueError("ttl excludes interval and timeout")
        return checks.Check.ttl(ttl)
    if interval is None:
        raise ValueError("interval is required")
    if http is not None:
        return checks.Check.http(http, interval, timeout)
    if timeout is not None:
        raise ValueError("timeout is for http only")
    args = ["sh", "-c", script] if isinstance(script, str) else [*(script or ())]
    return checks.Check.script(args, interval)


class Agent(Noun):
    """The agent that is asked, /v1/agent.

    *service* and *check* hold what is registered with this agent.
    """

    def __init__(self, agent: Client) -> None:
        super().__init__(agent)
        self.service = self.Service(agent)
        self.check = self.Check(agent)

    def self(self, **options: Unpack[WriteOptions]) -> Call[dict[str, Any]]:
        """Configuration of the agent, and itself as a member of the cluster.

        A dict with ``Config``, ``DebugConfig``, ``Coord``, ``Member``, ``Meta`` and ``Stats``.

        Raises ACLPermissionDenied where the token may not read the agent.

        ``GET /v1/agent/self``
        """
        return self._call("GET", "/v1/agent/self", callback.value, (), options)

    def services(
        self, *, filter: str | None = None, **options: Unpack[WriteOptions]
    ) -> Call[dict[str, Any]]:
        """The services registered with this agent, a dict from ids to dicts.

        Each has ``ID``, ``Service`` (its name), ``Tags``, ``Meta``, ``Address``, ``Port`` and
        others.  *filter* is an expression for the agent to filter by.

        ``GET /v1/agent/services``
        """
        return self._call(
            "GET", "/v1/agent/services", callback.value, (("filter", filter),), options
        )

    def checks(
        self, *, filter: str | None = None, **options: Unpack[WriteOptions]
    ) -> Call[dict[str, Any]]:
        """The checks registered with this agent, a dict from ids to dicts.

        Each has ``CheckID``, ``Name``, ``Status``, ``Notes``, ``Output``, ``ServiceID`` and
        others.  *filter* is an expression for the agent to filter by.

        ``GET /v1/agent/checks``
        """
        return self._call("GET", "/v1/agent/checks", callback.value, (("filter", filter),), options)

    def members(
        self, wan: bool = False, *, filter: str | None = None, **options: Unpack[WriteOptions]
    ) -> Call[list[Any]]:
        """The members of the cluster that this agent sees, with *wan* those of the WAN pool.

        A list of dicts with ``Name``, ``Addr``, ``Port``, ``Tags``, ``Status`` (1 alive, 2 leaving,
        3 left, 4 failed) and others; None from an agent that is in no WAN pool.  *filter* is an
        expression for the agent to filter by (1.16).

        ``GET /v1/agent/members``
        """
        return self._call(
            "GET",
            "/v1/agent/members",
            callback.value,
            (("wan", _true("wan", wan)), ("filter", filter)),
            options,
        )

    def maintenance(
        self,
        enable: bool | str,
        reason: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Call[bool]:
        """Begin (*enable* is True) or end (False) maintenance of the node: True.

        A critical check marks the node, with *reason* as its notes.

        Raises ACLPermissionDenied where the token may not write the node.

        ``PUT /v1/agent/maintenance``
        """
        return self._call(
            "PUT",
            "/v1/agent/maintenance",
            callback.done,
            (("enable", flag("enable", enable)), ("reason", reason)),
            options,
            repeatable=True,
        )

    def join(
        self, address: str, wan: bool | str = False, **options: Unpack[WriteOptions]
    ) -> Call[bool]:
        """Join the cluster of the agent at *address* ("host" or "host:port"): True.

        *wan* joins the WAN pool; for servers.

        Raises ServerError when it does not work.

        ``PUT /v1/agent/join/:address``
        """
        return self._call(
            "PUT",
            f"/v1/agent/join/{segment('address', address)}",
            callback.done,
            (("wan", _true("wan", wan)),),
            options,
            repeatable=True,
        )

    def force_leave(
        self,
        node: str,
        *,
        prune: bool = False,
        wan: bool = False,
        **options: Unpack[WriteOptions],
    ) -> Call[bool]:
        """Take a failed node for one that left: True.

        *prune* forgets it at once; *wan* acts on the WAN pool, where names are "node.dc" (1.11).

        Raises ServerError for an unknown node.

        ``PUT /v1/agent/force-leave/:node``
        """
        return self._call(
            "PUT",
            f"/v1/agent/force-leave/{segment('node', node)}",
            callback.done,
            (("prune", _true("prune", prune)), ("wan", _true("wan", wan))),
            options,
            repeatable=True,
        )

    class Service(Noun):
        """The services registered with this agent."""

        def register(
            self,
            name: str,
            service_id: str | None = None,
            address: str | None = None,
            port: int | None = None,
            tags: Sequence[str] | None = None,
            check: Mapping[str, Any] | None = None,
            token: str | None = None,
            script: str | Sequence[str] | None = None,
            interval: Duration | None = None,
            ttl: Duration | None = None,
            http: str | None = None,
            timeout: Duration | None = None,
            enable_tag_override: bool = False,
            *,
            meta: Mapping[str, str] | None = None,
            weights: Mapping[str, int] | None = None,
            tagged_addresses: Mapping[str, Mapping[str, Any]] | None = None,
            extra_checks: Sequence[Mapping[str, Any]] | None = None,
            replace_existing_checks: bool = False,
            extra: Mapping[str, Any] | None = None,
            **options: Unpack[ScopeOptions],
        ) -> Call[bool]:
            """Register a service with this agent, or replace it: True.

            *service_id* is *name* by default, *address* the agent's.  *check*, a dict, comes from
            `consul.Check` or is hand-made; *extra_checks* are further ones.  *meta* is a dict of
            str; *weights* has ``Passing`` and ``Warning``; *tagged_addresses* maps names to dicts
            with ``Address`` and ``Port``.  *enable_tag_override* lets others change the tags in the
            catalog.  *replace_existing_checks* removes checks that are not given.  *extra* are
            further fields as Consul spells them, such as ``Kind``, ``Proxy`` or ``Connect``.
            *script*, *interval*, *ttl*, *http* and *timeout* are deprecated: give *check*.

            Raises ACLPermissionDenied where the token may not write the service, BadRequest for a
            check that makes no sense or a field that this version of Consul does not know.

            ``PUT /v1/agent/service/register``
            """
            body = {
                "Name": name,
                "ID": service_id,
                "Address": address,
                "Port": port,
                "Tags": tags,
                "Meta": meta,
                "Weights": weights,
                "TaggedAddresses": tagged_addresses,
                "EnableTagOverride": enable_tag_override,
                "Check": _check(check, script, interval, ttl, http, timeout),
                "Checks": extra_checks,
            }
            return self._call(
                "PUT",
                "/v1/agent/service/register",
                callback.done,
                (
                    (
                        "replace-existing-checks",
                        _true("replace_existing_checks", replace_existing_checks),
                    ),
                ),
                options,
                json={**present(body), **(extra or {})},
                token=token,
                repeatable=True,
            )

        def deregister(
            self, service_id: str, *, token: str | None = None, **options: Unpack[WriteOptions]
        ) -> Call[bool]:
            """Remove a service and its checks: True.

            Raises NotFound for an unknown one; Consul before 1.12 returns True or a ServerError.

            ``PUT /v1/agent/service/deregister/:service_id``
            """
            return self._call(
                "PUT",
                f"/v1/agent/service/deregister/{segment('service_id', service_id)}",
                callback.done,
                (),
                options,
                token=token,
            )

        def maintenance(
            self,
            service_id: str,
            enable: bool | str,
            reason: str | None = None,
            *,
            token: str | None = None,
            **options: Unpack[WriteOptions],
        ) -> Call[bool]:
            """Begin (*enable* is True) or end (False) maintenance of a service: True.

            A critical check marks the service, with *reason* as its notes.

            Raises NotFound or ServerError for an unknown one.

            ``PUT /v1/agent/service/maintenance/:service_id``
            """
            return self._call(
                "PUT",
                f"/v1/agent/service/maintenance/{segment('service_id', service_id)}",
                callback.done,
                (("enable", flag("enable", enable)), ("reason", reason)),
                options,
                token=token,
                repeatable=True,
            )

    class Check(Noun):
        """The checks registered with this agent."""

        def register(
            self,
            name: str,
            check: Mapping[str, Any] | None = None,
            check_id: str | None = None,
            notes: str | None = None,
            service_id: str | None = None,
            token: str | None = None,
            script: str | Sequence[str] | None = None,
            interval: Duration | None = None,
            ttl: Duration | None = None,
            http: str | None = None,
            timeout: Duration | None = None,
            **options: Unpack[ScopeOptions],
        ) -> Call[bool]:
            """Register a check with this agent, or replace it: True.

            *check*, a dict, comes from `consul.Check` or is hand-made.  *check_id* is *name* by
            default, *notes* is for people, *service_id* the service that it belongs to.
            *script*, *interval*, *ttl*, *http* and *timeout* are deprecated: give *check*.

            Raises ACLPermissionDenied where the token may not write it, BadRequest for a check that
            makes no sense, NotFound (ServerError from old versions) for an unknown service.

            ``PUT /v1/agent/check/register``
            """
            kind = _check(check, script, interval, ttl, http, timeout)
            if not kind:
                raise ValueError("check is required")
            about = present({"ID": check_id, "Notes": notes, "ServiceID": service_id})
            return self._call(
                "PUT",
                "/v1/agent/check/register",
                callback.done,
                (),
                options,
                json={"Name": name, **kind, **about},
                token=token,
                repeatable=True,
            )

        def deregister(
            self, check_id: str, *, token: str | None = None, **options: Unpack[WriteOptions]
        ) -> Call[bool]:
            """Remove a check: True.

            Raises NotFound for an unknown one; Consul before 1.12 returns True or a ServerError.

            ``PUT /v1/agent/check/deregister/:check_id``
            """
            return self._call(
                "PUT",
                f"/v1/agent/check/deregister/{segment('check_id', check_id)}",
                callback.done,
                (),
                options,
                token=token,
            )

        def ttl_pass(
            self,
            check_id: str,
            notes: str | None = None,
            token: str | None = None,
            **options: Unpack[WriteOptions],
        ) -> Call[bool]:
            """Set a TTL check to passing for another TTL, with *notes* as its output: True.

            The id of a service's only check is "service:" and the id of the service.

            Raises NotFound for an unknown check, ServerError from Consul before 1.12.

            ``PUT /v1/agent/check/pass/:check_id``
            """
            return self._update("pass", check_id, notes, token, options)

        def ttl_fail(
            self,
            check_id: str,
            notes: str | None = None,
            token: str | None = None,
            **options: Unpack[WriteOptions],
        ) -> Call[bool]:
            """Set a TTL check to critical, with *notes* as its output: True.

            Raises NotFound for an unknown check, ServerError from Consul before 1.12.

            ``PUT /v1/agent/check/fail/:check_id``
            """
            return self._update("fail", check_id, notes, token, options)

        def ttl_warn(
            self,
            check_id: str,
            notes: str | None = None,
            token: str | None = None,
            **options: Unpack[WriteOptions],
        ) -> Call[bool]:
            """Set a TTL check to warning for another TTL, with *notes* as its output: True.

            Raises NotFound for an unknown check, ServerError from Consul before 1.12.

            ``PUT /v1/agent/check/warn/:check_id``
            """
            return self._update("warn", check_id, notes, token, options)

        def _update(
            self,
            state: str,
            check_id: str,
            notes: str | None,
            token: str | None,
            options: WriteOptions,
        ) -> Call[bool]:
            return self._call(
                "PUT",
                f"/v1/agent/check/{state}/{segment('check_id', check_id)}",
                callback.done,
                (("note", notes),),
                options,
                token=token,
                repeatable=True,
            )


def _true(name: str, value: bool | str) -> str | None:
    """The query parameter for a flag that counts as set whatever its value: "1" or absent."""
    return "1" if flag(name, value) == "true" else None

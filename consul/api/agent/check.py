"""The checks that are registered with an agent, /v1/agent/check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from consul.api.noun import Noun
from consul.api.options import Scope, Untimed, WithDC
from consul.check import given_or_old
from consul.core import answers
from consul.core.bodies import CHECK, plain
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.request import Duration
from consul.core.values import Text, identifier, segment, text

if TYPE_CHECKING:
    from typing import Unpack

    from consul.core.request import Call

_CHECK = Fields(
    kinds={"name": text, "check_id": identifier, "notes": text, "service_id": text},
    check_id="ID",
)


class AgentCheckUpdate(Scope, total=False):
    """Keywords of ``agent.check.update``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class _Body(TypedDict, total=False):
    status: Text | None
    output: Text | None


_UPDATE = Fields(_Body)


class Check(Noun[F]):
    """The checks that are registered with this agent, /v1/agent/check."""

    @endpoint("PUT /v1/agent/check/register", repeatable=True)
    def register(
        self,
        name: Text,
        check: Mapping[str, Any] | None = None,
        check_id: Text | None = None,
        notes: Text | None = None,
        service_id: Text | None = None,
        token: Text | None = None,
        script: Text | Iterable[Text] | None = None,
        interval: Duration | None = None,
        ttl: Duration | None = None,
        http: Text | None = None,
        timeout: Duration | None = None,
        **options: Unpack[Untimed],
    ) -> Call[bool]:
        """Register a check with this agent, or replace it.  Return True.

        *check* is a dict, made by `consul.Check` or by hand.  *check_id* is *name* by default.
        *notes* are for people.  *service_id* is the service that the check belongs to.
        *script*, *interval*, *ttl*, *http* and *timeout* are deprecated: give *check*.

        Raises ACLPermissionDenied where the token may not write it, BadRequest for an invalid
        check, NotFound (before Consul 1.12 ServerError) for an unknown service.

        ``PUT /v1/agent/check/register``
        """
        kind = given_or_old(check, script, interval, ttl, http, timeout)
        if kind is None:
            raise ValueError("check is required")
        kind = CHECK("check", kind)
        if not kind:
            raise ValueError("check must not be empty")
        about = _CHECK.body(
            name=text("name", name), check_id=check_id, notes=notes, service_id=service_id
        )
        # "CheckID" is another name of "ID" here.
        body = _CHECK.joined(about, "check", kind, {"checkid": "id"})
        if not {"id", "checkid"}.intersection(map(plain, body)):
            identifier("name", name)
        return self._call(
            "register",
            "/v1/agent/check/register",
            answers.done,
            (),
            options,
            json=body,
            token=token,
        )

    @endpoint("PUT /v1/agent/check/deregister/:check_id", repeatable=False)
    def deregister(
        self, check_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[bool]:
        """Remove a check.  Return True.

        Raises NotFound for an unknown check; Consul before 1.12 returns True or raises ServerError.

        ``PUT /v1/agent/check/deregister/:check_id``
        """
        path = f"/v1/agent/check/deregister/{segment('check_id', check_id)}"
        return self._call("deregister", path, answers.done, (), options, token=token)

    @endpoint("PUT /v1/agent/check/pass/:check_id", repeatable=True)
    def ttl_pass(
        self,
        check_id: Text,
        notes: Text | None = None,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[bool]:
        """Set a TTL check to passing, and restart its TTL.  Return True.

        *notes* become its output.  A service with a single check has it under the id "service:"
        and the id of the service.

        Raises NotFound for an unknown check, before Consul 1.12 ServerError.

        ``PUT /v1/agent/check/pass/:check_id``
        """
        return self._update("ttl_pass", check_id, notes, token, options)

    @endpoint("PUT /v1/agent/check/fail/:check_id", repeatable=True)
    def ttl_fail(
        self,
        check_id: Text,
        notes: Text | None = None,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[bool]:
        """Set a TTL check to critical.  Return True.

        *notes* become its output.

        Raises NotFound for an unknown check, before Consul 1.12 ServerError.

        ``PUT /v1/agent/check/fail/:check_id``
        """
        return self._update("ttl_fail", check_id, notes, token, options)

    @endpoint("PUT /v1/agent/check/warn/:check_id", repeatable=True)
    def ttl_warn(
        self,
        check_id: Text,
        notes: Text | None = None,
        token: Text | None = None,
        **options: Unpack[WithDC],
    ) -> Call[bool]:
        """Set a TTL check to warning, and restart its TTL.  Return True.

        *notes* become its output.

        Raises NotFound for an unknown check, before Consul 1.12 ServerError.

        ``PUT /v1/agent/check/warn/:check_id``
        """
        return self._update("ttl_warn", check_id, notes, token, options)

    @endpoint("PUT /v1/agent/check/update/:check_id", repeatable=True)
    def update(
        self,
        check_id: Text,
        status: Text,
        output: Text | None = None,
        **options: Unpack[AgentCheckUpdate],
    ) -> Call[bool]:
        """Set a TTL check to *status*, and restart its TTL.  Return True.

        *status* is "passing", "warning" or "critical".  *output* may be long, other than the notes
        of `ttl_pass`, which are part of the URL.

        Raises UnknownCheck for an unknown check, BadRequest for another status.

        ``PUT /v1/agent/check/update/:check_id``
        """
        given = {"status": status, "output": output, **options}
        path = f"/v1/agent/check/update/{segment('check_id', check_id)}"
        return self._write("update", path, answers.done, _UPDATE, given)

    def _update(
        self,
        name: str,
        check_id: Text,
        notes: Text | None,
        token: Text | None,
        options: WithDC,
    ) -> Call[bool]:
        return self._call(
            name,
            f"/v1/agent/check/{name.removeprefix('ttl_')}/{segment('check_id', check_id)}",
            answers.done,
            (("note", None if notes is None else text("notes", notes)),),
            options,
            token=token,
        )

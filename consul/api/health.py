"""Health of nodes and services, /v1/health."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from consul import callback
from consul.api.catalog import tags
from consul.api.noun import Noun
from consul.request import Duration
from consul.values import segment

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from consul.callback import Indexed
    from consul.request import Call, ReadOptions

STATES = ("any", "unknown", "passing", "warning", "critical")


class Health(Noun):
    """Health of nodes and services, /v1/health."""

    def service(
        self,
        service: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        passing: bool | None = None,
        tag: str | Sequence[str] | None = None,
        dc: str | None = None,
        near: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[Indexed[Any]]:
        """The instances of a service with their checks: (index, instances), [] for an unknown one.

        An instance is a dict with ``Node``, ``Service`` (both dicts) and ``Checks``, a list as of
        `checks`.  *passing* keeps those whose checks all pass, *tag* those with this tag, or with
        all of a list of tags; *near* names the node to sort by round trip time from.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/health/service/:service``
        """
        return self._read(
            f"/v1/health/service/{segment('service', service)}",
            callback.indexed,
            (("passing", True if passing else None), *tags(tag)),
            options,
            index=index,
            wait=wait,
            dc=dc,
            near=near,
            token=token,
        )

    def checks(
        self,
        service: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        dc: str | None = None,
        near: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[Indexed[Any]]:
        """The checks of a service: (index, checks), [] for an unknown one.

        A check is a dict with ``Node``, ``CheckID``, ``Name``, ``Status``, ``Notes``, ``Output``,
        ``ServiceID``, ``ServiceName``, ``ServiceTags`` and others.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/health/checks/:service``
        """
        return self._read(
            f"/v1/health/checks/{segment('service', service)}",
            callback.indexed,
            (),
            options,
            index=index,
            wait=wait,
            dc=dc,
            near=near,
            token=token,
        )

    def state(
        self,
        name: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        dc: str | None = None,
        near: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[Indexed[Any]]:
        """The checks in a state: (index, checks) as of `checks`.

        *name* is "passing", "warning", "critical", "unknown", or "any" for all checks.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/health/state/:name``
        """
        if name not in STATES:
            raise ValueError(f"name must be one of {', '.join(STATES)}: {name!r}")
        return self._read(
            f"/v1/health/state/{segment('name', name)}",
            callback.indexed,
            (),
            options,
            index=index,
            wait=wait,
            dc=dc,
            near=near,
            token=token,
        )

    def node(
        self,
        node: str,
        index: int | str | None = None,
        wait: Duration | None = None,
        dc: str | None = None,
        token: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Call[Indexed[Any]]:
        """The checks of a node: (index, checks) as of `checks`, [] for an unknown one.
        Blocking: give *index*, and *wait* (seconds, "10s" or a timedelta) to wait no longer.

        ``GET /v1/health/node/:node``
        """
        return self._read(
            f"/v1/health/node/{segment('node', node)}",
            callback.indexed,
            (),
            options,
            index=index,
            wait=wait,
            dc=dc,
            token=token,
        )

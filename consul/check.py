"""Definitions of health checks."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from consul.core.fields import Fields
from consul.core.request import Duration
from consul.core.values import bracketed, duration, without_none

if TYPE_CHECKING:
    from typing import Unpack


class Common(TypedDict, total=False):
    """Fields that every kind of check takes."""

    #: "passing", "warning" or "critical" until the check first ran; Consul's default is critical.
    status: str | None
    #: How often in a row it must pass, or fail, before its status changes (1.7; warning: 1.11).
    success_before_passing: int | None
    failures_before_warning: int | None
    failures_before_critical: int | None
    #: Bytes of output that are kept.
    output_max_size: int | None


_COMMON = Fields(Common)
_CHECK = Fields(
    durations=("interval", "timeout", "deregister"),
    # As python-consul spelled them; Consul takes any case.
    as_is=(
        "args",
        "docker_container_id",
        "header",
        "http",
        "interval",
        "shell",
        "tcp",
        "timeout",
        "ttl",
    ),
    deregister="DeregisterCriticalServiceAfter",
)


def _required(name: str, value: Duration | None) -> Duration:
    if value is None:
        raise ValueError(f"{name} is required")
    return value


class Check:
    """Makes definitions of health checks: plain dicts, which callers may extend.

    Durations are text like "10s", seconds or a timedelta.  All kinds take the keywords of
    `Common`, too.
    """

    @classmethod
    def script(
        cls,
        args: str | Sequence[str],
        interval: Duration,
        *,
        timeout: Duration | None = None,
        deregister: Duration | None = None,
        **common: Unpack[Common],
    ) -> dict[str, Any]:
        """Run a program every *interval*: exit code 0 is passing, 1 warning, others critical.

        *args* is the program and its arguments.  A str is deprecated; ``sh -c`` runs it.  The
        agent must be configured to allow scripts.
        """
        if isinstance(args, (str, bytes)):
            warnings.warn(
                "Check.script takes a list of arguments; a string is run by sh -c",
                DeprecationWarning,
                stacklevel=2,
            )
            args = ["sh", "-c", args if isinstance(args, str) else args.decode()]
        check = _CHECK.body(
            args=list(args),
            interval=_required("interval", interval),
            timeout=timeout,
            deregister=deregister,
        )
        return {**check, **_COMMON.body(**common)}

    @classmethod
    def http(
        cls,
        url: str,
        interval: Duration,
        timeout: Duration | None = None,
        deregister: Duration | None = None,
        header: Mapping[str, Sequence[str]] | None = None,
        *,
        method: str | None = None,
        body: str | None = None,
        tls_skip_verify: bool | None = None,
        tls_server_name: str | None = None,
        disable_redirects: bool | None = None,
        **common: Unpack[Common],
    ) -> dict[str, Any]:
        """Request *url* every *interval*: 2xx is passing, 429 warning, others critical.

        *timeout* limits a request.  The agent removes a service whose check is critical for
        *deregister*.
        *header* maps names to lists of values.  *method* is GET by default.
        *tls_server_name* needs Consul 1.9, *disable_redirects* 1.12.
        """
        check = _CHECK.body(
            http=url,
            header=header,
            method=method,
            body=body,
            tls_skip_verify=tls_skip_verify,
            tls_server_name=tls_server_name,
            disable_redirects=disable_redirects,
            interval=_required("interval", interval),
            timeout=timeout,
            deregister=deregister,
        )
        return {**check, **_COMMON.body(**common)}

    @classmethod
    def tcp(
        cls,
        host: str,
        port: int | str,
        interval: Duration,
        timeout: Duration | None = None,
        deregister: Duration | None = None,
        **common: Unpack[Common],
    ) -> dict[str, Any]:
        """Connect to *port* of *host* every *interval*: passing when it can, else critical.

        *timeout* limits an attempt.  The agent removes a service whose check is critical for
        *deregister*.
        """
        check = _CHECK.body(
            tcp=f"{bracketed(host)}:{int(port)}",
            interval=_required("interval", interval),
            timeout=timeout,
            deregister=deregister,
        )
        return {**check, **_COMMON.body(**common)}

    @classmethod
    def ttl(
        cls,
        ttl: Duration,
        *,
        deregister: Duration | None = None,
        **common: Unpack[Common],
    ) -> dict[str, Any]:
        """Turn critical when no ``agent.check.ttl_pass`` or ``ttl_warn`` comes for *ttl*."""
        check = _CHECK.body(ttl=duration("ttl", ttl), deregister=deregister)
        return {**check, **_COMMON.body(**common)}

    @classmethod
    def docker(
        cls,
        container_id: str,
        shell: str | None,
        script: str | Sequence[str],
        interval: Duration,
        deregister: Duration | None = None,
        *,
        timeout: Duration | None = None,
        **common: Unpack[Common],
    ) -> dict[str, Any]:
        """Run *script* in a Docker container every *interval*; exit codes count as for `script`.

        *script* is text for ``<shell> -c``, or a program and its arguments.  The agent must be
        configured to allow scripts.
        """
        args = [shell or "sh", "-c", script] if isinstance(script, str) else list(script)
        check = _CHECK.body(
            docker_container_id=container_id,
            shell=shell,
            args=args,
            interval=_required("interval", interval),
            timeout=timeout,
            deregister=deregister,
        )
        return {**check, **_COMMON.body(**common)}


def given_or_old(
    check: Mapping[str, Any] | None,
    script: str | Sequence[str] | None,
    interval: Duration | None,
    ttl: Duration | None,
    http: str | None,
    timeout: Duration | None,
) -> Mapping[str, Any] | None:
    """Return *check*, or the check that python-consul's deprecated arguments describe.

    For endpoint methods: the warning points to the caller of the method.
    """
    old = without_none(
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
        return Check.ttl(ttl)
    if interval is None:
        raise ValueError("interval is required")
    if http is not None:
        return Check.http(http, interval, timeout)
    if timeout is not None:
        raise ValueError("timeout is for http only")
    args = ["sh", "-c", script] if isinstance(script, str) else [*(script or ())]
    return Check.script(args, interval)

"""Definitions of health checks."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from consul.request import Duration
from consul.values import bracketed, duration, present

if TYPE_CHECKING:
    from typing_extensions import Unpack


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


_COMMON = {
    "status": "Status",
    "success_before_passing": "SuccessBeforePassing",
    "failures_before_warning": "FailuresBeforeWarning",
    "failures_before_critical": "FailuresBeforeCritical",
    "output_max_size": "OutputMaxSize",
}


def _definition(
    fields: Mapping[str, Any],
    interval: Duration | None,
    timeout: Duration | None,
    deregister: Duration | None,
    common: Mapping[str, Any],
) -> dict[str, Any]:
    unknown = common.keys() - _COMMON.keys()
    if unknown:
        raise TypeError(f"unexpected keyword argument {', '.join(sorted(unknown))}")
    times = present({"interval": interval, "timeout": timeout, "deregister": deregister})
    texts = {name: duration(name, value) for name, value in times.items()}
    if "deregister" in texts:
        texts["DeregisterCriticalServiceAfter"] = texts.pop("deregister")
    return present({**fields, **texts, **{_COMMON[name]: value for name, value in common.items()}})


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

        *args* is the program and its arguments; a str is deprecated and run by ``sh -c``.  The
        agent must be configured to allow scripts.
        """
        if isinstance(args, (str, bytes)):
            warnings.warn(
                "Check.script takes a list of arguments; a string is run by sh -c",
                DeprecationWarning,
                stacklevel=2,
            )
            args = ["sh", "-c", args if isinstance(args, str) else args.decode()]
        return _definition(
            {"args": list(args)}, _required("interval", interval), timeout, deregister, common
        )

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

        *timeout* limits a request; after *deregister* in critical state the service is removed.
        *header* maps names to lists of values.  *method* is GET by default.
        *tls_server_name* needs Consul 1.9, *disable_redirects* 1.12.
        """
        return _definition(
            {
                "http": url,
                "header": header,
                "Method": method,
                "Body": body,
                "TLSSkipVerify": tls_skip_verify,
                "TLSServerName": tls_server_name,
                "DisableRedirects": disable_redirects,
            },
            _required("interval", interval),
            timeout,
            deregister,
            common,
        )

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
        """Connect to *port* of *host* every *interval*: passing if that works, else critical.

        *timeout* limits an attempt; after *deregister* in critical state the service is removed.
        """
        return _definition(
            {"tcp": f"{bracketed(host)}:{int(port)}"},
            _required("interval", interval),
            timeout,
            deregister,
            common,
        )

    @classmethod
    def ttl(
        cls,
        ttl: Duration,
        *,
        deregister: Duration | None = None,
        **common: Unpack[Common],
    ) -> dict[str, Any]:
        """Critical unless ``agent.check.ttl_pass`` or ``ttl_warn`` is called once per *ttl*."""
        return _definition({"ttl": duration("ttl", ttl)}, None, None, deregister, common)

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
        """Run *script* in a Docker container every *interval*; exit codes as those of `script`.

        *script* is text for ``<shell> -c``, or a program and its arguments.  The agent must be
        configured to allow scripts.
        """
        args = [shell or "sh", "-c", script] if isinstance(script, str) else list(script)
        return _definition(
            {"docker_container_id": container_id, "shell": shell, "args": args},
            _required("interval", interval),
            timeout,
            deregister,
            common,
        )

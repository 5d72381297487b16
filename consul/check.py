"""Definitions of health checks."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from consul.core.bodies import count, text_lists, texts
from consul.core.fields import Fields
from consul.core.request import Duration
from consul.core.values import (
    Flag,
    Number,
    Text,
    above_zero,
    bracketed,
    flag,
    identifier,
    text,
    without_none,
)
from consul.core.values import port as port_number

if TYPE_CHECKING:
    from typing import Unpack


T = TypeVar("T")


class Common(TypedDict, total=False):
    """Fields that every kind of check takes."""

    #: "passing", "warning" or "critical" until the check first ran; Consul's default is critical.
    status: str | None
    #: How often in a row it must pass, or fail, before its status changes (1.7; warning: 1.11).
    success_before_passing: Number | None
    failures_before_warning: Number | None
    failures_before_critical: Number | None
    #: Bytes of output that are kept.
    output_max_size: Number | None
    #: For people.
    name: Text | None
    notes: Text | None
    #: Its id; within a service the servers make one of the service's id by default.
    check_id: Text | None


_COMMON = Fields(
    Common,
    kinds={
        "status": text,
        "success_before_passing": count,
        "failures_before_warning": count,
        "failures_before_critical": count,
        "output_max_size": count,
        "name": text,
        "notes": text,
        "check_id": identifier,
    },
    check_id="CheckID",
)
_CHECK = Fields(
    kinds={
        "args": texts,
        "body": text,
        "deregister": above_zero,
        "docker_container_id": text,
        "header": text_lists,
        "http": text,
        "interval": above_zero,
        "method": text,
        "shell": text,
        "alias_node": text,
        "alias_service": text,
        "grpc": text,
        "grpc_use_tls": flag,
        "h2ping": text,
        "h2ping_use_tls": flag,
        "os_service": text,
        "tcp_use_tls": flag,
        "udp": text,
        "timeout": above_zero,
        "tls_server_name": text,
        "tls_skip_verify": flag,
        "disable_redirects": flag,
        "ttl": above_zero,
    },
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
    grpc="GRPC",
    grpc_use_tls="GRPCUseTLS",
    h2ping="H2PING",
    h2ping_use_tls="H2PingUseTLS",
    os_service="OSService",
)


def _required(name: str, value: T | None) -> T:
    if value is None:
        raise ValueError(f"{name} is required")
    return value


def _made(common: Common, **fields: Any) -> dict[str, Any]:
    """The definition with these *fields*, and with those that all kinds have in *common*."""
    return {**_CHECK.body(**fields), **_COMMON.body(**common)}


def _shell(shell: Text | None) -> str:
    return text("shell", shell) if shell else "sh"


def _at(host: Text, port: Number) -> str:
    return f"{bracketed(text('host', host))}:{port_number('port', port)}"


class Check:
    """Makes definitions of health checks: plain dicts, which callers may extend.

    Durations are text like "10s", seconds or a timedelta, above 0.  All kinds take the keywords of
    `Common`, too.
    """

    @classmethod
    def script(
        cls,
        args: Text | Iterable[Text],
        interval: Duration,
        deregister: Duration | None = None,
        *,
        timeout: Duration | None = None,
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
            args = ["sh", "-c", text("args", args)]
        return _made(
            common,
            args=_required("args", args),
            interval=_required("interval", interval),
            timeout=timeout,
            deregister=deregister,
        )

    @classmethod
    def http(
        cls,
        url: Text,
        interval: Duration,
        timeout: Duration | None = None,
        deregister: Duration | None = None,
        header: Mapping[str, Iterable[Text]] | None = None,
        *,
        method: Text | None = None,
        body: Text | None = None,
        tls_skip_verify: Flag = None,
        tls_server_name: Text | None = None,
        disable_redirects: Flag = None,
        **common: Unpack[Common],
    ) -> dict[str, Any]:
        """Request *url* every *interval*: 2xx is passing, 429 warning, others critical.

        *timeout* limits a request.  The agent removes a service whose check is critical for
        *deregister*.
        *header* maps names to lists of values.  *method* is GET by default.
        *tls_server_name* needs Consul 1.9, *disable_redirects* 1.12.
        """
        return _made(
            common,
            http=text("url", url),
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

    @classmethod
    def tcp(
        cls,
        host: Text,
        port: Number,
        interval: Duration,
        timeout: Duration | None = None,
        deregister: Duration | None = None,
        *,
        use_tls: Flag = None,
        tls_server_name: Text | None = None,
        tls_skip_verify: Flag = None,
        **common: Unpack[Common],
    ) -> dict[str, Any]:
        """Connect to *port* of *host* every *interval*: passing when it can, else critical.

        *timeout* limits an attempt.  The agent removes a service whose check is critical for
        *deregister*.  *use_tls* needs Consul 1.17.
        """
        return _made(
            common,
            tcp=_at(host, port),
            tcp_use_tls=use_tls,
            tls_server_name=tls_server_name,
            tls_skip_verify=tls_skip_verify,
            interval=_required("interval", interval),
            timeout=timeout,
            deregister=deregister,
        )

    @classmethod
    def udp(
        cls,
        host: Text,
        port: Number,
        interval: Duration,
        timeout: Duration | None = None,
        deregister: Duration | None = None,
        **common: Unpack[Common],
    ) -> dict[str, Any]:
        """Send a datagram every *interval*: critical when the answer is that nobody listens (1.13).

        *timeout* limits an attempt.  The agent removes a service whose check is critical for
        *deregister*.
        """
        return _made(
            common,
            udp=_at(host, port),
            interval=_required("interval", interval),
            timeout=timeout,
            deregister=deregister,
        )

    @classmethod
    def grpc(
        cls,
        address: Text,
        interval: Duration,
        use_tls: Flag = None,
        tls_skip_verify: Flag = None,
        timeout: Duration | None = None,
        deregister: Duration | None = None,
        *,
        tls_server_name: Text | None = None,
        **common: Unpack[Common],
    ) -> dict[str, Any]:
        """Ask the health protocol of gRPC every *interval*.

        *address* is "host:port", or "host:port/service" for one service of the server.  *timeout*
        limits a question.  The agent removes a service whose check is critical for *deregister*.
        """
        return _made(
            common,
            grpc=text("address", address),
            grpc_use_tls=use_tls,
            tls_server_name=tls_server_name,
            tls_skip_verify=tls_skip_verify,
            interval=_required("interval", interval),
            timeout=timeout,
            deregister=deregister,
        )

    @classmethod
    def h2ping(
        cls,
        address: Text,
        interval: Duration,
        use_tls: Flag = None,
        tls_skip_verify: Flag = None,
        timeout: Duration | None = None,
        deregister: Duration | None = None,
        *,
        tls_server_name: Text | None = None,
        **common: Unpack[Common],
    ) -> dict[str, Any]:
        """Ping an HTTP/2 server every *interval* (1.10).

        *address* is "host:port".  *use_tls* (1.11) is True by default.  *timeout* limits a ping.
        The agent removes a service whose check is critical for *deregister*.
        """
        return _made(
            common,
            h2ping=text("address", address),
            h2ping_use_tls=use_tls,
            tls_server_name=tls_server_name,
            tls_skip_verify=tls_skip_verify,
            interval=_required("interval", interval),
            timeout=timeout,
            deregister=deregister,
        )

    @classmethod
    def alias(
        cls,
        service: Text | None = None,
        node: Text | None = None,
        **common: Unpack[Common],
    ) -> dict[str, Any]:
        """Have the status of another service or node.

        *service* is the id of a service, on *node* or on this one.  Without it all checks of *node*
        count.
        """
        if service is None and node is None:
            raise ValueError("service or node is required")
        return _made(common, alias_service=service, alias_node=node)

    @classmethod
    def os_service(
        cls,
        name_of_service: Text,
        interval: Duration,
        timeout: Duration | None = None,
        deregister: Duration | None = None,
        **common: Unpack[Common],
    ) -> dict[str, Any]:
        """Ask the operating system for one of its services every *interval* (1.14; Windows only).

        *timeout* limits a question.  The agent removes a service whose check is critical for
        *deregister*.
        """
        return _made(
            common,
            os_service=text("name_of_service", name_of_service),
            interval=_required("interval", interval),
            timeout=timeout,
            deregister=deregister,
        )

    @classmethod
    def ttl(
        cls,
        ttl: Duration,
        *,
        deregister: Duration | None = None,
        **common: Unpack[Common],
    ) -> dict[str, Any]:
        """Turn critical when no ``agent.check.ttl_pass`` or ``ttl_warn`` comes for *ttl*."""
        return _made(common, ttl=_required("ttl", ttl), deregister=deregister)

    @classmethod
    def docker(
        cls,
        container_id: Text,
        shell: Text | None,
        script: Text | Iterable[Text],
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
        if isinstance(script, (str, bytes)):
            args = [_shell(shell), "-c", text("script", script)]
        else:
            args = texts("script", script)
        return _made(
            common,
            docker_container_id=text("container_id", container_id),
            shell=shell,
            args=args,
            interval=_required("interval", interval),
            timeout=timeout,
            deregister=deregister,
        )


def given_or_old(
    check: Mapping[str, Any] | None,
    script: Text | Iterable[Text] | None,
    interval: Duration | None,
    ttl: Duration | None,
    http: Text | None,
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
    warnings.warn(f"{names}: deprecated, give check instead", DeprecationWarning, stacklevel=4)
    if len(old.keys() & {"script", "ttl", "http"}) != 1:
        raise ValueError(f"exactly one of script, ttl and http is needed, not {names}")
    if ttl is not None:
        if len(old) > 1:
            raise ValueError("ttl excludes interval and timeout")
        return Check.ttl(ttl)
    if interval is None:
        raise ValueError("interval is required")
    if http is not None:
        return Check.http(text("http", http), interval, timeout)
    if timeout is not None:
        raise ValueError("timeout is for http only")
    if isinstance(script, (str, bytes)):
        args = ["sh", "-c", text("script", script)]
    else:
        args = texts("script", script)
    return Check.script(args, interval)

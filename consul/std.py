"""The blocking flavour, on requests; under gevent's monkey-patching it is a cooperative one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import requests
import urllib3

from consul import base, exceptions
from consul.lifecycle import Direct
from consul.request import Call, Response
from consul.steps import Sleep, Step, Steps, drive_directly

if TYPE_CHECKING:
    from consul._typed.std import Consul as Base
else:
    from consul.base import Consul as Base

__all__ = ["Consul", "HTTPClient"]

T = TypeVar("T")


class Timeout(exceptions.Timeout, requests.exceptions.Timeout):
    """`consul.Timeout` that is requests' exception as well."""


class ConnectTimeout(Timeout, requests.exceptions.ConnectTimeout):
    """No connection within the time limit."""


class ConnectionFailed(exceptions.ConnectionFailed, requests.exceptions.ConnectionError):
    """`consul.ConnectionFailed` that is requests' exception as well."""


class TLSError(exceptions.TLSError, requests.exceptions.SSLError):
    """`consul.TLSError` that is requests' exception as well."""


class HTTPClient(base.HTTPClient):
    """One agent, reached by a ``requests.Session`` (*session*)."""

    def _setup(self) -> None:
        self.session = requests.Session()

    def send(self, call: Call[T]) -> T:
        """Perform *call* and return its value."""
        request = call.request
        try:
            reply = self.session.request(
                request.method,
                self.url(request),
                headers=dict(request.headers),
                data=request.body,
                timeout=(request.connect, request.deadline),
                # Per request: the environment must not replace what the client was told.
                verify=self.verify,
                cert=self.cert,
                allow_redirects=False,
            )
        except requests.exceptions.ConnectTimeout as error:
            raise call.timed_out(ConnectTimeout) from call.cause(error)
        except requests.exceptions.Timeout as error:
            raise call.timed_out(Timeout) from call.cause(error)
        except requests.exceptions.SSLError as error:
            raise call.failed(TLSError, error) from call.cause(error)
        except (OSError, urllib3.exceptions.HTTPError) as error:
            if any(isinstance(arg, urllib3.exceptions.ReadTimeoutError) for arg in error.args):
                # What requests makes of a body that stops halfway.
                raise call.timed_out(Timeout) from call.cause(error)
            # All of requests' exceptions are OSErrors; urllib3's escape on odd addresses.
            raise call.failed(ConnectionFailed, error) from call.cause(error)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return call.read(Response(reply.status_code, headers, reply.content))

    def close(self) -> None:
        """Close the connections."""
        self.session.close()


class Consul(Direct, Base):
    """The blocking client: each method returns its value.

    Arguments: see `consul.base.Client`.  Use it with ``with``, or `close` it.
    """

    http: HTTPClient
    client_class = HTTPClient

    def perform(self, step: Step[Any]) -> Any:
        """Perform one step of a recipe."""
        if isinstance(step, Call):
            return self._send(step)
        if isinstance(step, Sleep):
            return time.sleep(step.seconds)
        return time.monotonic()

    def run(self, steps: Steps[T]) -> T:
        """Run a recipe to its end."""
        return drive_directly(steps, self.perform)

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

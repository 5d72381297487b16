"""Everything that this library raises, in one tree under `ConsulException`.

An exception about an answer names verb, path, status and body; one about the transport
names verb and path and has the HTTP library's own exception as ``__cause__``.  No exception
holds a token: every text in it went through `consul.request.Request.redact`.

The old names of python-consul are kept with their old relations to each other, so an
``except`` clause written for it catches what it always caught.
"""

from __future__ import annotations

from typing import Any, TypeVar

E = TypeVar("E", bound="ConsulException")


class ConsulException(Exception):
    """Base of every error of this library.

    *status* (int), *body* (str), *index* (int): what the server answered, None without an answer.
    *method* (str), *path* (str): the request, None for an error outside of one.
    *server* (str): the agent's base URL, None where no request was sent.
    """

    status: int | None = None
    body: str | None = None
    index: int | None = None
    method: str | None = None
    path: str | None = None
    server: str | None = None
    #: Whether a hook raised it, rather than the call.
    of_hook = False

    def __str__(self) -> str:
        # Not super(): an exception of `consul.core.failures.like` has a library's class there,
        # which may want attributes of its own.
        text = Exception.__str__(self)
        if self.method is None:
            return text
        if self.status is not None and not text.startswith(str(self.status)):
            text = f"{self.status} {text}"
        where = self.path if self.server is None else f"{self.server}{self.path}"
        return f"{self.method} {where}: {text}".rstrip()

    def __repr__(self) -> str:
        return Exception.__repr__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # A class made by `consul.core.failures.like` cannot be found by its name.
        kind: type[Any] = type(self)
        while kind.__dict__.get("made_by_like"):
            kind = kind.__mro__[1]
        state = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return _rebuilt, (kind, self.args, state)


def _rebuilt(kind: type[E], args: tuple[Any, ...], state: dict[str, Any]) -> E:
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(state)
    return error


class Timeout(ConsulException):
    """No answer within the time limit of the call."""


class ConnectionFailed(ConsulException):
    """The connection could not be made, or broke before the answer was complete.

    *sent* (bool) is False where no connection was made, so that the server cannot have acted on
    the request; True says that it may have.
    """

    sent = True


class TLSError(ConnectionFailed):
    """The TLS handshake failed: the certificate of one side was refused by the other."""


class BadAnswer(ConsulException):
    """The answer has a good status but is not what Consul sends here."""


class Redirected(ConsulException):
    """The server answered with a redirect, which is never followed: it would change the path."""


class BadRequest(ConsulException):
    """400: the server could not make sense of the request."""


class ACLDisabled(ConsulException):
    """401: ACL support is disabled on the server."""


class ACLPermissionDenied(ConsulException):
    """403: the token is unknown or lacks a permission.

    *token_sent* (bool): whether the request had a token; None where that is not known.
    """

    token_sent: bool | None = None

    def __str__(self) -> str:
        text = super().__str__()
        if self.token_sent is None:
            return text
        return f"{text} ({'with a token' if self.token_sent else 'no token was sent'})"


class NotFound(ConsulException):
    """404: no such object, or no such endpoint in this version of Consul."""


class ClientError(ConsulException):
    """Any other 4xx."""


class TransactionRolledBack(ClientError):
    """409 of a transaction: nothing was applied.

    *errors* lists the failed operations as Consul names them: ``{"OpIndex": int, "What": str}``.
    """

    errors: list[dict[str, Any]]


class RateLimited(ClientError):
    """429 or 503: the agent or server refuses work for now; try again later.

    *retry_after* (float): seconds after which the server asks to be tried again; None when it
    does not say.
    """

    retry_after: float | None = None


class ServerError(ConsulException):
    """5xx: the server failed, or refused the request with a 5xx where a 4xx would be right."""


class NoLeader(ServerError):
    """500 because the cluster has no leader, is about to change it, or cannot be reached."""


class Unsupported(ConsulException):
    """The server is too old for a keyword of the call, and would ignore it in silence.

    Nothing was sent but the question for the version of the server.
    """


class Closed(ConsulException, RuntimeError):
    """The client is closed."""


class NotReady(ConsulException):
    """There is no answer yet of which this could be told."""


class NoInstance(ConsulException):
    """There is no live instance of the service."""


class LockNotAcquired(ConsulException):
    """A block was not entered, because the lock was not free within the time limit."""


class LockLost(ConsulException):
    """The lock of a block was lost before the block had ended."""


class LockConflict(ConsulException):
    """The key of a lock is used for something else, or is held here with the same session."""


class InvalidSession(NotFound, ServerError):
    """There is no such session, or it has ended: a 404 to ``session.renew``, a 500 to a lock."""


class UnknownService(NotFound, ServerError):
    """The agent has no such service: a 404, or a 500 before Consul 1.12."""


class UnknownCheck(NotFound, ServerError):
    """The agent has no such check: a 404, or a 500 before Consul 1.12."""


class UnknownQuery(NotFound, ServerError):
    """There is no such prepared query: a 404 to a read, a 500 to a write."""


class UnknownACL(NotFound, ServerError):
    """There is no such token, policy, role, auth method or binding rule.

    It is a 404 to a read from Consul 1.15 on, and a 500 to an update.  Where Consul does not say
    for certain what is missing, the class is another one: before 1.15 a read of a policy is a 403
    and one of a role, an auth method or a binding rule a bare 404; a read of a token is a 403.
    """


#: Statuses with a class of their own; `answer` falls back on the hundreds.
BY_STATUS: dict[int, type[ConsulException]] = {
    400: BadRequest,
    401: ACLDisabled,
    403: ACLPermissionDenied,
    404: NotFound,
    409: ClientError,
    429: RateLimited,
    503: RateLimited,
}

#: Only the text of a 500 tells a lost leader; the wording differs by version and by agent role.
LEADERLESS = (
    "No cluster leader",
    "No known Consul servers",
    "leader not found",
    "rpc error getting client",
    "node is not the leader",
    "leadership lost",
    "waiting for leader",
    "raft is already shutdown",
    "leadership transfer in progress",
    "Not ready to serve consistent reads",
    # The connection between the agent and the leader broke.
    "rpc error making call: EOF",
    "rpc error making call: session shutdown",
    "rpc error making call: stream closed",
    "rpc error making call: read tcp",
    "rpc error making call: write tcp",
)


#: Texts that tell what is missing, for versions of Consul and endpoints differ in the status.
MISSING: dict[str, type[ConsulException]] = {
    "Session id '": InvalidSession,
    "invalid session": InvalidSession,
    "failed session lookup": InvalidSession,
    "Unknown service ID": UnknownService,
    "unknown service ID": UnknownService,
    "No service registered with ID": UnknownService,
    'ServiceID "': UnknownService,
    "Unknown check ID": UnknownCheck,
    "Missing check '": UnknownCheck,
    "does not have associated TTL": UnknownCheck,
    "Query not found": UnknownQuery,
    "Cannot modify non-existent prepared query": UnknownQuery,
    # Not "Cannot find token to delete", which is also said where the token of the call is unknown.
    'Cannot find token "': UnknownACL,
    "cannot find policy ": UnknownACL,
    "cannot find role ": UnknownACL,
    "cannot find binding rule ": UnknownACL,
    "Requested policy does not exist": UnknownACL,
    "Requested role does not exist": UnknownACL,
    "Requested auth method does not exist": UnknownACL,
    "Requested binding rule does not exist": UnknownACL,
}


def answer(status: int, body: str, index: int | None = None) -> ConsulException:
    """The exception for an answer with a status that is not good.

    ``args[0]`` is what it was in python-consul: the body alone for 401, 403 and 404, else
    status and body.
    """
    kind = BY_STATUS.get(status)
    if kind is None:
        if status < 300:
            kind = BadAnswer
        elif status < 400:
            kind = Redirected
        elif status < 500:
            kind = ClientError
        elif any(text in body for text in LEADERLESS):
            kind = NoLeader
        else:
            kind = ServerError
    if kind in (NotFound, ServerError):
        kind = next((found for text, found in MISSING.items() if text in body), kind)
    bare = status in (401, 403, 404)
    error = kind(body if bare else f"{status} {body}".rstrip())
    error.status, error.body, error.index = status, body, index
    return error

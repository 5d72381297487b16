"""The time limits of a client or of one call."""

from __future__ import annotations

from typing import NamedTuple

from consul.core.values import limited

Timeout = float | tuple[float | None, float | None] | None


class Limits(NamedTuple):
    """The time limits of a client or a call, in seconds; None for no limit."""

    #: To establish a connection, TLS included.
    connect: float | None = 10.0
    #: For an answer to be there in full, from the start of the call, repeated attempts included.
    #: A server that lost its leader answers after 7 to 18 s: a lower limit hides the reason.
    read: float | None = 60.0
    #: The same for a blocking query, beyond the time that the server may hold it.
    margin: float = 10.0

    @classmethod
    def of(cls, timeout: object) -> Limits:
        """The limits meant by *timeout*: a number, (connect, read), or None for no limit."""
        if isinstance(timeout, Limits):
            return timeout
        if isinstance(timeout, (tuple, list)):
            if len(timeout) != 2:
                raise ValueError(f"timeout must be a number, (connect, read) or None: {timeout!r}")
            connect, read = (None if part is None else _positive(part) for part in timeout)
        elif timeout is None:
            connect = read = None
        else:
            connect = read = _positive(timeout)
        return cls(connect, read, cls().margin if read is None else read)

    def deadline(self, hold: float | None) -> float | None:
        """Seconds that a request may take that the server holds for up to *hold* seconds."""
        if self.read is None or hold is None:
            return self.read
        return longest_hold(hold) + self.margin


def longest_hold(wait: float) -> float:
    """The longest that a server holds a query with this *wait*: it adds up to a sixteenth."""
    return wait + wait / 16


def _positive(value: object) -> float:
    return float(limited("timeout", value, "seconds, (connect, read) or None"))

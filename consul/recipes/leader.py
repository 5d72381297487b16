"""Waiting for a cluster that can work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consul.core.steps import Now, sleep
from consul.exceptions import ConnectionFailed, RateLimited, ServerError, Timeout, TLSError

if TYPE_CHECKING:
    from consul.core.steps import Steps

#: Seconds between two questions.
PAUSE = 0.1


async def _wait_for_leader(api: Any, limit: float | None) -> str:
    end = None if limit is None else await Now() + limit
    trouble: Exception | None = None
    while True:
        left = None if end is None else end - await Now()
        if left is not None and left <= 0:
            raise Timeout(f"no leader within {limit:g} s") from trouble
        call = api.status.leader()
        try:
            leader: str = await (call if left is None else call.within(left))
        except TLSError:
            # Waiting does not mend a certificate.
            raise
        except (ConnectionFailed, Timeout, RateLimited, ServerError) as error:
            trouble = error
        else:
            if leader:
                return leader
            trouble = None
        await sleep(PAUSE if end is None else max(0.0, min(PAUSE, end - await Now())))


def wait_for_leader(api: Any, limit: float | None) -> Steps[str]:
    """The steps of `consul.base.Consul.wait_for_leader`; *api* describes the calls."""
    return _wait_for_leader(api, limit)

"""A function that is called once in a while, by one of many processes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from consul.core.steps import Invoke
from consul.core.values import above_zero, kv_path, seconds, text
from consul.exceptions import LockConflict, LockLost, TransactionRolledBack
from consul.recipes.holds import log
from consul.recipes.locks import Lock

if TYPE_CHECKING:
    from consul.core.request import Duration
    from consul.core.steps import Steps
    from consul.core.values import Text

#: Flags of a key that says when the function was called: "once" in ASCII.
FLAGS = 0x6F6E6365


def wall() -> float:
    """The present time in seconds since 1970, of which all processes know."""
    return time.time()


def last_call(key: str, pair: Any) -> float:
    """When the function was called last, as *pair* says; 0 where it never was."""
    if pair is None:
        return 0.0
    try:
        if pair["Flags"] != FLAGS:
            raise ValueError("other flags")
        return float(json.loads(pair["Value"])["Called"])
    except (ValueError, TypeError, KeyError):
        raise LockConflict(f"key {key!r} is used for something else: {pair['Value']!r}") from None


def run_once(client: Any, key: Text, function: Callable[[], Any], every: Duration) -> Steps[bool]:
    """The steps of ``client.run_once``."""
    name = text("key", key)
    kv_path("key", name)
    above_zero("every", every)
    if not callable(function):
        raise TypeError(f"function must be callable: {function!r}")
    lock: Lock[Any] = Lock(client, f"{name}/.lock")
    return _running(client, name, function, seconds("every", every), lock)


async def _running(
    client: Any, key: str, function: Callable[[], Any], every: float, lock: Lock[Any]
) -> bool:
    if not await lock._acquiring(0):
        # Another one is at it.
        return False
    try:
        kv = client.kv._described
        pair = (await kv.get(key, consistency="consistent")).data
        began = wall()
        # One in the future is of a clock that is ahead.  It does not count for ever.
        if abs(began - last_call(key, pair)) < every:
            return False
        await Invoke(function)
        value = json.dumps({"Called": began})
        note = client.txn._described.begin().kv.check_session(f"{key}/.lock", lock.session)
        try:
            await client.txn._described.put(note.kv.set(key, value, FLAGS).operations)
        except TransactionRolledBack as error:
            raise LockLost(f"{key!r}: the lock was lost while the function ran") from error
        log.info("%r was run", key)
        return True
    finally:
        await lock._releasing()

"""The clock of steps."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial


def _choose() -> Callable[[], float]:
    # CLOCK_MONOTONIC counts the time that a machine is suspended on macOS only; on Linux it takes
    # CLOCK_BOOTTIME.  A lock's holder has to know that its session has ended meanwhile.
    name = "CLOCK_MONOTONIC" if sys.platform == "darwin" else "CLOCK_BOOTTIME"
    clock = getattr(time, name, None)
    if clock is None:
        return time.monotonic
    try:
        time.clock_gettime(clock)
    except OSError:
        return time.monotonic
    return partial(time.clock_gettime, clock)


#: Seconds on a clock that never goes back and, where the system has one, counts suspended time.
now = _choose()

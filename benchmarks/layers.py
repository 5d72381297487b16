"""Where the time of a kv.get goes, by layer: a profile of one flavour.

    python -m benchmarks.layers FLAVOUR PORT

Prints JSON: layer -> share of the time in it alone.  Profiling slows small functions more than
system calls, so the shares show what there is rather than what it costs.
"""

from __future__ import annotations

import cProfile
import json
import os
import pstats
import re
import sys
from typing import Any

from benchmarks.calls import FLAVOURS

CALLS = 2000
PACKAGE = re.compile(r"site-packages/([a-z0-9_]+)")
STANDARD = re.compile(r"python3\.\d+/([a-z_]+)")
#: Built-in functions that wait or move bytes.
SYSTEM = re.compile(
    r"'(recv|recv_into|send|sendall|poll|read|write|acquire|settimeout|close)'|epoll"
)
FLAVOURED = re.compile(r"consul/(std|threads|workers|aio|loops|tornado|twisted)")


def layer(place: tuple[str, int, str]) -> str:
    """The layer of a function as a profile names it."""
    path, _, name = place
    if "/consul/" in path:
        return "the flavour" if FLAVOURED.search(path) else "the core"
    if path == "~":
        return "system calls" if SYSTEM.search(name) else "built-in functions"
    found = PACKAGE.search(path) or STANDARD.search(path)
    return found[1] if found else "other"


def main() -> None:
    flavour, port = sys.argv[1], int(sys.argv[2])
    sides, run = FLAVOURS[flavour](port)
    ours = sides[0]
    run(ours.get, 50)
    profiles: list[cProfile.Profile] = []

    def begin(*_: Any) -> None:
        profiles.append(cProfile.Profile())
        profiles[-1].enable()

    # A profile counts the thread that it is begun in.
    if flavour == "twisted":
        from twisted.internet import reactor, threads

        loop: Any = reactor
        threads.blockingCallFromThread(loop, begin)
        run(ours.get, CALLS)
        threads.blockingCallFromThread(loop, lambda: profiles[-1].disable())
    else:
        begin()
        run(ours.get, CALLS)
        profiles[-1].disable()
    shares: dict[str, float] = {}
    stats: Any = pstats.Stats(profiles[-1])
    for place, (_, _, alone, _, _) in stats.stats.items():
        shares[layer(place)] = shares.get(layer(place), 0.0) + alone
    total = sum(shares.values())
    ordered = sorted(shares.items(), key=lambda one: -one[1])
    print(json.dumps({name: spent / total for name, spent in ordered}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()

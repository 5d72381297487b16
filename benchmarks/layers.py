"""Where the time of a kv.get goes, by layer: a profile of one flavour.

    python -m benchmarks.layers FLAVOUR PORT [--public]

Prints JSON: CPU microseconds of a call, and of each layer the share of the time in it alone.
Profiling slows small functions more than system calls, so the shares show what there is rather
than what it costs.  ``--public`` goes through the library's public client.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import re
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.calls import FLAVOURS, Side

CALLS = 2000
ROUNDS = 10
PACKAGE = re.compile(r"site-packages/([a-z0-9_]+)")
STANDARD = re.compile(r"python3\.\d+/([a-z_]+)")
#: Built-in functions that wait or move bytes.
SYSTEM = re.compile(
    r"'(recv|recv_into|send|sendall|poll|read|write|acquire|settimeout|close)'|epoll"
)
FLAVOURED = re.compile(r"consul/(std|threads|aio|tornado|twisted|transport/)")


def layer(place: tuple[str, int, str]) -> str:
    """The layer of a function as a profile names it."""
    path, _, name = place
    if "/consul/" in path:
        return "the flavour" if FLAVOURED.search(path) else "the core"
    if path == "~":
        return "system calls" if SYSTEM.search(name) else "built-in functions"
    found = PACKAGE.search(path) or STANDARD.search(path)
    return found[1] if found else "other"


def profiled(flavour: str, ours: Side, run: Callable[..., Any]) -> dict[str, float]:
    """Layer -> share of the time of a kv.get."""
    profile = cProfile.Profile()
    begin, end = profile.enable, profile.disable
    if flavour == "twisted":
        from twisted.internet import reactor, threads

        # A profile counts the thread that it is begun in.
        begin, end = (
            partial(threads.blockingCallFromThread, reactor, step)  # type: ignore[arg-type]
            for step in (begin, end)
        )
    begin()
    run(ours.get, CALLS)
    end()
    shares: dict[str, float] = {}
    stats: Any = pstats.Stats(profile)
    for place, (_, _, alone, _, _) in stats.stats.items():
        shares[layer(place)] = shares.get(layer(place), 0.0) + alone
    total = sum(shares.values())
    return {name: spent / total for name, spent in sorted(shares.items(), key=lambda one: -one[1])}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("flavour", choices=FLAVOURS)
    parser.add_argument("port", type=int)
    parser.add_argument("--public", action="store_true")
    arguments = parser.parse_args()
    sides, run = FLAVOURS[arguments.flavour](arguments.port, arguments.public)
    ours, spent = sides[0], []
    for _ in range(ROUNDS + 1):
        began = time.process_time()
        run(ours.get, CALLS // ROUNDS)
        spent.append((time.process_time() - began) / (CALLS // ROUNDS) * 1e6)
    shares = profiled(arguments.flavour, ours, run)
    print(json.dumps({"cpu": statistics.median(spent[1:]), "layers": shares}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()

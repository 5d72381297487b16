"""Writes docs/cluster.rst, a part of docs/leader.rst: what clients see while leaders come and go.

    python tools/cluster_numbers.py [--seconds 60] [--output docs/cluster.rst]

The same run as that of tests/network/test_cluster.py, on each server version that is here; the
exit status is 1 when something came up that must not.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.cluster import Cluster, Record, present, run
from tools import servers

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "cluster.rst"

HEAD = """\
.. Written by a run: python tools/cluster_numbers.py

When the leader is lost
-----------------------

Three real servers on one machine.  Every few seconds the leader is killed (SIGKILL) or stopped
(SIGTERM), and started again with its data; the next one goes when the cluster is whole again.
Meanwhile six clients of each flavour, two on each server, write, read back, increment a counter
with ``cas`` and watch by blocking queries.  Of the three pairs one has the default ``Retry``, one
``Retry(connect=True)`` and one ``retry=False``.  Each server that is ended is that of one pair of
each flavour, whose calls are refused until it is back.

Wrong would be: a consistent read that shows less than what was acknowledged, a value of another
key, one that was never written or whose write failed with ``sent`` False, an increment that counts
twice or not at all, and any exception but `NoLeader <consul.exceptions.NoLeader>`,
`ConnectionFailed <consul.exceptions.ConnectionFailed>`, `Timeout <consul.exceptions.Timeout>` and
`RateLimited <consul.exceptions.RateLimited>`.

A stall is the time in which a client got nothing but errors, those included whose own server was
down.
"""


def table(rows: list[list[str]]) -> Iterator[str]:
    yield from (".. list-table::", "   :header-rows: 1", "")
    for first, *rest in rows:
        yield f"   * - {first}".rstrip()
        yield from (f"     - {cell}" for cell in rest)
    yield ""


def page(record: Record, flavours: list[str]) -> Iterator[str]:
    title = f"Consul {servers.dotted(record.version)}"
    yield from (title, "~" * len(title), "")
    killed = sum(how == "SIGKILL" for how, _, _ in record.ended)
    took = [seconds for _, _, seconds in record.ended]
    yield (
        f"{record.seconds:.0f} s, in which the leader was killed {killed} times and stopped "
        f"{len(took) - killed} times.\nWrites were taken again after {min(took):.1f} to "
        f"{max(took):.1f} s."
    )
    yield ""
    columns = [column(record, flavour) for flavour in flavours]
    yield from table(
        [
            ["", *flavours],
            *([name, *(one[name] for one in columns)] for name in columns[0]),
        ]
    )


def column(record: Record, flavour: str) -> dict[str, str]:
    seen = record.of(flavour)
    errors = record.errors(flavour)
    wrong = [text for one in seen for text in one.wrong]
    lost = sum("is left" in text for text in wrong)
    miscounted = sum("counter" in text or "increment" in text for text in wrong)
    cells: dict[str, object] = {
        "Calls": record.total("calls", flavour),
        "Repeats within them": record.total("repeats", flavour),
        **{
            f"Calls that raised {name}": errors[name]
            for name in ("NoLeader", "ConnectionFailed", "Timeout", "RateLimited")
        },
        "Any other error": sum(len(one.unexpected) for one in seen),
        "Longest stall": f"{max(one.stall for one in seen):.1f} s",
        "Writes acknowledged": record.total("written", flavour),
        "Of those lost": lost,
        "Increments acknowledged": record.total("counted", flavour),
        "Increments that failed and may have been made": record.total("uncounted", flavour),
        "Increments miscounted": miscounted,
        "Other wrong answers": len(wrong) - lost - miscounted,
        "Old answers to default reads, which may be": record.total("older", flavour),
    }
    return {name: str(cell) for name, cell in cells.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes docs/cluster.rst.")
    parser.add_argument("--seconds", type=float, default=60.0, help="of load on each server")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    for name in list(os.environ):
        if name.startswith("CONSUL_") and name != "CONSUL_BIN":
            del os.environ[name]
    found = sorted(servers.find())
    if not found:
        print(servers.NONE, file=sys.stderr)
        return 2
    lines, status, flavours = [HEAD], 0, present()
    for server in found:
        with Cluster(server.path) as cluster:
            record = run(cluster, flavours, options.seconds)
        lines += page(record, flavours)
        for seen in record.seen:
            for trouble in (*seen.wrong, *seen.unexpected):
                print(f"{server.version} {seen.flavour} {seen.server}: {trouble}", file=sys.stderr)
                status = 1
    options.output.write_text("\n".join(lines), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())

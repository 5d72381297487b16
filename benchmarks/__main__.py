"""Measure everything against one real agent, and write docs/benchmarks.rst and benchmarks.json.

    CONSUL_BIN=/path/to/consul python -m benchmarks          which is `make bench`
    ... python -m benchmarks --dry                            print, write nothing

Each part runs in processes of its own; nothing else should be running.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.calls import KEY, SERVICE, VALUE
from benchmarks.growth import INSTANCES, KEYS
from consul.threads import Consul
from tests.agent import Agent

ROOT = Path(__file__).resolve().parent.parent
FLAVOURS = ("std", "threads", "aio", "tornado", "twisted")
LIBRARIES = ("requests", "urllib3", "aiohttp", "tornado", "twisted", "treq", "orjson")
CASES = {
    "get": "kv.get",
    "put": "kv.put",
    "flight": "kv.get, 64 in flight",
    "health": "health.service, 500 instances",
}
#: Ratios of CPU time to the bare library's that are aimed at; the second without orjson.
GOALS: dict[str, dict[str, tuple[float | None, float | None]]] = {
    "std": {"get": (0.40, None), "put": (0.40, None), "health": (0.42, 0.82)},
    "threads": {
        "get": (0.5, None),
        "put": (0.5, None),
        "flight": (0.45, None),
        "health": (0.45, None),
    },
    "aio": {
        "get": (1.08, None),
        "put": (1.08, None),
        "flight": (1.1, None),
        "health": (0.45, 0.95),
    },
    "tornado": {
        "get": (0.4, None),
        "put": (0.4, None),
        "flight": (0.55, None),
        "health": (0.5, None),
    },
    "twisted": {
        "get": (0.75, None),
        "put": (0.75, None),
        "flight": (0.4, None),
        "health": (0.55, None),
    },
}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def part(module: str, *arguments: str) -> Any:
    """What a part of the benchmarks prints, read."""
    say(f"{module} {' '.join(arguments)}")
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


def fill(port: int) -> None:
    """Put what is read into the agent; nodes and services as agents register their own."""
    with Consul(port=port) as client:
        pending = [client.kv.put(KEY, VALUE)]
        for number in range(max(500, *INSTANCES)):
            pending.append(
                client.catalog.register(
                    f"node-{number:04}",
                    address(number),
                    tagged_addresses=dict.fromkeys(
                        ("lan", "lan_ipv4", "wan", "wan_ipv4"), address(number)
                    ),
                    node_meta={"consul-network-segment": "", "consul-version": "1.22.7"},
                    check={
                        "Name": "Node alive",
                        # With serfHealth the server would drop the node: it is no member.
                        "CheckID": "alive",
                        "Status": "passing",
                        "Output": "Agent alive and reachable",
                    },
                )
            )
        for future in pending:
            future.result()
        pending = [
            client.kv.put(f"growth-{size}/{number:05}", VALUE)
            for size in KEYS
            for number in range(size)
        ]
        for size, name in [(500, SERVICE), *((size, f"growth-{size}") for size in INSTANCES)]:
            pending += (register(client, name, number) for number in range(size))
        for future in pending:
            future.result()


def address(number: int) -> str:
    return f"10.0.{number // 250}.{number % 250 + 1}"


def register(client: Consul, name: str, number: int) -> Any:
    place = {"Address": address(number), "Port": 8000 + number % 100}
    return client.catalog.register(
        f"node-{number:04}",
        address(number),
        skip_node_update=True,
        service={
            "Service": name,
            "ID": f"{name}-{number}",
            **place,
            "TaggedAddresses": {"lan_ipv4": place, "wan_ipv4": place},
            "Tags": ["primary", "v1"],
            "Meta": {"version": "1.2.3"},
        },
        check={
            "Name": f"Service '{name}' check",
            "CheckID": f"service:{name}-{number}",
            "Status": "passing",
            "ServiceID": f"{name}-{number}",
            "Output": f"HTTP GET http://{address(number)}:8000/health: 200 OK Output: ok",
        },
    )


def go(port: int) -> dict[str, Any] | str:
    """Consul's own client's numbers, or why there are none."""
    compiler = shutil.which("go")
    if compiler is None:
        return "there is no Go on this machine"
    say("go")
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder) / "benchmark"
        built = subprocess.run(
            [compiler, "build", "-o", str(binary), "."],
            cwd=ROOT / "benchmarks" / "go",
            capture_output=True,
            check=False,
            text=True,
        )
        if built.returncode:
            return "its client could not be built here"
        done = subprocess.run(
            [str(binary), str(port)], stdout=subprocess.PIPE, check=True, text=True
        )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [header, *rows]:
        lines += [
            f"   {'* -' if number == 0 else '  -'} {cell}".rstrip()
            for number, cell in enumerate(row)
        ]
    return "\n".join(lines) + "\n"


def microseconds(side: dict[str, float] | None) -> str:
    return "" if side is None else f"{side['cpu']:,.0f} / {side['wall']:,.0f}"


def text(found: dict[str, Any]) -> str:
    """The tables of the documentation."""
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    parts = [
        ".. Written by: make bench",
        f"Measured {found['date']} on {found['cores']} cores: {versions}.",
        "CPU / wall microseconds per call, medians of batches that take turns; the ratio is ours "
        "to the bare library's CPU, of pairs of batches, beside the one aimed at.",
    ]
    rows = []
    for flavour in FLAVOURS:
        for case, name in CASES.items():
            fast = found["calls"][flavour].get(case)
            if fast is None:
                continue
            slow = found["plain"][flavour][case]
            goal, plain_goal = GOALS[flavour].get(case, (None, None))
            sides = list(fast["sides"])
            rows.append(
                [
                    f"{flavour}: {name}",
                    microseconds(fast["sides"][sides[0]]),
                    f"{sides[1]}: {microseconds(fast['sides'][sides[1]])}",
                    ratio(fast["cpu_ratio"], goal),
                    ratio(slow["cpu_ratio"], plain_goal),
                ]
            )
    parts.append(
        table(["Call", "Ours", "The bare library", "Ratio with ``speed``", "Ratio without"], rows)
    )
    beside = found["calls"]["std"]
    others = [
        [name, *(microseconds(beside.get(c, {}).get("sides", {}).get(name)) for c in CASES)]
        for name in ("http.client", "json alone", "orjson alone")
    ]
    if isinstance(found["go"], str):
        parts.append(f"Consul's own client, in Go: not measured, for {found['go']}.")
    else:
        others.append(
            ["Consul's own, in Go", *(microseconds(found["go"].get(case)) for case in CASES)]
        )
        large = {name: found["calls"][name]["health"]["sides"]["consul"] for name in FLAVOURS}
        theirs = found["go"]["health"]["cpu"]
        share = ", ".join(f"{name} {side['cpu'] / theirs:.2f}x" for name, side in large.items())
        parts.append(f"Of the CPU of Go's client a large answer costs: {share} (aim: 0.30x).")
    parts.append(table(["Beside them", *CASES.values()], others))
    imports = found["imports"]["imports"]
    rows = [[name, f"{value:.1f}"] for name, value in imports.items()]
    above = imports["consul.aio"] - imports["aiohttp"]
    parts.append(
        f"``import consul`` takes {imports['consul']:.0f} ms of CPU (aim: 25), ``consul.aio`` "
        f"{above:.0f} ms above aiohttp (aim: 10); the least of many runs:"
    )
    parts.append(table(["Import", "CPU ms above the bare interpreter"], rows))
    rows = [[name, f"{value:.0f}"] for name, value in found["imports"]["clients"].items()]
    parts.append(table(["Making a client", "CPU microseconds"], rows))
    rows = [
        [
            flavour,
            f"{polls['memory']:.1f}",
            f"{polls['alone']:.0f} / {polls['beside']:.0f} ({polls['beside_ratio']:.2f}x)",
            f"{polls['woken']:.0f} / {polls['woken_bare']:.0f} ({polls['woken_ratio']:.2f}x)",
        ]
        for flavour, polls in found["polls"].items()
    ]
    parts.append("A thousand idle blocking queries in one process:")
    parts.append(
        table(
            [
                "Flavour",
                "MiB for them",
                "A plain call alone / beside them, p50 in microseconds",
                "Woken after, p50, ours / the bare library",
            ],
            rows,
        )
    )
    rows = [
        [
            f"{size} {kind}",
            *(f"{sides[side]['cpu']:.2f}" for side in ("consul", "requests")),
            *(f"{sides[side]['peak']:.1f}" for side in ("consul", "requests")),
        ]
        for kind, sizes in found["growth"].items()
        for size, sides in sizes.items()
    ]
    parts.append("An answer by its number of items; both sides parse with orjson:")
    parts.append(table(["Items", "Ours, CPU ms", "requests", "Ours, peak MiB", "requests"], rows))
    parts.append(
        "Where the time of a kv.get goes, from a profile: first through the library's public "
        "client, as it still goes with a client that is brought, then as it goes otherwise.  "
        "(threads: as std, in another thread.)"
    )
    rows = [
        [f"{name}, {way}", f"{profile['cpu']:.0f}", shares(profile["layers"])]
        for name, ways in found["layers"].items()
        for way, profile in ways.items()
    ]
    parts.append(table(["Flavour", "CPU microseconds", "Share of each layer alone"], rows))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def shares(layers: dict[str, float]) -> str:
    return ", ".join(f"{layer} {share:.0%}" for layer, share in layers.items() if share > 0.02)


def ratio(value: float, goal: float | None) -> str:
    return f"{value:.2f}" + ("" if goal is None else f" (aim {goal:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dry", action="store_true", help="print the tables, write nothing")
    parser.add_argument("--rounds", default="60")
    arguments = parser.parse_args()
    binary = Path(os.environ["CONSUL_BIN"])
    config = {"limits": {"http_max_conns_per_client": 5000}}
    # A server as it runs in earnest: one with -dev indents its answers.
    with Agent(binary, config=config, persistent=True) as agent:
        port = str(agent.port)
        say("filling the agent")
        fill(agent.port)
        found: dict[str, Any] = {
            "date": date.today().isoformat(),
            "cores": os.cpu_count(),
            "versions": {
                "Python": platform.python_version(),
                "Consul": ".".join(map(str, agent.version)),
                **{name: version(name) for name in LIBRARIES},
            },
            "calls": {
                name: part("calls", name, port, "--rounds", arguments.rounds) for name in FLAVOURS
            },
            "plain": {
                name: part("calls", name, port, "--rounds", arguments.rounds, "--plain")
                for name in FLAVOURS
            },
            "go": go(agent.port),
            "imports": part("imports"),
            "polls": {name: part("polls", name, port) for name in ("aio", "tornado", "twisted")},
            "growth": part("growth", port),
            "layers": {
                name: {
                    "public client": part("layers", name, port, "--public"),
                    "as it is": part("layers", name, port),
                }
                for name in FLAVOURS
                if name != "threads"
            },
        }
    if arguments.dry:
        print(text(found))
        return
    (ROOT / "docs" / "benchmarks.json").write_text(
        json.dumps(found, indent=1) + "\n", encoding="utf-8"
    )
    (ROOT / "docs" / "benchmarks.rst").write_text(text(found), encoding="utf-8")


if __name__ == "__main__":
    main()

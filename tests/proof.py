"""The proof that tests/conformance has called every endpoint of Consul CE.

On each server version and in each flavour each has to have succeeded once, where that version has
it, and to have failed once.  ``tests/conformance/conftest.py`` notes what the calls come to.  When
the whole folder has run and nothing failed, what is missing makes the run fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

FOLDER = Path(__file__).resolve().parent / "conformance"
SUCCESS = "success"
#: Endpoints that do not fail, with the reason.
UNFAILING = {
    "agent.version": "it answers everybody, and ignores all parameters",
    "catalog.datacenters": "it answers everybody, and ignores all parameters",
    "coordinate.datacenters": "it answers everybody, and ignores all parameters",
}
#: Endpoints that succeed in one flavour only, with the reason.
IN_ONE_FLAVOUR = {"operator.raft.remove_peer": "each success takes a server away"}
#: Options that make a run one of a part of the tests.
PARTIAL = (
    "keyword", "markexpr", "quick", "collectonly", "lf", "stepwise", "deselect", "ignore",
    "ignore_glob",
)  # fmt: skip


class Seen(NamedTuple):
    """What a call came to."""

    #: Like "kv.get".
    name: str
    #: Like "1.22.7".
    server: str
    flavour: str
    #: SUCCESS, or the class of an exception.
    outcome: str


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def has(server: str, since: str | None, removed: str | None) -> bool:
    """Whether *server* has an endpoint that came with *since* and went with *removed*."""
    version = numbers(server)
    return (since is None or numbers(since) <= version) and (
        removed is None or version < numbers(removed)
    )


def gaps(seen: Iterable[Seen], routes: Iterable[Any]) -> Iterator[str]:
    """What is missing, a line for each endpoint of *routes*.

    Servers and flavours are those that were seen at all: a test that lacks one is skipped or fails.
    """
    found = {(each.name, each.server, each.flavour, each.outcome == SUCCESS) for each in seen}
    servers = sorted({server for _, server, _, _ in found}, key=numbers)
    flavours = sorted({flavour for _, _, flavour, _ in found})
    for route in routes:
        for succeeded in (True, False):
            missing = [
                f"{server} {flavour}"
                for server in servers
                for flavour in flavours
                if (not succeeded or has(server, route.since, route.removed))
                and (succeeded or route.name not in UNFAILING)
                and (route.name, server, flavour, succeeded) not in found
                and not (
                    route.name in IN_ONE_FLAVOUR
                    and any((route.name, server, each, succeeded) in found for each in flavours)
                )
            ]
            if missing:
                what = "success" if succeeded else "failure"
                yield f"{route.name}: no {what} on {', '.join(missing)}"


def is_whole(config: pytest.Config) -> bool:
    """Whether the run is of all of tests/conformance."""
    if any(config.getoption(option, default=None) for option in PARTIAL):
        return False
    places = [(config.invocation_params.dir / arg).resolve() for arg in config.args]
    return any(place == FOLDER or place in FOLDER.parents for place in places)


class Plugin:
    """Listens to the run.  With `pytest -n`, the processes hand what they saw to the first one."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.seen: set[Seen] = set()
        self.gaps: list[str] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        # One that crashed has handed over nothing, and has failed the run.
        self.seen |= {Seen(*each) for each in getattr(node, "workeroutput", {}).get("proof", [])}

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["proof"] = sorted(map(list, self.seen))
        elif exitstatus == pytest.ExitCode.OK and is_whole(self.config):
            from tests.unit.test_endpoints import METHODS, facts

            community = [name for name in METHODS if not facts(name)["enterprise"]]
            self.gaps = list(gaps(self.seen, [METHODS[name].route for name in community]))
            if self.gaps:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.gaps:
            terminalreporter.section("endpoints that tests/conformance has not proved", red=True)
            for line in self.gaps:
                terminalreporter.line(line)

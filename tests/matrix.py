"""The table of behaviours: which test proves what, in which flavour, on which server.

A test marked ``@pytest.mark.behaviour(topic, text, refused={flavour: reason})`` is a row.  Those
flavours whose library cannot do it are named in *refused*, with the reason; there the test shows
that the client says so when it is made.  ``pytest --matrix FILE`` writes the table.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

COLUMNS = ("std", "gevent", "threads", "aio", "tornado", "twisted")
#: Of a test that needs no agent; the answer is scripted, or there is none.
ANY = ""
#: Of the tests that the run under gevent leaves out; see tests/network/test_gevent.py.
LEFT_OUT = (
    "not run: gevent has no part in it, for the calls are made in processes of the test's own, "
    "or it takes long and std shows it"
)
HEAD = """.. Written by the test run: python -m pytest --matrix=docs/matrix.rst

"""

Row = tuple[str, str]


class Matrix:
    """Collects outcomes: row -> flavour -> server version -> what came of it."""

    def __init__(self) -> None:
        self.rows: dict[Row, dict[str, dict[str, set[str]]]] = {}

    def add(self, row: Row, flavour: str, server: str, outcome: str) -> None:
        self.rows.setdefault(row, {}).setdefault(flavour, {}).setdefault(server, set()).add(outcome)

    def dump(self) -> list[Any]:
        return [
            [*row, flavour, server, sorted(outcomes)]
            for row, flavours in self.rows.items()
            for flavour, servers in flavours.items()
            for server, outcomes in servers.items()
        ]

    def load(self, found: list[Any]) -> None:
        for topic, text, flavour, server, outcomes in found:
            for outcome in outcomes:
                self.add((topic, text), flavour, server, outcome)

    def text(self) -> str:
        """The table as reStructuredText, with the reasons below it."""
        reasons: list[str] = []
        lines = [".. list-table::", "   :header-rows: 1", "   :class: matrix", ""]
        lines += _row(["Behaviour", *COLUMNS])
        topic = ""
        for row in sorted(self.rows):
            if row[0] != topic:
                topic = row[0]
                lines += _row([f"**{topic}**", *("" for _ in COLUMNS)])
            cells = [self._cell(row, flavour, reasons) for flavour in COLUMNS]
            lines += _row([row[1], *cells])
        notes = [f"({number}) {reason}\n" for number, reason in enumerate(reasons, 1)]
        return HEAD + "\n".join(lines) + "\n\n" + "\n".join(notes)

    def _cell(self, row: Row, flavour: str, reasons: list[str]) -> str:
        outcomes = self.rows[row].get(flavour)
        if not outcomes:
            outcomes = {ANY: {LEFT_OUT if flavour == "gevent" else "NOT RUN"}}
        shown: dict[str, list[str]] = {}
        for server, found in sorted(outcomes.items()):
            # One failed case of a behaviour makes it fail.
            worst = sorted(found, key=lambda one: (one == "yes", one))[0]
            shown.setdefault(worst, []).append(server)
        parts = []
        for outcome, servers in shown.items():
            where = ", ".join(server for server in servers if server != ANY)
            kind, _, reason = outcome.partition(": ")
            if reason:
                if reason not in reasons:
                    reasons.append(reason)
                kind += f" ({reasons.index(reason) + 1})"
            parts.append(f"{kind} {where}".strip())
        return "; ".join(parts)


def _row(cells: list[str]) -> Iterator[str]:
    yield f"   * - {cells[0]}"
    yield from (f"     - {cell}".rstrip() for cell in cells[1:])


class Plugin:
    """Listens to the run.  With `pytest -n`, the processes hand their rows to the first one."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.target = config.getoption("--matrix") or os.environ.get("CONSUL_MATRIX")
        self.matrix = Matrix()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Any:
        report = (yield).get_result()
        marker = item.get_closest_marker("behaviour")
        callspec = getattr(item, "callspec", None)
        if marker is None or callspec is None or "flavour" not in callspec.params:
            return
        if report.when != "call" and report.passed:
            return
        flavour = callspec.params["flavour"]
        refused = marker.kwargs.get("refused", {}).get(flavour)
        if report.skipped:
            outcome = f"no: {report.longrepr[2].removeprefix('Skipped: ')}"
        elif report.failed:
            outcome = "FAILED"
        else:
            outcome = "yes" if refused is None else f"refused: {refused}"
        version = callspec.params.get("server", ANY)
        server = ".".join(map(str, version)) if version else ANY
        self.matrix.add(marker.args[:2], flavour, server, outcome)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        # One that crashed has handed over nothing, and has failed the run.
        self.matrix.load(getattr(node, "workeroutput", {}).get("matrix", []))

    def pytest_sessionfinish(self) -> None:
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["matrix"] = self.matrix.dump()
        elif self.target and self.matrix.rows:
            # A run under gevent hands its results to the run that started it.
            if self.target.endswith(".json"):
                text = json.dumps(self.matrix.dump())
            else:
                text = self.matrix.text()
            Path(self.target).write_text(text, encoding="utf-8")

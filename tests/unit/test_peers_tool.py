"""The program that runs the tests of other projects, apart from running them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools import peers_tests
from tools.servers import Server

SERVER = Server((1, 22, 7), Path("/opt/consul"), "given")


def test_what_is_laid_beside_the_tests(tmp_path: Path) -> None:
    checkout, work = tmp_path / "checkout", tmp_path / "work"
    (checkout / "tests").mkdir(parents=True)
    (checkout / "consul").mkdir()
    work.mkdir()
    (checkout / "tests" / "test_aio.py").write_text(
        "fut = asyncio.async(put(), loop=loop)\nawait asyncio.sleep(2.0, loop=loop)\n"
    )
    (checkout / "tests" / "consul.linux64").write_text("their own")
    (checkout / "conftest.py").write_text('X = 1\nCONSUL_VERSIONS = ["1.20.6", "1.22.0"]\n')
    peers_tests.lay(checkout, SERVER, work)
    assert (work / "tests" / "test_aio.py").read_text() == (
        "fut = asyncio.ensure_future(put(), loop=loop)\nawait asyncio.sleep(2.0)\n"
    )
    agent = (work / "tests" / "consul.linux64").read_text()
    assert agent.startswith("#!/bin/sh\n")
    assert '"/opt/consul" "$@"' in agent
    assert (work / "conftest.py").read_text() == 'X = 1\nCONSUL_VERSIONS = ["1.22.7"]\n'
    assert {"docker.py", "peers_plugin.py"} <= {each.name for each in work.iterdir()}
    # Their package is not there.
    assert not (work / "consul").exists()


def test_what_a_report_says() -> None:
    report = ElementTree.fromstring(
        """<testsuites><testsuite>
        <testcase classname="tests.test_a.TestA" name="test_good"/>
        <testcase classname="tests.test_a.TestA" name="test_bad">
          <failure message="TypeError: no"/></testcase>
        <testcase classname="tests.test_a" name="test_broken"><error message="gone"/></testcase>
        <testcase classname="tests.test_a" name="test_left"><skipped/></testcase>
        </testsuite></testsuites>"""
    )
    assert dict(peers_tests.results(report)) == {
        "test_a.TestA.test_good": None,
        "test_a.TestA.test_bad": "TypeError: no",
        "test_a.test_broken": "gone",
    }


@pytest.mark.parametrize(
    ("name", "reason"), [("test_a.TestA.test_kv[1.22.7]", "It is older."), ("test_a.other", None)]
)
def test_reasons(name: str, reason: str | None) -> None:
    assert peers_tests.reason_of(name, {"TestA.test_kv": "It is older."}) == reason


def test_every_project_has_reasons_that_are_sentences() -> None:
    known = json.loads(peers_tests.DIFFERS.read_text(encoding="utf-8"))
    assert set(known) == set(peers_tests.SERVERS)
    for reasons in known.values():
        assert all(reason.endswith(".") for reason in reasons.values())


def test_a_folder_without_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert peers_tests.main(["py-consul", str(tmp_path)]) == 2
    assert "has no folder tests" in capsys.readouterr().err

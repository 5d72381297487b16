"""What the pages name exists, and the built pages are of a size that people can read."""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import consul
import consul.types
from consul.api.noun import Noun

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
PAGES = [
    page
    for page in sorted(DOCS.rglob("*.rst"))
    # Written by programs, or included.
    if page.name not in ("matrix.rst", "cluster.rst", "benchmarks.rst", "streams.rst")
]
CALLED = re.compile(r"\bclient((?:\.[a-z_]+)+)(?=\()")
#: Bytes that a page may have.
LARGEST = 250_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_what_is_called_exists(page: Path) -> None:
    with consul.Consul() as client:
        for path in set(CALLED.findall(page.read_text(encoding="utf-8"))):
            found: Any = client
            for name in path[1:].split("."):
                assert hasattr(found, name), f"client{path}"
                found = getattr(found, name)


def test_consulate_is_compared_with_what_exists() -> None:
    text = (DOCS / "consulate.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^     - (.*``client\..+)$", text, re.MULTILINE)
    assert len(rows) > 30
    with consul.Consul() as client:
        for row in rows:
            paths = re.findall(r"client\.([a-z_.]+)", row)
            # A name alone is one of the same noun.
            noun = paths[-1].rpartition(".")[0]
            paths += [f"{noun}.{name}" for name in re.findall(r"``([a-z_]+)``", row)]
            for path in paths:
                found: Any = client
                for name in path.split("."):
                    assert hasattr(found, name), path
                    found = getattr(found, name)


def test_a_page_is_in_the_tree_of_pages() -> None:
    named = set(re.findall(r"^   (\S+)$", (DOCS / "index.rst").read_text(encoding="utf-8"), re.M))
    assert {page.stem for page in PAGES if page.parent == DOCS} - {"index"} <= named


def test_no_page_has_a_table_of_contents_of_its_own() -> None:
    # The theme shows one, and an error in place of another.
    assert not [page for page in PAGES if ".. contents::" in page.read_text(encoding="utf-8")]


LANDING = (ROOT / "README.md", DOCS / "index.rst")


def test_the_landing_pages_name_every_noun() -> None:
    with consul.Consul() as client:
        nouns = [name for name in dir(type(client)) if isinstance(getattr(client, name), Noun)]
    assert len(nouns) > 15
    for page in LANDING:
        text = page.read_text(encoding="utf-8")
        assert [name for name in nouns if f"`client.{name}`" not in text] == []


def test_the_landing_pages_promise_what_there_is(extension: Callable[[str], Any]) -> None:
    interface = extension("interface")
    here = {method.facts["id"] for method in interface.endpoints()}
    missing = {row["id"] for row in interface.facts().values()} - here
    assert not missing
    for page in LANDING:
        text = " ".join(page.read_text(encoding="utf-8").split())
        assert "It has all documented endpoints of Consul 1.8 to 2.1, with exact types" in text


def test_built_pages(tmp_path: Path, extension: Callable[[str], Any]) -> None:
    pytest.importorskip("furo")
    interface = extension("interface")
    built = tmp_path / "html"
    subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-nW", "-d", tmp_path / "trees", DOCS, built],
        check=True,
    )
    pages = list(built.rglob("*.html"))
    assert {page: size for page in pages if (size := page.stat().st_size) > LARGEST} == {}
    # Whatever is documented has an anchor, on one page.
    anchors = Counter(
        name
        for page in pages
        for name in re.findall(r'<dt class="sig[^>]*? id="(consul\.[\w.]+)"', page.read_text())
    )
    assert [name for name, times in anchors.items() if times > 1] == []
    methods = interface.methods()
    assert len(methods) > 50
    assert {method.target for method in methods} <= set(anchors)
    assert {f"consul.types.{name}" for name in consul.types.__all__} <= set(anchors)
    # Other pages link to aliases, too.
    links = (built / "objects.inv").read_bytes()
    names = zlib.decompress(links.split(b"\n", 4)[4]).decode()
    for method in methods:
        for name in (method.name, *method.aliases):
            assert f"\n{method.noun.target}.{name} py:method " in names
    health = (built / "api" / "health.html").read_text()
    assert all(f"options.html#keyword-{name}" in health for name in ("filter", "node-meta"))
    # A user types neither the class nor its arguments.
    assert not any("agent: Client" in page.read_text() for page in pages)

"""What the reference has to explain, it explains."""

from __future__ import annotations

import re
from pathlib import Path

from consul.api import options
from consul.check import Common

PAGES = Path(__file__).resolve().parent.parent.parent / "docs" / "api"
TAKEN_BY = re.compile(r"^ {3}\.\. taken-by:: (.+)$", re.MULTILINE)
ARGUMENTS = re.compile(r"^(?:\*\w+\*(?:, )?)+$", re.MULTILINE)


def test_every_common_keyword_is_explained() -> None:
    page = (PAGES / "options.rst").read_text(encoding="utf-8")
    groups = [kind for kind in vars(options).values() if hasattr(kind, "__total__")]
    known = {keyword for group in groups for keyword in group.__annotations__} | {"near"}
    assert len(groups) > 10
    explained = " ".join(ARGUMENTS.findall(page))
    assert set(re.findall(r"\w+", explained)) == known
    assert set(" ".join(TAKEN_BY.findall(page)).split()) == known


def test_every_keyword_of_checks_is_explained() -> None:
    page = (PAGES / "client.rst").read_text(encoding="utf-8")
    assert re.findall(r"^ {3}\* \*(\w+)\*:", page, re.MULTILINE) == list(Common.__annotations__)

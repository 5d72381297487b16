"""The extensions of the documentation, for tests of what they make."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

EXTENSIONS = Path(__file__).resolve().parent.parent.parent / "docs" / "_ext"


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import an extension by its name."""
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(EXTENSIONS)
    return importlib.import_module

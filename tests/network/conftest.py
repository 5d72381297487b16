"""Fixtures of the tests of the network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import FaultServer


@pytest.fixture
def recorder() -> Iterator[FaultServer]:
    """A server that answers well, and keeps the head of each request."""
    with FaultServer() as server:
        yield server

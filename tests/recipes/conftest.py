"""A world without a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.recipes.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """A world in which nothing fails by chance."""
    world = World(1)
    yield world
    world.loop.close()

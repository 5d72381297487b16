"""Metadata of answers that python-consul gave without it."""

from __future__ import annotations

import pytest

from consul import UnknownQuery


def test_it_can_be_had_of_every_call(consul, prefix):
    made = consul.query.create("consul", prefix)["ID"]
    describe = consul._target.describe
    answer = consul.with_meta(describe.query.get(made))
    assert answer.data == consul.query.get(made)
    assert answer.index == answer.meta.index
    assert answer.index > 0
    # A blocking query of an endpoint whose answer has no index.
    later = consul.with_meta(describe.query.get(made, index=answer, wait="50ms"))
    assert later == answer
    executed = consul.with_meta(describe.query.execute(prefix, cached=True))
    assert executed.meta.cache_hit is False
    assert consul.with_meta(describe.agent.self()).index is None
    consul.query.delete(made)
    with pytest.raises(UnknownQuery):
        consul.with_meta(describe.query.get(made))

"""What is not there: one class for each kind, though versions of Consul differ in the status."""

from __future__ import annotations

import uuid

import pytest

from consul import (
    InvalidSession,
    NotFound,
    ServerError,
    UnknownCheck,
    UnknownQuery,
    UnknownService,
)

UNKNOWN = str(uuid.uuid4())
CALLS = {
    "renew": (InvalidSession, lambda consul, key: consul.session.renew(UNKNOWN)),
    "acquire": (InvalidSession, lambda consul, key: consul.kv.put(key, "x", acquire=UNKNOWN)),
    "pass": (UnknownCheck, lambda consul, key: consul.agent.check.ttl_pass(key)),
    "warn": (UnknownCheck, lambda consul, key: consul.agent.check.ttl_warn(key)),
    "fail": (UnknownCheck, lambda consul, key: consul.agent.check.ttl_fail(key, notes="n")),
    "maintenance": (
        UnknownService,
        lambda consul, key: consul.agent.service.maintenance(key, True),
    ),
    "query": (UnknownQuery, lambda consul, key: consul.query.get(UNKNOWN)),
    "execute": (UnknownQuery, lambda consul, key: consul.query.execute(key)),
    "explain": (UnknownQuery, lambda consul, key: consul.query.explain(key)),
    "update": (UnknownQuery, lambda consul, key: consul.query.update(UNKNOWN, service="a")),
}


@pytest.mark.parametrize("name", CALLS)
def test_one_class_for_each_kind(consul, prefix, name):
    kind, call = CALLS[name]
    with pytest.raises(kind) as caught:
        call(consul, prefix)
    assert type(caught.value) is kind
    assert isinstance(caught.value, NotFound)
    assert isinstance(caught.value, ServerError)
    assert caught.value.status in (404, 500)


def test_what_is_deregistered_twice(consul, agent, prefix):
    for kind, call in (
        (UnknownCheck, consul.agent.check.deregister),
        (UnknownService, consul.agent.service.deregister),
    ):
        if agent.version < (1, 9):
            assert call(prefix) is True
            continue
        with pytest.raises(kind) as caught:
            call(prefix)
        assert type(caught.value) is kind


def test_a_session_that_was_destroyed(consul, prefix):
    session = consul.session.create(lock_delay=0)
    assert consul.kv.put(prefix, "x", acquire=session) is True
    assert consul.session.destroy(session) is True
    with pytest.raises(InvalidSession):
        consul.session.renew(session)
    with pytest.raises(InvalidSession):
        consul.kv.put(prefix, "x", acquire=session)


def test_a_key_that_is_not_there_is_no_error(consul, prefix):
    for options in ({}, {"recurse": True}, {"keys": True}, {"raw": True}):
        index, data = consul.kv.get(prefix, **options)
        assert index > 0
        assert data is None

"""User events, on real servers, in every flavour."""

from __future__ import annotations

import uuid

import pytest

from consul import ACLPermissionDenied, ClientError, ConsulException, ServerError
from tests.conformance.test_agent import until


def test_filters_of_an_event(consul, prefix):
    fired = consul.event.fire(prefix, b"x" * 200, node=".*", service="web", tag="v.")
    assert (fired["NodeFilter"], fired["ServiceFilter"], fired["TagFilter"]) == (".*", "web", "v.")
    # No such service is here, so the agent does not look at it.
    other = consul.event.fire(prefix, "here")
    (seen,) = until(lambda: consul.event.list(prefix).data)
    assert (seen["ID"], seen["Payload"]) == (other["ID"], b"here")


def test_the_list_is_selected_by_name_only(consul, prefix):
    consul.event.fire(prefix, "a")
    until(lambda: consul.event.list(prefix).data)
    for options in ({"node": "nobody"}, {"service": "nothing"}, {"tag": "none"}):
        assert len(consul.event.list(prefix, **options).data) == 1
    index, found = consul.event.list(f"{prefix}-other")
    assert (index, found) == (1, [])


def test_what_is_refused(consul, agent, prefix):
    with pytest.raises(ServerError if agent.version < (1, 22) else ClientError) as caught:
        consul.event.fire(prefix, b"x" * 500)
    assert caught.value.status == (500 if agent.version < (1, 22) else 413)
    for options in ({"node": "("}, {"tag": "v1"}):
        with pytest.raises(ServerError):
            consul.event.fire(prefix, **options)


def test_who_may_not(acl_client, acl_agent, prefix):
    nobody = acl_client(token="")
    with pytest.raises(ACLPermissionDenied):
        nobody.event.fire(prefix)
    with pytest.raises(ConsulException, match="ACL not found"):
        nobody.event.fire(prefix, token=str(uuid.uuid4()))
    fired = nobody.event.fire(prefix, token=acl_agent.token)
    until(lambda: nobody.event.list(prefix, token=acl_agent.token).data)
    assert fired["ID"] not in [one["ID"] for one in nobody.event.list(prefix).data]

"""A cluster of three servers whose leader is ended again and again, under every flavour's clients.

One run for each server version, in which all flavours work at the same time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.cluster import SIZE, Cluster, Record, present, run

#: Of load on each server version; starting the cluster and the last change of leader come on top.
#: `make soak` does the same for minutes.
SECONDS = 12.0
#: Writes of each flavour, and increments.
ENOUGH = 50


@pytest.fixture(scope="module")
def record(server) -> Iterator[Record]:
    with pytest.MonkeyPatch.context() as patch, Cluster(server) as cluster:
        # The developer's own settings, which no fixture of a test has removed yet.
        for name in list(os.environ):
            if name.startswith("CONSUL_"):
                patch.delenv(name)
        yield run(cluster, present(), SECONDS, ENOUGH)


@pytest.mark.behaviour("Leader loss", "No wrong answer, no lost write, no other error")
def test_leader_loss(request, flavour, record):
    # Not its name: under gevent that is std's.
    of = record.of(request.node.callspec.params["flavour"])
    assert len(of) == 2 * SIZE
    assert {how for how, _, _ in record.ended} == {"SIGKILL", "SIGTERM"}
    for seen in of:
        where = f"server {seen.server} of {record.ended}"
        assert not seen.wrong, where
        assert not seen.unexpected, where
        # It goes on by itself, also with the server of its own back again.
        assert seen.stall < 30, where
    assert record.made(request.node.callspec.params["flavour"]) >= ENOUGH

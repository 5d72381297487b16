"""Contenders of all flavours under one lock, while leaders are killed; `make soak` takes longer."""

from __future__ import annotations

from tests.cluster import Cluster
from tests.contention import run

SECONDS = 15.0


def test_nobody_counts_twice(server, prefix):
    with Cluster(server) as cluster:
        told, wrong = run(cluster, prefix, SECONDS)
    # In so short a time some may not have had their turn on a busy machine.
    wrong = [text for text in wrong if "never had their turn" not in text]
    assert wrong == [], told
    assert "; 0 leaders killed" not in told

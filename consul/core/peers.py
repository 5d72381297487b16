"""Other distributions that own the same package folder."""

from __future__ import annotations

import os
from functools import cache

from consul.version import __version__

#: Beginnings of their names, as pip writes them.
PEERS = ("python_consul2-", "py_consul-", "python_consul-0.", "python_consul-1.")


@cache
def warn_of_peers(folder: str | None = None) -> None:
    """Warn, once, when *folder* has a distribution that puts other files into the same package.

    *folder* is where this package is installed.
    """
    if folder is None:
        here = os.path.abspath(__file__)
        folder = os.path.dirname(os.path.dirname(os.path.dirname(here)))
    if not os.path.isdir(folder):
        # In a zip file there is nothing to overwrite.
        return
    peers = sorted(
        entry.partition(".dist-info")[0]
        for entry in os.listdir(folder)
        if entry.endswith(".dist-info") and entry.startswith(PEERS)
    )
    if peers:
        import warnings

        warnings.warn(
            f"{', '.join(peers)} is installed beside python-consul {__version__} and owns the same "
            "package folder, consul/; uninstall both, then install python-consul again",
            stacklevel=3,
        )

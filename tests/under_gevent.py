"""pytest in a process where gevent made everything cooperative before anything was imported.

    python tests/under_gevent.py ARGUMENTS OF PYTEST

The only flavour is the blocking one, called "gevent" in the ids of the tests.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402
import sys  # noqa: E402

import pytest  # noqa: E402

if __name__ == "__main__":
    os.environ["CONSUL_TEST_GEVENT"] = "1"
    sys.exit(pytest.main(sys.argv[1:]))

"""Distributes the tests among pytest-xdist's processes (``--dist loadscope``)."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

APART = (
    "tests/cluster/test_engine.py",
    "tests/cluster/test_engine_faults.py",
    "tests/e2e/test_autoscaling.py",
    "tests/e2e/test_bad_input.py",
    "tests/e2e/test_other_ways.py",
)
"""Modules whose long tests share nothing, so that any process may run any of the tests."""


class Spread(LoadScopeScheduling):
    """Keeps a module's tests in one process, because they share fixtures, except the modules in ``APART``."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return nodeid if module in APART else module

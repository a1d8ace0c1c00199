"""How pytest-xdist's processes share the tests (``--dist loadscope``)."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

APART = (
    "tests/cluster/test_engine.py",
    "tests/cluster/test_engine_faults.py",
    "tests/e2e/test_autoscaling.py",
    "tests/e2e/test_bad_input.py",
    "tests/e2e/test_other_ways.py",
)
"""Modules of long tests that share nothing: any process may take each of them."""


class Spread(LoadScopeScheduling):
    """A module's tests stay together, for they share what was prepared for them; those of ``APART`` don't."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return nodeid if module in APART else module

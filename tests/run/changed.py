"""``python -m tests.run.changed`` runs the tests without a cluster whose imports reach a changed file.

It doesn't follow what a test reads or starts without importing it, such as manifests or a program as a process of its
own: only ``make test`` is complete.
"""

from __future__ import annotations

import subprocess
import sys

from tests.common.paths import REPO
from tests.common.say import say
from tests.support import changes


def selected(changed: list[str]) -> list[str]:
    """Returns the test files, relative to the repository; a reached conftest.py selects all files below it."""
    modules = changes.reached(changes.graph(), changed)
    files = {name.replace(".", "/") + ".py" for name in modules if name.rpartition(".")[2].startswith("test_")}
    for name in modules:
        if name.endswith(".conftest"):
            folder = REPO / name.replace(".", "/").removesuffix("/conftest")
            files |= {str(path.relative_to(REPO)) for path in folder.rglob("test_*.py")}
    return sorted(files)


def main() -> int:
    changed = changes.files()
    tests = selected(changed)
    say(f"{len(changed)} files changed, which {len(tests)} files of tests reach")
    if not tests:
        return 0
    argv = [sys.executable, "-m", "pytest", "-q", "-m", "not cluster and not kwok and not peers", *sys.argv[1:], *tests]
    code = subprocess.run(argv, cwd=REPO, check=False).returncode
    return 0 if code == 5 else code  # pytest ends with 5 if all selected tests need a cluster


if __name__ == "__main__":
    sys.exit(main())

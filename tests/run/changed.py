"""``python -m tests.run.changed``: the tests without a cluster whose imports reach what was changed.

What a test reads or starts without importing it (manifests, a program as a process of its own) is not followed:
``make test`` is what counts.
"""

from __future__ import annotations

import subprocess
import sys

from tests.localcluster.paths import REPO
from tests.localcluster.say import say
from tests.support import changes


def selected(changed: list[str]) -> list[str]:
    """The test files, relative to the repository; of a changed conftest.py all that are below it."""
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
    return 0 if code == 5 else code  # 5: all of them are on a cluster


if __name__ == "__main__":
    sys.exit(main())

"""Creates the control groups of a node below the caller's own groups, so that nothing above them is touched."""

import os
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def version(root: Path = _ROOT) -> int:
    """Returns 2 if the unified hierarchy is mounted at the root, else 1 (the hybrid layout counts as version 1)."""
    return 2 if (root / "cgroup.controllers").exists() else 1


def parents(proc_self_cgroup: str, root: Path = _ROOT) -> list[Path]:
    """Returns the caller's group in each mounted hierarchy of version 1, from the text of /proc/self/cgroup."""
    groups = []
    for line in proc_self_cgroup.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and (root / controllers.removeprefix("name=")).is_dir():
            groups.append(root / controllers.removeprefix("name=") / path.lstrip("/"))
    return groups


def create(name: str) -> list[str]:
    """Creates the groups called `name` and returns their paths; the node's first process has to enter each of them."""
    if version() == 2:  # this branch is not tried yet: the machines at hand have version 1
        # The group lies directly below the root: any other group with processes of its own can't pass controllers on.
        controllers = (_ROOT / "cgroup.controllers").read_text().split()
        (_ROOT / "cgroup.subtree_control").write_text(" ".join(f"+{controller}" for controller in controllers))
        groups = [_ROOT / name]
    else:
        groups = [parent / name for parent in parents(Path("/proc/self/cgroup").read_text())]
    for group in groups:
        group.mkdir(exist_ok=True)
        for file in ("cpuset.cpus", "cpuset.mems"):  # a new group of version 1 accepts no process while these are empty
            if version() == 1 and (group / file).exists():
                (group / file).write_text((group.parent / file).read_text())
    return [str(group) for group in groups]


def remove(groups: list[str]) -> None:
    """Removes the groups and all groups below them, none of which may have processes."""
    for group in groups:
        for folder, _, _ in os.walk(group, topdown=False):
            os.rmdir(folder)

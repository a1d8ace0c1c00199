"""Checks the store that new nodes are seeded from: a changed image takes nothing away from existing nodes."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.localcluster import binaries, oci, paths, seed

pytestmark = pytest.mark.cluster

LAYERS = "io.containerd.snapshotter.v1.overlayfs/snapshots"
REF = "localhost/modelyard/probe:1"


def programs(node: Path) -> list[str]:
    """Returns the program's content in each layer that a node sees."""
    return sorted(path.read_text() for path in node.glob(f"{LAYERS}/*/fs/program"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yields a folder with a short path: containerd makes Unix sockets in it, whose paths have at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="seed-") as name:
        yield Path(name)


def test_a_changed_image_leaves_the_older_one_to_its_nodes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = paths.cache() / "bin"
    monkeypatch.setenv("MODELYARD_CACHE", str(folder / "cache"))
    (folder / "cache/oci").mkdir(parents=True)
    (folder / "cache/bin").symlink_to(built)
    assert not binaries.missing()
    program = folder / "program"

    def change(content: str) -> None:
        program.write_text(content)
        oci.put_program(REF, program, "/program")
        oci.prune()
        seed.fill()

    change("first")
    seed.plant(folder / "one/containerd")
    change("second")
    seed.plant(folder / "two/containerd")
    assert programs(folder / "one/containerd") == ["first"]
    assert programs(folder / "two/containerd") == ["first", "second"]

    (folder / "one").rename(folder / "gone")
    (folder / "two").rename(folder / "gone too")
    change("third")
    seed.plant(folder / "three/containerd")
    assert programs(folder / "three/containerd") == ["third"]

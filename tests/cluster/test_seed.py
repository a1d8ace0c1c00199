"""Checks the store that new nodes are seeded from: a changed image takes nothing away from existing nodes."""

from pathlib import Path

import pytest

from tests.localcluster import binaries, oci, paths, seed

pytestmark = pytest.mark.cluster

LAYERS = "io.containerd.snapshotter.v1.overlayfs/snapshots"
REF = "localhost/modelyard/probe:1"


def programs(node: Path) -> list[str]:
    """Returns the program's content in each layer that a node sees."""
    return sorted(path.read_text() for path in node.glob(f"{LAYERS}/*/fs/program"))


def test_a_changed_image_leaves_the_older_one_to_its_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = paths.cache() / "bin"
    monkeypatch.setenv("MODELYARD_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache/oci").mkdir(parents=True)
    (tmp_path / "cache/bin").symlink_to(built)
    assert not binaries.missing()
    program = tmp_path / "program"

    def change(content: str) -> None:
        program.write_text(content)
        oci.put_program(REF, program, "/program")
        oci.prune()
        seed.fill()

    change("first")
    seed.plant(tmp_path / "one/containerd")
    change("second")
    seed.plant(tmp_path / "two/containerd")
    assert programs(tmp_path / "one/containerd") == ["first"]
    assert programs(tmp_path / "two/containerd") == ["first", "second"]

    (tmp_path / "one").rename(tmp_path / "gone")
    (tmp_path / "two").rename(tmp_path / "gone too")
    change("third")
    seed.plant(tmp_path / "three/containerd")
    assert programs(tmp_path / "three/containerd") == ["third"]

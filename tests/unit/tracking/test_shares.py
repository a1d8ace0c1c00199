"""Checks that no namespace fills the store for all others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from modelyard_tracking.answers import Refused
from modelyard_tracking.shares import MEASURED_SECONDS, Shares, measured
from tests.unit.tracking.conftest import FILE_BYTES, NAMESPACE_BYTES, World


def test_a_namespace_has_its_share_and_others_have_theirs(world: World) -> None:
    pod, other = world.pod("fills", "crowd"), world.pod("lives", "quiet")
    fits = NAMESPACE_BYTES // FILE_BYTES
    for number in range(fits):
        assert pod.file("PUT", f"modelyard/crowd/fills/{number}", b"a" * FILE_BYTES).status == 200
        assert pod.file("PUT", f"modelyard/crowd/fills/{number}", b"a" * FILE_BYTES).status == 200, "the same again"
    refused = pod.file("PUT", "modelyard/crowd/fills/more", b"a" * FILE_BYTES)
    assert refused.status == 413
    assert refused.document["message"] == (
        f"namespace crowd has {fits * FILE_BYTES} bytes in {fits} files, and may have {NAMESPACE_BYTES} bytes "
        "(--namespace-bytes of the tracking server)"
    )
    assert pod.file("PUT", "modelyard/crowd/fills/result.json", b"a" * FILE_BYTES).status == 200, "it can say so"
    assert other.file("PUT", "modelyard/quiet/lives/a", b"a" * FILE_BYTES).status == 200
    assert world.operator().file("DELETE", "modelyard/crowd/fills/0").status == 200
    assert world.operator().file("DELETE", "modelyard/crowd/fills/1").status == 200
    assert pod.file("PUT", "modelyard/crowd/fills/more", b"a" * FILE_BYTES).status == 200


def test_a_number_of_files_is_a_bound_too(tmp_path: Path) -> None:
    (tmp_path / "team/a").mkdir(parents=True)
    (tmp_path / "team/a/b").write_bytes(b"123")
    (tmp_path / "team/link").symlink_to("/etc/passwd")
    assert measured(tmp_path / "team") == (3 + len("/etc/passwd"), 2)
    assert measured(tmp_path / "none") == (0, 0)
    now = [0.0]
    shares = Shares(tmp_path, 1000, 3, lambda: now[0])

    async def put(taken: bool) -> None:
        async with shares.room("team", 1) as room:
            room.taken = taken

    async def story() -> None:
        await put(taken=False)
        with pytest.raises(RuntimeError, match="it broke"):
            async with shares.room("team", 1):
                raise RuntimeError("it broke")
        await put(taken=True)
        with pytest.raises(Refused, match="in 3 files, and may have 3 files"):
            await put(taken=True)
        with pytest.raises(Refused, match="in 3 files"):
            await shares.check("team", 0)
        now[0] = MEASURED_SECONDS + 1
        await put(taken=True)

    asyncio.run(story())


def test_files_that_are_put_at_once_share_the_room(tmp_path: Path) -> None:
    shares = Shares(tmp_path, 10, 100)

    async def put() -> bool:
        try:
            async with shares.room("team", 4) as room:
                await asyncio.sleep(0)
                room.taken = True
        except Refused:
            return False
        return True

    async def all_at_once() -> list[bool]:
        return await asyncio.gather(*(put() for _ in range(5)))

    assert sum(asyncio.run(all_at_once())) == 2

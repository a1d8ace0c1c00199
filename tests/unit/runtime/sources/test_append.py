"""Checks arrival: which files a look takes, and that no row comes twice, is lost, or is of a half-written file."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelyard_api.wire.result import IngestResult, LookResult
from modelyard_api.wire.task import Previous
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.sources.append import arrived
from modelyard_runtime.tables.sources.listing import File
from tests.unit.runtime.sources.looks import Looks


def file(name: str, state: str = "1") -> File:
    return File(name, 1, state)


@pytest.mark.parametrize(
    ("files", "taken", "moving", "new", "doubts"),
    [
        ("a b", "", "", "a b", []),
        ("a b", "a", "", "b", []),
        ("a", "a", "", "", []),
        ("a2", "a", "", "", ["FileChanged"]),
        ("b", "a", "", "b", ["FileGone"]),
        ("a b c", "a", "b", "c", ["NotSettled"]),
        ("a b", "a", "a", "b", []),
    ],
)
def test_what_is_new_is_told_by_its_name(files: str, taken: str, moving: str, new: str, doubts: list[str]) -> None:
    def listed(text: str) -> list[File]:
        return [file(word[0], word[1:] or "1") for word in text.split()]

    found = arrived(listed(files), listed(taken), listed(moving))
    assert [item.name for item in found.new] == new.split()
    assert [doubt.reason for doubt in found.doubts] == doubts
    assert {item.name for item in found.made_of} == set(taken.split()) | set(new.split())


class Landing(Looks):
    """A folder on a volume whose files are appended."""

    def __init__(self, folder: Path, **given: Any) -> None:
        super().__init__(
            folder, **{"volume": {"claimName": "c", "path": "in"}, "arrival": "Append", "settle": "0s", **given}
        )
        self.folder = self.root / "in"
        self.folder.mkdir()
        self.latest: IngestResult | None = None

    def put(self, name: str, first: int, count: int = 20) -> None:
        rows = "".join(f"{i},{'yes' if i % 3 else 'no'}\n" for i in range(first, first + count))
        (self.folder / name).write_text(f"a,y\n{rows}")

    def arrive(self, **more: Any) -> IngestResult | LookResult:
        """Looks as the operator has it looked: with the latest version, and the list that was seen."""
        seen = None if more.get("remake") else self.latest
        result = self.look(seen, previous=self.previous(), **more)
        if isinstance(result, IngestResult):
            self.latest = result
        return result

    def previous(self) -> Previous | None:
        if self.latest is None:
            return None
        columns = [column.model_copy(update={"missing": 0}) for column in self.latest.columns]
        made_of = self.latest.made_of.digest if self.latest.made_of else None
        return Previous(name="d-1", uri=self.latest.uri, digest=self.latest.digest, columns=columns, made_of=made_of)

    def values(self) -> list[int]:
        assert self.latest is not None
        parts = [self.store.files[f"{self.latest.uri}/{part}.parquet"] for part in ("train", "test")]
        return sorted(value for part in parts for value in pq.read_table(pa.BufferReader(part))["a"].to_pylist())


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path)


def test_rows_of_new_files_come_after_those_of_the_version_before(landing: Landing) -> None:
    landing.put("a.csv", 0)
    landing.arrive()
    landing.put("b.csv", 100)
    landing.arrive()
    assert landing.values() == [*range(20), *range(100, 120)]
    assert landing.latest is not None
    assert landing.latest.made_of is not None
    assert landing.latest.made_of.files == 2
    assert isinstance(landing.arrive(), LookResult)


def test_only_new_files_are_opened(landing: Landing) -> None:
    landing.put("a.csv", 0)
    landing.arrive()
    (landing.folder / "a.csv").write_text("no table at all")
    landing.put("b.csv", 100)
    landing.arrive()
    assert landing.values() == [*range(20), *range(100, 120)]


def test_what_happens_to_files_that_were_taken_is_told(landing: Landing) -> None:
    landing.put("a.csv", 0)
    landing.put("b.csv", 20)
    landing.arrive()
    landing.put("a.csv", 500)
    (landing.folder / "b.csv").unlink()
    look = landing.arrive()
    assert isinstance(look, LookResult)
    assert look.reason == "FilesChanged"
    assert "'a.csv': each has changed" in look.message.replace("in/", "")
    assert "'b.csv': each is gone" in look.message.replace("in/", "")
    assert landing.values() == list(range(40))


def test_another_spec_makes_a_version_of_the_same_rows(landing: Landing) -> None:
    landing.put("a.csv", 0)
    landing.arrive()
    for path in landing.folder.iterdir():
        path.rename(path.with_suffix(".taken"))
    landing.put("b.csv", 20)
    landing.arrive()
    before = landing.latest
    again = landing.arrive(remake=True)
    assert isinstance(again, IngestResult)
    assert before is not None
    assert again.rows == before.rows == 40
    assert landing.values() == list(range(40))


def test_a_parent_whose_list_is_lost_has_all_read_once(landing: Landing) -> None:
    """Otherwise its rows would come twice."""
    landing.put("a.csv", 0)
    landing.arrive()
    landing.put("b.csv", 20)
    for uri in [uri for uri in landing.store.files if "/listings/" in uri]:
        del landing.store.files[uri]
    landing.arrive()
    assert landing.values() == list(range(40))


def test_a_column_of_another_type_is_refused(landing: Landing) -> None:
    landing.put("a.csv", 0)
    landing.arrive()
    (landing.folder / "b.csv").write_text("a,y\n" + "".join(f"word{i},{i % 2}\n" for i in range(20)))
    with pytest.raises(UserError):
        landing.arrive()


def test_files_that_come_in_any_order_and_time_are_each_taken_once(tmp_path: Path) -> None:
    """Appends between, before and during looks: whatever happens, each row is there exactly once at the end."""
    for seed in range(10):
        chance = random.Random(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        landing = Landing(folder)
        names = [f"{index:02}.csv" for index in range(8)]
        chance.shuffle(names)
        for name in names:
            landing.put(name, 100 * int(name[:2]), 20)
            if chance.random() < 0.5:
                landing.arrive()
        landing.arrive()
        assert landing.values() == [100 * index + row for index in range(8) for row in range(20)]

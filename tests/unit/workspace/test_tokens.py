"""Checks whom a token belongs to, as the kubelet lays tokens out."""

from __future__ import annotations

from pathlib import Path

from modelyard_workspace.places import Places
from modelyard_workspace.tokens import owner, problems, tokens


def lay_out(folder: Path, **people: str) -> None:
    """Makes the files as the kubelet does: links to a hidden folder, which is changed at once."""
    hidden = folder / "..2026_01_05"
    hidden.mkdir(parents=True, exist_ok=True)
    for name, token in people.items():
        (hidden / name).write_text(token)
        (folder / name).symlink_to(Path("..2026_01_05") / name)


def test_each_person_has_a_token(tmp_path: Path) -> None:
    lay_out(tmp_path, kim="first\n", lee="second", mo="", nu=" \n")
    known = tokens(tmp_path)
    assert list(known) == ["kim", "lee"], "an empty token is none"
    assert (owner("first", known), owner("second", known)) == ("kim", "lee")
    assert [owner(token, known) for token in ("", "third", "first second", "kim")] == [None] * 4


def test_who_is_taken_out_is_out(tmp_path: Path) -> None:
    lay_out(tmp_path, kim="first", lee="second")
    (tmp_path / "lee").unlink()
    (tmp_path / "..2026_01_05" / "kim").write_text("other")
    known = tokens(tmp_path)
    assert [owner(token, known) for token in ("first", "second", "other")] == [None, None, "kim"]
    assert tokens(tmp_path / "nowhere") == {}


def test_people_with_the_same_token_are_told(tmp_path: Path) -> None:
    lay_out(tmp_path, kim="same", lee="own", mo="same")
    assert problems(tokens(tmp_path)) == ["mo has the same token as kim, and comes in as kim; make another one"]
    assert owner("same", tokens(tmp_path)) == "kim"


def test_the_data_is_linked_and_what_is_in_its_way_is_told(tmp_path: Path) -> None:
    places = Places(tmp_path / "volume", tmp_path / "people", tmp_path / "data")
    places.prepare()
    assert not (places.home / "data").exists()
    assert places.problems() == []
    places.data.mkdir()
    places.prepare()
    places.prepare()
    assert (places.home / "data").readlink() == places.data
    places.data.rmdir()
    places.prepare()
    assert not (places.home / "data").is_symlink(), "a link to nothing would be shown as a broken file"
    (places.home / "data").mkdir()
    places.data.mkdir()
    places.prepare()
    assert "rename it" in places.problems()[0]

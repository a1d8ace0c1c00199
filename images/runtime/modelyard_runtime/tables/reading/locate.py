"""Finds the files of a source below the folder where it is mounted, and tells their formats."""

from __future__ import annotations

from pathlib import Path

from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.reading.unpack import SUFFIXES, check_known

EXTENSIONS = {
    **dict.fromkeys((".csv", ".tsv"), "CSV"),
    **dict.fromkeys((".parquet", ".pq"), "Parquet"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "JSONLines"),
}
"""The formats by the end of a file's name, before that of a compression."""
PATH = "spec.source.volume.path"


def find(root: Path, path: str, format_: str | None) -> list[Path]:
    """Returns the file at ``path``, or the files of a folder in the order of their names. Raises UserError for what is
    missing or outside of ``root``."""
    base = root / path
    _check_inside(base, root)
    if base.is_dir():
        files = sorted(file for file in base.iterdir() if file.is_file() and is_table(file.name, format_))
        if not files:
            message = (
                f"the folder {path!r} holds no file that ends in {', '.join(_endings(format_))}; name another folder, "
                "or write spec.source.format"
            )
            raise UserError("SourceNotFound", message, PATH)
        for file in files:
            _check_inside(file, root)
        return files
    if base.is_file():
        return [base]
    names = sorted(file.name for file in root.iterdir())[:20] if root.is_dir() else []
    raise UserError("SourceNotFound", f"there is no file {path!r}; there are {', '.join(names) or 'none'}", PATH)


def is_table(name: str, format_: str | None) -> bool:
    """Returns whether a file of this name in a folder is part of the table."""
    return not name.rpartition("/")[2].startswith(".") and _ending(Path(name)) in _endings(format_)


def is_hidden(name: str) -> bool:
    """Returns whether nobody takes a file of this name in a folder for a table: ``.hidden`` and ``_SUCCESS``."""
    return name.rstrip("/").rpartition("/")[2].startswith((".", "_"))


def _endings(format_: str | None) -> list[str]:
    return [ending for ending, kind in EXTENSIONS.items() if format_ in (None, kind)]


def _check_inside(file: Path, root: Path) -> None:
    """Raises UserError unless ``file`` is in ``root``: a link may lead anywhere in the pod, and messages would quote
    the linked file."""
    try:
        outside = not file.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError) as error:  # a link to itself raises either
        raise UserError("SourceNotFound", f"{file.name!r} can't be followed: {type(error).__name__}", PATH) from error
    if outside:
        message = f"{file.name!r} is a link that leads out of the source; copy the file into it"
        raise UserError("SourceOutside", message, PATH)


def _ending(file: Path) -> str:
    """Returns the end of the name that tells the format: ".csv" of "a.csv.gz"."""
    suffixes = [suffix.lower() for suffix in file.suffixes]
    return suffixes[-2] if len(suffixes) > 1 and suffixes[-1] in SUFFIXES else "".join(suffixes[-1:])


def _starts(file: Path, magic: bytes) -> bool:
    with file.open("rb") as content:
        return content.read(len(magic)) == magic


def kind_of(file: Path, format_: str | None) -> str:
    """Returns the format of a file by its extension, unless ``format_`` says it; Parquet may have none. Raises
    UserError."""
    kind = format_ or EXTENSIONS.get(_ending(file)) or ("Parquet" if _starts(file, b"PAR1") else None)
    if kind is None:
        check_known(file, file.name)
        message = f"the format of {file.name!r} can't be told from its extension; write CSV, Parquet or JSONLines"
        raise UserError("UnknownFormat", message, "spec.source.format")
    return kind

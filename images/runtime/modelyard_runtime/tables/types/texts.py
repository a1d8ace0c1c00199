"""Cleans whole columns of texts, with the meaning that ``modelyard_models.texts`` gives to one of them."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_models.texts import clean, words

_NUMERIC = re.compile(r"[+-]?[\d.]+([eE][+-]?\d+)?", re.ASCII)
_NOTHING = pa.scalar(None, pa.string())


class Cleaner:
    """Cleans texts: what counts as missing becomes null."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        self._missing = words(missing)
        self._words = pa.array(sorted({"", *self._missing}), pa.string())
        self._letters = pa.array(sorted(word for word in self._missing if word), pa.string())
        self._heads = np.isin(np.arange(256), [word.encode()[0] for word in self._missing if word])
        """Whether a word that counts as missing begins with a byte."""
        self.has_numbers = any(_NUMERIC.fullmatch(word) for word in self._missing)
        """Whether a number counts as missing, so that no column may be read as numbers before it is cleaned."""

    def clean(self, column: pa.Array) -> pa.Array:
        """Returns a string column cleaned: most values are as they should be, so that they are looked at first."""
        head, tail, most = _edges(column)
        if most >= 128:
            column = self._unusual(column)
            head = head[:0]
        elif _is_space(head).any() or _is_space(tail).any():
            column = pc.utf8_trim_whitespace(column)
            head, _, _ = _edges(column)
        if not self._heads[head].any():
            return without_empty(column)
        is_missing = pc.is_in(column, self._words)
        return pc.if_else(is_missing, _NOTHING, column) if pc.any(is_missing).as_py() else column

    def clean_each(self, column: pa.DictionaryArray) -> pa.DictionaryArray:
        """Returns a column of texts cleaned, each different one once."""
        written = column.dictionary
        texts = self.clean(written)
        if texts is written:
            return column
        again = texts.dictionary_encode()
        return pa.DictionaryArray.from_arrays(again.indices.take(column.indices), again.dictionary)

    def _unusual(self, column: pa.Array) -> pa.Array:
        """Cleans each different text once: among them are some beyond ASCII."""
        encoded = column.dictionary_encode()
        texts = [clean(text, self._missing) for text in encoded.dictionary.to_pylist()]
        return pa.array(texts, pa.string()).take(encoded.indices)

    def words(self, column: pa.Array) -> dict[str, int]:
        """Returns which words of letters count as missing in a column as it was written, and how often each is met."""
        if not len(self._letters):
            return {}
        met = column.filter(pc.is_in(pc.utf8_trim_whitespace(column), self._letters))
        return {str(item["values"]): item["counts"] for item in pc.value_counts(met).to_pylist()} if len(met) else {}


def buffers(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Returns the offsets of a string column, one more than it has values, and its UTF-8 bytes."""
    _, places, data = column.buffers()
    offsets = np.frombuffer(places, np.int32)[column.offset : column.offset + len(column) + 1] if places else None
    if offsets is None or len(offsets) == 0:
        offsets = np.zeros(len(column) + 1, np.int32)
    return offsets, np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)


def without_empty(column: pa.Array) -> pa.Array:
    """Returns a string column in which empty texts are null."""
    offsets, _ = buffers(column)
    given = offsets[1:] > offsets[:-1]
    if given.all():
        return column
    if column.null_count:
        given &= column.is_valid().to_numpy(zero_copy_only=False)
    bitmap, data = pa.py_buffer(np.packbits(given, bitorder="little")), column.buffers()[2]
    return pa.StringArray.from_buffers(len(column), pa.py_buffer(offsets), data or pa.py_buffer(b""), bitmap)


def _edges(column: pa.Array) -> tuple[np.ndarray, np.ndarray, int]:
    """Returns the first and the last byte of each text that is not empty, and the greatest byte of all."""
    offsets, data = buffers(column)
    used = data[offsets[0] : offsets[-1]]
    if not len(used):
        return used, used, 0
    starts, ends = offsets[:-1], offsets[1:]
    present = ends > starts
    if not present.all():
        starts, ends = starts[present], ends[present]
    return data.take(starts), data.take(ends - 1), int(used.max())


def _is_space(byte: np.ndarray) -> np.ndarray:
    return byte <= ord(" ")

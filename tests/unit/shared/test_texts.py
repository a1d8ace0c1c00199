"""One meaning of a text: the function for one text, and the one for a column, agree on everything."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_models.texts import EDGES, clean, words
from modelyard_runtime.tables.types.texts import Cleaner

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"
WORDS = words(["", "NA", " n/a ", DECOMPOSED])

CASES = [
    ("oak", "oak"),
    (" oak\t", "oak"),
    ("\u00a0oak\u2003", "oak"),
    ("\ufeffoak\u200b", "oak"),
    ("o ak", "o ak"),
    ("\x1coak\x85", "oak"),
    ("na", "na"),
    ("NA", ""),
    ("\u3000NA ", ""),
    ("n/a", ""),
    (" \u00a0 ", ""),
    ("", ""),
    (f" {DECOMPOSED}s", f"{COMPOSED}s"),
    (COMPOSED, ""),
    ("\ud55c\uad6d", "\ud55c\uad6d"),
    ("1.0", "1.0"),
]


@pytest.mark.parametrize(("text", "meaning"), CASES)
def test_a_text_means_the_same_alone_and_in_a_column(text: str, meaning: str) -> None:
    assert clean(text, WORDS) == meaning
    assert Cleaner(tuple(WORDS)).clean(pa.array([text, None])).to_pylist() == [meaning or None, None]


TEXTS = st.text(st.one_of(st.sampled_from(f"aA{EDGES}e\u0301\u00e9NA/\x00"), st.characters(codec="utf-8")), max_size=6)


@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_a_column_is_cleaned_like_its_texts(texts: list[str]) -> None:
    one_by_one = [clean(text, WORDS) for text in texts]
    assert Cleaner(tuple(WORDS)).clean(pa.array(texts)).to_pylist() == [text or None for text in one_by_one]
    assert [clean(text, WORDS) for text in one_by_one] == one_by_one
    assert [clean(unicodedata.normalize("NFD", text), WORDS) for text in texts] == one_by_one

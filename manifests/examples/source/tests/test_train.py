"""The tests that each commit has to pass: the code learns what it should from a few rows."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
from acme.train import train


def test_it_tells_short_bills_from_long_ones() -> None:
    table = pd.DataFrame({"bill": [38.0, 39.0, 40.0, 49.0, 50.0, None], "species": ["Adelie"] * 3 + ["Gentoo"] * 3})
    context = SimpleNamespace(train=table, columns=["bill"], target="species", seed=7, parameters={"trees": 20})
    answers = train(context).predict(pd.DataFrame({"bill": [37.5, 51.0]}))
    assert list(answers) == ["Adelie", "Gentoo"]

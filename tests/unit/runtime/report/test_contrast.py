"""Checks that the colours of a report stand out from what is behind them, as WCAG 2.2 asks (1.4.3, 1.4.11)."""

from __future__ import annotations

import re

import pytest

from modelyard_runtime.tables.report.looks import FOLDER

TEXT = ("ink", "soft", "link", "bad", "warn", "good")
DRAWN = ("is", "rest", "ink", "warn", *(f"k{index}" for index in range(6)))
LEAST_OF_TEXT, LEAST_OF_DRAWN = 4.5, 3.0


def schemes() -> list[dict[str, str]]:
    blocks = re.findall(r":root\{(.*?)\}", (FOLDER / "style.css").read_text())
    return [dict(re.findall(r"--(\w+):#(\w+)", block)) for block in blocks]


def luminance(colour: str) -> float:
    whole = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
    parts = [int(whole[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_there_is_a_light_and_a_dark_scheme_of_the_same_colours() -> None:
    light, dark = schemes()
    assert light.keys() == dark.keys()
    assert luminance(light["paper"]) > 0.9
    assert luminance(dark["paper"]) < 0.1


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("name", "least"), [*((name, LEAST_OF_TEXT) for name in TEXT), *((name, LEAST_OF_DRAWN) for name in DRAWN)]
)
def test_it_stands_out(scheme: int, name: str, least: float) -> None:
    colours = schemes()[scheme]
    for behind in ("paper", "card"):
        assert contrast(colours[name], colours[behind]) >= least, behind

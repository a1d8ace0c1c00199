"""Checks that what the documentation names exists: paths, make targets, benchmarks, kinds, the README's links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from modelyard_api.installation import Images
from modelyard_api.kinds.registry import KINDS
from tests.support.documentation import PAGES, README, ROOT, blocks, code, name, rows

FOLDERS = ("crds", "docs", "images", "manifests", "operator", "tests")
MAKE = re.compile(r"\bmake(?: -s)?((?: [a-z][a-z-]*)+)")
MOST_LINES = 150
READERS = re.compile(r"greet|overlays/mine")
"""Matches paths that a reader creates when following a walk-through."""


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_paths_exist(page: Path) -> None:
    form = re.compile(rf"({'|'.join(FOLDERS)})/[\w./-]*(::\w+)?")
    paths = {text.split("::")[0] for text in code(page) if form.fullmatch(text) and not READERS.search(text)}
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    indented = [line for line in page.read_text().splitlines() if line.startswith("    ")]
    commands = "\n".join([*code(page), *blocks(page, "bash", "console"), *indented])
    named = {target for targets in MAKE.findall(commands) for target in targets.split()}
    assert named - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_python_compiles(page: Path) -> None:
    for text in blocks(page, "python"):
        compile(text, name(page), "exec")


def test_benchmarks_exist() -> None:
    known = set(re.findall(r'^    "([a-z-]+)": ', (ROOT / "tests/harness/bench/__main__.py").read_text(), re.MULTILINE))
    text = "\n".join(page.read_text() for page in PAGES)
    named = set(re.findall(r'make bench ARGS="([a-z-]+)', text))
    assert len(known) > 3
    assert named == known


def test_every_image_is_built_and_named() -> None:
    """Who follows the walk-through must not learn from an ImagePullBackOff which image it has forgotten."""
    page = (ROOT / "docs/getting-started/your-cluster.md").read_text()
    (built,) = re.findall(r"^for image in ([a-z ]+); do$", page, re.MULTILINE)
    assert set(built.split()) == {path.parent.name for path in ROOT.glob("images/*/Dockerfile")}
    for document in (page, (ROOT / "manifests/overlays/production/installation.yaml").read_text()):
        assert [key for key in Images.model_fields if f"\n  {key}: " not in document] == []


def test_what_kubectl_shows_has_the_columns_of_today() -> None:
    ours = {word: kind for kind in KINDS.values() for word in (kind.info.plural, kind.info.short)}
    met = 0
    for page in PAGES:
        text = page.read_text()
        for header in re.finditer(r"^NAME +[A-Z].*$", text, re.MULTILINE):
            command = re.findall(r"kubectl(?: -n \S+)? get (\w+)", text[: header.start()])[-1]
            if command in ours:
                columns = [column.name.upper() for column in ours[command].info.columns if not column.priority]
                assert re.split(r" {2,}", header[0].strip()) == ["NAME", *columns], name(page)
                met += 1
    assert met


def test_every_kind_is_in_the_table_of_kinds() -> None:
    listed = {row[0] for row in rows(ROOT / "docs/concepts/loop.md")}
    assert listed == {f"`{kind}` (`{cls.info.short}`)" for kind, cls in KINDS.items()}


@pytest.mark.parametrize("page", [page for page in PAGES if (ROOT / "docs") not in page.parents], ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    """Checks links of pages outside docs/; mkdocs checks those in docs/."""
    links = re.findall(r"\]\(([^)#\s]+)(#[^)]*)?\)", page.read_text())
    relative = [link for link, _ in links if "://" not in link]
    assert [link for link in relative if not (page.parent / link).exists()] == []

"""Checks every message in the code: it is one sentence's worth of plain text, and where a person must act it says how.

``python -m tests.unit.docs.messages`` prints the table of all reasons with their messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.support.documentation import ROOT
from tests.unit.docs.messages import Message, messages

ALL = list(messages())
ACT = (
    *("The spec or the data is wrong", "A pod did not do its work", "A model was trained", "A table was read"),
    *("The traffic or the number", "Somebody else writes"),
)
"""Heads of the sections of the page of reasons in which a person must act."""
VERBS = (
    "add apply ask bring change choose copy correct declare delete drop enlarge export fill free give hold ignore "
    "import install leave list look lower make name pin raise read rename score see See send set shorten split "
    "stop store take train try use wait write"
)
REMEDY = re.compile(
    rf"(?:^|[;:.,] |, then |or )(?:{'|'.join(VERBS.split())})\b"
    r"|must |at most |at least |needs? |did you mean |[Tt]here are "
)
OTHERS_WORDS = re.compile(
    r"\{[^}]*(?:told|error|problem|message|detail|Error|plain|known|reason|remedy|tail|one_of|verdict)[^}]*\}"
)
"""A message that ends in what another program says, for example scikit-learn, leaves the remedy to it."""
BY_ITSELF = {"Disrupted", "DiskFull", "GateFailed", "CandidateNotReady", "NodeNotReady", "NodeLost"}
"""Reasons whose messages say what happens next, or whose condition repeats a message of the user's own gates."""


def _reasons_to_act() -> set[str]:
    page = (ROOT / "docs/reference/reasons.md").read_text()
    reasons: set[str] = set()
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        if section.startswith(ACT):
            reasons |= set(re.findall(r"`([A-Z]\w+)`", "\n".join(_first_cells(section))))
    return reasons


def _first_cells(section: str) -> Iterator[str]:
    for line in section.splitlines():
        if line.startswith("| `"):
            yield line.split("|")[1]


@pytest.mark.parametrize("message", ALL, ids=lambda message: f"{message.reason} {message.source}")
def test_it_is_plain_text(message: Message) -> None:
    assert "\n" not in message.text
    assert message.text == message.text.strip()
    assert not message.text.endswith((".", ";", ",")), "a condition's message has no full stop"
    assert "  " not in message.text


TO_ACT = _reasons_to_act()
MUST_ACT = [message for message in ALL if message.reason in TO_ACT - BY_ITSELF]


def test_the_walk_meets_what_it_is_for() -> None:
    assert len(ALL) > 120
    assert len(MUST_ACT) > 70


@pytest.mark.parametrize("message", MUST_ACT, ids=lambda message: f"{message.reason} {message.source}")
def test_where_a_person_must_act_it_says_how(message: Message) -> None:
    assert REMEDY.search(message.text) or OTHERS_WORDS.search(message.text), message.text

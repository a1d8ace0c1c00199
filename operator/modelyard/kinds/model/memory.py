"""What outlives a Model in the artifact store: the numbers that it gave, and its promotions.

Each is an entry whose name says all: ``numbers/<number>.<uid of the run>`` and ``promotions/<count>.<number>``. Entries
are only ever added, so neither a crash nor a former leader whose write arrives late can take anything back. A Model
that is made again under the name, or whose status was lost or restored from an old backup, goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from modelyard.engine.plan import Facts, Listing, Recorded
from modelyard.kinds.model.observe import View
from modelyard.workload.conclude import RETRY, read
from modelyard_api.fields.artifact import memory

UNAVAILABLE = "ArtifactStoreUnavailable"
IMPORTED = "imported"
"""Stands for the run's uid in the entry of a version that a person has imported."""


def next_number(view: View, last_number: int, identity: str, facts: Facts, now: datetime) -> int:
    """Returns the number for the run of this identity, recorded in the artifact store. Raises Missing and Waits.

    It is greater than each number that any Model of this name has given, unless the run itself was given one before
    and no version has it: then the process ended before the Model's status said so, or that status is lost.
    """
    given = list(_pairs(read(facts, Listing(_numbers(view)), UNAVAILABLE, now + RETRY)))
    taken = {version.spec.number for version in view.versions} | view.leaving
    shared = {number for number, uid in given if uid != identity}
    own = [number for number, uid in given if uid == identity and number not in shared | taken]
    number = max(own) if own else max((last_number, *taken, *(number for number, _ in given))) + 1
    record_number(view, number, identity, facts, now)
    return number


def record_number(view: View, number: int, identity: str, facts: Facts, now: datetime) -> None:
    """Records that a number was given. Raises Missing and Waits."""
    read(facts, Recorded(f"{_numbers(view)}/{number}.{identity}"), UNAVAILABLE, now + RETRY)


def last_champion(view: View, facts: Facts, now: datetime) -> int | None:
    """Returns the champion of a Model whose status doesn't know one: the version that was promoted last, if it exists.

    Raises Missing and Waits.
    """
    promotions = _promotions(view, facts, now)
    champion = promotions[-1][1] if promotions else None
    return champion if champion in {version.spec.number for version in view.versions} else None


def record_promotion(view: View, number: int, facts: Facts, now: datetime) -> None:
    """Records that a version was promoted, unless it is the last one that was. Raises Missing and Waits."""
    promotions = _promotions(view, facts, now)
    if promotions and promotions[-1][1] == number:
        return
    count = promotions[-1][0] + 1 if promotions else 1
    uri = memory(view.model.namespace, "models", view.model.name, "promotions", f"{count}.{number}")
    read(facts, Recorded(uri), UNAVAILABLE, now + RETRY)


def _promotions(view: View, facts: Facts, now: datetime) -> list[tuple[int, int]]:
    """Returns (count, number) of each promotion, sorted."""
    uri = memory(view.model.namespace, "models", view.model.name, "promotions")
    names = read(facts, Listing(uri), UNAVAILABLE, now + RETRY)
    return sorted((count, int(number)) for count, number in _pairs(names) if _is_number(number))


def _numbers(view: View) -> str:
    return memory(view.model.namespace, "models", view.model.name, "numbers")


def _pairs(names: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Yields the number and the rest of each entry's name. Names of another form are nobody's."""
    for name in names:
        number, _, rest = name.partition(".")
        if _is_number(number):
            yield int(number), rest


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 12

"""What one window says of the inputs and of the outputs: a condition each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from modelyard.engine.conditions import Condition
from modelyard.judgement.drift import Moved, alpha, compared, moved
from modelyard.kinds.modelmonitor.reference import Reference, Watched, unknown
from modelyard.kinds.modelmonitor.window import Seen, Span
from modelyard_api.kinds.modelmonitor import ModelMonitorSpec

INPUTS, OUTPUTS = "InputsStable", "OutputsStable"
SHOWN_SHIFTS = 3
"""How many shifted columns a message names; the others are only counted."""


@dataclass(frozen=True)
class Verdict:
    """``columns`` is None if the window could not be judged."""

    conditions: tuple[Condition, ...]
    columns: tuple[Moved, ...] | None = None

    @property
    def alarm(self) -> bool:
        return any(condition.status is False for condition in self.conditions)


def unjudged(reason: str, message: str) -> Verdict:
    """Returns the verdict of a window that says nothing."""
    return Verdict(tuple(unknown(type_, reason, message) for type_ in (INPUTS, OUTPUTS)))


def verdict(spec: ModelMonitorSpec, of: Watched, seen: Seen, reference: Reference, span: Span) -> Verdict:
    """Returns the verdict of a window, which spends what the monitor may spend on one look."""
    missing = f"; rows of {_pods(seen.lost)} that restarted, ended or did not answer are missing" if seen.lost else ""
    if not seen.told:
        message = f"no pod of {of.version.name} told what it was asked in {spec.window.length}{missing}"
        return unjudged("PodsUnavailable" if seen.pods else "NoTraffic", message)
    if seen.sketches is None or not seen.rows:
        return unjudged("NoTraffic", f"{of.version.name} was asked nothing in {spec.window.length}{missing}")
    rows, least = seen.rows, spec.window.min_rows
    if rows < least:
        message = f"{rows} rows in {spec.window.length}, of at least {least} (spec.window.minRows){missing}"
        return unjudged("TooFewRows", message)
    inputs = compared("Input", seen.sketches, reference.inputs, spec.inputs.exclude)
    outputs = compared("Output", seen.sketches, reference.outputs, ()) if reference.outputs else []
    share = alpha(spec.false_alarms.per_week, span.seconds) / max(1, len(inputs) + len(outputs))
    asked, answered = moved(inputs, spec.inputs.min_shift, share), moved(outputs, spec.outputs.min_shift, share)
    names = [column.name for column in seen.sketches.columns if column.role == "Input"]
    strangers = _strangers(names, [column.name for column in asked], spec.inputs.exclude)
    learned = f"{rows} rows, {reference.inputs.predictions} of {of.rows.name}{missing}{strangers}"
    if asked:
        about = _condition(INPUTS, asked, "input", learned)
    else:
        about = unknown(INPUTS, "NothingCompared", f"no input has a reference in {of.rows.name}, or all are excluded")
    if reference.outputs is None or not answered:
        message = f"{of.version.name} has no profile of its answers: it was imported, or an earlier release made it"
        return Verdict((about, unknown(OUTPUTS, "NoReference", message)), tuple(asked))
    held_out = f"{rows} rows, {reference.outputs.predictions} held-out rows{missing}"
    return Verdict((about, _condition(OUTPUTS, answered, "output", held_out)), (*asked, *answered))


def _condition(type_: str, columns: list[Moved], role: str, rows: str) -> Condition:
    shifted = [column for column in columns if column.proven]
    if not shifted:
        first = columns[0]
        figures = f"the nearest to its limit is {first.name[:64]}, {first.shift:.3g} of {first.limit:.3g}"
        return Condition(type_, True, "Stable", f"no {role} has shifted; {figures} ({rows})")
    shown = shifted[:SHOWN_SHIFTS]
    figures = "; ".join(f"{item.text} (shift {item.shift:.3g}, limit {item.limit:.3g})" for item in shown)
    more = f"; and {len(shifted) - SHOWN_SHIFTS} more {role}s" if len(shifted) > SHOWN_SHIFTS else ""
    message = f"{figures}{more} ({rows}); look at what the clients send, or train on newer data"
    return Condition(type_, False, "Shifted", message, warning=True)


def _strangers(names: Iterable[str], compared: Iterable[str], exclude: Iterable[str]) -> str:
    """Returns which inputs are not compared, and which excluded ones don't exist, as the end of a message."""
    known, excluded = set(names), set(exclude)
    lacking, mistaken = sorted(known - set(compared) - excluded), sorted(excluded - known)
    parts = [f"no reference for {_listed(lacking)}"] if lacking else []
    parts += [f"spec.inputs.exclude: no input {_listed(mistaken)}"] if mistaken else []
    return "".join(f"; {part}" for part in parts)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(name[:64] for name in names[:3]) + more


def _pods(count: int) -> str:
    return "1 pod" if count == 1 else f"{count} pods"

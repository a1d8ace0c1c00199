"""What a DatasetVersion is: accepted or not. The result beside its bytes is the truth, so a lost status comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition
from modelyard.engine.plan import Facts, Plan
from modelyard.engine.resource import Object
from modelyard.workload.conclude import Step, Waits, conclude
from modelyard.workload.run.results import read_result
from modelyard_api.fields.artifact import RESULT_JSON, canonical
from modelyard_api.kinds.datasetversion import DatasetVersion, DatasetVersionStatus, Violation
from modelyard_api.wire import result as results

RARELY = timedelta(minutes=1)
VIOLATIONS_BYTES = 10 * 1024
"""Of violations in status: their texts come from the data, and a status stays small."""


@dataclass(frozen=True)
class View:
    raw: Object
    version: DatasetVersion


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    version, status = view.version, view.version.status.model_copy()
    if status.accepted is not None and status.observed_generation == version.generation:
        return Plan()
    try:
        step = _judged(version, status, facts, now)
    except Waits as waits:
        step = waits.step(status)
    return conclude(view.raw, step, now)


def _judged(version: DatasetVersion, status: DatasetVersionStatus, facts: Facts, now: datetime) -> Step:
    uri = f"{version.spec.uri}/{RESULT_JSON}"
    result = read_result(facts, uri, now)
    if isinstance(result, results.TableResult) and _is_of(result, version):
        status.accepted, status.violations = result.accepted, _fitting(result.violations)
        return Step(status, _verdict(result))
    if isinstance(result, results.Failed):
        return Step(status, kstatus.stalled(result.error.reason, result.error.message), after=now + RARELY)
    message = f"spec.uri: there is no result for {version.spec.digest} at {uri}; apply the Dataset again"
    # The bytes may come back: from a backup, or because the Dataset is read again.
    return Step(status, kstatus.stalled("DataMissing", message), after=now + RARELY)


def _is_of(result: results.TableResult, version: DatasetVersion) -> bool:
    """The same rows under other rules are another version, and may have another verdict."""
    return result.digest == version.spec.digest and version.name.endswith(f"-{result.version_id[:10]}")


def _fitting(violations: list[Violation]) -> list[Violation]:
    """The first ones, as many as fit."""
    kept: list[Violation] = []
    size = 0
    for violation in violations[:20]:
        shorter = violation.model_copy(update={"examples": [text[:64] for text in violation.examples[:5]]})
        size += len(canonical(shorter.wire()))
        if size > VIOLATIONS_BYTES:
            break
        kept.append(shorter)
    return kept


def _verdict(result: results.TableResult) -> tuple[Condition, ...]:
    if not result.accepted:
        broken = "; ".join(f"{v.column or 'table'}: {v.rule}, found {v.found}" for v in result.violations[:3])
        return kstatus.stalled("ValidationFailed", f"kept as evidence, never used: {broken}")
    if result.violations:
        return kstatus.ready(
            "AcceptedWithWarnings", f"{len(result.violations)} rules are broken; see status.violations"
        )
    return kstatus.ready("Accepted", f"{result.rows} rows, {len(result.columns)} columns")

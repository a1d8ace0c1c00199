"""What a DatasetVersion is: accepted or not. The result beside its bytes is the truth, so a lost status comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, conditions
from modelyard.engine.plan import Facts, Plan, Result, Unavailable
from modelyard.engine.resource import Object
from modelyard_api import result as results
from modelyard_api.artifact import RESULT_JSON
from modelyard_api.datasetversion import DatasetVersion

RESULT: TypeAdapter[results.Result] = TypeAdapter(results.Result)
RETRY = timedelta(seconds=10)


@dataclass(frozen=True)
class View:
    raw: Object
    version: DatasetVersion


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    version, status = view.version, view.version.status.model_copy()
    if status.accepted is not None and status.observed_generation == version.generation:
        return Plan()
    need = Result(f"{version.spec.uri}/{RESULT_JSON}")
    if need not in facts:
        return Plan(needs=(need,))
    found, after = facts[need], None
    wanted: tuple[Condition, ...]
    if isinstance(found, Unavailable):
        wanted, after = kstatus.reconciling("ArtifactStoreUnavailable", found.message), now + RETRY
    else:
        result = RESULT.validate_python(found) if found is not None else None
        if not isinstance(result, results.IngestResult) or result.digest != version.spec.digest:
            message = f"spec.uri: there is no result for {version.spec.digest} at {need.uri}; apply the Dataset again"
            wanted = kstatus.stalled("DataMissing", message)
        else:
            status.accepted, status.violations = result.accepted, result.violations[:20]
            wanted = _verdict(result)
    status.observed_generation = version.generation
    wire = status.wire()
    wire["conditions"] = conditions(
        wanted, (view.raw.get("status") or {}).get("conditions") or (), version.generation, now
    )
    return Plan(status=wire, after=after)


def _verdict(result: results.IngestResult) -> tuple[Condition, ...]:
    if not result.accepted:
        broken = "; ".join(f"{v.column or 'table'}: {v.rule}, found {v.found}" for v in result.violations[:3])
        return kstatus.stalled("ValidationFailed", f"kept as evidence, never used: {broken}")
    if result.violations:
        return kstatus.ready(
            "AcceptedWithWarnings", f"{len(result.violations)} rules are broken; see status.violations"
        )
    return kstatus.ready("Accepted", f"{result.rows} rows, {len(result.columns)} columns")

"""Decides whether a DatasetVersion is accepted, from the result beside its bytes: so a lost status is restored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition
from modelyard.engine.plan import Facts, Plan
from modelyard.engine.resource import DATASET_VERSIONS, Object
from modelyard.kinds.datasetversion.certain import certainty, fitting
from modelyard.workload.adoption import adoption, due
from modelyard.workload.conclude import Fails, Step, Waits, conclude
from modelyard.workload.foreign import READ_THEM, check
from modelyard.workload.run.results import read_result
from modelyard_api.fields.artifact import PROFILE_JSON, REPORT_HTML, RESULT_JSON, canonical, http_url, is_of
from modelyard_api.kinds.datasetversion import DatasetVersion, DatasetVersionStatus, Profile, Report, Violation
from modelyard_api.wire import result as results

POLL_MISSING = timedelta(minutes=1)
"""Interval of looking for a result that is missing or reports a failure."""
VIOLATIONS_BYTES = 10 * 1024
"""Limit of the violations in status: their texts come from the data, and a status must stay small."""


@dataclass(frozen=True)
class View:
    raw: Object
    version: DatasetVersion
    dataset: Object | None = None
    """Its Dataset, which owns it; None if it doesn't exist or is being deleted."""
    pages: str = ""
    """The URL at which people reach the tracking server."""


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass, which is empty once this generation has its verdict. Raises Missing."""
    version, status = view.version, view.version.status.model_copy()
    is_adopted, look_again = due(view.raw, view.dataset, now)
    if is_adopted and view.dataset is not None:
        return Plan(writes=(adoption(DATASET_VERSIONS, view.raw, view.dataset),), after=now)
    is_own = is_of(version.namespace, version.spec.uri)
    if is_own and status.accepted is not None and status.observed_generation == version.generation:
        return Plan(after=look_again)
    try:
        step = _judged(version, status, view.pages, facts, now)
    except (Waits, Fails) as obstacle:
        step = obstacle.step(status)
    plan = conclude(view.raw, step, now)
    return replace(plan, after=look_again) if plan.after is None else plan


def _judged(version: DatasetVersion, status: DatasetVersionStatus, pages: str, facts: Facts, now: datetime) -> Step:
    if not is_of(version.namespace, version.spec.uri):
        status.accepted, status.violations, status.profile, status.report = None, [], None, None
        status.doubts = []
    check(version.namespace, version.spec.uri, "spec.uri", READ_THEM)
    uri = f"{version.spec.uri}/{RESULT_JSON}"
    result = read_result(facts, uri, now)
    if isinstance(result, results.TableResult) and _belongs_to(result, version):
        status.accepted, status.violations = result.accepted, _fitting(result.violations)
        status.profile = Profile(uri=f"{version.spec.uri}/{PROFILE_JSON}") if result.profile else None
        page = f"{version.spec.uri}/{REPORT_HTML}"
        status.report = Report(uri=page, url=http_url(pages, page)) if result.report else None
        status.doubts = fitting(result.doubts)
        return Step(status, (*_verdict(result), certainty(result)))
    if isinstance(result, results.Failed):
        return Step(status, kstatus.stalled(result.error.reason, result.error.message), after=now + POLL_MISSING)
    message = f"spec.uri: there is no result for {version.spec.digest} at {uri}; apply the Dataset again"
    # Look again: the bytes may be restored from a backup, or written anew when the Dataset is read again.
    return Step(status, kstatus.stalled("DataMissing", message), after=now + POLL_MISSING)


def _belongs_to(result: results.TableResult, version: DatasetVersion) -> bool:
    """Whether the result is this version's: the same rows under other rules are another version."""
    return result.digest == version.spec.digest and version.name.endswith(f"-{result.version_id[:10]}")


def _fitting(violations: list[Violation]) -> list[Violation]:
    """Returns the first violations with shortened examples: 20 at most, and as many as fit into VIOLATIONS_BYTES."""
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
    lacks = f"; it has no report: {result.report_problem}" if result.report_problem else ""
    if not result.accepted:
        broken = "; ".join(f"{v.column or 'table'}: {v.rule}, found {v.found}" for v in result.violations[:3])
        return kstatus.stalled(
            "ValidationFailed",
            f"kept as evidence, never used: {broken}; correct the rows, or the rules in the Dataset's spec{lacks}",
        )
    if result.violations:
        return kstatus.ready(
            "AcceptedWithWarnings",
            f"{len(result.violations)} rules are broken; see status.violations{_notable(result)}{lacks}",
        )
    return kstatus.ready("Accepted", f"{result.rows} rows, {len(result.columns)} columns{_notable(result)}{lacks}")


def _notable(result: results.TableResult) -> str:
    """Returns what of the rows was dropped and what of the columns has changed, for a message."""
    dropped = f"; {result.dropped_rows} rows without a target were dropped" if result.dropped_rows else ""
    if not result.changes:
        return dropped
    changed = ", ".join(f"{item.column[:64]} {item.change}" for item in result.changes[:3])
    more = f" and {len(result.changes) - 3} more" if len(result.changes) > 3 else ""
    return f"{dropped}; columns have changed: {changed}{more}"

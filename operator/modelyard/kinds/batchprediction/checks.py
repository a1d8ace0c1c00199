"""Checks before a pod is started that model, rows and the Dataset of the answers fit each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from modelyard.workload.conclude import Trouble
from modelyard_api.fields.signature import Input, Signature, answer_columns
from modelyard_api.kinds.batchprediction import PredictionOutput
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.datasetversion import MAX_COLUMNS, DatasetVersionSpec, VersionColumn

_LISTED = 20
_TAKES = {"Timestamp": "a Timestamp", None: "texts, a Category"}


def check(
    output: PredictionOutput, model: str, signature: Signature, data: str, rows: DatasetVersionSpec, rules: DatasetSpec
) -> Trouble | None:
    """Returns the first trouble, or None. ``model`` and ``data`` are the names of the two versions, and ``rules`` is
    the spec of the Dataset that the answers are pushed to."""
    troubles = chain(
        _inputs(model, signature, data, rows), _kept(output, signature, data, rows), _pushed(output, signature, rules)
    )
    return next(troubles, None)


def _inputs(model: str, signature: Signature, data: str, rows: DatasetVersionSpec) -> Iterator[Trouble]:
    columns = {column.name: column for column in rows.columns}
    missing = [item.name for item in signature.inputs if item.name not in columns]
    if missing:
        message = (
            f"spec.datasetRef: DatasetVersion {data!r} has no column {_listed(missing)}, which {model} takes; it has "
            f"{_listed(list(columns))}. Bring the columns, or name another version of the Model"
        )
        yield Trouble("SignatureMismatch", message)
        return
    for item in signature.inputs:
        if not _fits(item, columns[item.name], rows.rows):
            message = (
                f"spec.datasetRef: column {item.name!r} of DatasetVersion {data!r} is a {columns[item.name].type}, but "
                f"{model} takes {_TAKES.get(item.type, _TAKES[None])}; declare it so in spec.columns of Dataset "
                f"{rows.dataset_ref.name!r}"
            )
            yield Trouble("SignatureMismatch", message)


def _fits(item: Input, column: VersionColumn, rows: int) -> bool:
    """Whether a column may hold values for an input. Texts may be numbers or times, which each row tells; numbers and
    times are no texts, since what they were written like is lost. A column without any value has no type of its own."""
    type_ = str(column.type)
    if column.missing == rows or type_ in ("Category", "Text", "Identifier"):
        return True
    return type_ == "Timestamp" if item.type == "Timestamp" else item.datatype == "FP32" and type_ != "Timestamp"


def _kept(output: PredictionOutput, signature: Signature, data: str, rows: DatasetVersionSpec) -> Iterator[Trouble]:
    names, answers = [column.name for column in rows.columns], answer_columns(signature)
    if unknown := [name for name in output.keep if name not in names]:
        message = f"spec.output.keep: DatasetVersion {data!r} has no column {_listed(unknown)}; it has {_listed(names)}"
        yield Trouble("ColumnNotFound", message)
    if both := [name for name in output.keep if name in answers]:
        message = (
            f"spec.output.keep: the answers have a column {_listed(both)} too; leave it out, or rename it in the "
            f"source of Dataset {rows.dataset_ref.name!r}"
        )
        yield Trouble("DuplicateColumn", message)
    if len(answers) + len(output.keep) > MAX_COLUMNS:
        message = (
            f"spec.output.keep: {len(output.keep)} columns and {len(answers)} of the answers are more than the "
            f"{MAX_COLUMNS} that are possible; leave some out"
        )
        yield Trouble("TooManyColumns", message)


def _pushed(output: PredictionOutput, signature: Signature, rules: DatasetSpec) -> Iterator[Trouble]:
    left = [name for name in (*output.keep, *answer_columns(signature)) if name not in rules.ignore]
    wanted = [("target", rules.target)] if rules.target else []
    wanted += [(f"columns[{index}].name", rule.name) for index, rule in enumerate(rules.columns)]
    for field, name in wanted:
        if name not in left:
            message = (
                f"spec.output.datasetRef: spec.{field} of Dataset {output.dataset_ref.name!r} names {name!r}, but what "
                f"is pushed has {_listed(left)}; name it in spec.output.keep, or correct the Dataset"
            )
            yield Trouble("ColumnNotFound", message)
    if not left:
        message = f"spec.output.datasetRef: Dataset {output.dataset_ref.name!r} ignores all columns of the answers"
        yield Trouble("NoColumns", f"{message}; correct its spec.ignore")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(map(repr, names[:_LISTED])) + more

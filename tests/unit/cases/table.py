"""Small tables that went wrong once: what is to come of each, from its file to a model's answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ask:
    """One value that the model is asked with, other inputs being null, and the label that it answers [any]."""

    column: str
    value: Any
    label: str | None = None


@dataclass(frozen=True)
class Case:
    """``types`` are those of some columns, ``doubts`` reasons that are told, ``violation`` and ``refused`` words of the
    message. ``algorithm`` is trained, to a score of ``least``, unless ``untrained`` says why not."""

    number: int
    file: str
    target: str = "y"
    spec: dict[str, Any] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    violation: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    algorithm: str = "LogisticRegression"
    least: float = 0.0
    untrained: tuple[str, ...] = ()
    asks: tuple[Ask, ...] = ()

    @property
    def name(self) -> str:
        rest = "-".join(sorted(self.spec)).lower()
        return f"{self.number}-{self.file.replace('.', '-')}{'-' if rest else ''}{rest}"


def _column(name: str, type_: str, **more: Any) -> dict[str, Any]:
    return {"columns": [{"name": name, "type": type_, **more}]}


def _missing(*words: str) -> dict[str, Any]:
    return {"source": {"csv": {"missing": list(words)}}}


RANDOM, BOOSTED = "RandomForestClassifier", "HistGradientBoostingClassifier"
CASES = (
    Case(1, "id-unscaled.csv", types={"id": "Identifier"}, doubts=("IdentifierGuessed",), least=0.95),
    Case(1, "id-unscaled.csv", spec=_column("id", "Integer"), types={"id": "Integer"}, least=0.95),
    Case(
        2,
        "country-na-skew.csv",
        doubts=("MissingWords",),
        algorithm=RANDOM,
        asks=(Ask("country", "NA", "high"), Ask("country", None, "high"), Ask("country", " NA ", "high")),
    ),
    Case(4, "reading-may.csv", types={"reading": "Float"}, least=0.95),
    Case(4, "reading-june.csv", violation=("reading", "row 79", "Bad Input", "spec.source.csv.missing")),
    Case(8, "pandas-index-leak.csv", types={"noise": "Float", "y": "Category"}, doubts=("IndexLeftOut",)),
    Case(9, "int-classes.csv", "price", untrained=("TargetDoesNotFit", "1039", "regress")),
    Case(10, "uint64.parquet", types={"id": "Identifier"}, doubts=("IdentifierGuessed",)),
    Case(11, "uuid-type.parquet", types={"id": "Identifier"}),
    Case(11, "uuid-bytes.parquet", types={"id": "Identifier"}),
    Case(12, "epoch-ms.csv", doubts=("EpochNumbers",), algorithm=BOOSTED, least=0.95),
    Case(12, "epoch-ms.csv", spec=_column("at", "Timestamp", format="EpochMilliseconds"), types={"at": "Timestamp"}),
    Case(12, "big-id.csv", types={"id": "Identifier"}, doubts=("IdentifierGuessed",)),
    Case(12, "yyyymmdd.csv", types={"day": "Integer"}, doubts=("DatesAsNumbers",), algorithm=RANDOM),
    Case(12, "phone.csv", types={"c": "Identifier"}, doubts=("PhoneNumbers",)),
    Case(13, "float-target.csv", "churned", types={"churned": "Integer"}, least=0.95, asks=(Ask("size", 9.0, "0"),)),
    Case(13, "float-target.csv", "churned", spec=_column("churned", "Boolean"), asks=(Ask("size", 9.0, "false"),)),
    *(
        Case(14, file, types={"size": "Float", "kind": "Category", "y": "Category"}, least=0.8)
        for file in ("semicolon-point.csv", "sep-line.csv", "semicolon-decimal-comma.csv")
    ),
    Case(15, "decimal-comma-quoted.csv", types={"size": "Float"}, least=0.8),
    Case(15, "thousands.csv", types={"c": "Float"}),
    Case(15, "currency.csv", types={"c": "Category"}, doubts=("NumbersAsText",)),
    Case(16, "thousands-dot-only.csv", doubts=("DecimalsOrThousands",)),
    Case(17, "target-amount.csv", types={"y": "Float"}, algorithm="Ridge"),
    Case(17, "currency.csv", "c", algorithm="Ridge", untrained=("TargetDoesNotFit", "$")),
    Case(18, "latin1.csv", types={"größe": "Float"}, doubts=("EncodingGuessed",)),
    Case(18, "utf16.csv", types={"größe": "Float"}),
    Case(19, "plain.csv.gz", types={"größe": "Float"}),
    Case(20, "ragged.csv", refused=("RaggedRow", "ragged.csv", "row 62")),
    Case(21, "title-lines.csv", types={"size": "Float"}, doubts=("LinesSkipped",)),
    Case(22, "repeat-header.csv", types={"size": "Float"}, doubts=("HeaderRepeated",), least=0.8),
    Case(23, "question.csv", violation=("c", "row 2", "'?'", "spec.source.csv.missing")),
    Case(23, "question.csv", spec=_missing("?"), types={"c": "Float"}),
    Case(23, "sensor-tags.csv", violation=("c", "row 2", "Bad Input")),
    Case(24, "none-category.csv", doubts=("MissingWords",), asks=(Ask("c", "None"), Ask("c", None))),
    Case(24, "none-category.csv", spec=_missing(""), types={"c": "Category"}, asks=(Ask("c", "None"),)),
    Case(25, "dates-iso.csv", types={"c": "Timestamp"}, asks=(Ask("c", "2031-05-01"), Ask("c", None))),
    Case(25, "day-month.csv", types={"day": "Timestamp"}, asks=(Ask("day", "31/12/2030"), Ask("day", "2030-12-31"))),
    Case(26, "free-text.csv", types={"c": "Text"}, doubts=("FreeText",)),
    Case(27, "instants-utc.parquet", types={"at": "Timestamp"}),
    Case(27, "instants-z.csv", types={"at": "Timestamp"}),
    Case(28, "decimal.parquet", types={"price": "Float"}),
    Case(
        29, "true-false.csv", types={"flag": "Boolean"}, asks=(Ask("flag", True), Ask("flag", 1.0), Ask("flag", None))
    ),
    Case(32, "leak.csv", doubts=("TargetInDisguise",)),
    Case(33, "one-text-among-numbers.csv", spec=_column("size", "Float"), violation=("size", "row 43", "20.5 m")),
    Case(34, "bool8.parquet", types={"c": "Boolean"}, asks=(Ask("c", True), Ask("c", 0))),
    Case(35, "missing-targets.csv", violation=("180 of 240", "maxDropped")),
    Case(36, "binary.parquet", refused=("ColumnType", "'c'", "binary")),
)

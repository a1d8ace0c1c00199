"""The sample of Dataset, suspended, with a ConfigMap as its source, and the results of its ingest Jobs."""

from __future__ import annotations

from typing import Any

from modelyard_api.fields.artifact import canonical, sha256
from modelyard_api.kinds.dataset import Dataset
from modelyard_api.wire.result import Error, Failed, IngestResult
from modelyard_api.wire.task import IngestTask
from tests.kinds import datasetversion
from tests.kinds.sample import Create, Object, Pod, Sample


def _column(**rules: Any) -> Object:
    return {"columns": [{"name": "x", **rules}]}


def _csv(**dialect: Any) -> Object:
    return {"source": {"csv": dialect}}


def _volume(path: str) -> Object:
    return {"source": {"configMap": None, "volume": {"claimName": "lake", "path": path}}}


def _uri(uri: str, **more: Any) -> Object:
    return {"source": {"configMap": None, "uri": uri, **more}}


_ONE_SOURCE = "write exactly one of configMap, volume, uri, sql, query and pushed"
_FROM = [{"name": "birds", "datasetRef": {"name": "fz-one"}}]
_SQL: Object = {"configMap": None, "sql": {"query": "SELECT 1 AS x", "secretRef": {"name": "db"}}}
_CURSOR: Object = {"configMap": None, "sql": {**_SQL["sql"], "cursor": "id"}, "arrival": "Append"}
_QUERY: Object = {"configMap": None, "query": {"from": _FROM, "sql": "FROM birds"}}
_S3, _HTTPS = "s3://lake/in/*.csv", "https://example.com/t.csv"
_PUSHED: Object = {"source": {"configMap": None, "pushed": {}}}


AWAY, DENIED = "SourceUnreachable", "SourceDenied"


def ingest(task: IngestTask, text: str) -> IngestResult | Failed:
    """Returns the result of an ingest. As in the runtime, ``digest`` depends on the text alone, and ``version_id`` on
    the digest and the declared rules."""
    if text in (AWAY, DENIED):
        return Failed(error=Error(reason=text, message="the server said so; look at it", field="spec.source.uri"))
    lines = text.splitlines()
    digest = sha256(text.encode())
    rules = task.spec.model_dump(mode="json", include={"target", "columns", "split", "validation", "ignore"})
    version = sha256(canonical([digest, rules])).removeprefix("sha256:")
    names, rows = lines[0].split(","), len(lines) - 1
    return IngestResult(
        accepted=rows >= task.spec.validation.min_rows,
        version_id=version,
        uri=f"{task.base_uri}/{version}",
        digest=digest,
        rows=rows,
        test_rows=rows // 4 if task.spec.target else 0,
        bytes=len(text),
        target=task.spec.target,
        columns=[{"name": name, "type": "Category" if name == task.spec.target else "Float"} for name in names],  # type: ignore[list-item]
        profile=True,
        report=True,
    )


def _is_over(obj: Object, job: str) -> bool:
    """Returns whether the Dataset has handled the Job's end. It names the Job until the resulting version is complete,
    so its Ready can't tell: Ready may be True all the while."""
    status = obj.get("status") or {}
    stalled = any(item["type"] == "Stalled" for item in status.get("conditions") or ())
    return status.get("job") != job or stalled


SAMPLE = Sample(
    Dataset,
    spec={"source": {"configMap": {"name": "table", "key": "table.csv"}}, "target": "y", "suspend": True},
    creates=(
        Create(
            _ONE_SOURCE,
            good=_volume("a.csv"),
            bad={"source": {"volume": {"claimName": "lake", "path": "a.csv"}}},
        ),
        Create(_ONE_SOURCE, good=_PUSHED, bad={"source": {"pushed": {}}}),
        Create(_ONE_SOURCE, bad={"source": {"configMap": None}}),
        *(Create(_ONE_SOURCE, good={"source": one}, bad={"source": {**one, "uri": _S3}}) for one in (_SQL, _QUERY)),
        Create("format belongs to files", bad={"source": {**_SQL, "format": "CSV"}}),
        Create("checkEvery belongs to a source that is looked at", bad={"source": _QUERY, "checkEvery": "1m"}),
        Create(_ONE_SOURCE, good=_uri(_S3), bad={"source": {"uri": _S3}}),
        *(
            Create("an address holds no credentials", good=_uri(f"{_HTTPS}?page=1"), bad=_uri(bad))
            for bad in ("https://me:word@example.com/t.csv", f"{_HTTPS}?a=1&sig=abc", f"{_HTTPS}?X-Amz-Signature=abc")
        ),
        Create(
            "secretRef belongs to uri",
            good=_uri(_S3, secretRef={"name": "lake"}),
            bad={"source": {"secretRef": {"name": "lake"}}},
        ),
        *(
            Create("Delta and Iceberg are formats of a table at a uri", good=_uri("s3://a/b", format="Delta"), bad=bad)
            for bad in ({"source": {"format": "Delta"}}, _uri("s3://a/b", format="Iceberg", arrival="Append"))
        ),
        Create("version belongs to", good=_uri("s3://a/b", format="Delta", version=3), bad=_uri(_S3, version=3)),
        Create("Append belongs", good=_uri(_S3, arrival="Append"), bad={"source": {"arrival": "Append"}}),
        Create("Append belongs", good={"source": _CURSOR}, bad={"source": {**_SQL, "arrival": "Append"}}),
        Create("a cursor belongs to arrival Append", bad={"source": {**_CURSOR, "arrival": "Replace"}}),
        Create("settle belongs to the files", good=_uri(_S3, settle="1m"), bad={"source": {"settle": "1m"}}),
        Create("format belongs to files", bad={"source": {**_PUSHED["source"], "format": "CSV"}}),
        *(
            Create("csv belongs to files of format CSV", good=_csv(delimiter=";"), bad={"source": bad})
            for bad in ({"format": "Parquet", "csv": {}}, {"configMap": None, "pushed": {}, "csv": {}})
        ),
        Create("thousands must differ from decimal", good=_csv(thousands=".", decimal=","), bad=_csv(thousands=".")),
        Create(
            "delimiter must differ from quote", good=_csv(delimiter=",", quote=""), bad=_csv(delimiter="'", quote="'")
        ),
        Create("checkEvery belongs to a source that is looked at", bad={**_PUSHED, "checkEvery": "1m"}),
        Create(
            "Stratified keeps the shares of the target's classes",
            good={"target": None},
            bad={"target": None, "split": {"strategy": "Stratified"}},
        ),
        *(
            Create("path is relative to the volume's root, without '..'", good=_volume(good), bad=_volume(bad))
            for good, bad in (("a/b..csv", "a/../b.csv"), ("a", "/a"), ("...", ".."))
        ),
        Create(
            "values belongs to a column of type Category",
            good=_column(type="Category", values=["a"]),
            bad=_column(type="Integer", values=["1"]),
        ),
        Create(
            "min and max belong to a column of type Float or Integer",
            good=_column(type="Integer", max=3),
            bad=_column(type="Category", max=3),
        ),
        Create(
            "format and timeZone belong to a column of type Timestamp",
            good=_column(type="Timestamp", format="%d.%m.%Y", timeZone="Europe/Berlin"),
            bad=_column(type="Category", timeZone="Europe/Berlin"),
        ),
        Create(
            "format is made of strptime's codes",
            good=_column(type="Timestamp", format="EpochMilliseconds"),
            bad=_column(type="Timestamp", format="DD.MM.YYYY"),
        ),
        Create(
            "min must not be greater than max",
            good=_column(type="Float", min=-1, max=-1.0),
            bad=_column(type="Float", min=0.5, max=-1),
        ),
        Create(
            "minRows must not be greater than maxRows",
            good={"validation": {"minRows": 5, "maxRows": 5}},
            bad={"validation": {"minRows": 5, "maxRows": 4}},
        ),
        Create(
            "column belongs to the strategy Group, which needs it",
            good={"split": {"strategy": "Group", "column": "x"}},
            bad={"split": {"strategy": "Group"}},
        ),
        Create("column belongs to the strategy Group, which needs it", bad={"split": {"column": "x"}}),
        Create(
            "without a target no rows are held out",
            bad={"target": None, "split": {"strategy": "Group", "column": "x"}},
        ),
        Create(
            "the strategy Time holds the latest rows out",
            good={"timestamp": "at", "split": {"strategy": "Time"}},
            bad={"split": {"strategy": "Time"}},
        ),
        Create(
            "split.column must not be ignored",
            bad={"ignore": ["g"], "split": {"strategy": "Group", "column": "g"}},
        ),
        Create("ignore must not name a column of key", good={"key": ["id"]}, bad={"key": ["id"], "ignore": ["id"]}),
        Create("key must not name the target", bad={"key": ["id", "y"]}),
        Create("ignore must not name the timestamp", bad={"timestamp": "at", "ignore": ["at"]}),
        Create(
            "expressions belong to a source that is read",
            good={"validation": {"expressions": [{"name": "order", "expr": "x < y"}]}},
            bad={**_PUSHED, "validation": {"expressions": [{"name": "order", "expr": "x < y"}]}},
        ),
        Create("ignore must not name the target", good={"ignore": ["x"]}, bad={"ignore": ["x", "y"]}),
    ),
    pod=Pod(
        IngestTask,
        IngestResult,
        {**datasetversion.RESULT, "violations": [{"column": "x", "rule": "min 1", "found": "0"}]},
        ingest,
        _is_over,
    ),
    story=(
        {"checkEvery": "5s"},
        {"source": {"configMap": {"name": "fz-one"}}},
        {"checkEvery": None, "target": None, **_PUSHED},
    ),
    referred=("table", "table", "fz-one", "fz-two"),
    history=("lastCheckTime", "checkedGeneration", "acceptedGeneration", "sourceVersion"),
)

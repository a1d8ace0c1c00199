"""Checks the sources of Datasets on a cluster, by real servers: an object store with keys, https, PostgreSQL, queries;
and by what needs none: a DuckDB file, a volume.

All Datasets are applied at once, since each needs a pod; the tests look at what came of them.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelyard_api.kinds.datasetversion import DatasetVersionSpec
from modelyard_api.wire.task import CREDENTIALS_FOLDER
from tests.common.say import CannotRun
from tests.localcluster import access
from tests.support.bucket_server import READER_SECRET, Buckets, buckets
from tests.support.clouds.azurite import KEY, Azurite, azurite
from tests.support.clouds.gcs import Gcs, gcs
from tests.support.kube import Kube, Object, condition
from tests.support.namespace import new_namespace
from tests.support.pods import local_volume, python_job
from tests.support.postgres import PASSWORD, Postgres, postgres
from tests.support.scene import CSV
from tests.support.web_server import TOKEN, Site, site

pytestmark = pytest.mark.cluster
LABELS = "id,seen,y\n" + "".join(f"{i % 5},{100 + 10 * i},{'yes' if i % 2 else 'no'}\n" for i in range(40))
STATES = "id,seen,balance\n" + "".join(f"{i % 5},{95 + 7 * i},{i}.5\n" for i in range(60))
ASOF = "SELECT id, y, balance FROM labels ASOF LEFT JOIN states USING (id, seen)"
MIXED = [f"{i},{'unknown' if i % 5 == 3 else i},{'yes' if i % 2 else 'no'}\n" for i in range(120)]
"""Rows of a column of which four in five values are numbers."""
WRITE = """
import pathlib, time
folder = pathlib.Path("/data/{folder}")
folder.mkdir(exist_ok=True)
with (folder / "{name}").open("w") as file:
    for row in {rows!r}:
        file.write(row)
        file.flush()
        time.sleep({pause})
"""
"""Writes a file row by row, with a pause after each."""
SECRETS = (READER_SECRET, TOKEN, PASSWORD, KEY, "another-password")
DENIED: dict[str, tuple[str, dict[str, Any]]] = {
    "locked": ("SourceDenied", {"uri": "s3://locked/t.csv", "secretRef": {"name": "lake"}}),
    "nowhere": ("SourceNotFound", {"uri": "s3://lake/nowhere/*.csv", "secretRef": {"name": "lake"}}),
    "metadata": ("AddressRefused", {"uri": "http://169.254.169.254/latest/meta-data/t.csv"}),
    "stranger": ("SourceDenied", {"sql": {"query": "SELECT 1 AS a", "secretRef": {"name": "wrong"}}}),
    "writes": ("QueryWrites", {"sql": {"query": "SELECT nextval('numbers') AS a", "secretRef": {"name": "db"}}}),
    "hangs": (
        "QueryTooLong",
        {"sql": {"query": "SELECT pg_sleep(600), 1 AS a", "secretRef": {"name": "db"}, "timeout": "2s"}},
    ),
}
"""Datasets that get no version -> the reason, and their source."""


def parquet(text: str) -> bytes:
    """Returns a table of CSV as Parquet. pyarrow starts threads, before which this process enters the network."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    lines = [line.split(",") for line in text.splitlines()]
    columns = {name: [line[index] for line in lines[1:]] for index, name in enumerate(lines[0])}
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def duckdb_file(path: Path) -> bytes:
    """Returns a database with a table of orders, small enough for a Secret."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS shop (BLOCK_SIZE 16384)")
        connection.execute(
            "CREATE TABLE shop.orders AS SELECT i AS a, 1.10 * i AS price, if(i % 3 = 0, 'no', 'yes') AS y "
            "FROM range(60) AS counted(i)"
        )
    return path.read_bytes()


@dataclass
class World:
    kube: Kube
    lake: Buckets
    web: Site
    database: Postgres
    google: Gcs
    azure: Azurite

    def put(self, name: str, source: Object, **spec: Any) -> None:
        self.apply("Dataset", name, spec={"source": source, **spec})

    def secret(self, name: str, keys: dict[str, str], files: dict[str, bytes] | None = None) -> None:
        meta = {"name": name, "namespace": self.kube.namespace}
        values = {key: text.encode() for key, text in keys.items()} | (files or {})
        data = {key: b64encode(value).decode() for key, value in values.items()}
        self.kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})

    def write(self, name: str, rows: list[str], pause: float = 0) -> None:
        """Has a pod write a file on the volume."""
        folder = self.kube.namespace
        program = WRITE.format(folder=folder, name=f"{name}.csv", rows=["a,price,y\n", *rows], pause=pause)
        self.kube.apply(python_job(folder, f"write-{name}", program, "landing"))

    def apply(self, kind: str, name: str, **more: Any) -> None:
        meta = {"name": name, "namespace": self.kube.namespace}
        self.kube.apply({"apiVersion": "modelyard.dev/v1alpha1", "kind": kind, "metadata": meta, **more})

    def status(self, name: str) -> Object:
        return dict((self.kube.get("dataset", name) or {}).get("status") or {})

    def latest(self, name: str) -> DatasetVersionSpec:
        """Waits until the Dataset is Ready, and returns its latest version."""
        self.kube.until_condition("dataset", name, seconds=300)
        version = self.kube.get("datasetversion", self.status(name)["latest"])
        assert version is not None
        return DatasetVersionSpec.model_validate(version["spec"])

    def until_rows(self, name: str, rows: int) -> None:
        self.kube.until(f"{rows} rows of {name}", lambda: self.latest(name).rows == rows, 240, every=1)


@pytest.fixture(scope="module")
def world(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("servers")
    here = access.address(cluster)
    with ExitStack() as stack:
        lake = stack.enter_context(buckets(folder / "buckets", here))
        web = stack.enter_context(site(here, folder / "web"))
        database = stack.enter_context(postgres(here))
        google = stack.enter_context(gcs(folder / "gcs", here))
        azure = stack.enter_context(azurite(folder / "azurite", here))
        world = World(stack.enter_context(new_namespace(cluster)), lake, web, database, google, azure)
        volume = f"landing-{world.kube.namespace}"
        world.kube.apply(*local_volume(volume, world.kube.namespace, "landing", "data"))
        stack.callback(world.kube.delete, "persistentvolume", volume)
        _fill(world, folder)
        _apply(world, folder)
        yield world


def _fill(world: World, folder: Path) -> None:
    world.write("a", MIXED[:60])
    for name in ("csv", "append"):
        world.lake.put(f"lake/{name}/a.csv", CSV)
    world.lake.put("lake/parquet/a.parquet", parquet(CSV))
    world.lake.put(
        "lake/lines/a.jsonl", "".join(f'{{"a": {i}, "y": "{"yes" if i % 3 else "no"}"}}\n' for i in range(60))
    )
    world.lake.put("lake/labels.csv", LABELS)
    world.lake.put("locked/t.csv", CSV)
    world.google.put("in/a.csv", CSV)
    world.azure.put("in/a.csv", CSV)
    _fill_tables(world, folder)
    world.web.files |= {"/token/t.csv": CSV.encode(), "/states.csv": STATES.encode()}
    world.database.sql(
        "CREATE TABLE orders AS SELECT i AS a, 1.10 * i AS price, CASE WHEN i % 3 = 0 THEN 'no' ELSE 'yes' END AS y "
        "FROM generate_series(0, 59) AS i",
        "CREATE TABLE payments AS SELECT i AS id, timestamptz '2026-01-01 00:00+00' + i * interval '1 s' AS booked, "
        "CASE WHEN i % 3 = 0 THEN 'no' ELSE 'yes' END AS y FROM generate_series(0, 59) AS i",
        "CREATE SEQUENCE numbers",
        "GRANT USAGE ON SEQUENCE numbers TO reader",
    )


def _fill_tables(world: World, folder: Path) -> None:
    """Puts a table of Delta Lake and one of Iceberg into the lake, of two versions each: the first has 60 rows."""
    import deltalake
    import pyarrow as pa
    from pyiceberg.catalog.sql import SqlCatalog

    rows = pa.table({"a": list(range(60)), "y": ["no", "yes"] * 30})
    for _ in range(2):
        deltalake.write_deltalake(str(folder / "delta"), rows, mode="append")
    (folder / "warehouse").mkdir()
    catalog = SqlCatalog("c", uri=f"sqlite:///{folder}/c.db", warehouse=f"file://{folder}/warehouse")
    catalog.create_namespace("n")
    table = catalog.create_table("n.t", schema=rows.schema)
    for _ in range(2):
        table.append(rows)
    for name, root in (("delta", folder / "delta"), ("iceberg", Path(table.location().removeprefix("file://")))):
        for path in root.rglob("*"):
            if path.is_file():
                world.lake.put(f"lake/{name}/{path.relative_to(root)}", path.read_bytes())


def _apply(world: World, folder: Path) -> None:
    world.secret("lake", world.lake.keys)
    world.secret("web", {"token": TOKEN, "ca.crt": world.web.ca})
    world.secret("ca", {"ca.crt": world.web.ca})
    world.secret("db", {"url": world.database.url()})
    world.secret("wrong", {"url": world.database.url(password="another-password")})
    lake, learns = {"secretRef": {"name": "lake"}}, {"target": "y", "checkEvery": "10s"}
    landing = {"claimName": "landing", "path": world.kube.namespace}
    world.put("landing", {"volume": landing, "arrival": "Append"}, **learns)
    world.put("csv", {"uri": "s3://lake/csv/*.csv", **lake}, **learns)
    world.put("append", {"uri": "s3://lake/append/", "arrival": "Append", **lake}, **learns)
    world.put("parquet", {"uri": "s3://lake/parquet/", **lake}, target="y")
    world.put("lines", {"uri": "s3://lake/lines/a.jsonl", **lake}, target="y")
    world.put("delta", {"uri": "s3://lake/delta", "format": "Delta", "version": 0, **lake}, target="y")
    world.put("iceberg", {"uri": "s3://lake/iceberg", "format": "Iceberg", **lake}, target="y")
    for name, uri, keys in (
        ("google", "gs://lake/in/a.csv", world.google.keys),
        ("azure", "abfs://lake/in/*.csv", world.azure.keys),
    ):
        world.secret(name, keys)
        world.put(name, {"uri": uri, "secretRef": {"name": name}}, target="y")
    world.put("web", {"uri": f"{world.web.url}/token/t.csv", "secretRef": {"name": "web"}}, **learns)
    world.put("untrusted", {"uri": f"{world.web.url}/states.csv"})
    world.put("orders", {"sql": {"query": "SELECT * FROM orders", "secretRef": {"name": "db"}}}, **learns)
    payments = {"query": "SELECT * FROM payments", "secretRef": {"name": "db"}, "cursor": "booked"}
    world.put("payments", {"sql": payments, "arrival": "Append"}, **learns)
    world.secret(
        "duck",
        {"url": f"duckdb:///{CREDENTIALS_FOLDER}/shop.duckdb"},
        {"shop.duckdb": duckdb_file(folder / "shop.duckdb")},
    )
    world.put("duck", {"sql": {"query": "SELECT * FROM orders", "secretRef": {"name": "duck"}}}, target="y")
    world.put("labels", {"uri": "s3://lake/labels.csv", **lake}, **learns)
    world.put("states", {"uri": f"{world.web.url}/states.csv", "secretRef": {"name": "ca"}})
    tables = [{"name": name, "datasetRef": {"name": name}} for name in ("labels", "states")]
    world.put("joined", {"query": {"from": tables, "sql": ASOF}}, target="y")
    for name, (_, source) in DENIED.items():
        world.put(name, source)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        *((name, 60) for name in ("csv", "append", "parquet", "lines", "web", "orders", "duck", "landing")),
        ("payments", 60),
        *((name, 60) for name in ("google", "azure", "delta")),
        ("iceberg", 120),
    ],
)
def test_each_source_becomes_a_version(world: World, name: str, rows: int) -> None:
    assert world.latest(name).rows == rows


def test_what_is_doubtful_is_told_with_its_first_value_and_row(world: World) -> None:
    world.latest("landing")
    version = world.kube.get("datasetversion", world.status("landing")["latest"])
    assert version is not None
    doubt = next(doubt for doubt in version["status"]["doubts"] if doubt.get("column") == "price")
    told = {key: doubt[key] for key in ("reason", "count", "example", "row")}
    assert told == {"reason": "MostlyNumbers", "count": 12, "example": "unknown", "row": 5}
    assert doubt["file"].endswith("a.csv")
    for kind, name in (("dataset", "landing"), ("datasetversion", version["metadata"]["name"])):
        guessed = world.kube.until_condition(kind, name, "TypesCertain", "False", "TypesGuessed")
        assert doubt["message"] in guessed["message"]


def test_a_file_on_a_volume_is_appended_once_it_is_whole(world: World) -> None:
    world.latest("landing")
    world.write("b", MIXED[60:], pause=0.25)  # it is looked at before it is whole
    world.until_rows("landing", 120)
    assert world.status("landing")["versions"] == 2
    assert world.latest("landing").parent is not None


def test_rows_above_the_greatest_value_are_appended_and_others_told(world: World) -> None:
    first = world.latest("payments")
    assert first.cursor is not None
    assert first.cursor.value == "2026-01-01 00:00:59+00:00"
    world.database.sql(
        "INSERT INTO payments SELECT i, timestamptz '2026-01-02 00:00+00' + i * interval '1 s', 'yes' "
        "FROM generate_series(60, 69) AS i",
        "INSERT INTO payments VALUES (70, NULL, 'no')",
    )
    world.until_rows("payments", 70)
    found = world.kube.until_condition("dataset", "payments", "SourceReadable", "True", "RowsLeftOut", 120)
    assert "1 rows have no value in 'booked'" in found["message"]
    assert world.status("payments")["versions"] == 2


def test_a_query_is_made_anew_by_version_when_an_input_changes(world: World) -> None:
    first = world.latest("joined")
    assert first.rows == 40
    assert {item.name: item.version for item in first.inputs} == {
        name: world.status(name)["latest"] for name in ("labels", "states")
    }
    world.lake.put("lake/labels.csv", LABELS + "1,500,yes\n")
    world.until_rows("joined", 41)
    assert world.latest("joined").inputs[0].version == world.status("labels")["latest"]
    used = first.inputs[0].version
    world.kube.run("delete", "datasetversion", used, "--wait=false")
    blocked = world.kube.until_condition("datasetversion", used, "DeletionBlocked")
    assert "joined-" in blocked["message"]


def test_files_that_arrive_are_appended_and_unchanged_ones_only_listed(world: World) -> None:
    before = world.latest("append")
    listing = world.status("append")["source"]["listing"]
    assert (listing["files"], listing["bytes"]) == (1, len(CSV))
    looked = world.status("append")["lastCheckTime"]
    world.kube.until("another look", lambda: world.status("append")["lastCheckTime"] != looked, 120, every=1)
    assert world.latest("append").digest == before.digest
    upload = world.lake.upload("lake/append/b.csv")
    upload.write(CSV.encode())
    looked = world.status("append")["lastCheckTime"]
    world.kube.until("a look meanwhile", lambda: world.status("append")["lastCheckTime"] != looked, 120, every=1)
    assert world.latest("append").rows == 60
    upload.close()
    world.lake.delete("lake/append/a.csv")
    world.until_rows("append", 120)
    made_of = world.latest("append").made_of
    assert made_of is not None
    assert made_of.files == 2


@pytest.mark.parametrize("name", [*DENIED, "untrusted"])
def test_what_can_not_be_read_says_why(world: World, name: str) -> None:
    reason = DENIED[name][0] if name in DENIED else "CertificateNotTrusted"
    found = world.kube.until_condition("dataset", name, "Ready", "False", reason, seconds=300)
    for secret in SECRETS:
        assert secret not in found["message"]


def test_a_secret_that_is_corrected_is_seen(world: World) -> None:
    world.kube.until_condition("dataset", "stranger", "Ready", "False", "SourceDenied", seconds=300)
    world.secret("wrong", {"url": world.database.url()})
    assert world.latest("stranger").rows == 1


def test_a_database_that_is_away_leaves_the_last_version(world: World) -> None:
    latest = world.latest("orders")
    world.database.stop()
    try:
        world.kube.until_condition("dataset", "orders", "SourceReadable", "False", "SourceUnreachable", seconds=400)
        assert world.latest("orders").digest == latest.digest
    finally:
        world.database.start()
    world.kube.until_condition("dataset", "orders", "SourceReadable", "True", seconds=300)


def test_no_pod_and_no_log_holds_a_credential(world: World) -> None:
    for pod in world.kube.list("pods"):
        said = ""
        with suppress(CannotRun):  # it has not begun, or has gone since it was listed
            said = world.kube.run("logs", pod["metadata"]["name"], "--all-containers")
        assert not [secret for secret in SECRETS if secret in f"{pod} {said}"]
    for dataset in world.kube.list("modelyard"):
        assert not [secret for secret in SECRETS if secret in str(dataset)]
        assert condition(dataset, "Ready") is not None

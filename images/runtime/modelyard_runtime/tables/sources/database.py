"""Rows of a query in a database, by SQLAlchemy: read in one transaction that can't write, and kept on the disk."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.pool import NullPool

from modelyard_api.fields.cursor import Cursor
from modelyard_api.fields.sources import SQLSource
from modelyard_runtime.pod.errors import Retriable, UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.tables.sources import guard
from modelyard_runtime.tables.sources.arrow import batch_of
from modelyard_runtime.tables.sources.cursor import Watch, above
from modelyard_runtime.tables.sources.fetch import Budget
from modelyard_runtime.tables.sources.keys import Keys
from modelyard_runtime.tables.sources.patience import patience, too_long
from modelyard_runtime.tables.sources.seconds import seconds_of
from modelyard_runtime.tables.sources.spool import Spool

QUERY, SECRET = "spec.source.sql.query", "spec.source.sql.secretRef"
DEFAULT_SECONDS, CONNECT_SECONDS, TRIES = 600.0, 10, 3
ROWS = 8192
"""Rows that are in memory at once."""
_WRITES = re.compile(r"\s*(insert|update|delete|merge|create|drop|alter|truncate|grant|copy|attach)\b", re.IGNORECASE)
"""Told before it is asked: of most of these a server-side cursor would say that their syntax is wrong."""
_EXAMPLE = "postgresql://USER:PASSWORD@HOST/DATABASE"
_LOCKED = {"enable_external_access": "false", "autoinstall_known_extensions": "false", "lock_configuration": "true"}


class Answer(NamedTuple):
    path: Path
    """A Parquet file with the rows."""
    watch: Watch | None
    """What the rows say of the cursor, if the source has one."""


def spooled(source: SQLSource, keys: Keys, budget: Budget, since: Cursor | None = None) -> Answer:
    """Returns the query's rows, above the cursor ``since`` if there is one. Raises UserError, and Retriable if the
    database is away.

    The rows are those of one moment: where the database goes away in between, the whole query is asked again.
    """
    url = _url(source, keys)
    for left in reversed(range(TRIES)):
        folder = Path(tempfile.mkdtemp(prefix="query-"))
        try:
            return _read(url, source, keys, folder, budget, since)
        except Retriable as error:
            if not left:
                raise
            say(error.message)
            time.sleep(TRIES - left)
    raise AssertionError


def _read(url: URL, source: SQLSource, keys: Keys, folder: Path, budget: Budget, since: Cursor | None) -> Answer:
    seconds = seconds_of(source.timeout, DEFAULT_SECONDS)
    engine = sa.create_engine(url, poolclass=NullPool, connect_args=_arguments(url))
    try:
        with engine.connect() as connection:
            cancel = _cancel(connection)
            with patience(seconds, cancel) as waiting:
                try:
                    return _spool(connection, url, source, Spool(folder, budget, QUERY), seconds, since)
                except sa.exc.DBAPIError as error:
                    raise (too_long(seconds, QUERY) if waiting.ended else _told(error, url, keys)) from error
    except sa.exc.DBAPIError as error:
        raise _told(error, url, keys) from error
    except (sa.exc.SQLAlchemyError, NotImplementedError) as error:
        raise UserError("QueryFailed", _said(error, url, keys), QUERY) from error
    finally:
        engine.dispose()


def _spool(
    connection: Connection, url: URL, source: SQLSource, spool: Spool, seconds: float, since: Cursor | None
) -> Answer:
    query = source.query
    if match := _WRITES.match(query):
        raise UserError("QueryWrites", f"{match[1].upper()} writes; a source only reads: write a SELECT", QUERY)
    if url.get_backend_name() == "postgresql":
        connection.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}").close()
    if source.cursor:
        query = above(query, since, _quoted(connection, source.cursor))
    connection.execution_options(stream_results=True, max_row_buffer=ROWS, no_parameters=True)
    result = connection.exec_driver_sql(query)
    if not result.returns_rows:
        raise UserError("QueryFailed", "the query gives no rows; write a SELECT", QUERY)
    names = [str(name) for name in result.keys()]  # noqa: SIM118 - it is no dict
    spool.begin(names)
    watch = Watch(source, names, since) if source.cursor else None
    for rows in result.partitions(ROWS):
        if taken := watch.take(rows) if watch else rows:
            spool.add(batch_of(taken, names, QUERY))
    connection.rollback()
    say(f"read {spool.rows} rows of the query")
    return Answer(spool.close(), watch)


def _quoted(connection: Connection, name: str) -> str:
    """Returns a column's name, as the database gave it, in quotes: which words need them differs. Where a driver turns
    names from capitals, only those have quotes that need them. The query has no parameters, so that % stays as it is.
    """
    dialect = connection.dialect
    quote = dialect.identifier_preparer
    quoted = quote.quote(name) if dialect.requires_name_normalize else quote.quote_identifier(name)
    return quoted.replace("%%", "%") if dialect.paramstyle in ("format", "pyformat") else quoted


def _url(source: SQLSource, keys: Keys) -> URL:
    """Returns the address in the Secret. Raises UserError, whose message doesn't quote it, and Retriable."""
    text = keys.get(source.secret_ref.key)
    if text is None:
        message = f"the Secret has no key {source.secret_ref.key!r}; write a URL such as {_EXAMPLE} there"
        raise UserError("KeyMissing", message, SECRET)
    try:
        url = make_url(text)
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        url.get_dialect()
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError, ValueError) as error:
        message = (
            f"the key {source.secret_ref.key!r} is no URL of a database that the image has a driver for; write such as "
            f"{_EXAMPLE}"
        )
        raise UserError("KeyInvalid", message, SECRET) from error
    for host in _hosts(url):
        try:
            guard.addresses(host, url.port or 0)
        except OSError as error:
            message = f"{SECRET}: the database's host {host} can't be found ({error.strerror}); it is asked again"
            raise Retriable("SourceUnreachable", message) from error
    return url


def _hosts(url: URL) -> list[str]:
    """Returns the hosts that a URL names, of which some drivers take several, with or without ports."""
    more = (value for key in ("host", "hostaddr") for value in url.normalized_query.get(key, ()))
    hosts = [host for value in (url.host, *more) if value for host in value.split(",")]
    return [host.partition(":")[0] if host.count(":") == 1 else host for host in hosts if not host.startswith("/")]


def _arguments(url: URL) -> dict[str, Any]:
    """Returns what a driver is told besides the URL: to write nothing, and to notice a database that has gone."""
    match url.get_backend_name():
        case "postgresql":
            waits = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
            return {"connect_timeout": CONNECT_SECONDS, "application_name": "modelyard", **waits}
        case "duckdb" if url.database in (None, "", ":memory:"):
            return {"config": _LOCKED}
        case "duckdb":
            return {"read_only": True, "config": _LOCKED}
        case _:
            return {}


def _cancel(connection: Connection) -> Callable[[], object]:
    raw: Any = connection.connection.driver_connection
    for name in ("cancel_safe", "cancel", "interrupt"):
        if hasattr(raw, name):
            return getattr(raw, name)  # type: ignore[no-any-return]
    return raw.close  # type: ignore[no-any-return]


def _told(error: sa.exc.DBAPIError, url: URL, keys: Keys) -> UserError | Retriable:
    """Returns what a database's error means."""
    said, state = _said(error, url, keys), str(getattr(error.orig, "sqlstate", None) or "")
    if state == "25006" or ("read-only mode" in said and "Cannot open database" not in said):
        return UserError("QueryWrites", f"{said}; a source only reads: write a SELECT", QUERY)
    if state == "57014":
        return UserError("QueryTooLong", f"the database has ended the query: {said}; make it cheaper", QUERY)
    if state.startswith("28") or state == "42501" or "authentication failed" in said:
        message = (
            f"the database refuses to let us in or to read: {said}; correct the URL in the Secret, or grant SELECT"
        )
        return UserError("SourceDenied", message, SECRET)
    if "certificate" in said and "SSL" in said.upper():
        message = (
            f"{said}; add the CA to the Secret as ca.crt, and sslrootcert=/modelyard/credentials/ca.crt to the URL"
        )
        return UserError("CertificateNotTrusted", message, SECRET)
    gone = error.connection_invalidated or state[:2] in ("08", "53", "57", "58")
    if gone or (isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) and not state):
        if url.get_backend_name() in ("duckdb", "sqlite"):
            return UserError("SourceNotFound", f"the database can't be opened: {said}; correct the URL", SECRET)
        message = f"{SECRET}: the database can't be asked now: {said}; it is asked again. See that it runs"
        return Retriable("SourceUnreachable", message)
    return UserError("QueryFailed", f"the database does not answer the query: {said}; correct it", QUERY)


def _said(error: Exception, url: URL, keys: Keys) -> str:
    """Returns the first line of a driver's error, without credentials."""
    text = str(getattr(error, "orig", None) or error)
    for secret in (url.password, url.render_as_string(hide_password=False)):
        text = text.replace(str(secret), "***") if secret else text
    lines = [line for line in keys.hidden(text).splitlines() if line.strip()]
    return " ".join(" ".join(lines[:3]).split())[:300] or type(error).__name__

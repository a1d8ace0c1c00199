"""Debian's PostgreSQL as a process on this machine, with a table, and users that may read or write it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.common.ports import free_port
from tests.support.debian import unpacked

READER, WRITER, PASSWORD = "reader", "writer", "open-sesame"
STARTS = 60


class Postgres:
    """``sql`` runs statements as the user who may write."""

    def __init__(self, programs: Path, folder: Path, address: str, port: int) -> None:
        self._programs, self._folder, self.address, self.port = programs, folder, address, port
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, user: str = READER, password: str = PASSWORD, more: str = "") -> str:
        return f"postgresql://{user}:{password}@{self.address}:{self.port}/postgres{more}"

    def sql(self, *statements: str) -> list[tuple[object, ...]]:
        """Runs the statements, and returns the rows of the last one."""
        with psycopg.connect(self.url(WRITER), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            command = [str(self._programs / "postgres"), "-D", str(self._folder / "data"), "-h", self.address]
            command += ["-p", str(self.port), "-k", str(self._folder)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=_as_nobody)
        ends = time.monotonic() + STARTS
        while True:
            try:
                psycopg.connect(self.url(WRITER)).close()
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > ends:
                    raise RuntimeError(f"PostgreSQL did not start; see {self._folder / 'log'}") from error
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        """Stops the server at once, as a crash does."""
        if self._process is not None:
            self._process.send_signal(3)  # SIGQUIT: no client is waited for
            self._process.wait(30)
            self._process = None


def _programs() -> Path:
    """Returns the folder of initdb and postgres: this machine's, or those of Debian's package."""
    for root in (Path("/usr/lib/postgresql"), unpacked("postgresql-15", True) / "usr/lib/postgresql"):
        for found in sorted(root.glob("*/bin"), reverse=True):
            if (found / "initdb").exists():
                return found
    raise RuntimeError("there is no PostgreSQL")


def _as_nobody() -> None:
    """PostgreSQL does not run as root."""
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)


@contextmanager
def postgres(address: str) -> Iterator[Postgres]:
    """Runs the server on this address until the end of the block."""
    programs = _programs()
    # pytest lets nobody but root into its own folders, each time that it starts.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    (folder / "password").write_text(PASSWORD)
    if os.getuid() == 0:
        shutil.chown(folder, "nobody")
        shutil.chown(folder / "password", "nobody")
    options = ["-U", WRITER, f"--pwfile={folder / 'password'}", "-A", "scram-sha-256", "--no-sync", "-E", "UTF8"]
    command = [str(programs / "initdb"), "-D", str(folder / "data"), *options]
    subprocess.run(command, check=True, capture_output=True, preexec_fn=_as_nobody, cwd=folder)
    with (folder / "data" / "pg_hba.conf").open("a") as hba:
        hba.write("host all all 0.0.0.0/0 scram-sha-256\n")
    server = Postgres(programs, folder, address, free_port())
    server.start()
    try:
        server.sql(f"CREATE USER {READER} PASSWORD '{PASSWORD}'", f"GRANT pg_read_all_data TO {READER}")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)

"""A private PostgreSQL in a scratch folder, for the collector's tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.integration.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path


class Cluster:
    """A PostgreSQL of our own on a free port of loopback, as a user who is not root.

    Usage::

        cluster.address("fresh")     # a new database
        cluster.stop("immediate"); cluster.start()
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self.port = free_port()
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-D", str(folder / "data"), "-U", "collector", "-A", "trust", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start and wait for it."""
        options = f"-p {self.port} -h 127.0.0.1 -k {self._folder} -c fsync=off"
        self._run(
            "pg_ctl", "-D", str(self._folder / "data"), "-w", "-l", str(self._folder / "log"), "-o", options, "start"
        )

    def stop(self, how: str = "immediate") -> None:
        """Stop; `immediate` is a crash."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", how, "-w", "stop")

    def address(self, name: str) -> str:
        """Make a database and return its address."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "collector", name)
        return f"postgresql+psycopg://collector@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", timeout=60)

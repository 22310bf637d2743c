"""Accounts and sessions in one SQLite file of mode 0600: hashes of passwords, of invitations and of cookies.

The command line adds people while the dashboard runs, so both open the file: WAL, and one short transaction for
each change. A session that was ended is gone from the file, so that the next request of its browser finds nothing.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from platesieve.dashboard.credentials import Credentials, digest, new_invitation, new_token
from platesieve.dashboard.journal import Act, Note
from platesieve.dashboard.people import Account, Role, Standing
from platesieve.dashboard.sessions import Session, Stage
from platesieve.domain.errors import InputError, StorageError
from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INVITATION_S = 48 * 3600
_BUSY_S = 5.0
_MAX_BROWSER = 120
_SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
  name TEXT PRIMARY KEY, person TEXT NOT NULL, role TEXT NOT NULL, standing TEXT NOT NULL,
  password_hash TEXT NOT NULL DEFAULT '', totp_secret TEXT NOT NULL DEFAULT '',
  totp_last_step INTEGER NOT NULL DEFAULT 0,
  invitation TEXT NOT NULL DEFAULT '', invitation_ends_ns INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS session (
  id TEXT PRIMARY KEY, cookie TEXT NOT NULL UNIQUE, account TEXT NOT NULL REFERENCES account (name),
  stage TEXT NOT NULL,
  started_ns INTEGER NOT NULL, seen_ns INTEGER NOT NULL, address TEXT NOT NULL, browser TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS journal (
  line INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, actor TEXT NOT NULL, act TEXT NOT NULL, subject TEXT NOT NULL,
  address TEXT NOT NULL
) STRICT;
"""
_JOURNAL_KEPT = 50_000  # lines; older ones go, oldest first
_SESSION = "id, account, stage, started_ns, seen_ns, address, browser"


class Register:
    """The file of accounts and sessions; safe to use from several threads.

    Args:
        path: made with mode 0600 where there is none.

    Raises:
        StorageError: it cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        with self._as_storage_error():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            self._connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.execute("PRAGMA secure_delete=ON")
                self._connection.executescript(_SCHEMA)
            except BaseException:
                self._connection.close()
                raise

    # ---- accounts ------------------------------------------------------------------------------------------

    def invite(self, name: str, person: str, role: Role, now_ns: int) -> str:
        """Add an account, or renew one that cannot sign in any more, and return its one-time token.

        Raises:
            InputError: there is an active account of this name.
        """
        token = new_invitation()
        ends_ns = now_ns + INVITATION_S * NS_PER_S
        with self._transaction() as connection:
            old = connection.execute("SELECT standing FROM account WHERE name = ?", (name,)).fetchone()
            if old is not None and old[0] == Standing.ACTIVE:
                raise InputError("there is an active account of this name", "suspend it first, or take another name")
            connection.execute(
                "INSERT INTO account (name, person, role, standing, invitation, invitation_ends_ns)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
                " SET person = excluded.person, role = excluded.role, standing = excluded.standing,"
                " invitation = excluded.invitation, invitation_ends_ns = excluded.invitation_ends_ns,"
                " password_hash = '', totp_secret = ''",
                (name, person, role.value, Standing.INVITED.value, digest(token), ends_ns),
            )
        return token

    def invited(self, name: str, token: str, now_ns: int) -> bool:
        """Return whether this one-time token of this account still counts."""
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT 1 FROM account WHERE name = ? AND standing = ? AND invitation = ? AND invitation_ends_ns > ?",
                (name, Standing.INVITED.value, digest(token.strip().upper()), now_ns),
            ).fetchone()
        return row is not None

    def account(self, name: str) -> Account | None:
        """Return an account, or None."""
        return next((account for account in self.accounts() if account.name == name), None)

    def accounts(self) -> list[Account]:
        """Return all accounts by name."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT name, person, role, standing FROM account ORDER BY name").fetchall()
        return [Account(name, person, Role(role), Standing(standing)) for name, person, role, standing in rows]

    def credentials(self, name: str) -> Credentials | None:
        """Return what an account proves itself with, or None where there is no such account."""
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT password_hash, totp_secret, totp_last_step FROM account WHERE name = ?", (name,)
            ).fetchone()
        return Credentials(*row) if row else None

    def offer_totp(self, name: str, secret: str) -> str:
        """Keep the secret that an invited account is being shown, and return the one that is kept: the first."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE account SET totp_secret = ? WHERE name = ? AND standing = ? AND totp_secret = ''",
                (secret, name, Standing.INVITED.value),
            )
            row = connection.execute("SELECT totp_secret FROM account WHERE name = ?", (name,)).fetchone()
        return str(row[0])

    def activate(self, name: str, password_hash: str, step: int) -> bool:
        """Make an invited account active and its token worthless; return whether it was still invited."""
        with self._transaction() as connection:
            done = connection.execute(
                "UPDATE account SET standing = ?, password_hash = ?, totp_last_step = ?, invitation = ''"
                " WHERE name = ? AND standing = ?",
                (Standing.ACTIVE.value, password_hash, step, name, Standing.INVITED.value),
            )
        return done.rowcount == 1

    def use_totp(self, name: str, step: int) -> bool:
        """Note that a code was used; return False where another sign-in used it at the same moment."""
        with self._transaction() as connection:
            done = connection.execute(
                "UPDATE account SET totp_last_step = :step WHERE name = :name AND totp_last_step < :step",
                {"step": step, "name": name},
            )
        return done.rowcount == 1

    def suspend(self, name: str) -> None:
        """Let an account do nothing any more, and end its sessions."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE account SET standing = ?, invitation = '' WHERE name = ?", (Standing.SUSPENDED.value, name)
            )
            connection.execute("DELETE FROM session WHERE account = ?", (name,))

    # ---- sessions ------------------------------------------------------------------------------------------

    def begin(self, account: str, stage: Stage, now_ns: int, address: str, browser: str) -> str:
        """Begin a session and return the token for its cookie, which is not stored."""
        token = new_token()
        row = (secrets.token_hex(8), digest(token), account, stage.value, now_ns, now_ns, address)
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO session (id, cookie, account, stage, started_ns, seen_ns, address, browser)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, browser[:_MAX_BROWSER]),
            )
        return token

    def session(self, token: str, now_ns: int, *, touch: bool = True) -> Session | None:
        """Return the living session of a cookie, or None; `touch` counts this as use of it."""
        with self._transaction() as connection:
            row = connection.execute(
                f"SELECT {_SESSION} FROM session WHERE cookie = ?",  # noqa: S608 - a constant
                (digest(token),),
            ).fetchone()
            found = _session(row) if row else None
            if found is None or not found.alive(now_ns):
                return None
            if touch:
                connection.execute("UPDATE session SET seen_ns = ? WHERE id = ?", (now_ns, found.id))
        return found

    def sessions(self, now_ns: int) -> list[Session]:
        """Return the living sessions, those used last first; the others are removed."""
        with self._transaction() as connection:
            rows = connection.execute(f"SELECT {_SESSION} FROM session ORDER BY seen_ns DESC").fetchall()  # noqa: S608
            every = [_session(row) for row in rows]
            connection.executemany(
                "DELETE FROM session WHERE id = ?", [(one.id,) for one in every if not one.alive(now_ns)]
            )
        return [one for one in every if one.alive(now_ns)]

    def end(self, session_id: str) -> Session | None:
        """End a session for good; return it, or None where there was none."""
        with self._transaction() as connection:
            row = connection.execute(
                f"DELETE FROM session WHERE id = ? RETURNING {_SESSION}",  # noqa: S608 - a constant
                (session_id,),
            ).fetchone()
        return _session(row) if row else None

    # ---- journal -------------------------------------------------------------------------------------------

    def note(self, note: Note) -> None:
        """Add a line to the journal."""
        row = (note.at_ns, note.actor, note.act.value, note.subject, note.address)
        with self._transaction() as connection:
            connection.execute("INSERT INTO journal (at_ns, actor, act, subject, address) VALUES (?, ?, ?, ?, ?)", row)
            connection.execute(
                "DELETE FROM journal WHERE line <= (SELECT max(line) FROM journal) - ?", (_JOURNAL_KEPT,)
            )

    def journal(self, limit: int = 200) -> list[Note]:
        """Return the newest lines, newest first."""
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT at_ns, actor, act, subject, address FROM journal ORDER BY line DESC LIMIT ?", (limit,)
            ).fetchall()
        return [Note(at_ns, actor, Act(act), subject, address) for at_ns, actor, act, subject, address in rows]

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._as_storage_error(), self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _as_storage_error(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"the accounts file {self._path} cannot be used: {error}", "check its owner, its folder and the disk"
            ) from error


def _session(row: tuple[str, str, str, int, int, str, str]) -> Session:
    id_, account, stage, started_ns, seen_ns, address, browser = row
    return Session(id_, account, Stage(stage), started_ns, seen_ns, address, browser)

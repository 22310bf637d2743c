"""The composition root of the dashboard: accounts, the collector's store and log, and the pages over them."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from platesieve.adapters.local.system_clock import SystemClock
from platesieve.bootstrap.collector import (
    case_files,
    database_address,
    open_desk,
    open_retention,
    open_store,
    state_folder,
)
from platesieve.domain.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo
    from pathlib import Path

    from starlette.applications import Starlette

    from platesieve.audit.entries.choices import Role
    from platesieve.collector.settings import CollectorSettings
    from platesieve.collector.store import CollectorStore
    from platesieve.dashboard.parts import Desks, Options
    from platesieve.dashboard.places import Place
    from platesieve.dashboard.register import Register
    from platesieve.dashboard.serving import Serving
    from platesieve.domain.access import Purpose
    from platesieve.ports import Clock

NOT_INSTALLED = 'install it with: pip install "platesieve[web,collector]"'
ACCOUNTS = "accounts.db"


def check_installed() -> None:
    """Refuse to go on where the libraries of the dashboard are not installed.

    Raises:
        ConfigError: the extra `web` or `collector` is missing.
    """
    missing = [
        name
        for name in ("argon2", "jinja2", "pyotp", "segno", "sqlalchemy", "starlette", "uvicorn")
        if not find_spec(name)
    ]
    if missing:
        raise ConfigError(f"the dashboard needs {', '.join(missing)}", NOT_INSTALLED)


def open_register(settings: CollectorSettings) -> Register:
    """Return the accounts, in the state folder of the collector.

    Raises:
        StorageError: the file cannot be used.
    """
    from platesieve.dashboard.register import Register

    return Register(state_folder(settings) / ACCOUNTS)


@contextmanager
def open_dashboard(
    settings: CollectorSettings,
    serving: Serving,
    options: Options,
    zone: tzinfo,
    places: Path | None,
    audit_logs: Path | None = None,
) -> Iterator[Starlette]:
    """Return the dashboard over a collector's store and log, closed at the end.

    Args:
        settings: of the collector.
        serving: where to listen.
        options: what a site sets.
        zone: of the moments on pages.
        places: table of where cameras stand.
        audit_logs: folder with copies of devices' audit logs, for the evidence in an exported case.

    Raises:
        PlatesieveError: store, log, keys or accounts cannot be used; one sentence says which.
    """
    with closing(open_register(settings)) as register, closing(open_store(database_address(settings))) as store:
        desks = desks_of(settings, store, audit_logs)
        yield assemble(register, store, desks, SystemClock(assume=True), serving, options, zone, places)


def desks_of(settings: CollectorSettings, store: CollectorStore, audit_logs: Path | None = None) -> Desks:
    """Return the three ways in which people reach what is sealed or would be erased: each logs first.

    Raises:
        PlatesieveError: keys or log cannot be used.
    """
    from platesieve.dashboard.parts import Desks

    reveals = open_desk(settings, store)

    def package(case: str, user: str, purpose: Purpose, role: Role) -> dict[str, bytes]:
        return case_files(settings, store, reveals, case, user, purpose, audit_logs, role)

    return Desks(reveals, open_retention(settings, store), package)


def assemble(
    register: Register,
    store: CollectorStore,
    desks: Desks,
    clock: Clock,
    serving: Serving,
    options: Options,
    zone: tzinfo,
    places: Path | None = None,
) -> Starlette:
    """Return the dashboard out of its parts."""
    from platesieve.dashboard.app import build_app
    from platesieve.dashboard.live import Watcher
    from platesieve.dashboard.parts import Parts
    from platesieve.dashboard.screen import Screen

    screen = Screen(zone)
    watcher = Watcher(store, screen, clock)
    return build_app(Parts(serving, register, store, desks, clock, screen, watcher, load_places(places), options))


def load_places(file: Path | None) -> dict[str, Place]:
    """Return where cameras stand.

    Raises:
        InputError: the table cannot be read.
        ConfigError: rows of it are wrong.
    """
    from platesieve.dashboard.places import read_places

    if file is None:
        return {}
    try:
        return read_places(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the table of places {file} cannot be read", "give a CSV file with places") from error


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its name.

    Raises:
        ConfigError: there is none of this name here.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"there is no time zone {name[:40]!r} on this machine", "write one like America/Chicago, or UTC"
        ) from error


@dataclass(frozen=True, slots=True, repr=False)
class Demonstrator:
    """An account of the demo, with the secrets that nobody but the demo ever prints."""

    name: str
    password: str
    totp_secret: str


def demo_people(register: Register) -> tuple[Demonstrator, ...]:
    """Add one account for each role, its secrets drawn now, and return them."""
    from platesieve.dashboard.credentials import hash_password, new_invitation, new_totp_secret
    from platesieve.dashboard.people import Role

    people = []
    for role in Role:
        password = new_invitation().lower()
        register.invite(role.value, f"Demo {role.value}", role, SystemClock().now().wall_ns)
        secret = register.offer_totp(role.value, new_totp_secret())
        register.activate(role.value, hash_password(password), 0)
        people.append(Demonstrator(role.value, password, secret))
    return tuple(people)


def one_time_codes(people: Sequence[Demonstrator]) -> str:
    """Return the codes that authenticator apps would show now."""
    import pyotp

    return "   ".join(f"{person.name} {pyotp.TOTP(person.totp_secret).now()}" for person in people)

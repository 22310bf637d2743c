"""What `platesieve agency` is given: passphrases, durations, keys and tables."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from platesieve.domain.errors import ConfigError, InputError, KeyFileError

ENVIRONMENT = "PLATESIEVE_PASSPHRASE"


def read_passphrase(file: Path | None, *, confirm: bool = False) -> str:
    """Return the passphrase of a file, else of the environment, else of the person.

    Raises:
        InputError: the file cannot be read.
        KeyFileError: nobody is there to ask.
    """
    if file is not None:
        first = read_file(file, 4096).decode("utf-8", "replace").splitlines()[:1]
        return first[0] if first else ""
    given = os.environ.get(ENVIRONMENT)
    if given is not None:
        return given
    try:
        asked = typer.prompt("passphrase of the keys", hide_input=_terminal(), confirmation_prompt=confirm, err=True)
        return str(asked)
    except typer.Abort as error:
        raise KeyFileError(
            "no passphrase was given", f"give --passphrase-file, or set {ENVIRONMENT}, or type it"
        ) from error


def _terminal() -> bool:
    """Return whether there is an echo to switch off; a pipe has none, and Python would warn about it."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return sys.stdin.isatty()
    return True


def duration_s(text: str) -> float:
    """Return seconds of a duration such as 3d.

    Raises:
        ConfigError: it is none.
    """
    from platesieve.policy.duration import parse_duration

    try:
        return float(parse_duration(text))
    except ValueError as error:
        raise ConfigError(f"{text} is no duration", "write for example 12h or 3d") from error


def part_of_one(text: str) -> float:
    """Return the part of one that a percentage such as 10% is.

    Raises:
        ConfigError: it is none, or more than all.
    """
    number = text.removesuffix("%").strip()
    if not text.endswith("%") or not number.replace(".", "", 1).isdigit() or not 0 < float(number) <= 100:  # noqa: PLR2004 - per cent
        raise ConfigError(f"{text} is no share", "write for example 10% or 100%")
    return float(number) / 100


def lifetimes(pairs: list[str]) -> dict[str, float]:
    """Return the seconds of each ROLE=DURATION.

    Raises:
        ConfigError: there is no such role, or it is no duration.
    """
    from platesieve.adapters.delivery.ceremony import LIFETIMES_S

    found = {}
    for pair in pairs:
        role, _, text = pair.partition("=")
        if role not in LIFETIMES_S:
            raise ConfigError(f"{role} is no role", f"choose among {', '.join(LIFETIMES_S)}")
        found[role] = duration_s(text)
    return found


def editable_role(role: str) -> str:
    """Return a role that people sign.

    Raises:
        ConfigError: there is none of this name.
    """
    from platesieve.adapters.delivery.repository import EDITED

    if role not in EDITED:
        raise ConfigError(f"{role} is no role that is signed by people", f"choose among {', '.join(EDITED)}")
    return role


def recipients(pairs: list[str]) -> dict[str, bytes]:
    """Return the public keys of each NAME=FILE.

    Raises:
        ConfigError: it is not NAME=FILE.
        KeyFileError: a file is not a public agency key or age recipient.
    """
    from platesieve.adapters.disk.key_files import load_recipient

    keys = {}
    for pair in pairs:
        name, separator, file = pair.partition("=")
        if not separator or not file or not name.replace("-", "").replace("_", "").isalnum():
            raise ConfigError("--recipient is not NAME=FILE", "write for example --recipient agency=agency.pub")
        keys[name] = load_recipient(Path(file))
    return keys


def encrypted_hotlist(table: Path, to: list[str]) -> tuple[bytes, int]:
    """Return a hot list encrypted with age, and how many entries it has that are not over.

    Args:
        table: CSV.
        to: age recipients.

    Raises:
        ConfigError: rows are wrong; every one is named by its line, none by its plate.
        InputError: the file cannot be read.
    """
    from pyrage import encrypt, x25519

    from platesieve.adapters.local.system_clock import SystemClock
    from platesieve.hotlist.hotlist import HotList

    raw = read_file(table, 64 << 20)
    wanted = HotList.from_csv(raw, table.name, SystemClock().now())
    return bytes(encrypt(raw, [x25519.Recipient.from_str(one) for one in to])), wanted.count


def policy_bytes(policy: str) -> bytes:
    """Return the text of a policy: a file where there is one of this name, else a pack."""
    from platesieve.policy.packs import pack_text

    path = Path(policy)
    return read_file(path, 1 << 20) if path.suffix == ".toml" or path.is_file() else pack_text(policy)


def read_file(path: Path, limit: int) -> bytes:
    """Return the bytes of a file.

    Raises:
        InputError: it cannot be read, or is larger than `limit`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}", "give a file that exists and is readable"
        ) from error
    if len(data) > limit:
        raise InputError(f"{path} is larger than {limit >> 20} MiB", "give a smaller file")
    return data

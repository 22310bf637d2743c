"""What a device is given in its settings: policy, hot list, keys. Read, checked, and typed."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from platesieve.domain.errors import ConfigError, InputError
from platesieve.domain.folding import STANDARD, Folding

if TYPE_CHECKING:
    from platesieve.domain.instant import Instant
    from platesieve.hotlist.hotlist import HotList
    from platesieve.policy.actions import Scope
    from platesieve.policy.language import Policy
    from platesieve.policy.pseudonym import Ring
    from platesieve.policy.receipt import ReceiptBook
    from platesieve.settings import Settings


MAX_HOTLIST_BYTES = 64 << 20
_log = logging.getLogger(__name__)


def load_policy(name: str | None) -> Policy:
    """Return a policy: a file where there is one of this name, else a pack.

    Raises:
        ConfigError: there is none, or it is wrong; every fault is listed with its line.
    """
    from platesieve.adapters.disk.policy_file import policy_text
    from platesieve.policy.load import load_policy as parse

    if name is None:
        raise ConfigError("no policy is given, so nothing may be read", "give --policy; see `platesieve policy list`")
    return parse(*policy_text(name))


def load_hotlist(path: str | None, now: Instant, folding: Folding = STANDARD) -> HotList:
    """Return a hot list, empty where none is given.

    Raises:
        ConfigError: rows are wrong; every one is named by its line, none by its plate.
        InputError: the file cannot be read.
    """
    from platesieve.hotlist.hotlist import HotList

    if path is None:
        return HotList.empty()
    raw = _read(Path(path), "hot list", MAX_HOTLIST_BYTES)
    return HotList.from_csv(raw, Path(path).name, now, lambda rows: _log.info("hot list: %d rows read", rows), folding)


def load_recipients(settings: Settings) -> dict[str, bytes]:
    """Return the public keys that fields may be sealed to, by the name that policies use."""
    from platesieve.adapters.disk.key_files import load_recipient

    return {name: load_recipient(Path(file)) for name, file in settings.recipients.items()}


def load_rings(settings: Settings) -> dict[Scope, Ring]:
    """Return the ratchets of pseudonyms that are shared with other devices, by their scope."""
    from platesieve.adapters.disk.ratchet_file import open_ring
    from platesieve.policy.actions import Scope

    return {Scope(scope): open_ring(Path(file)) for scope, file in settings.shared_keys.items()}


def made_up_rings(policy: Policy, now: Instant) -> dict[Scope, Ring]:
    """Return rings of this process alone, for a look at what would leave: a real one would go forward."""
    from platesieve.policy.pseudonym import Ring
    from platesieve.policy.ratchet import new_ratchet

    lengths_s = policy.shared_epochs_s.items()
    return {scope: Ring(new_ratchet(epoch_s, now, os.urandom), lambda _: None) for scope, epoch_s in lengths_s}


def load_receipt_book(settings: Settings) -> ReceiptBook:
    """Return what believes receipts of the collectors whose keys are given."""
    from platesieve.adapters.disk.key_files import load_public
    from platesieve.adapters.disk.key_text import KeyKind
    from platesieve.policy.receipt import ReceiptBook

    keys = {name: load_public(Path(file), KeyKind.RECEIPT) for name, file in settings.collectors.items()}
    return ReceiptBook(settings.device, keys)


def load_command_key(settings: Settings) -> bytes | None:
    """Return the key whose orders this device follows, or None where none is given."""
    from platesieve.adapters.disk.key_files import load_public
    from platesieve.adapters.disk.key_text import KeyKind

    return None if settings.command_key is None else load_public(Path(settings.command_key), KeyKind.COMMAND)


def _read(path: Path, what: str, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise InputError(
            f"the {what} cannot be read: {error.strerror}", "give a file that exists and is readable"
        ) from error
    if len(content) > max_bytes:
        raise InputError(f"the {what} is larger than {max_bytes >> 20} MiB", "give a smaller file")
    return content

"""Opening a sealed field: asked for with a purpose and a case, logged, and only then done.

1. Event, fields, purpose and case number are there, and the key is.
2. The access entry is durable in the transparency log. Without it nothing is opened.
3. The access record, with the salt of its commitment, is in the store.
4. The fields are opened. What they say is returned and kept nowhere.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

import rfc8785

from platesieve.audit import entry as log
from platesieve.audit.commitment import SALT_BYTES, commit
from platesieve.collector.records import Access
from platesieve.domain.errors import PlatesieveError
from platesieve.policy.seal import SealError, sealing_info
from platesieve.settings import Device

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platesieve.audit.entries.choices import Role
    from platesieve.collector.records import Event
    from platesieve.collector.store import CollectorStore
    from platesieve.domain.access import Purpose
    from platesieve.domain.disclosure import Json
    from platesieve.ports import AuditLog, Clock

_CASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./_-]{2,63}", re.ASCII)


class RevealRefusedError(PlatesieveError):
    """A sealed field may not be opened like this; nothing was opened and nothing logged."""

    exit_code: ClassVar[int] = 65


class Opener(Protocol):
    """Whoever holds the agency's private keys."""

    @property
    def recipients(self) -> frozenset[str]:
        """Return the names whose sealed values can be opened."""

    def open(self, to: str, ciphertext: bytes, info: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            SealError: it was sealed to another key, for another event or field, or was changed.
            KeyFileError: the key cannot be used now.
        """


@dataclass(frozen=True, slots=True)
class RevealRequest:
    """Who wants to see what, and why.

    Attributes:
        event_id: of which event.
        user: account name; it stands in the access record, which only the agency has.
        purpose: why; it stands in the log.
        case: case number, for the access record.
        fields: which; empty means every sealed field of the event that there is a key for.
        actor: random id of the person in hex, for the log, where the agency's books have one.
        role: as what the person acts, for the log.
        action: what it is for: to look at it, or to export it with a case.
    """

    event_id: str
    user: str
    purpose: Purpose
    case: str
    fields: tuple[str, ...] = ()
    actor: str | None = None
    role: Role | None = None
    action: log.Action = log.Action.OPEN


@dataclass(frozen=True, slots=True)
class Revealed:
    """Opened fields, in RAM; the repr shows their names alone."""

    event: Event
    access: Access
    fields: Mapping[str, Json] = field(repr=False)


class RevealDesk:
    """The only way to a sealed value.

    Args:
        store: where events and access records are.
        log: the collector's own transparency log.
        opener: holds the keys.
        clock: now.
        random: gives that many unpredictable bytes; `os.urandom` in the product.
    """

    def __init__(
        self, store: CollectorStore, log: AuditLog, opener: Opener, clock: Clock, random: Callable[[int], bytes]
    ) -> None:
        self._store = store
        self._log = log
        self._opener = opener
        self._clock = clock
        self._random = random

    def reveal(self, request: RevealRequest) -> Revealed:
        """Open fields of one event, in the order that this module begins with.

        Raises:
            RevealRefusedError: step 1 fails.
            AuditError, StorageError: step 2 or 3 fails; nothing was opened.
            SealError, KeyFileError: a field does not open; the access is logged all the same.
        """
        event, names = self._checked(request)
        access = self._logged(request, event, names)
        self._store.record_access(access)
        return Revealed(event, access, {name: self._opened(event, name) for name in names})

    def _checked(self, request: RevealRequest) -> tuple[Event, tuple[str, ...]]:
        stored = self._store.event(request.event_id)
        if stored is None:
            raise RevealRefusedError("this event is not here", "it may have expired; nothing of it is left to open")
        if not _CASE.fullmatch(request.case):
            raise RevealRefusedError(
                "a case number is needed to open a sealed field",
                "give 3 to 64 letters, digits, spaces, dots, dashes or slashes, beginning with a letter or digit",
            )
        if not request.user:
            raise RevealRefusedError("nobody is named who asks", "sign in first")
        sealed = stored.event.sealed_fields
        ours = tuple(name for name in sealed if _recipient(stored.event, name) in self._opener.recipients)
        names = request.fields or ours or sealed
        if not names or not set(names) <= set(sealed):
            raise RevealRefusedError("such a field is not sealed in this event", "ask for fields that show a lock")
        if missing := {_recipient(stored.event, name) for name in names} - self._opener.recipients:
            raise RevealRefusedError(
                f"there is no key here for {', '.join(sorted(missing))}", "name its key file in collector.agency_keys"
            )
        return stored.event, tuple(names)

    def _logged(self, request: RevealRequest, event: Event, names: tuple[str, ...]) -> Access:
        now_ns = self._clock.now().wall_ns
        salt = self._random(SALT_BYTES)
        record = access_record(request, event.device, names, now_ns)
        commitment = commit(salt, record)
        entry = log.Access(
            now_ns, request.purpose, names, commitment, request.action, request.actor, request.role, results=1
        )
        note = self._log.append([entry])
        return Access(
            at_ns=now_ns,
            user=request.user,
            purpose=request.purpose,
            case=request.case,
            event_id=event.id,
            device=event.device,
            fields=names,
            salt=salt.hex(),
            commitment=commitment,
            log_index=int(note.split("\n")[1]) - 1,
        )

    def _opened(self, event: Event, name: str) -> Json:
        value = event.data[name]
        policy = event.data["policy"]
        try:
            sealed = value["sealed"] if isinstance(value, dict) else ""
            ciphertext = base64.b64decode(str(sealed), validate=True)
            policy_sha256 = str(policy["sha256"]) if isinstance(policy, dict) else ""
            agency, site, device = event.device.split("/")
            who = Device(agency=agency, site=site, device=device)
            info = sealing_info(who, event.kind, event.id, name, policy_sha256)
            clear: Json = json.loads(self._opener.open(_recipient(event, name), ciphertext, info))
        except (binascii.Error, ValueError):
            # `from None`: the cause could repeat what was opened.
            raise SealError("a sealed value does not hold what devices seal", "ask who runs the device") from None
        return clear


def access_record(request: RevealRequest, device: str, names: tuple[str, ...], at_ns: int) -> bytes:
    """Return the canonical bytes that the commitment in the log is over, for whoever checks it (RFC 8785)."""
    return rfc8785.dumps(
        {
            "at_ns": str(at_ns),
            "case": request.case,
            "device": device,
            "event": request.event_id,
            "fields": list(names),
            "purpose": request.purpose.value,
            "user": request.user,
        }
    )


def _recipient(event: Event, name: str) -> str:
    value = event.data[name]
    return str(value.get("to", "")) if isinstance(value, dict) else ""

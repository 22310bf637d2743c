"""What an agency orders of one device beyond suspend and resume: wanted plates by hand, holds, and their end.

The terms of an order are sealed to the device (HPKE, as in `seal`), so that neither the broker nor the uplink process
learns which plate it is about. Inside is JSON, one object with exactly these keys, all text:

| verb | keys |
|---|---|
| add-plate | `plate`, `category`, `reason` (a code), `case`, `ends` (end of the shift, RFC 3339) |
| hold | `from`, `to`, `until` (RFC 3339), `case`, `signer`; and `plate`, empty for a period of the camera |
| end | `id`: the nonce of the command that added or held |

Reason, case and signer are required, because law wants them. The device writes down the code of the reason and a hash
of the whole command; whoever signed keeps the command, which proves the rest.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from platesieve.domain.errors import PlateTextError
from platesieve.domain.instant import NS_PER_S
from platesieve.domain.notice import Verb
from platesieve.domain.orders import ManualReason
from platesieve.domain.plate import PlateText
from platesieve.policy.command import CommandError
from platesieve.policy.duration import say_duration
from platesieve.policy.holds import Preservation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.domain.instant import Instant
    from platesieve.policy.language import Policy

PADDED_TO = 256  # bytes: the length of what is sealed must not tell whether a plate is named
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_CATEGORY = re.compile(r"(?=.{1,32}\Z)[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_WRITTEN = re.compile(r"(?=.*\w)[\w ./-]{2,40}", re.ASCII)  # a case number or a name
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
KEYS: Mapping[Verb, frozenset[str]] = {
    Verb.ADD_PLATE: frozenset({"plate", "category", "reason", "case", "ends"}),
    Verb.HOLD: frozenset({"plate", "from", "to", "until", "case", "signer"}),
    Verb.END: frozenset({"id"}),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A plate that a person wants until the end of a shift."""

    plate: PlateText
    category: str
    reason: ManualReason
    until_ns: int


def written_terms(verb: Verb, terms: Mapping[str, str]) -> bytes:
    """Return the plaintext of terms, padded; what is wrong with them is found by the device alone.

    Raises:
        CommandError: a key is missing or unknown.
    """
    if terms.keys() != KEYS[verb]:
        raise _bad(f"has not exactly the keys {', '.join(sorted(KEYS[verb]))}")
    plaintext = json.dumps(dict(terms), separators=(",", ":"), sort_keys=True).encode()
    return plaintext + b" " * (-len(plaintext) % PADDED_TO)


def read_terms(verb: Verb, plaintext: bytes) -> Mapping[str, str]:
    """Return the terms that were sealed.

    Raises:
        CommandError: they are no terms of this verb.
    """
    try:
        terms: Any = json.loads(plaintext)
    except (ValueError, RecursionError):
        raise _bad("is not JSON") from None  # the cause could repeat a plate
    if not isinstance(terms, dict) or terms.keys() != KEYS[verb] or not all(isinstance(v, str) for v in terms.values()):
        raise _bad(f"has not exactly the keys {', '.join(sorted(KEYS[verb]))}")
    return terms


def wanted(terms: Mapping[str, str], policy: Policy, now: Instant) -> Wanted:
    """Return what `add-plate` asks for.

    1. The policy allows entries by hand.
    2. Plate, category, reason and case number are there.
    3. The shift ends after now, and within what the policy allows.

    Raises:
        CommandError: one of these does not hold; the message names no plate.
    """
    # 1.
    longest_s = policy.hotlists.manual_expires_s
    if not longest_s:
        raise _bad(f"adds a plate, which policy {policy.id} does not allow")
    # 2.
    if terms["reason"] not in set(ManualReason):
        raise _bad(f"has no reason code; write one of {', '.join(ManualReason)}")
    _need(_WRITTEN, terms["case"], "case number")
    _need(_CATEGORY, terms["category"], "category")
    plate = _plate(terms["plate"])
    # 3.
    until_ns = _moment_ns(terms["ends"])
    if not now.wall_ns < until_ns <= now.wall_ns + longest_s * NS_PER_S:
        raise _bad(f"has an end of shift that is over, or more than {say_duration(longest_s)} away")
    return Wanted(plate, terms["category"], ManualReason(terms["reason"]), until_ns)


def preservation(terms: Mapping[str, str], id_: str, policy: Policy, now: Instant) -> Preservation:
    """Return what `hold` asks for.

    1. The policy allows holds, and holds of one plate where one is named.
    2. Case number and signer are there.
    3. The period is one, and what is held goes by the time that the policy allows.

    Raises:
        CommandError: one of these does not hold; the message names no plate.
    """
    # 1.
    rules = policy.holds
    if rules is None:
        raise _bad(f"holds reads, which policy {policy.id} does not allow")
    plate = _plate(terms["plate"]) if terms["plate"] else None
    if plate is not None and not rules.plates:
        raise _bad(f"holds one plate; policy {policy.id} allows holds of a camera alone")
    # 2.
    _need(_WRITTEN, terms["case"], "case number")
    _need(_WRITTEN, terms["signer"], "signer")
    # 3.
    from_ns, to_ns, until_ns = (_moment_ns(terms[key]) for key in ("from", "to", "until"))
    if from_ns >= to_ns or until_ns <= now.wall_ns:
        raise _bad("holds no time, or only until a moment that is over")
    if until_ns > now.wall_ns + rules.longest_s * NS_PER_S:
        raise _bad(f"holds for longer than {say_duration(rules.longest_s)}")
    return Preservation(id_, plate, from_ns, to_ns, until_ns)


def ended(terms: Mapping[str, str]) -> str:
    """Return the id of what `end` ends.

    Raises:
        CommandError: it is no id.
    """
    _need(_ID, terms["id"], "id of what it ends")
    return terms["id"]


def _plate(written: str) -> PlateText:
    try:
        return PlateText.from_written(written)
    except PlateTextError:
        raise _bad("has no plate in it") from None


def _need(pattern: re.Pattern[str], written: str, what: str) -> None:
    if not pattern.fullmatch(written):
        raise _bad(f"has no {what}")


def _moment_ns(written: str) -> int:
    try:
        if _TIME.fullmatch(written):
            return int(datetime.strptime(written, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()) * NS_PER_S
    except ValueError:
        pass
    raise _bad("has a time that is not RFC 3339 in whole seconds, UTC")


def _bad(what: str) -> CommandError:
    return CommandError(f"a command {what}", "see `platesieve command --help` for what it needs")

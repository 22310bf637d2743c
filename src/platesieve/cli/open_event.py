"""`platesieve open`: what an agency does with an event: open the fields that are sealed to it."""

from __future__ import annotations

import base64
import binascii
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from platesieve.cli.speech import print_json
from platesieve.domain.errors import InputError

MAX_BYTES = 4 << 20
Secret: TypeAlias = bytes | Callable[[bytes, bytes], bytes]


def open_event(
    event: Annotated[Path, typer.Argument(help="File with one event as it came over MQTT; - for standard input.")],
    key: Annotated[
        list[Path],
        typer.Option(help="Secret half of an agency or crops key, or pkcs11:... for one in a token; may be repeated."),
    ],
) -> None:
    """Open the sealed fields of an event with the agency's keys and print the event as JSON, plates in clear.

    Run it where the key is: with the agency, never on a device or broker. A field that is sealed to someone else is
    refused, and so is one that was moved here from another event.

    Examples:

      platesieve open hit.json --key agency.key

      platesieve open hit.json --key agency.key --key crops.key

      platesieve open hit.json --key 'pkcs11:token=hsm;object=plates?module-path=MODULE.so&pin-source=pin'

      mosquitto_sub -C 1 -t 'platesieve/metro-pd/+/+/hit' | platesieve open - --key agency.key
    """
    secrets = [_secret(file) for file in key]
    print_json(opened(_parse(_read(event)), *secrets))


def _secret(file: Path) -> Secret:
    from platesieve.adapters.disk.key_files import load_opener
    from platesieve.adapters.local.token_key import SCHEME, TokenKey, address_of

    name = str(file)
    return TokenKey(address_of(name)).open if name.startswith(SCHEME) else load_opener(file)


def opened(event: dict[str, Any], *secrets: Secret) -> dict[str, Any]:
    """Return an event with every sealed field of its data in clear.

    Args:
        event: a CloudEvent as it came.
        secrets: the agency's raw private key, 32 bytes, or 96 of a hybrid one; for age files its age identity; for a
            key in a token what opens with it, given ciphertext and info.

    Raises:
        InputError: it is no event of a device.
        SealError: a field does not open with this key, or is not of this event.
    """
    from platesieve.domain.disclosure import Kind
    from platesieve.policy.seal import sealing_info
    from platesieve.settings import Device

    try:
        agency, site, device = event["source"].removeprefix("/").split("/")
        id_, data = event["id"], event["data"]
        kind = Kind(event["type"].split(".")[-2])
        policy_sha256 = data["policy"]["sha256"]
        sealed = {name: base64.b64decode(value["sealed"], validate=True) for name, value in data.items() if _is(value)}
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, binascii.Error):
        raise _no_event() from None  # the cause could repeat what the event holds
    who = Device(agency=agency, site=site, device=device)
    clear = {
        name: json.loads(_opened(secrets, ciphertext, sealing_info(who, kind, id_, name, policy_sha256)))
        for name, ciphertext in sealed.items()
    }
    return {**event, "data": {**data, **clear}}


def _opened(secrets: tuple[Secret, ...], ciphertext: bytes, info: bytes) -> bytes:
    """Return what one of the keys opens: of those of its format, or with the complaint of the last."""
    from platesieve.policy.age_file import is_age_file, is_age_identity, open_value
    from platesieve.policy.seal import SealError

    def fits(secret: Secret) -> bool:
        return (isinstance(secret, bytes) and is_age_identity(secret)) is is_age_file(ciphertext)

    def clear(secret: Secret) -> bytes:
        return open_value(secret, ciphertext, info) if isinstance(secret, bytes) else secret(ciphertext, info)

    fitting = [one for one in secrets if fits(one)] or list(secrets)
    for secret in fitting[:-1]:
        with suppress(SealError):
            return clear(secret)
    return clear(fitting[-1])


def _is(value: object) -> bool:
    return isinstance(value, dict) and "sealed" in value


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with file.open("rb") as opened_file:
            return opened_file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"the event cannot be read: {error.strerror}", "give a file with one event") from error


def _parse(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BYTES:
        raise InputError(f"the event is larger than {MAX_BYTES >> 20} MiB", "give one event, as it came over MQTT")
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError):
        raise _no_event() from None
    if not isinstance(event, dict):
        raise _no_event()
    return event


def _no_event() -> InputError:
    return InputError("this is no event of a platesieve device", "give one event, unchanged, as it came over MQTT")

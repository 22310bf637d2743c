"""From verified documents to a generation of rules. Hot lists are decrypted here, in RAM, and nowhere else.

| kind | document | how many for one device |
|---|---|---|
| policy | the policy's TOML | one |
| hotlist | a table (see `hotlist.table`), encrypted with age to the devices it is for | any number, none too |
| keys | JSON: `{"format": 1, "recipients": {"agency": "<base64>"}}` | one; none: those of the settings |
| models | released.toml and the two ONNX files that it names | none, or all three: see `networks.delivered_models` |
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from pyrage import DecryptError, decrypt, x25519

from platesieve.adapters.delivery.addressed import Kind
from platesieve.domain.errors import ConfigError, DeliveryError
from platesieve.domain.instant import NS_PER_S
from platesieve.flow.generation import Generation
from platesieve.hotlist.hotlist import HotList, Source
from platesieve.policy.force import device_refusals
from platesieve.policy.instruments import refuse_unusable
from platesieve.policy.load import load_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.adapters.delivery.stored import Delivery, Document
    from platesieve.domain.folding import Folding
    from platesieve.domain.instant import Instant
    from platesieve.policy.language import Policy
    from platesieve.settings import Device

KEYS_FORMAT = 1
CLOCK_SLACK_NS = 3600 * NS_PER_S  # a clock that a time server corrects is not one that was set back
_AGAIN = "have the agency correct and publish it; what the device had stays in force until it expires"


def unpack(
    delivery: Delivery,
    device: Device,
    identity: str,
    now: Instant,
    *,
    before: Generation | None = None,
    settled: Mapping[str, bytes] | None = None,
    confirmed: Instant | None = None,
    fetched_ns: int | None = None,
) -> Generation:
    """Return the rules that a delivery brings to this device.

    Args:
        delivery: verified.
        device: who the camera is.
        identity: its age identity (`AGE-SECRET-KEY-1...`).
        now: the present.
        before: the generation in force: a hot list that did not change is not read again.
        settled: recipients of the settings, for a delivery without keys.
        confirmed: when the delivery was fetched, as an age counts from it; now unless given.
        fetched_ns: what the wall clock said then; it must not say less since. Now unless given.

    Raises:
        DeliveryError: a document is not usable here, or not all that a device needs is there.
    """
    policy = _policy(delivery)
    recipients = _recipients(delivery, settled or {})
    refusals = device_refusals(policy, device, now, recipients)
    if refusals:
        fault = "malformed" if device.mount in policy.mounts else "wrong-mount"
        raise DeliveryError(f"the policy that was delivered is not for this device: {refusals[0]}", _AGAIN, fault)
    return Generation(
        policy=policy,
        hotlist=_hotlist(delivery.of_kind(Kind.HOTLIST), identity, now, confirmed or now, before, policy.folding),
        recipients=recipients,
        policy_until_ns=delivery.rules_until_ns(Kind.POLICY),
        hotlist_until_ns=delivery.fresh_until_ns(Kind.HOTLIST),
        hotlist_from_ns=(fetched_ns if fetched_ns is not None else now.wall_ns) - CLOCK_SLACK_NS,
        sources=_sources(delivery.of_kind(Kind.HOTLIST)),
    )


def keys_document(recipients: Mapping[str, bytes]) -> bytes:
    """Return the document that names to whom fields may be sealed."""
    named = {name: b64encode(key).decode() for name, key in sorted(recipients.items())}
    return json.dumps({"format": KEYS_FORMAT, "recipients": named}, indent=1).encode()


def read_keys(data: bytes, name: str) -> dict[str, bytes]:
    """Return what `keys_document` wrote.

    Raises:
        DeliveryError: it is not understood, or a key in it cannot be used.
    """
    try:
        match json.loads(data):
            case {"format": 1, "recipients": dict(named), **rest} if not rest:
                recipients = {str(to): b64decode(key, validate=True) for to, key in named.items()}
            case _:
                raise DeliveryError(f"the keys in {name} are not understood", _AGAIN, "malformed")
        refuse_unusable(recipients)
    except (ValueError, TypeError, RecursionError, ConfigError) as error:
        raise DeliveryError(f"the keys in {name} are not usable", _AGAIN, "malformed") from error
    return recipients


def _policy(delivery: Delivery) -> Policy:
    documents = delivery.of_kind(Kind.POLICY)
    if len(documents) != 1:
        raise DeliveryError(
            f"{'no policy' if not documents else f'{len(documents)} policies'} for this device came, and it needs one",
            "publish one policy for each device: `platesieve agency status` shows which is for whom",
            "missing" if not documents else "malformed",
        )
    (document,) = documents
    try:
        return load_policy(document.data, document.name)
    except ConfigError as error:
        raise DeliveryError(f"{error.message}: {'; '.join(error.problems[:3])}", error.hint, "malformed") from error


def _recipients(delivery: Delivery, settled: Mapping[str, bytes]) -> dict[str, bytes]:
    documents = delivery.of_kind(Kind.KEYS)
    if len(documents) > 1:
        raise DeliveryError(f"{len(documents)} sets of keys came, and a device takes one", _AGAIN, "malformed")
    return read_keys(documents[0].data, documents[0].name) if documents else dict(settled)


def _hotlist(
    documents: tuple[Document, ...],
    identity: str,
    now: Instant,
    confirmed: Instant,
    before: Generation | None,
    folding: Folding,
) -> HotList:
    if not documents:
        return HotList.empty()
    if before is not None and before.sources == _sources(documents) and before.policy.folding == folding:
        return before.hotlist.confirmed(confirmed)
    tables = [Source(_opened(one, identity), one.name, one.address.expires_ns) for one in documents]
    try:
        return HotList.from_tables(tables, now, confirmed, folding=folding)
    except ConfigError as error:
        raise DeliveryError(f"{error.message}: {'; '.join(error.problems[:3])}", error.hint, "malformed") from error


def _opened(document: Document, identity: str) -> bytes:
    try:
        return bytes(decrypt(document.data, [x25519.Identity.from_str(identity)]))
    except DecryptError as error:
        raise DeliveryError(
            f"the hot list {document.name} is not encrypted to this device",
            "add the device with its lists.pub (`platesieve agency add-device`), then add the hot list again",
            "malformed",
        ) from error


def _sources(documents: tuple[Document, ...]) -> frozenset[tuple[str, int | None]]:
    return frozenset((one.sha256, one.address.expires_ns) for one in documents)

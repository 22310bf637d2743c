"""What a decision needs that is not a value: keys and chance."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platesieve.policy.pseudonym import EpochKeys
from platesieve.policy.seal import Sealer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from platesieve.policy.language import Scope
    from platesieve.policy.pseudonym import Ring
    from platesieve.settings import Device

ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Instruments:
    """Keys and chance, of which tests bring their own.

    Attributes:
        pseudonyms: keys of the running epochs.
        seal: (recipient, plaintext, info) to ciphertext, or None where there is no key for the recipient.
        new_id: a random id for an event: ids neither order nor link events.
    """

    pseudonyms: EpochKeys
    seal: Callable[[str, bytes, bytes], bytes | None]
    new_id: Callable[[], str]


def instruments_for(
    device: Device,
    recipients: Mapping[str, bytes],
    epochs_s: Iterable[int],
    rings: Mapping[Scope, Ring] | None = None,
) -> Instruments:
    """Return the instruments of the product, with randomness from the operating system.

    Args:
        device: who the camera is.
        recipients: raw public keys by the names that the policy seals to.
        epochs_s: lengths of the epochs that the policy needs: `Policy.epochs_s`.
        rings: ratchets of the pseudonyms that are shared with other devices.

    Raises:
        ConfigError: a recipient's key is not usable.
    """
    return Instruments(
        pseudonyms=EpochKeys(device, epochs_s, os.urandom, rings),
        seal=Sealer(recipients),
        new_id=lambda: secrets.token_hex(ID_BYTES),
    )

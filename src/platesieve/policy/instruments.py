"""What a decision needs that is not a value: keys and chance."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from platesieve.policy.age_file import PictureSealer, is_age_recipient
from platesieve.policy.pseudonym import EpochKeys
from platesieve.policy.seal import Sealer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from platesieve.policy.actions import Scope
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
        seal_picture: (recipient, JPEG, info) to an age file, or None where there is no age recipient of that name.
    """

    pseudonyms: EpochKeys
    seal: Callable[[str, bytes, bytes], bytes | None]
    new_id: Callable[[], str]
    seal_picture: Callable[[str, bytes, bytes], bytes | None] = lambda _to, _jpeg, _info: None

    def sealing_to(self, recipients: Mapping[str, bytes]) -> Instruments:
        """Return the same instruments with other recipients.

        Raises:
            ConfigError: a recipient's key is not usable.
        """
        return replace(self, seal=_sealer(recipients), seal_picture=PictureSealer(recipients))


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
        seal=_sealer(recipients),
        new_id=lambda: secrets.token_hex(ID_BYTES),
        seal_picture=PictureSealer(recipients),
    )


def refuse_unusable(recipients: Mapping[str, bytes]) -> None:
    """Refuse public keys of which one cannot be sealed to.

    Raises:
        ConfigError: one cannot.
    """
    _sealer(recipients)
    PictureSealer(recipients)


def _sealer(recipients: Mapping[str, bytes]) -> Sealer:
    return Sealer({name: key for name, key in recipients.items() if not is_age_recipient(key)})

"""The eyes of a device over the released models."""

from __future__ import annotations

import hmac
import os
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platesieve.flow.sight import Sight
    from platesieve.policy.language import Policy
    from platesieve.ports import PlateFinder, PlateReader
    from platesieve.settings import Settings


def build_sight(
    settings: Settings,
    policy: Policy | None = None,
    finder: PlateFinder | None = None,
    reader: PlateReader | None = None,
) -> Sight:
    """Return the eyes of the device: motion gate, detector, reader and tracker over the released models.

    Args:
        settings: of the device.
        policy: says how long a read may live and whether a picture may leave; None where nothing leaves anyway.
        finder: another one than the released detector, or that one with somebody watching.
        reader: another one than the released reader.

    Raises:
        ModelError: a model is missing, changed or cannot run.
    """
    from platesieve.adapters.networks.onnx_models import OnnxPlateFinder, OnnxPlateReader
    from platesieve.flow.sight import Sight

    tracking = settings.tracking
    if policy is not None:
        tracking = replace(tracking, max_pass_s=min(tracking.max_pass_s, policy.reading.raw_lifetime_s))
    key = os.urandom(32)  # RAM only: what was reported cannot be tested against a list of plates
    finder = finder or OnnxPlateFinder(settings.vision)
    reader = reader or OnnxPlateReader(settings.vision)
    return Sight(
        finder,
        reader,
        settings.vision,
        tracking,
        lambda text: hmac.digest(key, text.reveal().encode(), "sha256"),
        keep_pictures=policy is not None and policy.wants_pictures,
    )

"""Everything that a read can tell, and whom the law lets see it. A policy says what leaves (see `language`)."""

from __future__ import annotations

from enum import StrEnum


class Field(StrEnum):
    """Everything that a read can tell. No make, model, colour or other trait of the vehicle."""

    PLATE = "plate"
    ALTERNATIVES = "alternatives"  # for each character of the plate what else it may be, and how probable that is
    PLATE_REGION = "plate_region"
    TIME = "time"
    LOCATION = "location"
    DEVICE = "device"
    DIRECTION = "direction"
    LANE = "lane"
    CONFIDENCE = "confidence"
    CATEGORY = "category"
    LIST = "list"
    PLATE_CROP = "plate_crop"
    SCENE_CROP = "scene_crop"
    TIME_QUALITY = "time_quality"


PICTURES = frozenset({Field.PLATE_CROP, Field.SCENE_CROP})
SHOWS_PLATE = frozenset({Field.PLATE, Field.ALTERNATIVES, *PICTURES})  # a picture of a vehicle shows its plate
ALERT_ONLY = frozenset({Field.CATEGORY, Field.LIST})  # only a hit has them
COUNTABLE = frozenset(
    {
        Field.PLATE_REGION,
        Field.DEVICE,
        Field.DIRECTION,
        Field.LANE,
        Field.CATEGORY,
        Field.LIST,
        Field.TIME_QUALITY,
    }
)  # what a count can be split by; `time` of a count is its window


class Classification(StrEnum):
    """Whom the law lets see a field of a read, if it leaves at all."""

    PRIVATE = "private"
    PUBLIC = "public"


# The split of the temporary classification that Minneapolis was granted in 2013: plate, date, time and place of a
# vehicle and pictures are private; which device, which kinds of hit and how well the system works stay public.
PUBLIC = frozenset({Field.DEVICE, Field.CONFIDENCE, Field.CATEGORY, Field.LIST, Field.TIME_QUALITY})


def classification(of: Field) -> Classification:
    """Return the class of a field; it does not depend on the policy, and sealing does not change it."""
    return Classification.PUBLIC if of in PUBLIC else Classification.PRIVATE

"""The closed list of reasons for which a person may enter a wanted plate by hand."""

from __future__ import annotations

from enum import StrEnum


class ManualReason(StrEnum):
    """Why somebody entered a wanted plate by hand."""

    STOLEN_VEHICLE = "stolen-vehicle"
    STOLEN_PLATE = "stolen-plate"
    WANTED_PERSON = "wanted-person"
    MISSING_PERSON = "missing-person"
    ENDANGERED_PERSON = "endangered-person"
    INVESTIGATION = "investigation"
    COURT_ORDER = "court-order"

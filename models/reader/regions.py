"""Where a plate is from, as far as a reader can tell from a picture: a country, or unknown."""

from __future__ import annotations

from models.datasets.labels import CATALOGUE

REGIONS = (
    "unknown", "US", "CA", "MX", "DE", "AT", "FR", "IT", "ES", "NL", "BE", "PL", "CZ", "SK", "RO", "HU", "GB", "BR",
    "AR", "AU", "NZ", "IN", "PK",
)  # fmt: skip
"""Class i of the region head: ISO 3166-1 alpha-2 codes of countries whose look the drawings know well enough."""
UNTAUGHT = -1
"""For a sample whose country nobody knows: the region head learns nothing from it."""

_OF_SET = {CATALOGUE: "US", "crops-romanian": "RO", "romanian": "RO"}
_OF_DRAWING = {
    "US-CA": "US",
    "US-VANITY": "US",
    "PL-CHOSEN": "PL",
    "SK-CHOSEN": "SK",
    "MERCOSUL-BR": "BR",
    "MERCOSUL-AR": "AR",
}


def class_of_drawing(region: str) -> int:
    """Return the class of a table of formats.toml; groups of countries and random serials are taught as unknown."""
    if region == "none":
        return UNTAUGHT
    code = _OF_DRAWING.get(region, region)
    return REGIONS.index(code) if code in REGIONS else 0


def class_of_set(source: str) -> int:
    """Return the class of a set of photographs; most sets mix countries and teach nothing."""
    return REGIONS.index(_OF_SET[source]) if source in _OF_SET else UNTAUGHT

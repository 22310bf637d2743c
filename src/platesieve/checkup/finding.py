"""One line of the doctor's table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and where it is not well, what mends it."""

    subject: str
    mark: Literal["pass", "warn", "fail"]
    found: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """Return it for machines."""
        return asdict(self)

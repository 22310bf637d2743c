"""What an agency knows beside what it signs: its devices, and for whom each document is meant, later devices too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platesieve.adapters.delivery.addressed import Address
from platesieve.adapters.delivery.ceremony import LIFETIMES_S
from platesieve.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True)
class Books:
    """What is kept in agency.json.

    Attributes:
        agency: its name, first part of every device.
        devices: agency/site/device to the age recipient that hot lists are encrypted to.
        lifetimes_s: how long a signature of each role counts, seconds.
        everyone: documents for all devices, or all of one site, by path: agency/site, or "" for all.
        encrypted_to: by path of a hot list, the devices it was encrypted to.
    """

    agency: str
    devices: dict[str, str] = field(default_factory=dict)
    lifetimes_s: dict[str, float] = field(default_factory=lambda: dict(LIFETIMES_S))
    everyone: dict[str, str] = field(default_factory=dict)
    encrypted_to: dict[str, list[str]] = field(default_factory=dict)

    def at(self, site: str) -> list[str]:
        """Return the devices at a site (agency/site), all of them for ""."""
        return sorted(device for device in self.devices if not site or device.startswith(f"{site}/"))


def addressees(books: Books, site: str | None, devices: Iterable[str]) -> tuple[Address, str | None]:
    """Return for whom a document is, and which later devices it is for too (see `documents.add_document`).

    Args:
        books: of the agency.
        site: SITE or AGENCY/SITE; None for no site in particular.
        devices: SITE/DEVICE or AGENCY/SITE/DEVICE; none for all at the site, or all there are.

    Raises:
        ConfigError: a device is not known, or there is none.
    """
    prefix = f"{books.agency}/"
    full_site = None if site is None else f"{prefix}{site.removeprefix(prefix)}"
    named = [f"{prefix}{device.removeprefix(prefix)}" for device in devices]
    unknown = [device for device in named if device not in books.devices]
    if unknown:
        raise ConfigError(f"{unknown[0]} is not among the devices", "add it with `platesieve agency add-device`")
    chosen = named or books.at(full_site or "")
    if not chosen:
        raise ConfigError("there is no device that this could be for", "add one with `platesieve agency add-device`")
    if full_site is not None and any(not device.startswith(f"{full_site}/") for device in chosen):
        raise ConfigError("a device is at another site", "leave out --site, or name devices of that site")
    return Address(tuple(sorted(chosen)), full_site), None if named else full_site or ""

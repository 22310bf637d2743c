"""How an agency's repository is shown: its roles, its documents, and what somebody has to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platesieve.cli.speech import console, print_line, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platesieve.adapters.delivery.repository import Repository


def say_next(repository: Repository, again: Iterable[str] = ()) -> None:
    """Say which roles wait for signatures, and which hot lists (`again`) have to be added anew for later devices."""
    if drafts := repository.drafts():
        roles = f"{', '.join(drafts)} wait{'s' if len(drafts) == 1 else ''}"
        say(f"{roles} for signatures: platesieve agency sign {repository.folder}")
    for path in again:
        say(f"{path} is not encrypted to every device it is for: add that hot list again")


def as_json(repository: Repository) -> dict[str, Any]:
    """Return all of it for machines."""
    from platesieve.adapters.delivery.documents import listed
    from platesieve.adapters.delivery.publishing import status as states

    roles = [
        {
            "role": state.role,
            "version": state.version,
            "documents": state.documents,
            "expires": state.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "threshold": state.threshold,
            "signatures": state.signatures,
            "waiting": state.waiting,
        }
        for state in states(repository)
    ]
    documents = [{"path": path, "bytes": length, **address} for path, length, address in listed(repository)]
    return {
        "agency": repository.books.agency,
        "roles": roles,
        "documents": documents,
        "devices": repository.books.devices,
    }


def print_roles(repository: Repository) -> None:
    """Print a line for each role: who signed it, and how long it counts still."""
    from rich.table import Table

    from platesieve.adapters.delivery.publishing import status as states

    table = Table("role", "version", "signed by", "documents", "expires (UTC)", "in", box=None, pad_edge=False)
    for state in states(repository):
        signed = f"{state.signatures}, {state.threshold} needed" + (" (draft)" if state.waiting else "")
        table.add_row(
            state.role,
            str(state.version),
            signed,
            str(state.documents or "-"),
            state.expires.strftime("%Y-%m-%d %H:%M"),
            _span(state.left_s(repository.now)),
        )
    console().print(table)


def print_documents(repository: Repository) -> None:
    """Print a line for each document: for whom it is, and until when."""
    from rich.table import Table

    from platesieve.adapters.delivery.documents import listed

    table = Table("document", "bytes", "for", "until", box=None, pad_edge=False)
    for path, length, address in listed(repository):
        devices = address["devices"]
        whom = ", ".join(devices[:3]) + (f" and {len(devices) - 3} more" if len(devices) > 3 else "")  # noqa: PLR2004
        table.add_row(path, f"{length:,}", whom, str(address.get("expires", "its role's")))
    print_line("")
    console().print(table)
    print_line(f"\n{counted_devices(repository)} of {repository.books.agency}")


def counted_devices(repository: Repository) -> str:
    """Return how many devices the agency has, in words."""
    count = len(repository.books.devices)
    return f"{count} device{'s' if count != 1 else ''}"


def _span(seconds: float) -> str:
    if seconds <= 0:
        return "over"
    for unit, length_s in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return "1 second" if round(seconds) == 1 else f"{seconds:.0f} seconds"

"""An agency's repository as the command line is given one: a folder, keys and their passphrase, and for whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from platesieve.adapters.delivery.repository import Repository

FolderArgument = Annotated[Path, typer.Argument(help="Folder of the agency's repository.")]
SiteOption = Annotated[str | None, typer.Option(help="SITE: for all devices there, later ones too.")]
DevicesOption = Annotated[
    list[str] | None, typer.Option("--device", help="SITE/DEVICE: for this device alone; may be repeated.")
]
KeysOption = Annotated[
    list[Path] | None,
    typer.Option("--keys", help="Folder with key files; may be repeated. REPOSITORY/keys unless given."),
]
PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help="File whose first line is the passphrase; else PLATESIEVE_PASSPHRASE, else it is asked.",
    ),
]
ExpiresOption = Annotated[
    str | None,
    typer.Option(help="Duration such as 3d or 12h after which devices stop using it, whatever else is signed."),
]


def open_repository(folder: Path) -> Repository:
    """Open the repository as it is at present.

    Raises:
        InputError: there is none, or it is damaged.
    """
    from platesieve.adapters.delivery.repository import Repository

    return Repository.open(folder, now())


def now() -> datetime:
    """Return the present, from which signatures count."""
    from datetime import UTC, datetime

    return datetime.now(UTC)

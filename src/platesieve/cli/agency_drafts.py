"""`platesieve agency add-device`, `add-policy`, `add-keys`, `add-hotlist` and `remove`: what no key has signed yet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from platesieve.cli.agency_input import duration_s, encrypted_hotlist, policy_bytes, recipients
from platesieve.cli.agency_options import DevicesOption, ExpiresOption, FolderArgument, SiteOption, open_repository
from platesieve.cli.agency_view import counted_devices, say_next
from platesieve.cli.options import JsonOption
from platesieve.cli.speech import print_json, say


def add_device(
    folder: FolderArgument,
    device: Annotated[str, typer.Argument(help="AGENCY/SITE/DEVICE.")],
    lists_key: Annotated[Path, typer.Option(help="The device's camera/lists.pub: hot lists are encrypted to it.")],
    json: JsonOption = False,
) -> None:
    """Add a device. What is for everyone at its site becomes a draft that is for it too.

    Examples:

      platesieve agency add-device repository metro-pd/bridge-7/cam-1 --lists-key lists.pub
    """
    from platesieve.adapters.delivery import documents
    from platesieve.adapters.disk.key_files import load_lists_public

    repository = open_repository(folder)
    changed = documents.add_device(repository, device, load_lists_public(lists_key))
    again = sorted(documents.hotlists_to_add_again(repository))
    if json:
        print_json({"device": device, "to_sign": changed, "to_add_again": again})
        return
    typer.echo(f"{device} is one of {counted_devices(repository)}")
    say_next(repository, again)


def add_policy(
    folder: FolderArgument,
    policy: Annotated[str, typer.Argument(help="Name of a pack (see `platesieve policy list`) or a policy file.")],
    site: SiteOption = None,
    device: DevicesOption = None,
    json: JsonOption = False,
) -> None:
    """Put a policy into the draft: for all devices, those of a site, or those that are named.

    It takes the place of the policy that these devices had.

    Examples:

      platesieve agency add-policy repository us-mn

      platesieve agency add-policy repository tunnel.toml --site tunnel-2
    """
    from platesieve.bootstrap.given import load_policy

    rules = load_policy(policy)
    put(folder, f"policy/{rules.id}.toml", policy_bytes(policy), site, device, as_json=json)


def add_keys(
    folder: FolderArgument,
    recipient: Annotated[
        list[str],
        typer.Option("--recipient", help="NAME=FILE: public key for what policies seal to NAME; may be repeated."),
    ],
    site: SiteOption = None,
    device: DevicesOption = None,
    json: JsonOption = False,
) -> None:
    """Put the public keys that devices seal to into the draft.

    Examples:

      platesieve agency add-keys repository --recipient agency=agency.pub
    """
    from platesieve.adapters.delivery.unpack import keys_document

    name = (site or "recipients").replace("/", "-").lower()
    put(folder, f"keys/{name}.json", keys_document(recipients(recipient)), site, device, as_json=json)


def add_hotlist(
    folder: FolderArgument,
    table: Annotated[Path, typer.Argument(help="CSV of plate,category,list,expires.")],
    name: Annotated[str | None, typer.Option(help="What to call it; the file's name unless given.")] = None,
    site: SiteOption = None,
    device: DevicesOption = None,
    expires: ExpiresOption = None,
    json: JsonOption = False,
) -> None:
    """Check a hot list, encrypt it to the devices it is for, and put it into the draft; every bad row is named.

    One of the same name is replaced. Nothing that is written here shows a plate.

    Examples:

      platesieve agency add-hotlist repository wanted.csv --expires 3d
    """
    from platesieve.adapters.delivery.books import addressees

    repository = open_repository(folder)
    address, _ = addressees(repository.books, site, device or [])
    to = [repository.books.devices[one] for one in address.devices]
    document, entries = encrypted_hotlist(table, to)
    rows = "1 entry is" if entries == 1 else f"{entries} entries are"
    say(f"{rows} encrypted to {len(to)} device{'s' if len(to) != 1 else ''}")
    lasts_s = None if expires is None else duration_s(expires)
    path = f"hotlist/{name or table.stem}.csv.age"
    put(folder, path, document, site, device, lasts_s=lasts_s, as_json=json)


def remove(
    folder: FolderArgument,
    document: Annotated[str, typer.Argument(help="KIND/FILE as `platesieve agency status` shows it.")],
    json: JsonOption = False,
) -> None:
    """Take a document back: after the next publishing, devices do not have it any more.

    Examples:

      platesieve agency remove repository hotlist/wanted.csv.age
    """
    from platesieve.adapters.delivery.documents import remove_document
    from platesieve.domain.errors import InputError

    repository = open_repository(folder)
    if not remove_document(repository, document):
        raise InputError("there is no such document", "see `platesieve agency status` for their names")
    if json:
        print_json({"removed": document, "to_sign": repository.drafts()})
        return
    say_next(repository)


def put(
    folder: Path,
    path: str,
    data: bytes,
    site: str | None,
    device: list[str] | None,
    *,
    lasts_s: float | None = None,
    as_json: bool,
) -> None:
    """Put a document into the draft of its kind, for a site or for devices, and say what has to be signed now.

    Raises:
        ConfigError: a device is not known, there is none, or the document is larger than a device takes.
        InputError: the repository cannot be used.
    """
    from dataclasses import replace

    from platesieve.adapters.delivery.books import addressees
    from platesieve.adapters.delivery.documents import add_document
    from platesieve.domain.instant import NS_PER_S

    repository = open_repository(folder)
    address, everyone = addressees(repository.books, site, device or [])
    if lasts_s is not None:
        address = replace(address, expires_ns=int((repository.now.timestamp() + lasts_s) * NS_PER_S))
    add_document(repository, path, data, address, everyone)
    if as_json:
        print_json({"document": path, "bytes": len(data), **address.as_custom(), "to_sign": repository.drafts()})
        return
    typer.echo(f"{path}, {len(data):,} bytes, for {len(address.devices)} of {counted_devices(repository)}")
    say_next(repository)

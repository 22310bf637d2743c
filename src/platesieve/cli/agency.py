"""`platesieve agency`: publish signed policies, hot lists, keys and updates: files, and any static server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platesieve.cli.options import JsonOption
from platesieve.cli.speech import console, print_json, print_line, say

if TYPE_CHECKING:
    from datetime import datetime

    from platesieve.adapters.delivery.publishing import RoleState
    from platesieve.adapters.delivery.repository import Repository

EPILOG = (
    "Who signs what: two of three root keys say which keys count; both office keys sign policies, recipients' keys, "
    "models and updates; the lists key signs hot lists; the online key says what is newest. Exit codes: 0 done; 1 "
    "something waits or is over; 65 a device would not accept it; 66 cannot be read or written; 77 keys; 78 a "
    "document is wrong, with every bad row."
)
app = typer.Typer(
    help="Publish signed policies, hot lists and keys for devices, and let devices in.",
    no_args_is_help=True,
    epilog=EPILOG,
)

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


@app.command()
def init(
    folder: FolderArgument,
    agency: Annotated[str, typer.Option(help="Name of the agency: the first part of each AGENCY/SITE/DEVICE.")],
    lasts: Annotated[
        list[str] | None,
        typer.Option(
            "--lasts", help="ROLE=DURATION: how long its signatures count, such as timestamp=7d; may be repeated."
        ),
    ] = None,
    passphrase_file: PassphraseOption = None,
    json: JsonOption = False,
) -> None:
    """Make a repository: draw all keys, and sign who may sign what.

    Afterwards take keys/root-*.pem away to two safe places, hand keys/office-1.pem and -2.pem to two people, and give
    root.json to every device.

    Examples:

      platesieve agency init repository --agency metro-pd

      platesieve agency init repository --agency metro-pd --lasts timestamp=35d --lasts snapshot=40d
    """
    from platesieve.adapters.delivery.ceremony import HOLDERS
    from platesieve.adapters.delivery.repository import Books, Repository
    from platesieve.cli.agency_input import lifetimes, read_passphrase

    books = Books(agency)
    books.lifetimes_s |= lifetimes(lasts or [])
    passphrase = read_passphrase(passphrase_file, confirm=True)
    repository = Repository.create(folder, books, passphrase, _now())
    if json:
        keys = {holder.name: {"keys": holder.key_names, "threshold": holder.threshold} for holder in HOLDERS}
        print_json({"root": str(folder / "root.json"), "holders": keys, **_as_json(repository)})
        return
    _print_roles(repository)
    say(f"give {folder / 'root.json'} to every device; take {folder / 'keys'}/root-*.pem offline")


@app.command()
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
    from platesieve.adapters.delivery.publishing import hotlists_to_add_again
    from platesieve.adapters.disk.key_files import load_lists_public

    repository = _open(folder)
    changed = repository.add_device(device, load_lists_public(lists_key))
    again = sorted(hotlists_to_add_again(repository))
    if json:
        print_json({"device": device, "to_sign": changed, "to_add_again": again})
        return
    typer.echo(f"{device} is one of {_devices(repository)}")
    _say_next(repository, again)


@app.command()
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
    from platesieve.cli.agency_input import policy_bytes

    rules = load_policy(policy)
    _add(folder, f"policy/{rules.id}.toml", policy_bytes(policy), site, device, as_json=json)


@app.command()
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
    from platesieve.cli.agency_input import recipients

    name = (site or "recipients").replace("/", "-").lower()
    _add(folder, f"keys/{name}.json", keys_document(recipients(recipient)), site, device, as_json=json)


@app.command()
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
    from platesieve.adapters.delivery.repository import addressees
    from platesieve.cli.agency_input import duration_s, encrypted_hotlist

    repository = _open(folder)
    address, _ = addressees(repository.books, site, device or [])
    recipients = [repository.books.devices[one] for one in address.devices]
    document, entries = encrypted_hotlist(table, recipients)
    rows = "1 entry is" if entries == 1 else f"{entries} entries are"
    say(f"{rows} encrypted to {len(recipients)} device{'s' if len(recipients) != 1 else ''}")
    lasts_s = None if expires is None else duration_s(expires)
    path = f"hotlist/{name or table.stem}.csv.age"
    _add(folder, path, document, site, device, lasts_s=lasts_s, as_json=json)


@app.command()
def add_models(
    folder: FolderArgument,
    manifest: Annotated[Path, typer.Argument(help="released.toml, with detector and reader beside it.")],
    site: SiteOption = None,
    device: DevicesOption = None,
    json: JsonOption = False,
) -> None:
    """Put detector and reader into the draft, with the manifest that names their versions and hashes.

    A device takes them at its next start, where they are newer than its own, are what the manifest says, and run;
    otherwise it goes on with its own, and says so in its log.

    Examples:

      platesieve agency add-models repository models/released.toml
    """
    from platesieve.adapters.networks.released_models import MANIFEST, load_released
    from platesieve.cli.agency_input import read_file

    pair = [load_released(role, manifest) for role in ("detector", "reader")]
    for name, data in ((MANIFEST, read_file(manifest, 1 << 20)), *((one.table["file"], one.data) for one in pair)):
        _add(folder, f"models/{name}", data, site, device, as_json=json)


@app.command()
def add_update(
    folder: FolderArgument,
    bundle: Annotated[Path, typer.Argument(help="The .raucb that firmware/update/bundle made.")],
    version: Annotated[str, typer.Option(help="Its version; devices take only a higher one than theirs.")],
    share: Annotated[
        str, typer.Option(help="How many of the devices: 10%, later 50%, then 100%, which later devices get too.")
    ] = "100%",
    site: SiteOption = None,
    device: DevicesOption = None,
    expires: ExpiresOption = None,
    json: JsonOption = False,
) -> None:
    """Put an update of the whole system into the draft, for a share of the devices that a hash chooses.

    A larger share holds the devices of a smaller one. Look at their health before the next stage; `remove` stops it.

    Examples:

      platesieve agency add-update repository platesieve-0.2.0.raucb --version 0.2.0 --share 10%
    """
    from platesieve.adapters.delivery import system_update
    from platesieve.adapters.delivery.repository import addressees
    from platesieve.cli.agency_input import duration_s, part_of_one

    repository = _open(folder)
    part = part_of_one(share)
    address, _ = addressees(repository.books, site, device or [])
    chosen = list(device or [])
    if part < 1:
        chosen = system_update.first_of(address.devices, part, version)
    offer = system_update.take_bundle(bundle, version, folder / "public")
    lasts_s = None if expires is None else duration_s(expires)
    _add(folder, offer.path, offer.document(), site, chosen, lasts_s=lasts_s, as_json=json)


@app.command()
def remove(
    folder: FolderArgument,
    document: Annotated[str, typer.Argument(help="KIND/FILE as `platesieve agency status` shows it.")],
    json: JsonOption = False,
) -> None:
    """Take a document back: after the next publishing, devices do not have it any more.

    Examples:

      platesieve agency remove repository hotlist/wanted.csv.age
    """
    from platesieve.domain.errors import InputError

    repository = _open(folder)
    if not repository.remove_document(document):
        raise InputError("there is no such document", "see `platesieve agency status` for their names")
    if json:
        print_json({"removed": document, "to_sign": repository.drafts()})
        return
    _say_next(repository, [])


@app.command()
def sign(
    folder: FolderArgument,
    keys: KeysOption = None,
    renew: Annotated[
        list[str] | None,
        typer.Option("--renew", help="ROLE that shall say the same for as long again; may be repeated."),
    ] = None,
    passphrase_file: PassphraseOption = None,
    json: JsonOption = False,
) -> None:
    """Sign drafts with the keys at hand. Where two must sign, each runs this with their own key.

    Examples:

      platesieve agency sign repository

      platesieve agency sign repository --keys /media/office-2 --renew policy
    """
    from platesieve.adapters.delivery.ceremony import load_keys
    from platesieve.cli.agency_input import editable_role, read_passphrase

    repository = _open(folder)
    for role in renew or []:
        repository.renew(editable_role(role))
    signers = load_keys(keys or [folder / "keys"], read_passphrase(passphrase_file))
    complete = repository.sign(signers)
    waiting = repository.drafts()
    if json:
        print_json({"signed": complete, "waiting": waiting})
    else:
        _print_roles(repository)
        _say_next(repository, [])
    raise typer.Exit(1 if waiting else 0)


@app.command()
def rotate_key(
    folder: FolderArgument,
    names: Annotated[list[str], typer.Argument(help="Keys that go out: root-1, office-2, lists-1, online-1.")],
    keys: KeysOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the new key files; REPOSITORY/keys unless given.")
    ] = None,
    passphrase_file: PassphraseOption = None,
    json: JsonOption = False,
) -> None:
    """Replace keys that are lost, stolen or old: a new one in, the old one out, everything of it signed anew.

    Two root keys sign that; for a lists key both office keys do, and for an office key they do too. Whoever is not here
    signs later (`sign --keys THEIRS`); then publish, and devices follow. Give the new key file to its holder.

    Examples:

      platesieve agency rotate-key repository online-1 --keys /media/root-1 --keys /media/root-2

      platesieve agency rotate-key repository root-3 --out /media/safe
    """
    from platesieve.adapters.delivery.ceremony import load_keys
    from platesieve.adapters.delivery.rotation import rotate
    from platesieve.cli.agency_input import read_passphrase

    repository = _open(folder)
    passphrase = read_passphrase(passphrase_file)
    signers = load_keys(keys or [folder / "keys"], passphrase)
    target = out or folder / "keys"
    complete = rotate(repository, names, signers, target, passphrase)
    waiting = repository.drafts()
    if json:
        print_json({"replaced": names, "signed": complete, "waiting": waiting})
    else:
        _print_roles(repository)
        say(f"{', '.join(names)}: the new key is in {target}; the old one counts no more once this is published")
        _say_next(repository, [])
    raise typer.Exit(1 if waiting else 0)


@app.command()
def publish(
    folder: FolderArgument,
    to: Annotated[
        Path | None, typer.Option(help="Folder of a static server, or of a stick; REPOSITORY/public unless given.")
    ] = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
    json: JsonOption = False,
) -> None:
    """Publish what is signed, and say anew that it is the newest: run this every day, with the online key alone.

    It is tried as the devices will see it first. Drafts that wait for signatures stay behind.

    Examples:

      platesieve agency publish repository --to /srv/www/platesieve

      platesieve agency publish repository --to /media/stick --keys online
    """
    from platesieve.adapters.delivery.ceremony import load_keys
    from platesieve.adapters.delivery.publishing import publish as publish_now
    from platesieve.cli.agency_input import read_passphrase

    repository = _open(folder)
    signers = load_keys(keys or [folder / "keys"], read_passphrase(passphrase_file))
    version = publish_now(repository, signers, to)
    if json:
        print_json({"version": version, "to": str(to or folder / "public"), **_as_json(repository)})
        return
    _print_roles(repository)
    say(f"version {version} is in {to or folder / 'public'}")
    _say_next(repository, [])


@app.command()
def status(folder: FolderArgument, json: JsonOption = False) -> None:
    """Show roles with their expiry dates, documents and devices; exit code 1 where something waits or is over.

    Examples:

      platesieve agency status repository
    """
    from platesieve.adapters.delivery.publishing import hotlists_to_add_again
    from platesieve.adapters.delivery.publishing import status as states

    repository = _open(folder)
    again = sorted(hotlists_to_add_again(repository))
    over = [state.role for state in states(repository) if state.left_s(repository.now) <= 0]
    if json:
        print_json({**_as_json(repository), "to_add_again": again, "over": over})
    else:
        _print_roles(repository)
        _print_documents(repository)
        _say_next(repository, again)
        for role in over:
            say(f"{role} is over: devices do not count on it any more; renew, sign and publish it")
    raise typer.Exit(1 if repository.drafts() or again or over else 0)


def _add(
    folder: Path,
    path: str,
    data: bytes,
    site: str | None,
    device: list[str] | None,
    *,
    lasts_s: float | None = None,
    as_json: bool,
) -> None:
    from dataclasses import replace

    from platesieve.adapters.delivery.repository import addressees
    from platesieve.domain.instant import NS_PER_S

    repository = _open(folder)
    address, everyone = addressees(repository.books, site, device or [])
    if lasts_s is not None:
        address = replace(address, expires_ns=int((repository.now.timestamp() + lasts_s) * NS_PER_S))
    repository.add_document(path, data, address, everyone)
    if as_json:
        print_json({"document": path, "bytes": len(data), **address.as_custom(), "to_sign": repository.drafts()})
        return
    typer.echo(f"{path}, {len(data):,} bytes, for {len(address.devices)} of {_devices(repository)}")
    _say_next(repository, [])


def _open(folder: Path) -> Repository:
    from platesieve.adapters.delivery.repository import Repository

    return Repository.open(folder, _now())


def _now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _say_next(repository: Repository, again: list[str]) -> None:
    if drafts := repository.drafts():
        roles = f"{', '.join(drafts)} wait{'s' if len(drafts) == 1 else ''}"
        say(f"{roles} for signatures: platesieve agency sign {repository.folder}")
    for path in again:
        say(f"{path} is not encrypted to every device it is for: add that hot list again")


def _as_json(repository: Repository) -> dict[str, Any]:
    from platesieve.adapters.delivery.publishing import documents
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
    listed = [{"path": path, "bytes": length, **address} for path, length, address in documents(repository)]
    return {"agency": repository.books.agency, "roles": roles, "documents": listed, "devices": repository.books.devices}


def _print_roles(repository: Repository) -> None:
    from rich.table import Table

    from platesieve.adapters.delivery.publishing import status as states

    table = Table("role", "version", "signed by", "documents", "expires (UTC)", "in", box=None, pad_edge=False)
    for state in states(repository):
        signed = f"{state.signatures}, {state.threshold} needed" + (" (draft)" if state.waiting else "")
        table.add_row(
            state.role,
            str(state.version),
            signed,
            _documents_cell(state),
            state.expires.strftime("%Y-%m-%d %H:%M"),
            _span(state.left_s(repository.now)),
        )
    console().print(table)


def _devices(repository: Repository) -> str:
    count = len(repository.books.devices)
    return f"{count} device{'s' if count != 1 else ''}"


def _documents_cell(state: RoleState) -> str:
    return str(state.documents) if state.documents else "-"


def _print_documents(repository: Repository) -> None:
    from rich.table import Table

    from platesieve.adapters.delivery.publishing import documents

    table = Table("document", "bytes", "for", "until", box=None, pad_edge=False)
    for path, length, address in documents(repository):
        devices = address["devices"]
        whom = ", ".join(devices[:3]) + (f" and {len(devices) - 3} more" if len(devices) > 3 else "")  # noqa: PLR2004
        table.add_row(path, f"{length:,}", whom, str(address.get("expires", "its role's")))
    print_line("")
    console().print(table)
    print_line(f"\n{_devices(repository)} of {repository.books.agency}")


def _span(seconds: float) -> str:
    if seconds <= 0:
        return "over"
    for unit, length_s in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return "1 second" if round(seconds) == 1 else f"{seconds:.0f} seconds"

"""`platesieve agency init`, `sign`, `rotate-key` and `publish`: what needs keys, and so a passphrase."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from platesieve.cli.agency_input import editable_role, lifetimes, read_passphrase
from platesieve.cli.agency_options import FolderArgument, KeysOption, PassphraseOption, now, open_repository
from platesieve.cli.agency_view import as_json, print_roles, say_next
from platesieve.cli.options import JsonOption
from platesieve.cli.speech import print_json, say


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
    from platesieve.adapters.delivery.books import Books
    from platesieve.adapters.delivery.ceremony import HOLDERS
    from platesieve.adapters.delivery.repository import Repository

    books = Books(agency)
    books.lifetimes_s |= lifetimes(lasts or [])
    passphrase = read_passphrase(passphrase_file, confirm=True)
    repository = Repository.create(folder, books, passphrase, now())
    if json:
        keys = {holder.name: {"keys": holder.key_names, "threshold": holder.threshold} for holder in HOLDERS}
        print_json({"root": str(folder / "root.json"), "holders": keys, **as_json(repository)})
        return
    print_roles(repository)
    say(f"give {folder / 'root.json'} to every device; take {folder / 'keys'}/root-*.pem offline")


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

    repository = open_repository(folder)
    for role in renew or []:
        repository.renew(editable_role(role))
    signers = load_keys(keys or [folder / "keys"], read_passphrase(passphrase_file))
    complete = repository.sign(signers)
    waiting = repository.drafts()
    if json:
        print_json({"signed": complete, "waiting": waiting})
    else:
        print_roles(repository)
        say_next(repository)
    raise typer.Exit(1 if waiting else 0)


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

    repository = open_repository(folder)
    passphrase = read_passphrase(passphrase_file)
    signers = load_keys(keys or [folder / "keys"], passphrase)
    target = out or folder / "keys"
    complete = rotate(repository, names, signers, target, passphrase)
    waiting = repository.drafts()
    if json:
        print_json({"replaced": names, "signed": complete, "waiting": waiting})
    else:
        print_roles(repository)
        say(f"{', '.join(names)}: the new key is in {target}; the old one counts no more once this is published")
        say_next(repository)
    raise typer.Exit(1 if waiting else 0)


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

    repository = open_repository(folder)
    signers = load_keys(keys or [folder / "keys"], read_passphrase(passphrase_file))
    version = publish_now(repository, signers, to)
    if json:
        print_json({"version": version, "to": str(to or folder / "public"), **as_json(repository)})
        return
    print_roles(repository)
    say(f"version {version} is in {to or folder / 'public'}")
    say_next(repository)

"""`platesieve agency add-models` and `add-update`: what devices run, as drafts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from platesieve.cli.agency_drafts import put
from platesieve.cli.agency_input import duration_s, part_of_one, read_file
from platesieve.cli.agency_options import DevicesOption, ExpiresOption, FolderArgument, SiteOption, open_repository
from platesieve.cli.options import JsonOption


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

    pair = [load_released(role, manifest) for role in ("detector", "reader")]
    for name, data in ((MANIFEST, read_file(manifest, 1 << 20)), *((one.table["file"], one.data) for one in pair)):
        put(folder, f"models/{name}", data, site, device, as_json=json)


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
    from platesieve.adapters.delivery.books import addressees

    repository = open_repository(folder)
    part = part_of_one(share)
    address, _ = addressees(repository.books, site, device or [])
    chosen = list(device or [])
    if part < 1:
        chosen = system_update.first_of(address.devices, part, version)
    offer = system_update.take_bundle(bundle, version, folder / "public")
    lasts_s = None if expires is None else duration_s(expires)
    put(folder, offer.path, offer.document(), site, chosen, lasts_s=lasts_s, as_json=json)

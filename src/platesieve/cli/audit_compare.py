"""`platesieve audit compare`: whether two copies of a log tell one story."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from platesieve.cli.audit_log import VkeyOption, document_of, open_log
from platesieve.cli.options import JsonOption
from platesieve.cli.speech import print_json

EXIT_FORK = 1


def compare(
    first: Annotated[Path, typer.Argument(help="Folder of a log.")],
    second: Annotated[Path, typer.Argument(help="Folder of what should be the same log.")],
    vkey: VkeyOption = None,
    json: JsonOption = False,
) -> None:
    """Say whether two copies are the same log, one is an earlier state of the other, or they fork, and where.

    Exit codes: 0 the same, or one is an earlier state of the other; 1 a fork; 66 cannot be read; 73 one of them is
    altered or not signed by this device; 77 no usable key.

    Examples:

      platesieve audit compare from-the-device from-last-year --vkey cam-1.vkey
    """
    from platesieve.audit.compare import compare_logs
    from platesieve.audit.entry import decode
    from platesieve.audit.proof import TiledTree
    from platesieve.cli.audit_entries import entry_line

    one = open_log(first, vkey)
    other = open_log(second, vkey)
    comparison = compare_logs(one.files, one.checkpoint, other.files, other.checkpoint)
    at = comparison.differs_at
    differing = {}
    if at is not None:
        for name, log in (("first", one), ("second", other)):
            if at < log.checkpoint.size:
                differing[name] = document_of(decode(TiledTree(log.files, log.checkpoint.size).entry(at)))
    if json:
        print_json(
            {
                "relation": comparison.relation.value,
                "sentence": comparison.sentence,
                "sizes": [one.checkpoint.size, other.checkpoint.size],
                "differs_at": at,
                "entries": differing,
            }
        )
    else:
        typer.echo(comparison.sentence)
        for name, document in differing.items():
            typer.echo(f"  entry {at} of the {name}  {entry_line(document)}")
    raise typer.Exit(0 if comparison.ok else EXIT_FORK)

"""`platesieve audit witness` and `advance`: remember what a device signed, and hold it to that."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from platesieve.cli.audit_log import FolderArgument, VkeyOption, find_verifier, open_files, open_log, read_note
from platesieve.cli.options import JsonOption
from platesieve.cli.speech import print_json
from platesieve.domain.errors import InputError, StorageError

if TYPE_CHECKING:
    from platesieve.audit.growth import Growth
    from platesieve.audit.note import NoteVerifier

EXIT_UNPROVEN = 1
EXIT_CONTRADICTION = 73


def witness(
    file: Annotated[Path, typer.Argument(help="The witness file; made where there is none; `audit thin` shortens it.")],
    checkpoint: Annotated[
        Path, typer.Argument(help="Folder of a log, a checkpoint, an event with one, or what `advance` wrote.")
    ],
    vkey: VkeyOption = None,
    json: JsonOption = False,
) -> None:
    """Hold a checkpoint to what was seen before, and remember it.

    Named are: rolled-back, emptied, forked, other-key (signed anew), backdated (needs the folder). A contradiction is
    kept too: it is the proof. Exit codes: 0 first, same or grown; 1 nothing shows that the log only grew; 66 cannot be
    read or written; 73 a contradiction; 77 no usable key.

    Examples:

      platesieve audit witness cam-1.witness checkpoint.json --vkey cam-1.vkey

      platesieve audit witness cam-1.witness /media/stick/audit --vkey cam-1.vkey
    """
    from platesieve.adapters.disk.witness_file import WitnessFile
    from platesieve.audit.witness import Seen, observe

    verifier = find_verifier(checkpoint if checkpoint.is_dir() else file.parent, vkey)
    note, growth = _shown(checkpoint, verifier)
    held, now_ns = WitnessFile(file.resolve()), time.time_ns()
    try:
        with held.alone():
            observation = observe(held.kept, note, now_ns, verifier, growth)
            if observation.kept is not None:
                held.add(observation.kept)
            lines = len(held.kept)
    except StorageError as error:
        raise InputError(error.message, error.hint) from error
    if json:
        print_json({"result": observation.seen.value, "sentence": observation.sentence, "kept": lines})
    else:
        typer.echo(observation.sentence)
    exits = 0 if observation.ok else EXIT_UNPROVEN if observation.seen is Seen.UNPROVEN else EXIT_CONTRADICTION
    raise typer.Exit(exits)


def advance(
    folder: FolderArgument,
    since: Annotated[int, typer.Option(min=0, help="How many entries the witness saw last.")],
    vkey: VkeyOption = None,
) -> None:
    """Print the checkpoint with the proof that the log only grew since, as C2SP tlog-witness takes it.

    Exit codes: 0 printed; 2 the log never had so many entries; 66 cannot be read; 73 the log is altered; 77 no key.

    Examples:

      platesieve audit advance state/camera/audit --since 4711 > advance.txt
    """
    from platesieve.audit.growth import advance_text
    from platesieve.audit.proof import TiledTree

    log = open_log(folder, vkey)
    if since > log.checkpoint.size:
        raise typer.BadParameter(f"the log has {log.checkpoint.size} entries", param_hint="--since")
    path = TiledTree(log.files, log.checkpoint.size).consistency(since) if since else ()
    typer.echo(advance_text(since, path, log.note), nl=False)


def _shown(checkpoint: Path, verifier: NoteVerifier) -> tuple[bytes, Growth]:
    """Return the note and what shows how its log grew. A folder is verified whole: its tiles are what proves."""
    from platesieve.audit.growth import GrowthByLog, NoGrowth, parse_advance
    from platesieve.audit.tiles import CHECKPOINT
    from platesieve.audit.verdict import Fault
    from platesieve.audit.verify import verify_log

    if not checkpoint.is_dir():
        growth, note = parse_advance(read_note(checkpoint).decode(errors="replace"))
        return note, growth
    files = open_files(checkpoint)
    verdict = verify_log(files, verifier)
    note_there = files.read(CHECKPOINT)
    other_key = {finding.fault for finding in verdict.findings} == {Fault.SIGNATURE}
    if note_there is None or not (verdict.ok or other_key):
        raise InputError(verdict.sentence, "platesieve audit verify says more; keep the folder for the auditor")
    return note_there, GrowthByLog(files) if verdict.ok else NoGrowth()

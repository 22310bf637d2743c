"""`platesieve audit`: verify the log of a device and look into it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platesieve.cli import (
    audit_anchor,
    audit_compare,
    audit_entries,
    audit_evidence,
    audit_thin,
    audit_watch,
    audit_witness,
)
from platesieve.cli.audit_log import VkeyOption, find_verifier, open_files, read_note
from platesieve.cli.options import JsonOption
from platesieve.cli.speech import print_json, print_line, say
from platesieve.domain.errors import AuditError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platesieve.adapters.disk.audit_folder import FolderFiles
    from platesieve.audit.anchor import Anchor
    from platesieve.audit.cosignature import CosignerVerifier
    from platesieve.audit.note import NoteVerifier
    from platesieve.audit.verdict import Verdict

app = typer.Typer(help="Verify the audit log of a device, and look into it.", no_args_is_help=True)

EXIT_ALTERED = 1
EXIT_CONTRADICTS_WITNESS = 73


@app.command()
def verify(
    log: Annotated[
        Path, typer.Argument(help="Folder of the log, a .tar or .tar.gz of it, or the image of its ext4 partition.")
    ],
    vkey: VkeyOption = None,
    witness: Annotated[
        Path | None,
        typer.Option(help="An earlier checkpoint of this device, kept elsewhere: shows rollback, fork and cut-off."),
    ] = None,
    witness_key: Annotated[
        list[Path] | None,
        typer.Option(
            help="The .vkey of a witness: its cosignatures beside the log, or in --witness, count. Repeatable."
        ),
    ] = None,
    tsa_certificate: audit_anchor.TsaCertificateOption = None,
    inside: Annotated[
        str | None, typer.Option(help="The log's folder in an archive or image, where it is not found by itself.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Re-derive the whole log from its entries and compare it with what the device signed.

    Exit codes: 0 intact; 1 altered; 73 contradicts the witnessed checkpoint; 66 cannot be read; 77 no usable key.

    Examples:

      platesieve audit verify state/camera/audit --vkey cam-1.vkey --witness last-month.checkpoint

      platesieve audit verify state/camera/audit --vkey cam-1.vkey --witness-key witness.vkey

      platesieve audit verify /media/stick/cam-1.tar.gz --vkey cam-1.vkey --tsa-certificate tsa.pem

      platesieve audit verify data-partition.img --vkey cam-1.vkey --inside /camera/audit
    """
    from platesieve.adapters.disk.cosigned_notes import load_witnesses, names_beside
    from platesieve.adapters.disk.time_stamps import count_beside, load_roots, stamped_anchors
    from platesieve.audit.verdict import Outcome
    from platesieve.audit.verify import verify_log

    with _opened(log, inside) as files:
        verifier = find_verifier(log, vkey)
        try:
            note = read_note(witness) if witness else None
            anchors = _anchors(files, verifier, load_witnesses(witness_key or ()), note)
            if tsa_certificate:
                anchors += stamped_anchors(files, verifier, load_roots(tsa_certificate))
            verdict = verify_log(files, verifier, note, anchors=anchors)
        except AuditError as error:
            raise InputError(f"{witness or log}: {error.message}", "give a checkpoint of this device") from error
        beside = sorted({name for name, _ in names_beside(files)}) if not witness_key else []
        stamps = count_beside(files) if not tsa_certificate else 0
    if json:
        print_json(_as_json(verdict))
    else:
        _tell(verdict)
        if beside:
            names = ", ".join(beside)
            say(f"hint: {names} cosigned this log; give --witness-key with the key of a witness to hold it to that")
        if stamps:
            say(f"hint: {stamps} time stamps lie beside this log; give --tsa-certificate to hold it to them")
        if vkey is None:
            say("hint: the key came from beside the log; give --vkey with the one that was noted at enrolment")
    exits = {Outcome.ALTERED: EXIT_ALTERED, Outcome.CONTRADICTS_WITNESS: EXIT_CONTRADICTS_WITNESS}
    raise typer.Exit(exits.get(verdict.outcome, 0))


@contextmanager
def _opened(log: Path, inside: str | None) -> Iterator[FolderFiles]:
    """Open a folder as it is; of a file, a copy that goes again."""
    from platesieve.adapters.disk.log_copies import copied_out

    if not log.is_file():
        if inside is not None:
            raise typer.BadParameter("is for an archive or image", param_hint="--inside")
        yield open_files(log)
        return
    with copied_out(log, inside) as folder:
        yield open_files(folder)


def _tell(verdict: Verdict) -> None:
    from rich.markup import escape

    from platesieve.audit.words import MOMENT

    print_line(escape(verdict.sentence))
    for finding in verdict.findings:
        typer.echo(f"  {'warning' if finding.warning else 'fault'} {finding.step}  {finding.text}")
    for anchor in verdict.anchors:
        if anchor.time_ns is not None:
            typer.echo(f"  witnessed by {anchor.by}: {anchor.size} entries at {MOMENT.write(anchor.time_ns)}")


def _anchors(
    files: FolderFiles, verifier: NoteVerifier, witnesses: tuple[CosignerVerifier, ...], note: bytes | None
) -> tuple[Anchor, ...]:
    """Return what witnesses say that the auditor knows: beside the log, and under the checkpoint that was brought."""
    from platesieve.adapters.disk.cosigned_notes import anchors_beside
    from platesieve.audit.anchor import cosigned_anchors

    if not witnesses:
        return ()
    brought = cosigned_anchors(note, verifier, witnesses) if note else ()
    return (*anchors_beside(files, verifier, witnesses), *brought)


def _as_json(verdict: Verdict) -> dict[str, Any]:
    from platesieve.audit.words import MOMENT

    checkpoint = verdict.checkpoint
    return {
        "outcome": verdict.outcome.value,
        "sentence": verdict.sentence,
        "origin": checkpoint.origin if checkpoint else None,
        "size": checkpoint.size if checkpoint else None,
        "root": checkpoint.root.hex() if checkpoint else None,
        "witnessed": [
            {"by": a.by, "size": a.size, "time": MOMENT.write(a.time_ns) if a.time_ns is not None else None}
            for a in verdict.anchors
        ],
        "findings": [
            {"step": f.step, "fault": f.fault.value, "warning": f.warning, "text": f.text} for f in verdict.findings
        ],
    }


app.command()(audit_entries.show)
app.command()(audit_entries.export)
app.command()(audit_entries.sample)
app.command()(audit_compare.compare)
app.command()(audit_evidence.prove)
app.command()(audit_evidence.check)
app.command()(audit_witness.witness)
app.command()(audit_witness.advance)
app.command()(audit_thin.thin)
app.command()(audit_watch.watch)
app.command()(audit_anchor.anchor)

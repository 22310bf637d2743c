"""`platesieve audit prove` and `check`: show somebody elsewhere that a record is the one the device committed to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from platesieve.cli.audit_log import FolderArgument, VkeyOption, open_log, read_bytes, write_new
from platesieve.cli.options import JsonOption
from platesieve.cli.speech import print_json, say
from platesieve.domain.errors import InputError

EXIT_NOT_PROVEN = 1
_NS_PER_S = 1_000_000_000


def prove(
    folder: FolderArgument,
    event: Annotated[Path, typer.Option(help="The event as a subscriber received it, with its salt.")],
    out: Annotated[Path, typer.Option(help="Where the evidence package goes; nothing is overwritten.")],
    policy: Annotated[Path | None, typer.Option(help="The policy file under which it left, to be added.")] = None,
    vkey: VkeyOption = None,
    json: JsonOption = False,
) -> None:
    """Make an evidence package: the record, its salt, and the proof that the log commits to it.

    The package holds what the event holds: keep it no longer than the law lets you keep the event. Once record and
    salt are erased, no package can be made any more, and the log still verifies.

    Exit codes: 0 made; 1 the log commits to no such record; 66 an input cannot be used; 73 the log is altered;
    77 no usable key.

    Examples:

      platesieve audit prove state/camera/audit --event hit.json --policy us-mn.toml --out case-17.evidence
    """
    from platesieve.audit.commitment import commit
    from platesieve.audit.evidence import Evidence, check_evidence, find_commitment, record_of_event
    from platesieve.audit.proof import prove_logged

    log = open_log(folder, vkey)
    record, salt = record_of_event(read_bytes(event, "give the event that is to be proven"))
    index = find_commitment(log.files, log.checkpoint.size, commit(salt, record))
    if index is None:
        _answer("the log commits to no such record", json, index=None)
        raise typer.Exit(EXIT_NOT_PROVEN)
    entry, proof = prove_logged(log.files, log.note, index)
    evidence = Evidence(record, salt, entry, proof.text, _policy_text(policy))
    verdict = check_evidence(evidence, log.verifier)
    if not verdict.ok:
        raise InputError(verdict.sentence, "give the policy file that was in force when the event left")
    write_new(out, evidence.text.encode())
    _answer(f"{out} proves entry {index} of {log.checkpoint.size}", json, index=index)


def check(
    package: Annotated[Path, typer.Argument(help="An evidence package.")],
    vkey: Annotated[Path, typer.Option(help="The device's audit.vkey, noted at enrolment.")],
    json: JsonOption = False,
) -> None:
    """Check an evidence package without the log, and say what it proves and what it does not.

    Exit codes: 0 it proves the record; 1 it does not, and why; 66 it is no package; 77 no usable key.

    Examples:

      platesieve audit check case-17.evidence --vkey cam-1.vkey
    """
    from platesieve.adapters.disk.key_files import load_vkey
    from platesieve.audit.evidence import Evidence, check_evidence

    verifier = load_vkey(vkey)
    try:
        text = read_bytes(package, "give a file that platesieve audit prove wrote").decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{package} is no text", "give a file that platesieve audit prove wrote") from error
    verdict = check_evidence(Evidence.from_text(text), verifier)
    if json:
        print_json(
            {
                "ok": verdict.ok,
                "fault": verdict.fault.value if verdict.fault else None,
                "sentence": verdict.sentence,
                "proves": verdict.proves,
                "proves_not": verdict.proves_not,
            }
        )
    else:
        typer.echo(verdict.sentence)
        for line in verdict.proves:
            typer.echo(f"  proves      {line}")
        for line in verdict.proves_not:
            typer.echo(f"  proves not  {line}")
    if verdict.expires_ns is not None and verdict.expires_ns <= datetime.now(UTC).timestamp() * _NS_PER_S:
        say("warning: the record was to be erased by now; only a ruling or an order to keep it allows to hold it")
    raise typer.Exit(0 if verdict.ok else EXIT_NOT_PROVEN)


def _policy_text(policy: Path | None) -> str | None:
    if policy is None:
        return None
    try:
        return read_bytes(policy, "give the policy file").decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{policy} is no text", "give the policy file that was in force") from error


def _answer(sentence: str, json: bool, *, index: int | None) -> None:
    if json:
        print_json({"proven": index is not None, "index": index, "sentence": sentence})
    else:
        typer.echo(sentence)

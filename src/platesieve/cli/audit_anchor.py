"""`platesieve audit anchor`: have an authority say when the log had its newest checkpoint (RFC 3161)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from platesieve.cli.audit_log import FolderArgument, VkeyOption, open_log, read_bytes, write_new
from platesieve.cli.options import JsonOption
from platesieve.cli.speech import print_json, say

TsaCertificateOption = Annotated[
    list[Path] | None,
    typer.Option(help="PEM file with the time-stamping authority's certificate and those above it. Repeatable."),
]


def anchor(
    folder: FolderArgument,
    tsa: Annotated[str | None, typer.Option(help="Address of the authority, such as https://tsa.example/tsr.")] = None,
    query: Annotated[Path | None, typer.Option(help="Write the request to this file, to be carried there.")] = None,
    response: Annotated[Path | None, typer.Option(help="Take the answer to an earlier --query from this file.")] = None,
    tsa_certificate: TsaCertificateOption = None,
    vkey: VkeyOption = None,
    json: JsonOption = False,
) -> None:
    """Have the newest checkpoint stamped with the time: nobody can backdate or take away what was there by then.

    The request is a hash; the authority learns nothing. Answer and checkpoint are kept beside the log, in `anchors`;
    keep copies elsewhere. `audit verify --tsa-certificate` holds the log to them. Once a day is enough.

    Exit codes: 0 stamped, or the request written; 66 cannot be read or written, or not a valid answer; 73 the log is
    not signed by this device; 75 `anchors` cannot be written; 76 the authority cannot be reached; 77 no usable key
    or certificate; 78 rfc3161-client is not installed.

    Examples:

      platesieve audit anchor state/camera/audit --tsa https://tsa.example/tsr --tsa-certificate tsa.pem

      platesieve audit anchor state/camera/audit --query today.tsq

      platesieve audit anchor state/camera/audit --response today.tsr --tsa-certificate tsa.pem
    """
    from platesieve.adapters.disk.time_stamps import ask, keep_answer, keep_pending, load_roots, request_for
    from platesieve.audit.words import MOMENT

    if sum(way is not None for way in (tsa, query, response)) != 1:
        raise typer.BadParameter("give one of --tsa, --query and --response", param_hint="--tsa")
    roots = load_roots(tsa_certificate or ())
    if query is None and not roots:
        raise typer.BadParameter("is needed to see whether the answer holds", param_hint="--tsa-certificate")
    log = open_log(folder, vkey)
    if response is None:
        request = request_for(log.note)
        keep_pending(folder, log.checkpoint.size, log.note)
    if query is not None:
        write_new(query, request, mode=0o644)
        say(f"wrote {query}: the request for {log.checkpoint.size} entries; give the answer back with --response")
        return
    answer = ask(tsa, request) if tsa is not None else read_bytes(Path(str(response)), "give the authority's answer")
    stamped = keep_answer(folder, answer, roots)
    moment = MOMENT.write(stamped.time_ns or 0)
    if json:
        print_json({"size": stamped.size, "time": moment})
        return
    typer.echo(f"an authority says that the log had {stamped.size} entries at {moment}")

"""`platesieve audit show`, `export` and `sample`: read entries on the screen, elsewhere, or a few of them by chance."""

from __future__ import annotations

import csv
import sys
import time
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from platesieve.cli.audit_log import (
    FolderArgument,
    SignedLog,
    SinceOption,
    UntilOption,
    VkeyOption,
    document_of,
    moment_ns,
    open_log,
    write_new,
)
from platesieve.cli.options import JsonOption
from platesieve.cli.speech import print_json, say
from platesieve.domain.errors import AuditError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TextIO

    from platesieve.audit.entry import Entry

    Numbered = tuple[int, Entry]

POLL_S = 1.0
_ALL_PERCENT = 100
_TYPE_WIDTH = 16  # of nearly all types, in lines one below the other
TypeOption = Annotated[
    list[str] | None, typer.Option("--type", help="Only entries of this type, such as publish; may be repeated.")
]


def show(
    folder: FolderArgument,
    last: Annotated[int, typer.Option(min=1, help="How many of the newest entries.")] = 20,
    types: TypeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    follow: Annotated[bool, typer.Option(help="Go on with entries as they come, until Ctrl-C.")] = False,
    vkey: VkeyOption = None,
    json: JsonOption = False,
) -> None:
    """List the newest entries. Only `verify` says whether they can be believed.

    With --follow and --json each entry is one line of JSON. Exit codes: 0 shown; 66 cannot be read; 73 cut off or
    not signed by this device; 77 no usable key; 130 interrupted.

    Examples:

      platesieve audit show state/camera/audit --type publish --type erased --since 2026-09-01

      platesieve audit show state/camera/audit --follow
    """
    log = open_log(folder, vkey)
    wanted = _filter(types, since, until)
    if follow:
        _follow(folder, log, last, wanted, json)
        return
    unfiltered = not (types or since or until)
    entries = list(deque(filter(wanted, log.entries(last if unfiltered else None)), maxlen=last))
    if json:
        print_json([{"index": number, **document_of(entry)} for number, entry in entries])
        return
    _print_table(entries, f"{log.checkpoint.origin}, {log.checkpoint.size} entries")


def export(
    folder: FolderArgument,
    form: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="JSON lines, or CSV.")] = "jsonl",
    out: Annotated[Path | None, typer.Option(help="File to write; nothing is overwritten. Else stdout.")] = None,
    types: TypeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    vkey: VkeyOption = None,
) -> None:
    """Write all entries, oldest first, for other programs. Only `verify` says whether they can be believed.

    CSV has one column for every key that an entry can have; what is a table or list in JSON is JSON in its cell.
    Exit codes: 0 written; 66 cannot be read or written; 73 cut off or not signed by this device; 77 no usable key.

    Examples:

      platesieve audit export state/camera/audit --format csv --since 2026-09-01 --out september.csv
    """
    log = open_log(folder, vkey)
    entries = filter(_filter(types, since, until), log.entries())
    with _output(out) as stream:
        (_write_csv if form == "csv" else _write_lines)(entries, stream)


def sample(
    folder: FolderArgument,
    count: Annotated[str, typer.Argument(help="How many entries, or a share such as 1%.")],
    seed: Annotated[int, typer.Option(help="A number that you name now, after the log was handed over.")],
    out: Annotated[Path | None, typer.Option(help="New folder for each entry and its proof, for other tools.")] = None,
    vkey: VkeyOption = None,
    json: JsonOption = False,
) -> None:
    """Draw entries by chance, each with a proof that it is in the log. The same seed draws the same entries.

    Exit codes: 0 drawn and every proof holds; 66 cannot be read or written; 73 the log is altered; 77 no usable key.

    Examples:

      platesieve audit sample state/camera/audit 1% --seed 90127 --out sample
    """
    from platesieve.audit.entry import decode
    from platesieve.audit.proof import prove_logged
    from platesieve.audit.sample import draw

    log = open_log(folder, vkey)
    size = log.checkpoint.size
    drawn = draw(size, _how_many(count, size), log.checkpoint.root, seed)
    proven = [(index, *prove_logged(log.files, log.note, index)) for index in drawn]
    if out is not None:
        _write_sample(out, ((index, entry, proof.text) for index, entry, proof in proven))
    if json:
        entries = [{"index": index, "entry": entry.decode(), "proof": proof.text} for index, entry, proof in proven]
        print_json({"origin": log.checkpoint.origin, "size": size, "seed": seed, "entries": entries})
        return
    _print_table(
        [(index, decode(entry)) for index, entry, _ in proven],
        f"{len(proven)} of {size} entries, seed {seed}, each proven to be under the signed root",
    )


def _filter(types: list[str] | None, since: str | None, until: str | None) -> Callable[[Numbered], bool]:
    """Return whether an entry is wanted; a type that does not exist is the mistake of whoever asked."""
    from platesieve.audit.entry import KINDS

    unknown = set(types or ()) - KINDS.keys()
    if unknown:
        raise typer.BadParameter(f"there are these types: {', '.join(KINDS)}", param_hint="--type")
    kinds = tuple(KINDS[name] for name in types or KINDS)
    first = moment_ns(since, "--since")
    end = moment_ns(until, "--until")

    def wanted(numbered: Numbered) -> bool:
        entry = numbered[1]
        at = entry.time_ns
        return isinstance(entry, kinds) and (first is None or at >= first) and (end is None or at < end)

    return wanted


def _follow(folder: Path, log: SignedLog, last: int, wanted: Callable[[Numbered], bool], json: bool) -> None:
    """Print the newest entries, and then what comes; a log that gets shorter ends it."""
    from dataclasses import replace
    from json import dumps

    from platesieve.audit.log_files import read_checkpoint

    seen = max(0, log.checkpoint.size - last)
    while True:
        if log.checkpoint.size < seen:
            raise AuditError("the log was put back to an earlier state", "keep the folder as it is for the auditor")
        try:
            new = list(filter(wanted, log.entries(log.checkpoint.size - seen) if log.checkpoint.size else ()))
        except AuditError:
            newer = replace(log, checkpoint=read_checkpoint(log.files, log.verifier, log.verifier.name))
            if newer.checkpoint == log.checkpoint:
                raise
            log = newer  # the device went on meanwhile, and a full bundle took the place of a partial one
            continue
        for number, entry in new:
            document = {"index": number, **document_of(entry)}
            typer.echo(dumps(document) if json else f"{number:>6}  {entry_line(document, _TYPE_WIDTH)}")
        seen = log.checkpoint.size
        log = _newer(folder, log)


def _newer(folder: Path, log: SignedLog) -> SignedLog:
    """Wait for another checkpoint."""
    from dataclasses import replace

    from platesieve.audit.log_files import read_checkpoint

    name = log.verifier.name
    while (checkpoint := read_checkpoint(log.files, log.verifier, name)) == log.checkpoint:
        time.sleep(POLL_S)
    return replace(log, checkpoint=checkpoint, note=(folder / "checkpoint").read_bytes())


def entry_line(document: dict[str, Any], width: int = 0) -> str:
    """Return an entry as one line of text; `width` is that of the column of its type."""
    rest = {key: value for key, value in document.items() if key not in {"index", "time", "type"}}
    return f"{document['time']}  {document['type']:<{width}}  {_shown(rest)}".rstrip()


def _print_table(entries: Iterable[Numbered], title: str) -> None:
    from rich.table import Table
    from rich.text import Text

    from platesieve.cli.speech import console

    typer.echo(title)  # above and not in the table, which would break it to its own width
    table = Table(box=None, padding=(0, 1))
    for column in ("entry", "time", "type", "what it says"):
        table.add_column(column, header_style="dim")
    for number, entry in entries:
        document = document_of(entry)
        at, kind = document.pop("time"), document.pop("type")
        table.add_row(str(number), at, Text(kind, style="bold"), Text(_shown(document)))
    console().print(table)


def _shown(document: dict[str, Any]) -> str:
    """Return what is left of an entry in one line; hashes shortened, nothing that is zero or empty."""
    parts: list[str] = []
    for key, value in document.items():
        if isinstance(value, dict):
            parts.extend(f"{name} {count}" for name, count in value.items())
        elif isinstance(value, list):
            parts.append(f"{key} {', '.join(map(str, value)) or 'none'}")
        elif isinstance(value, str) and len(value) >= 32 and "/" not in value:  # noqa: PLR2004 - ids and hashes
            parts.append(f"{key} {value[:8]}...")
        elif value != 0:
            parts.append(f"{key} {value}")
    return ", ".join(parts)


def _write_lines(entries: Iterable[Numbered], stream: TextIO) -> None:
    from json import dumps

    stream.writelines(
        dumps({"index": number, **document_of(entry)}, ensure_ascii=False, separators=(",", ":")) + "\n"
        for number, entry in entries
    )


def _write_csv(entries: Iterable[Numbered], stream: TextIO) -> None:
    from json import dumps

    from platesieve.audit.entry import KINDS, keys_of

    columns = ["index", "time", "type", *sorted({key for kind in KINDS.values() for key in keys_of(kind)} - {"time"})]
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    for number, entry in entries:
        cells = {
            key: dumps(value, separators=(",", ":")) if isinstance(value, dict | list) else value
            for key, value in document_of(entry).items()
        }
        writer.writerow({"index": number, **cells})


@contextmanager
def _output(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    try:
        with out.open("x", encoding="utf-8", newline="") as stream:
            yield stream
    except FileExistsError as error:
        raise InputError(f"{out} is there already", "give another name, or move it away yourself") from error
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}", "give another place for it") from error
    say(f"wrote {out}")


def _how_many(text: str, size: int) -> int:
    """Return a count; a share is rounded up, so that 1 % of a small log is something."""
    number, sign, rest = text.partition("%")
    wanted = int(number) if number.isdecimal() and number.isascii() and not rest else 0
    if not wanted or (sign and wanted > _ALL_PERCENT):
        raise typer.BadParameter("write a number of entries, or a share from 1% to 100%", param_hint="COUNT")
    return -(-size * wanted // _ALL_PERCENT) if sign else wanted


def _write_sample(out: Path, proven: Iterable[tuple[int, bytes, str]]) -> None:
    try:
        out.mkdir(mode=0o700)
    except OSError as error:
        raise InputError(f"{out} cannot be made: {error.strerror}", "give the name of a new folder") from error
    for index, entry, proof in proven:
        write_new(out / f"{index}.json", entry)
        write_new(out / f"{index}.tlog-proof", proof.encode())
    say(f"wrote {out}")

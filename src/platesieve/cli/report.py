"""`platesieve report`: what statutes and the public ask of a reader, out of its audit log alone."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from platesieve.cli.audit_log import (
    FolderArgument,
    SinceOption,
    UntilOption,
    VkeyOption,
    moment_ns,
    open_log,
    read_bytes,
    write_new,
)
from platesieve.cli.options import JsonOption
from platesieve.cli.speech import print_json, say
from platesieve.domain.errors import AuditError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from platesieve.cli.audit_log import SignedLog
    from platesieve.report.document import Cell, Report, Table

EPILOG = (
    "Each report verifies the whole log first. Exit codes: 0 made; 66 cannot be read or written; 73 the log does not "
    "verify: no report is made from it; 77 no usable key."
)
app = typer.Typer(help="Make reports from the audit log of a device.", no_args_is_help=True, epilog=EPILOG)

CsvOption = Annotated[bool, typer.Option("--csv", help="Print table, row, column and value of every cell.")]
RecordsOption = Annotated[
    Path | None,
    typer.Option(
        help="For `access`: the agency's records, one JSON object a line: record (canonical text), salt (hex)."
    ),
]
HtmlOption = Annotated[Path | None, typer.Option(help="Write one self-contained page; nothing is overwritten.")]

NAMES = {
    "log-of-use": "When plates were read, how many, against which lists, with what result.",
    "list-hygiene": "Which hot lists were in force, how large, and how old they became.",
    "deletions": "What was never kept, what was destroyed, what had to be destroyed by the end of the period.",
    "policy-history": "Which policy was in force when, what left under it, and what else was changed.",
    "public": "What may be published as it is: nothing finer than a day.",
    "access": "Who had access to records, when, as what, for what; --records opens what the agency sealed.",
    "records-request": "What can be answered about any one plate or day; no plate is asked for.",
}


def _command(name: str) -> Callable[..., None]:
    def command(
        folder: FolderArgument,
        since: SinceOption = None,
        until: UntilOption = None,
        csv_: CsvOption = False,
        html: HtmlOption = None,
        vkey: VkeyOption = None,
        records: RecordsOption = None,
        json: JsonOption = False,
    ) -> None:
        report = _made(name, folder, vkey, (moment_ns(since, "--since"), moment_ns(until, "--until")), records)
        if html is not None:
            from platesieve.report.page import as_page

            write_new(html, as_page(report).encode(), mode=0o644)
            say(f"wrote {html}")
        if json:
            print_json(report.document)
        elif csv_:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerows([("table", "row", "column", "value"), *report.cells])
        elif html is None:
            _print(report)

    command.__doc__ = (
        f"{NAMES[name]}\n\nExamples:\n\n  platesieve report {name} state/audit --since 2026-09-01 --html r.html"
    )
    return command


for _name in NAMES:
    app.command(_name)(_command(_name))


def _made(
    name: str, folder: Path, vkey: Path | None, period: tuple[int | None, int | None], records: Path | None
) -> Report:
    """Verify the log, and make a report of its entries.

    Raises:
        AuditError: the log does not verify; its counts would be worth nothing.
    """
    from platesieve.audit.verify import verify_log
    from platesieve.report.document import Source
    from platesieve.report.history import relevant
    from platesieve.report.people import access, records_request
    from platesieve.report.reports import REPORTS

    log = open_log(folder, vkey)
    verdict = verify_log(log.files, log.verifier)
    if not verdict.ok or verdict.checkpoint is None:
        raise AuditError(f"no report is made: {verdict.sentence}", "platesieve audit verify says more")
    checkpoint = verdict.checkpoint
    edges = [_time_of(log, at) for at in (0, checkpoint.size - 1)] if checkpoint.size else [None, None]
    source = Source(checkpoint.origin, checkpoint.size, checkpoint.root.hex(), *period, *edges)
    entries = relevant((entry for _, entry in log.entries()), source)
    if name == "access":
        return access(entries, source, _opened(records) if records else None)
    if name == "records-request":
        return records_request(entries, source, _clauses())
    return REPORTS[name](entries, source)


def _opened(file: Path) -> dict[str, dict[str, str]]:
    """Return the agency's access records by their commitments: a record that was changed has another one.

    Raises:
        InputError: a line is no record.
    """
    from json import loads

    from platesieve.audit.commitment import commit

    opened: dict[str, dict[str, str]] = {}
    for number, line in enumerate(read_bytes(file, "give the access records of the agency").splitlines(), 1):
        try:
            kept = loads(line)
            record = loads(kept["record"])
            opened[commit(bytes.fromhex(kept["salt"]), kept["record"].encode())] = {
                key: str(record[key]) for key in ("user", "case", "event") if key in record
            }
        except (ValueError, KeyError, TypeError, AttributeError, AuditError) as error:
            raise InputError(f"line {number} is no access record", "each has `record` and `salt`") from error
    return opened


def _clauses() -> dict[str, dict[str, str]]:
    """Return what each shipped policy says of each disposition, by the hash that logs have of it."""
    from platesieve.domain.match import Disposition
    from platesieve.policy.load import load_pack
    from platesieve.policy.packs import pack_ids

    packs = [load_pack(pack_id) for pack_id in pack_ids()]
    return {
        pack.sha256: {
            f"[{kind.value}]": f'publish = "{section.publish.value}", retention = "{section.retention_s}s"'
            for kind in Disposition
            for section in [pack.section(kind)]
        }
        for pack in packs
    }


def _time_of(log: SignedLog, index: int) -> int:
    from platesieve.audit.entry import decode
    from platesieve.audit.proof import TiledTree

    return decode(TiledTree(log.files, log.checkpoint.size).entry(index)).time_ns


def _print(report: Report) -> None:
    from rich.markup import escape

    from platesieve.cli.speech import console, print_line

    typer.echo(f"{report.title}\n{report.source.origin}, {report.source.period}\n")
    width = max(len(figure.label) for figure in report.figures)
    for figure in report.figures:
        value = f"{figure.value:,}" if isinstance(figure.value, int) else figure.value
        typer.echo(f"  {figure.label:<{width}}  {value:>12}")
    for table in report.tables:
        console().print()
        if not table.rows:
            console().print(f"{table.title}: {table.empty}")
            continue
        console().print(f"[italic]{table.title}[/]")  # above, not in it: a narrow table would break it
        console().print(_rich(table))
    for note in report.notes:
        print_line(f"\n{escape(note)}")


def _rich(table: Table) -> object:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, padding=(0, 1))
    for at, (_, title) in enumerate(table.columns):
        numeric = all(isinstance(row[at], int | None) for row in table.rows)
        grid.add_column(title, header_style="dim", justify="right" if numeric else "left")
    for row in table.rows:
        grid.add_row(*(Text(_shown(cell)) for cell in row))
    return grid


def _shown(cell: Cell) -> str:
    """Return a cell for a screen: hashes shortened, they are whole in JSON and CSV."""
    if cell is None:
        return ""
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell[:12]}..." if re.fullmatch(r"[0-9a-f]{32,64}", cell) else cell

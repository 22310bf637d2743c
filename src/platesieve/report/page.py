"""A report as one page: no script, nothing fetched, readable on paper, by day and by night."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from platesieve.report.chart import bars, share

if TYPE_CHECKING:
    from platesieve.report.document import Cell, Figure, Report, Table

_IN_TIME = {"day", "loaded"}  # labels whose rows follow each other in time: upright bars above the table
_HASH = re.compile(r"[0-9a-f]{32,64}", re.ASCII)
_SHOWN_HASH = 12
_MAX_ROWS = 1000

STYLE = """
:root { color-scheme: light dark; --ink: #1b2430; --soft: #5c6773; --line: #d9dee4; --page: #ffffff; --card: #f5f7f9;
  --bar: #2a6f97; --accent: #0b4f71; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ee; --soft: #97a3af; --line: #313a44; --page: #12171d;
  --card: #1b222a; --bar: #5ba4cf; --accent: #8cc6e8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 2.5rem 1.5rem 4rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
header { border-bottom: 2px solid var(--accent); padding-bottom: 1rem; margin-bottom: 1.5rem; }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; letter-spacing: -0.01em; }
h2 { margin: 2.5rem 0 .6rem; font-size: 1.15rem; }
p { margin: .4rem 0; max-width: 46rem; }
.purpose { font-size: 1.05rem; color: var(--soft); }
dl.source { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 1rem 0 0;
  font-size: .85rem; }
dl.source dt { color: var(--soft); } dl.source dd { margin: 0; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(12.5rem, 1fr)); gap: .75rem; }
.figure { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .7rem .9rem; }
.figure b { display: block; font-size: 1.5rem; font-weight: 600; line-height: 1.25;
  font-variant-numeric: tabular-nums; }
.figure span { color: var(--soft); font-size: .85rem; line-height: 1.3; display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--ink);
  vertical-align: bottom; }
th, td { padding: .3rem .8rem .3rem 0; } td { border-bottom: 1px solid var(--line); }
.n { text-align: right; white-space: nowrap; } .t { white-space: nowrap; } td.s { width: 40%; padding-right: 0; }
code { font: .8rem ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
svg.chart { display: block; width: 100%; height: auto; margin: .4rem 0 .8rem; }
svg rect { fill: var(--bar); } svg line { stroke: var(--line); } svg text { fill: var(--soft); font-size: 11px; }
svg text.caption { font-weight: 600; }
svg.share { display: block; width: 100%; height: .55rem; }
.note, footer { color: var(--soft); font-size: .85rem; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .8rem; }
footer ul { margin: .3rem 0; padding-left: 1.2rem; }
@media print { :root { --ink: #000; --soft: #444; --line: #bbb; --page: #fff; --card: #fff; --bar: #555;
  --accent: #000; }
  body { max-width: none; padding: 0; font-size: 10pt; } h2 { break-after: avoid; }
  tr, svg, .figure { break-inside: avoid; }
  thead { display: table-header-group; } .scroll { overflow: visible; } }
"""


def as_page(report: Report) -> str:
    """Return the whole HTML document."""
    source = report.source
    facts = (("Log", source.origin), ("Period", source.period), ("Entries", f"{source.size:,}"), ("Root", source.root))
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(report.title)}: {escape(source.origin)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<header><h1>{escape(report.title)}</h1><p class="purpose">{escape(report.purpose)}</p>'
        f'<dl class="source">{listed}</dl></header>\n'
        f'<section class="figures">{"".join(map(_figure, report.figures))}</section>\n'
        f"{''.join(map(_section, report.tables))}"
        f"<footer><ul>{notes}</ul><p>Made from the entries of the log alone, after the whole log was verified. "
        "Anybody with the log can make it again; <code>platesieve audit verify</code> shows whether a copy is this "
        "one.</p></footer>\n</body>\n</html>\n"
    )


def _figure(figure: Figure) -> str:
    return f'<div class="figure"><b>{_plain(figure.value)}</b><span>{escape(figure.label)}</span></div>'


def _section(table: Table) -> str:
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    if not table.rows:
        return f'<section><h2>{escape(table.title)}</h2><p class="note">{escape(table.empty)}</p></section>\n'
    in_time = table.labelled in _IN_TIME and len(table.rows) > 1
    chart = bars(table) if table.charted and in_time else ""
    rest = len(table.rows) - _MAX_ROWS
    more = f'<p class="note">And {rest:,} more rows: see the report as CSV.</p>' if rest > 0 else ""
    return (
        f'<section><h2>{escape(table.title)}</h2>{chart}<div class="scroll">{_rows(table, shares=not in_time)}</div>'
        f"{more}{note}</section>\n"
    )


def _rows(table: Table, *, shares: bool) -> str:
    numeric = [all(isinstance(row[at], int | None) for row in table.rows) for at in range(len(table.columns))]
    head = "".join(
        f'<th class="n">{escape(title)}</th>' if number else f"<th>{escape(title)}</th>"
        for (_, title), number in zip(table.columns, numeric, strict=True)
    )
    at = [key for key, _ in table.columns].index(table.charted) if shares and table.charted else None
    largest = 0 if at is None else max((cell for row in table.rows if isinstance(cell := row[at], int)), default=0)
    lines = []
    for row in table.rows[:_MAX_ROWS]:
        cells = "".join(_cell(cell, number) for cell, number in zip(row, numeric, strict=True))
        bar = "" if at is None else f'<td class="s">{share(row[at], largest)}</td>'
        lines.append(f"<tr>{cells}{bar}</tr>")
    extra = "" if at is None else "<th></th>"
    return f"<table><thead><tr>{head}{extra}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _cell(cell: Cell, number: bool) -> str:  # noqa: FBT001 - of the column
    if number:
        return f'<td class="n">{_plain(cell)}</td>'
    text = str(cell or "")
    if _HASH.fullmatch(text):
        return f'<td class="t"><code title="{text}">{text[:_SHOWN_HASH]}</code></td>'
    kind = ' class="t"' if re.fullmatch(r"\d{4}-\d\d-\d\d(T[\d:]+Z)?", text) else ""
    return f"<td{kind}>{escape(text)}</td>"


def _plain(cell: Cell) -> str:
    if cell is None:
        return "-"
    return f"{cell:,}" if isinstance(cell, int) else escape(cell)

"""Small bar charts as SVG: no script, no font, no colour of their own; the page's style sheet has those."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platesieve.report.document import Cell, Table

WIDTH_PX, HEIGHT_PX = 720, 164
LEFT_PX, BOTTOM_PX, TOP_PX = 56, 22, 28
MAX_ROWS_AS_BARS = 24
_STEPS = (1, 2, 5)
_LABELS = 6


def bars(table: Table) -> str:
    """Return the charted column over its labels as upright bars, for rows that follow each other in time."""
    labels = [str(cell) for cell in table.column(table.labelled)]
    values = [_number(cell) for cell in table.column(table.charted)]
    top = round_up(max(values))
    pitch = (WIDTH_PX - LEFT_PX) / len(values)
    plot = HEIGHT_PX - BOTTOM_PX - TOP_PX
    shapes = []
    for at, (label, value) in enumerate(zip(labels, values, strict=True)):
        height = plot * value / top
        x, y = LEFT_PX + at * pitch + pitch * 0.12, TOP_PX + plot - height
        shapes.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{pitch * 0.76:.1f}" height="{height:.1f}">'
            f"<title>{escape(label)}: {value:,}</title></rect>"
        )
    every = -(-len(labels) // _LABELS)
    marks = [
        f'<text x="{LEFT_PX + (at + 0.5) * pitch:.1f}" y="{HEIGHT_PX - 6}" text-anchor="middle">'
        f"{escape(_short(labels[at]))}</text>"
        for at in range(0, len(labels), every)
    ]
    title = escape(dict(table.columns)[table.charted])
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" role="img" aria-label="{title}">'
        f'<text x="{LEFT_PX}" y="{TOP_PX - 14}" class="caption">{title}</text>'
        f"{_grid(top, plot)}<g>{''.join(shapes)}</g>{''.join(marks)}</svg>"
    )


def share(value: Cell, largest: int) -> str:
    """Return one lying bar, as long as its value among the values of a column."""
    width = 100 * _number(value) / largest if largest else 0
    return (
        '<svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{width:.1f}" height="8"/></svg>'
    )


def round_up(value: int) -> int:
    """Return the end of an axis: 1, 2 or 5 times a power of ten, at least 1."""
    power = 1
    while True:
        for step in _STEPS:
            if step * power >= value:
                return step * power
        power *= 10


def _grid(top: int, plot: float) -> str:
    lines = []
    for part in (0, 0.5, 1):
        y = TOP_PX + plot * (1 - part)
        value = top * part
        label = f"{value:,.0f}" if value == int(value) else ""
        lines.append(
            f'<line x1="{LEFT_PX}" x2="{WIDTH_PX}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT_PX - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
        )
    return "".join(lines)


def _short(label: str) -> str:
    """Return a date without its year and time."""
    return label[5:10] if len(label) >= len("2026-09-21") and label[4] == "-" else label


def _number(cell: Cell) -> int:
    return cell if isinstance(cell, int) else 0

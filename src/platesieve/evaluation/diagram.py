"""A reliability diagram as SVG: what confidences promised, and what was kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SIDE, _LEFT, _TOP = 320, 56, 40
_WIDTH, _HEIGHT = _LEFT + _SIDE + 24, _TOP + _SIDE + 62
_TENTHS = 10


def reliability_svg(title: str, rows: Sequence[Mapping[str, Any]], error: float | None) -> str:
    """Return the diagram of one set of answers.

    Args:
        title: what was measured; escaped here.
        rows: from `confidence.reliability`: per bin `promised` and `kept` (value, n, low, high).
        error: expected calibration error, written beneath the title.
    """
    shown = [row for row in rows if row["kept"]["value"] is not None]
    most = max((row["kept"]["n"] for row in shown), default=1)
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12" fill="#3c3c3c">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="18" font-size="14">{_escaped(title)}</text>',
        f'<text x="{_LEFT}" y="34" fill="#666">'
        + (f"expected calibration error {error:.3f}" if error is not None else "nothing was read")
        + "</text>",
        *_grid(),
    ]
    for row in shown:
        kept, x = row["kept"], _x(row["promised"])
        height = 44 * kept["n"] / most
        left = _x(row["from"]) + 2
        parts.append(
            f'<rect x="{left:.1f}" y="{_TOP + _SIDE - height:.1f}" width="{_SIDE / _TENTHS - 4:.1f}" '
            f'height="{height:.1f}" fill="#d8e4f0"><title>{kept["n"]} answers</title></rect>'
        )
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_y(kept["low"]):.1f}" y2="{_y(kept["high"]):.1f}" stroke="#145a9e"/>'
        )
        parts.append(f'<circle cx="{x:.1f}" cy="{_y(kept["value"]):.1f}" r="4" fill="#145a9e"/>')
    return "\n".join([*parts, "</svg>", ""])


def _grid() -> list[str]:
    """Return frame, diagonal, ticks and names of the axes."""
    foot = _TOP + _SIDE
    lines = [
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#3c3c3c"/>',
        f'<line x1="{_LEFT}" y1="{foot}" x2="{_LEFT + _SIDE}" y2="{_TOP}" stroke="#999" stroke-dasharray="4 4"/>',
    ]
    for tenth in range(0, _TENTHS + 1, 2):
        share = tenth / _TENTHS
        lines.append(f'<text x="{_x(share):.0f}" y="{foot + 16}" text-anchor="middle">{share:g}</text>')
        lines.append(f'<text x="{_LEFT - 8}" y="{_y(share) + 4:.0f}" text-anchor="end">{share:g}</text>')
    middle = _TOP + _SIDE / 2
    lines.append(
        f'<text x="{_LEFT + _SIDE / 2:.0f}" y="{foot + 34}" text-anchor="middle">confidence (weakest character)</text>'
    )
    lines.append(f'<text x="{_LEFT}" y="{foot + 52}" fill="#666">bars: how many answers; lines: 95 % intervals</text>')
    lines.append(
        f'<text transform="rotate(-90 16 {middle})" x="16" y="{middle}" text-anchor="middle">share right</text>'
    )
    return lines


def _x(share: float) -> float:
    return _LEFT + share * _SIDE


def _y(share: float) -> float:
    return _TOP + (1 - share) * _SIDE


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

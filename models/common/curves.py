"""Draw the curves of a training from its log: `python -m models.common.curves models/work/reader/run2.log OUT.png`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.common.charts import Line, Panel, save

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_READER_LOSS = re.compile(r"^\s*(\d+)\s+loss ([\d.]+)")
_COUNT = re.compile(r"^\s*(\d+)\s+(?:loss|heat) ")
_READER_CHECK = re.compile(r"'(crops-[\w-]+|read-by-eye)': '([\d.]+) ")
_DETECTOR_LOSS = re.compile(r"^\s*(\d+) heat ([\d.]+) corner ([\d.]+)")
_DETECTOR_CHECK = re.compile(r"'(found[ \w.]*|AP)': '([\d.]+) ")
_CHECKS = {
    "Held-out plates read right (folded)": (_READER_CHECK, "crops-"),
    "Held-out scenes: plates found, average precision": (_DETECTOR_CHECK, ""),
}
_SMOOTH = 15


def panels(logs: Sequence[Path]) -> list[Panel]:
    """Return the curves of one chain of logs, oldest first: losses, and held-out scores where the log has them.

    A run that started from the weights of another counts from nothing: it is drawn behind the one before.
    """
    losses: dict[str, dict[float, float]] = {}
    scores: dict[str, dict[str, dict[float, float]]] = {}
    seen = 0.0
    for behind, line in _chained(logs):
        if found := _READER_LOSS.match(line):
            seen = behind + float(found[1]) / 1000
            losses.setdefault("loss", {})[seen] = float(found[2])
        elif found := _DETECTOR_LOSS.match(line):
            seen = behind + float(found[1]) / 1000
            losses.setdefault("heat", {})[seen] = float(found[2])
            losses.setdefault("corners x 4", {})[seen] = 4 * float(found[3])
        else:
            for title, (check, prefix) in _CHECKS.items():
                for name, share in check.findall(line):
                    scores.setdefault(title, {}).setdefault(name.removeprefix(prefix), {})[seen] = float(share)
    made = []
    if losses:
        # The first steps are many times the rest: the chart is cut above what the later half needs.
        top = 3 * max(float(np.median(list(v.values()))) for v in losses.values())
        lines = [_line(name, values) for name, values in losses.items()]
        made.append(Panel("Training loss", "thousand samples seen", lines, (0.0, top), rising=False))
    for title, named in scores.items():
        drawn = [_line(k, v, smooth=False) for k, v in list(named.items())[:6]]
        made.append(Panel(title, "thousand samples seen", drawn, (0.2, 1.0)))
    return made


def _chained(logs: Sequence[Path]) -> Iterator[tuple[float, str]]:
    """Yield each line with the thousands of samples behind its log: none where the log goes on counting."""
    first, last, behind = None, 0.0, 0.0
    for log in logs:
        lines = log.read_text(encoding="utf-8").splitlines()
        counts = [float(found[1]) / 1000 for line in lines if (found := _COUNT.match(line))]
        if counts:
            first = counts[0] if first is None else first
            behind = last if last and counts[0] <= first else behind
            last = behind + max(counts)
        yield from ((behind, line) for line in lines)


def _line(name: str, values: dict[float, float], *, smooth: bool = True) -> Line:
    xs = sorted(values)
    ys = np.asarray([values[x] for x in xs])
    if smooth and len(ys) > 2 * _SMOOTH:
        padded = np.pad(ys, _SMOOTH // 2, mode="edge")
        ys = np.convolve(padded, np.ones(_SMOOTH) / _SMOOTH, mode="valid")[: len(xs)]
    return Line(name, xs, ys.tolist())


def draw(logs: Sequence[Path], path: Path) -> bool:
    """Write the curves; return False where the logs hold none."""
    made = panels([log for log in logs if log.is_file()])
    if made:
        save(path, made)
    return bool(made)


if __name__ == "__main__":
    *names, out = sys.argv[1:]
    if not draw([Path(name) for name in names], Path(out)):
        raise SystemExit("no curves: these logs hold no losses")

"""What the measured parts of the detector's card say; `python -m models.common.card` writes them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from models.common import provenance
from models.common.markdown import NOT_MEASURED, hits, how_large, rate, table, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BARS = {"openalpr-eu": (0.99, 0.03), "openalpr-us-a": (0.96, 0.08)}
"""The least recall, and the most false plates a picture, at the released size."""


def net(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return how large the net is, counted in the released float file."""
    return how_large(measured.get("size"), "at 480x288")


def scores(entry: Mapping[str, Any], _: Mapping[str, Any]) -> str:
    """Return the scores of all sets and sizes, beside the bars."""
    rows = []
    for name, s in entry["scores"].items():
        source, size = name.rsplit(" ", 1)
        told = _bars(source, s) if size == entry["size"] else ""
        false, area = f"{s['false_per_picture']:.3f}", f"{s['average_precision']:.3f}"
        found = s["recall"]["n"], rate(s["recall"]), rate(s["top1"])
        rows.append((source, size, f"{entry['thresholds'][size]:.2f}", *found, false, area, told))
    head = ("set", "input", "threshold", "plates", "recall", "best detection is the plate", "false a picture", "AP")
    return table((*head, "must"), rows)


def _bars(source: str, score: Mapping[str, Any]) -> str:
    """Return each bar of a set, and whether it was met; every picture of these sets has a plate."""
    if source not in BARS:
        return ""
    least, most = BARS[source]
    recall, pictures = score["recall"], score["top1"]["n"]
    spare = hits(recall) - math.ceil(least * recall["n"] - 1e-9)
    room = math.floor(most * pictures + 1e-9) - round(score["false_per_picture"] * pictures)
    shown = (f"{bar:.2f}".lstrip("0") for bar in (least, most))
    return f"recall {next(shown)}: {verdict(spare)}; false {next(shown)}: {verdict(room, 'false plate')}"


def bias(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return held-out recall by width, by light and by set."""
    held = measured.get("held_out")
    if held is None:
        return f"Held-out scenes: {NOT_MEASURED}.\n"
    rows = [(f"plate {k} px wide at the input", rate(s), s["n"]) for k, s in held["by_width_px"].items()]
    rows += [(f"{k} third of the scenes", rate(s), s["n"]) for k, s in held["by_light"].items()]
    rows += [(f"set {k}", rate(s), s["n"]) for k, s in held["by_set"].items()]
    off = held.get("corner_error")
    told = table(("held-out plates, 480x288", "recall", "n"), rows)
    if off:
        told += (
            f"\nMedian error of the corners (EasyPR, n = {off['n']}): {100 * off['of_width']:.1f} % of the plate's "
            f"width across, {100 * off['of_height']:.1f} % of its height down.\n"
        )
    return told


def plate_free(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return false plates where there are none."""
    rows = []
    for name, s in measured["per_1000_frames"].items():
        told = [f"{s[k]['value']} [{s[k]['low']}, {s[k]['high']}]" for k in ("found", "read", "read_surely")]
        rows.append((name, s["frames"], *told))
    head = ("frames without a plate", "n", "found per 1,000", "read as a text", "every character above 0.9")
    return table(head, rows) + provenance.SPLIT_CAME_LATE.get("detector", "")


def failures(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return the sheet of drawn scenes that fail, and how many were drawn to fill it."""
    told = measured.get("drawn_failures")
    if told is None:
        return f"Drawn scenes: {NOT_MEASURED}.\n"
    return (
        f"In {told['scenes']} drawn scenes {told['missed']} of {told['plates']} plates at least {told['least_px']} px "
        f"wide at the input were missed and {told['false']} other things found. Missed plates are outlined, false ones "
        "dotted.\n\n"
        "![Drawn scenes where the detector fails](failures.png)\n"
    )


def tiles(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return what tiles bring and cost."""

    def told(values: Sequence[float]) -> str:
        return f"{values[0]:.3f} [{values[1]:.3f}, {values[2]:.3f}]"

    rows = [
        (name, told(s["recall_iou50"]), told(s["false_plates_per_image"]), told(s["end_to_end"]), s["detect_ms"])
        for name, s in measured["tiles"].items()
    ]
    end = "end to end, folded, labels corrected"
    return table(("set and tiles", "recall", "false a picture", end, "ms, letterbox and all"), rows)


BLOCKS = {
    "net": net, "drawings": provenance.drawings, "data": provenance.detector_data,
    "evaluation": provenance.detector_evaluation, "personal": provenance.personal("detector"), "scores": scores,
    "bias": bias, "plate-free": plate_free, "failures": failures,
    "tiles": tiles,
}  # fmt: skip

"""Fill the measured parts of the model cards: `python -m models.common.card`.

What stands between `<!-- measured: NAME -->` and `<!-- end -->` in a CARD.md is written from released.toml and the
model's measured.json, so that a card never says what was not measured. `--check` changes nothing and fails where a
card is old.
"""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.common.release import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MODELS = Path(__file__).parents[1]
_BLOCK = re.compile(r"(<!-- measured: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

TERMS = {
    "crops-openlpr": ("open-lpr-dataset-plate-detection", "Apache-2.0", "machine"),
    "crops-openimages": (
        'Open Images, through "Google Licence Plates"',
        "CC BY 4.0 (photographs CC BY 2.0): credit Open Images and its photographers",
        "machine",
    ),
    "crops-openimages-hd": ("the same", "the same", "machine"),
    "crops-darkplate": ("DarkPlate", "MIT", "people"),
    "crops-romanian": ("license-plate-dataset", "MIT", "machine"),
    "crops-us-catalogue": ("a catalogue of US plates", "CC0 as reported by a third party", "machine"),
}
BARS = {
    "openalpr-eu": {"folded": ".99", "strict": ".92"},
    "openalpr-us-a": {"folded": "above the peer", "strict": "above the peer"},
}
DETECTOR_BARS = {"openalpr-eu": (".99", ".03"), "openalpr-us-a": (".96", ".08")}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]]) + "\n"


def rate(score: Mapping[str, Any]) -> str:
    """Return a share with its 95 % interval."""
    low, high = score["interval95"]
    return f"{score['share']:.3f} [{low:.3f}, {high:.3f}]"


def identity(entry: Mapping[str, Any], _: Mapping[str, Any]) -> str:
    """Return what the file is."""
    sizes = entry.get("bytes", {})
    size = f", {sizes[entry['form']] / 1e6:.2f} MB" if sizes else ""
    rows = [
        ("version", f"{entry['version']}, after {entry['samples']:,} samples"),
        ("released", f"`models/released/{entry['file']}` ({entry.get('form', 'float')}{size})"),
        ("SHA-256", f"`{entry['sha256']}`"),
        ("why this form", entry.get("form_reason", "only float was made")),
        ("input", entry["input"]),
        ("output", entry["output"]),
        ("licence", "Apache-2.0; terms of the training pictures below"),
        ("rebuild", f"`{entry['run']}`"),
    ]
    return table(("", ""), rows)


def reader_data(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return the photographs by set."""
    held = measured["held_out_crops"]
    rows = [
        (name, f"{count} / {held.get(name, 0)}", *TERMS[name]) for name, count in measured["training_crops"].items()
    ]
    return table(("set", "crops: training / held out", "from", "terms as stated by the source", "text read by"), rows)


def reader_scores(entry: Mapping[str, Any], _: Mapping[str, Any]) -> str:
    """Return the scores on true boxes, beside the peer in the same run and the bars."""
    form, rows = entry.get("form", "float"), []
    other = "float" if form == "int8" else "int8"
    for name, scores in entry["scores"].items():
        readers = [(f"**ours, released ({form})**", scores)]
        readers += [(f"ours, {other}", entry.get(f"scores_{other}", {}).get(name))]
        readers += [("peer", entry.get("scores_peer", {}).get(name))]
        readers += [("peer, box grown by 5 %", entry.get("scores_peer_margin", {}).get(name))]
        for who, row in readers:
            if row:
                bar = BARS.get(name, {}) if row is scores else {}
                bars = ", ".join(f"{k} {v}" for k, v in bar.items())
                rows.append(
                    (name, row["folded"]["n"], who, *(rate(row[k]) for k in ("strict", "folded", "corrected")), bars)
                )
    return table(("set", "n", "reader", "strict", "folded", "folded, labels corrected", "must"), rows)


def honesty(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return calibration error and precision of the surest reads."""
    rows = []
    for name, row in measured["calibration"].items():
        sure = row["precision_of_most_confident_90"]
        rows.append(
            (name, f"{row['error']:.3f}", f"{sure['value']:.3f} [{sure['low']:.3f}, {sure['high']:.3f}]", sure["n"])
        )
    return table(("set", "expected calibration error", "precision of the 90 % most confident reads", "n"), rows)


def light(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return scores by thirds of light."""
    rows = [(name, f"{s['from']} to {s['to']}", rate(s), s["n"]) for name, s in measured["light"].items()]
    return table(("third of the crops", "luma (mean, or standard deviation)", "folded, corrected", "n"), rows)


def regions(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return scores of drawn plates by region, and how often the region head names it."""
    head = measured["region_head"]["by_region"]
    rows = [
        (name, rate(s), rate(head[name]) if name in head else "taught as unknown")
        for name, s in sorted(measured["drawn_by_region"].items(), key=lambda each: each[1]["share"])
    ]
    whole = measured["region_head"]
    told = [f"Region named rightly, drawn plates of taught countries: {rate(whole['all'])}, n = {whole['all']['n']}."]
    told += [
        f"On {name} it calls {rate(whole[name]['US'])} of {whole[name]['US']['n']} plates US "
        f"and {whole[name]['unknown']['share']:.3f} unknown."
        for name in ("openalpr-eu", "openalpr-us-a")
        if name in whole
    ]
    return table(("formats of", "read right (folded)", "region named rightly"), rows) + "\n" + "\n".join(told) + "\n"


def faults(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return the sweeps as rows."""
    rows = [
        (name.replace("_", " "), " ".join(f"{s['at']:g}: {s['share']:.2f}" for s in levels))
        for name, levels in measured["sweeps"].items()
    ]
    return table(("fault", "level: share read right (n = 80 each)"), rows)


def others(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return two-row plates, lettering, and clips with and without the vote."""
    texts = measured["lettering"]
    rows: list[tuple[object, ...]] = [
        ("drawn plates of two rows, read right", rate(measured["two_rows"]), measured["two_rows"]["n"]),
        ("drawn badges, times, telephone numbers that gave a text", rate(texts["read"]), texts["read"]["n"]),
        ("... with every character above 0.9", rate(texts["read_surely"]), texts["read_surely"]["n"]),
    ]
    told = table(("", "share", "n"), rows)
    clips = measured.get("clips", {})
    if clips:
        lines = [
            (name, c["expected"], f"{c['right']} right, {c['wrong']} wrong",
             f"{c['single_frames']['best_right']} right, {c['single_frames']['best_wrong']} wrong",
             f"{c['single_frames']['right']} of {c['single_frames']['reads']}")
            for name, c in clips.items()
        ]  # fmt: skip
        head = ("clip", "plates", "vote of all frames", "most confident frame alone", "single frames right")
        told += "\n" + table(head, lines)
    return told


def speed(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return the times of one run."""
    rows = [(name, t["median"], t["p10"]) for name, t in measured["ms"].items()]
    return table(("network alone, one thread, taken in turn", "median ms", "10th percentile ms"), rows)


def detector_scores(entry: Mapping[str, Any], _: Mapping[str, Any]) -> str:
    """Return the scores of all sets and sizes, beside the bars."""
    rows = []
    for name, s in entry["scores"].items():
        source, size = name.rsplit(" ", 1)
        bar = DETECTOR_BARS.get(source) if size == entry["size"] else None
        told = f"recall {bar[0]}, false {bar[1]}" if bar else ""
        false = f"{s['false_per_picture']:.3f}"
        found = s["recall"]["n"], rate(s["recall"]), rate(s["top1"])
        rows.append(
            (source, size, f"{entry['thresholds'][size]:.2f}", *found, false, f"{s['average_precision']:.3f}", told)
        )
    head = (
        "set",
        "input",
        "threshold",
        "plates",
        "recall",
        "best detection is the plate",
        "false a picture",
        "AP",
        "must",
    )
    return table(head, rows)


def detector_bias(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return held-out recall by width, by light and by set."""
    held = measured["held_out"]
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
    return table(
        ("frames without a plate", "n", "found per 1,000", "read as a text", "every character above 0.9"), rows
    )


def tiles(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return what tiles bring and cost."""

    def told(values: Sequence[float]) -> str:
        return f"{values[0]:.3f} [{values[1]:.3f}, {values[2]:.3f}]"

    rows = [
        (name, told(s["recall_iou50"]), told(s["false_plates_per_image"]), told(s["end_to_end"]), s["detect_ms"])
        for name, s in measured["tiles"].items()
    ]
    return table(("set and tiles", "recall", "false a picture", "end to end, folded", "ms, letterbox and all"), rows)


BLOCKS: dict[str, dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], str]]] = {
    "reader": {
        "identity": identity, "data": reader_data, "scores": reader_scores, "honesty": honesty, "light": light,
        "regions": regions, "faults": faults, "others": others, "speed": speed,
    },
    "detector": {
        "identity": identity, "scores": detector_scores, "bias": detector_bias, "plate-free": plate_free,
        "tiles": tiles,
    },
}  # fmt: skip


def filled(text: str, role: str, entry: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return a card with its measured parts written anew.

    Raises:
        SystemExit: the figures are of another file than the released one.
    """
    if measured["sha256"] != entry["sha256"]:
        raise SystemExit(f"models/{role}/measured.json is of another file: run `python -m models.{role}.measure` first")
    return _BLOCK.sub(lambda m: m[1] + BLOCKS[role][m[2]](entry, measured) + m[3], text)


def main() -> None:
    """Fill or check both cards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail where a card is old, and change nothing")
    parser.add_argument("--only", choices=tuple(BLOCKS), help="one of the two")
    given = parser.parse_args()
    manifest = tomllib.loads(MANIFEST.read_text())
    for role in [given.only] if given.only else BLOCKS:
        card = MODELS / role / "CARD.md"
        old = card.read_text()
        new = filled(old, role, manifest[role], json.loads((MODELS / role / "measured.json").read_text()))
        if given.check and new != old:
            raise SystemExit(f"{card} is not what was measured: run `python -m models.common.card`")
        card.write_text(new)
        print(f"{card}: {'up to date' if new == old else 'written'}")


if __name__ == "__main__":
    main()

"""Write COVERAGE.md, what the drawings cover: `python -m models.datasets.coverage`.

`--speed` measures crops a second anew. Everything else is read from the very tables that the drawings use, so that the
file can be held against them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from models.datasets import codec, degrade, photographs
from models.datasets.fonts import FONT_PACKAGES
from models.datasets.fonts.faces import FACES
from models.datasets.fonts.shelf import FACE_SHARE, FONTS_A_FACE
from models.datasets.formats import STATE_SHARE, region_weights, states, tables
from models.datasets.photographs import HUGGING, SLANT, TURN_RAD
from models.datasets.plates.draw import LOOKS
from models.datasets.plates.lettering import BADGES

HERE = Path(__file__).parent
FILE = HERE / "COVERAGE.md"
SPEED = "## Speed\n"
PLATES = 120
VIEWS = 3

FITTINGS = (
    ("light on dark", "2 to 25 % of the plates by look; nearly all of Argentina before 2016"),
    ("stickers, bolts, borders", "US looks: each corner may carry a month, a year or a test mark"),
    ("dealers' frames", "15 to 45 % by look, with lettering, over small print but never over the serial"),
    (
        "state names, slogans, artwork",
        "US looks: hills, bars, a picture beside the serial; town, country band or state elsewhere",
    ),
    ("stacked small letters that are no serial", "12 % of US looks, left or right of the serial"),
    ("emblems between groups", "seals, state outlines, hearts, dashes, dots, in formats with `*`, `:`, `-`, `.`"),
    ("bands with stars and country marks", "75 % of the long European plates, a second band in France and Italy"),
    (
        "square plates of two rows",
        "motorcycles, lorries, imported cars: every format with `/`, and 5 % of the European ones",
    ),
    ("embossed or flat", "45 % with the light and shadow of a die, thinned or thickened strokes in a quarter"),
    ("other scripts", "strokes beside or above a Gulf serial, which nobody reads here"),
)
GEOMETRY = (
    (
        "width in the picture",
        f"{photographs.MIN_WIDTH_PX:.0f} to {photographs.MAX_WIDTH_PX:.0f} px, even in its logarithm",
    ),
    (
        "rotation, slant (standard deviations)",
        "; ".join(
            f"{100 * share:.0f} % {np.degrees(TURN_RAD * turn):.1f} degrees and {SLANT * turn:.2f}"
            for turn, share in photographs.TURNS
        ),
    ),
    ("camera that hangs askew", "photographed plates in three of ten, up to 20 degrees (sd 6)"),
    ("motion: length", "speed x shutter x sin(line of sight) / plate's width"),
    ("motion: speed", f"2 to {degrade.FASTEST_M_S:.0f} m/s"),
    ("motion: shutter, line of sight", "1/4000 to 1/125 s, 8 to 60 degrees"),
    ("motion: longest", "2.5 % of the picture's width, beyond which no person reads"),
    ("wrong corners", "off by 1.8 % of the width and 3.6 % of the height (sd), each side by 2 to 5 %"),
    (
        "wrong rectification",
        "40 % by the upright box instead of the corners; margin "
        + " and ".join(
            f"{100 * kept:g} to {100 * widest:g} % of the {side} ({100 * HUGGING:.0f} %: from {100 * hugged:g})"
            for kept, widest, hugged, side in zip(
                photographs.LEAST_MARGIN,
                photographs.MOST_MARGIN,
                photographs.LEAST_MARGIN_HUGGED,
                ("width", "height"),
                strict=True,
            )
        ),
    ),
    ("video", f"the last of one to four frames of x264, rate factor {codec.FINEST} to {codec.COARSEST}"),
)


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """Return a Markdown table."""
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (head, ("---",) * len(head), *rows)) + "\n"


def coverage() -> str:
    """Return all of the file that comes from the tables."""
    regions, shares = tables(), region_weights()
    rows: list[tuple[object, ...]] = [
        (
            name, region["look"], region.get("face", "any"), f"{100 * shares[name]:.1f} %", len(region["formats"]),
            sum("/" in f for f in region["formats"]), " ".join(f"`{f}`" for f in region["formats"][:3]),
        )
        for name, region in regions.items()
    ]  # fmt: skip
    of_states: list[tuple[object, ...]] = [
        (f"{country}, {state}", part["names"][0], part.get("art", ""), " ".join(f"`{f}`" for f in part["formats"]))
        for country, parts in states().items()
        for state, part in parts.items()
    ]
    fonts = (
        f"{len(FACES)} families of dies of {FONTS_A_FACE} fonts each, 500 other stroke fonts and those of "
        f"{len(FONT_PACKAGES)} Debian packages"
    )
    many = sum(len(r["formats"]) for r in regions.values())
    faults: list[tuple[object, ...]] = [(name, f"{100 * chance:.0f} %") for name, chance in degrade.CHANCES.items()]
    return "\n".join(
        [
            "# What the drawings cover\n",
            "Written by `python -m models.datasets.coverage`, from the tables of the drawings where there are any.\n",
            "## Regions and formats\n",
            f"{len(regions)} groups, {many} formats, {len(LOOKS)} looks, {fonts}.\n",
            "`@` a letter, `#` a digit, `?` either, `/` the next row.\n",
            table(("group", "look", "dies", "share of plates", "formats", "of two rows", "for example"), rows),
            f"{100 * FACE_SHARE:.0f} % of a group's plates are struck with its dies, or such as are like them",
            "([faces](fonts/faces.py)).\n",
            "## States and provinces\n",
            f"{100 * STATE_SHARE:.0f} % of these countries' plates are as one of their states issues them, by the",
            "number of its vehicles; California has a group of its own above.\n",
            table(("state", "name", "artwork", "formats"), of_states),
            "## What is on a plate\n",
            table(("", "how often, where"), list(FITTINGS)),
            "## How it is seen\n",
            table(("", "range"), list(GEOMETRY)),
            "Chance of each fault where a crop is spoiled with full strength; strength is drawn from 0.25 to 1.\n",
            table(("fault", "chance"), faults),
            "## What is no plate\n",
            f"{len(BADGES)} badges and signs, burnt-in times, telephone numbers: their text is empty.\n",
            "For the detector also lamps, grilles, wheels, timestamps ([lookalikes.py](lookalikes.py)).\n",
        ]
    )


def speed() -> str:
    """Measure crops a second on one core, and return the section that tells it."""
    from models.datasets.plates import draw_plate  # noqa: PLC0415 - fonts are opened for this only

    rng, spent = np.random.default_rng(1), {"drawn": 0.0, "photographed": 0.0}
    for _ in range(5 * PLATES):
        draw_plate(rng)  # opens fonts, which a training does once
    for _ in range(PLATES):
        began = time.thread_time()
        plate = draw_plate(rng)
        drawn = time.thread_time()
        for _ in range(VIEWS):
            picture = photographs.photograph(rng, plate.luma)
            spoiled = photographs.Photograph(degrade.spoil(rng, picture.luma), picture.quad)
            photographs.noisy_crop(rng, spoiled)
        spent["drawn"] += drawn - began
        spent["photographed"] += time.thread_time() - drawn
    plates, views = PLATES / spent["drawn"], PLATES * VIEWS / spent["photographed"]
    both = PLATES * VIEWS / sum(spent.values())
    return (
        f"{SPEED}\nSeconds of one core's own time: {plates:.0f} flat plates a second, {views:.0f} photographs of them, "
        f"{both:.0f} crops of {VIEWS} views a plate.\n"
    )


def main() -> None:
    """Write the file; the old speed stays unless it is measured anew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speed", action="store_true", help="measure crops a second")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    old = FILE.read_text() if FILE.exists() else ""
    kept = SPEED + old.partition(SPEED)[2] if SPEED in old else ""
    FILE.write_text(coverage() + "\n" + (speed() if given.speed else kept))


if __name__ == "__main__":
    main()

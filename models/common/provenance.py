"""Where the photographs and the letter shapes come from, and under which terms, as the cards say it.

Commits and terms are those that were noted when a set was fetched; nothing is filled in from memory.
"""

from __future__ import annotations

import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.common.markdown import table
from models.datasets.crops import BLANK, BY_EYE, PIECES_FROM
from models.datasets.formats import states, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DATASETS = Path(__file__).parents[1] / "datasets"
NOT_COUNTED = "not counted"


@dataclass(frozen=True, slots=True)
class Source:
    """One origin of photographs.

    Attributes:
        origin: the name of the repository or collection.
        commit: the beginning of the commit that was fetched; empty where none was noted.
        holder: who took the pictures or publishes them, as far as the source says.
        terms: as the source states them.
    """

    origin: str
    commit: str
    holder: str
    terms: str

    def cells(self) -> tuple[str, str, str]:
        """Return origin with commit, holder, terms."""
        return f"{self.origin}{f' @{self.commit}' if self.commit else ''}", self.holder, self.terms


UNNAMED = "not noted"
OPENLPR = Source("open-lpr-dataset-plate-detection", "7251620b", UNNAMED, "Apache-2.0")
OPEN_IMAGES = Source(
    'Open Images, through Roboflow "Google Licence Plates", through LP_recognition',
    "ecd25180",
    "the photographers of Open Images",
    "CC BY 4.0 as stated (photographs CC BY 2.0): credit Open Images and its photographers",
)
OPEN_IMAGES_HD = Source(
    'Open Images, through "License Plates US/EU"', "", "the photographers of Open Images", OPEN_IMAGES.terms
)
DARKPLATE = Source("DarkPlate", "76f0d3a0", "its author, with a camera of their own", "MIT")
ROMANIAN = Source("license-plate-dataset", "f00f309e", UNNAMED, "MIT")
EASYPR = Source("EasyPR", "a0a9f3c3", UNNAMED, "Apache-2.0")
INDIA = Source("license_plate_ai", "5730d1c1", UNNAMED, "CC BY 4.0 as stated")
KAGGLE_CARS = Source("car-license-plate-detection", "", UNNAMED, "CC0 as reported")
CATALOGUE = Source("a catalogue of US plates", "", "unknown: visibly from the web", "CC0 as reported by a third party")

SCENES = {
    "openlpr": OPENLPR, "openimages": OPEN_IMAGES, "openimages-hd": OPEN_IMAGES_HD, "darkplate": DARKPLATE,
    "romanian": ROMANIAN, "easypr": EASYPR, "india": INDIA, "kaggle-cars": KAGGLE_CARS,
}  # fmt: skip
CROPS = {
    "crops-openlpr": (OPENLPR, "machine"),
    "crops-openimages": (OPEN_IMAGES, "machine"),
    "crops-openimages-hd": (OPEN_IMAGES_HD, "machine"),
    "crops-darkplate": (DARKPLATE, "people"),
    "crops-romanian": (ROMANIAN, "machine"),
    "crops-us-catalogue": (CATALOGUE, "machine"),
    **{f"{BY_EYE}: {name}": (source, "eye, once") for name, source in SCENES.items()},
    BLANK: (Source("found among the plates read by eye", "", "as there", "as there"), "nothing: they teach no plate"),
}
"""Whose crops they are, and who read their texts."""

_FROM = ("from", "author or holder", "terms as stated by the source")


def reader_data(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return the photographed plates by set, and the scenes whose plate-free pieces teach what is none."""
    held = measured["held_out_crops"]
    if not measured["training_crops"]:
        return f"The photographs: {NOT_COUNTED} when this reader was released.\n"
    rows = [
        (name, f"{count} / {held.get(name, 0)}", *CROPS[name][0].cells(), CROPS[name][1])
        for name, count in measured["training_crops"].items()
    ]
    plates = table(("set", "crops: training / held out", *_FROM, "text read by"), rows)
    counts = measured.get("plate_free_scenes") or dict.fromkeys(PIECES_FROM, NOT_COUNTED)
    pieces = [(name, count, *SCENES[name].cells()) for name, count in counts.items()]
    return f"{plates}\n{_PIECES}\n\n{table(('set', 'training scenes', *_FROM), pieces)}"


_PIECES = "Pieces without a plate, which teach an empty text and lie behind drawn plates, are cut from scenes of:"


def detector_data(_: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Return the scenes by set: pictures and plates, in training and held out."""
    counts = measured.get("scenes")

    def cells(name: str, kind: str) -> str:
        pictures, plates = counts[name][kind] if counts else (0, 0)
        return f"{pictures} / {plates}" if pictures else "none" if counts else NOT_COUNTED

    names = counts or SCENES
    rows = [(name, cells(name, "training"), cells(name, "held_out"), *SCENES[name].cells()) for name in names]
    if counts:
        sums = {
            kind: [sum(each[kind][place] for each in counts.values()) for place in (0, 1)]
            for kind in ("training", "held_out")
        }
        together = (f"**{pictures} / {plates}**" for pictures, plates in sums.values())
        rows.append(("**together**", *together, "", "", ""))
    return table(("set", "pictures / plates trained on", "held out", *_FROM), rows)


def drawings(_: Mapping[str, Any], __: Mapping[str, Any]) -> str:
    """Return what plates are drawn from: formats, typefaces, and the licences of those under a copyleft."""
    groups, parts = tables(), [part for country in states().values() for part in country.values()]
    formats = sum(len(each["formats"]) for each in (*groups.values(), *parts))
    # By its path: the package around it needs Pillow, which whoever writes a card may not have.
    licences: dict[str, str] = runpy.run_path(str(DATASETS / "fonts" / "packages.py"))["FONT_PACKAGES"]
    copyleft = [f"{name} ({licence})" for name, licence in licences.items() if "GPL" in licence]
    return (
        f"As the drawings are now: {len(groups)} groups and {len(parts)} states and provinces with {formats} serial "
        f"formats, stroke fonts and families of dies that the project draws itself, and the typefaces of "
        f"{len(licences)} Debian packages. No typeface is among the released files. Under a licence of the GPL family: "
        f"{', '.join(copyleft)}. Films go through x264 (GPL-2 or later, as PyAV's wheels bring it), which is not among "
        "the released files either.\n"
    )


EVALUATION = {
    "openalpr-eu": Source("openalpr/benchmarks, endtoend/eu", "9790ed20", UNNAMED, "AGPL-3.0"),
    "openalpr-us-a": Source("openalpr/benchmarks, half of endtoend/us", "9790ed20", UNNAMED, "AGPL-3.0"),
}
CLIPS = {
    "gb-one-car": Source("yolov4-custom-functions", "8f2c922a", UNNAMED, "MIT, of the repository"),
    "vn-toll-lane": Source("deep-license-plate-recognition", "1566c9f5", UNNAMED, "MIT, of the repository"),
    "peer reader": Source("fast-plate-ocr, CCT-XS v1 global", "", UNNAMED, "MIT"),
}


SPLIT_CAME_LATE = {
    "reader": (
        "- Of the 382 plates with a text in the detector's held-out scenes (EasyPR's left out) 323 were among the "
        "training crops of the readers up to 2.x. FAINT_SCORE, from which the device lets the reader decide on a faint "
        "detection, was chosen by what such a reader reads there: more than it reads of plates it never saw. Of the 65 "
        "plates that were read by eye in these scenes later, four were among those crops.\n"
    ),
    "detector": (
        "\nThe readers up to 2.x were taught `no plate` on pieces of 274 of the 609 held-out scenes: what they read in "
        "the plate-free parts of these is less than they would read in new ones.\n"
    ),
}
"""What goes with a reader whose chain of runs began before models/datasets/labels.py kept the same photographs back
from both models. To be emptied with the first released reader that was trained from nothing since."""


def reader_evaluation(_: Mapping[str, Any], __: Mapping[str, Any]) -> str:
    """Return what the reader is only measured with."""
    return table(("never trained on", *_FROM), [(n, *s.cells()) for n, s in (EVALUATION | CLIPS).items()])


def detector_evaluation(_: Mapping[str, Any], __: Mapping[str, Any]) -> str:
    """Return what the detector is only measured with."""
    return table(("never trained on", *_FROM), [(name, *source.cells()) for name, source in EVALUATION.items()])


_TEXTS = {
    "reader": "What is written on them is what the reader was taught.",
    "detector": "What is written on them taught the detector nothing; whether anything is, it may have.",
}


def personal(role: str) -> Callable[[Mapping[str, Any], Mapping[str, Any]], str]:
    """Return the writer of the paragraph on personal data."""

    def written(_: Mapping[str, Any], __: Mapping[str, Any]) -> str:
        return (
            "Photographs of real plates are personal data. They were used to train and to evaluate the two models and "
            "for nothing else. None of the pictures is among the repository's files, and of the texts only those that "
            "were read by eye for this project, each encrypted with a key made of its picture (models/datasets/"
            "by_eye.py). That keeps them from whoever has the repository alone, not from whoever has the data sets. "
            f"{_TEXTS[role]} "
            "Whether the people behind the plates were asked is not known here: only the terms that each source states "
            "are. Whether anything of a single training picture can be got back out of the weights was not tested.\n"
        )

    return written

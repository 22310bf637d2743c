"""The dies of authorities: what sets a face of plates apart from any other, as shapes and ranges of a pen's numbers.

Drawn after the published descriptions, not copied from any file: FE-Schrift (Germany's Fahrzeug-Zulassungsverordnung,
annex 4: characters that cannot be made into one another; Mercosul and others use it too), DIN 1451 (Germany until
2000), "Charles Wright" (Great Britain: Road Vehicles (Display of Registration Marks) Regulations 2001, schedule 4), the
slit letters of the Netherlands (since 1999), and the dies of North America. Each is drawn many times over, a little
different, as dies, printers and makers differ. formats.toml also gives a face to countries whose own letters are merely
like it, as DIN to France and Romania, or Charles Wright to much of Africa.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Face:
    """A family of stroke fonts.

    Attributes:
        width: of a character, as a share of its height.
        thickness: of a stroke, as a share of the height.
        radius: of rounded corners, as a share of what there is room for.
        oval: 1 where curves are ellipses, 0 where they are arcs of circles between straight strokes.
        squareness: of the pen's end: 2 is round, 8 is cut square.
        shapes: variants of a character as in `skeletons`, instead of those there.
        factors: widths of a character that differ, as factors.
    """

    width: Range
    thickness: Range
    radius: Range
    oval: Range
    squareness: Range
    shapes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    factors: dict[str, float] = field(default_factory=dict)


FACES: dict[str, Face] = {
    "fe": Face(
        width=(0.56, 0.66),
        thickness=(0.125, 0.155),
        radius=(0.75, 1.0),
        oval=(0.0, 0.4),
        squareness=(3.0, 8.0),
        shapes={
            "0": ("1|.64,0 0,0r 0,1r 1,1r 1,.19",),
            "1": ("1|.15,.24 .6,0 .6,1",),
            "3": ("1|0,0 .95,0 .42,.4r 1,.44r 1,1r 0,1r 0,.84",),
            "4": ("1|.5,0 0,.7 1,.7;.74,.45 .74,1",),
            "6": ("1|.72,0 .08,.5r 0,1r 1,1r 1,.44r .2,.44r",),
            "7": ("1|0,0 1,0 .42,1",),
            "9": ("1|.28,1 .92,.5r 1,0r 0,0r 0,.56r .8,.56r",),
            "A": ("1|0,1 .42,0 .58,0 1,1;.14,.7 .86,.7",),
            "B": ("1|0,0 .84,0r .84,.44r 0,.44 1,.44r 1,1r 0,1z",),
            "E": ("1|1,0 0,0 0,1 1,1;0,.46 .76,.46",),
            "F": ("1|1,0 0,0 0,1;0,.5 .84,.5",),
            "G": ("1|1,.2 1,0r 0,0r 0,1r 1,1r 1,.54 .52,.54",),
            "I": ("1|.1,0 .9,0;.1,1 .9,1;.5,0 .5,1",),
            "J": ("1|.3,0 1,0 1,1r 0,1r 0,.76",),
            "M": ("1|0,1 0,0 .5,.58 1,0 1,1",),
            "P": ("1|0,1 0,0 1,0r 1,.56r .46,.56", "1|0,1 0,0 1,0r 1,.56r 0,.56"),
            "Q": ("1|.66,1 .4,1 0,1r 0,0r 1,0r 1,.72;.6,.66 1.04,1.02",),
            "R": ("1|0,1 0,0 1,0r 1,.54r .46,.54;.6,.62 1,1", "1|0,1 0,0 1,0r 1,.54r 0,.54;.5,.54 1,1"),
            "W": ("1|0,0 .2,1 .5,.36 .8,1 1,0",),
        },
        factors={"I": 0.75, "1": 0.75, "M": 1.1, "W": 1.2},
    ),
    "din": Face(
        width=(0.46, 0.58),
        thickness=(0.12, 0.16),
        radius=(0.8, 1.0),
        oval=(0.0, 0.3),
        squareness=(2.0, 4.0),
        shapes={
            "0": ("1|0,0r 1,0r 1,1r 0,1rz",),
            "1": ("1|.05,.3 .6,0 .6,1",),
            "4": ("1|.45,0 0,.72 1,.72;.74,.46 .74,1",),
            "6": ("1|.76,0 .06,.52r 0,1r 1,1r 1,.4r .12,.4r",),
            "7": ("1|0,0 1,0 .36,1",),
            "9": ("1|.24,1 .94,.48r 1,0r 0,0r 0,.6r .88,.6r",),
            "I": ("1|.5,0 .5,1",),
            "J": ("1|.9,0 .9,1r .05,1", "1|1,0 1,1r 0,1r 0,.76"),
            "M": ("1|0,1 0,0 .5,.66 1,0 1,1",),
            "Q": ("1|0,0r 1,0r 1,1r 0,1rz;.58,.72 1.04,1.04",),
        },
    ),
    "charles-wright": Face(
        width=(0.6, 0.66),
        thickness=(0.165, 0.185),
        radius=(0.85, 1.0),
        oval=(0.0, 0.2),
        squareness=(4.0, 8.0),
        shapes={
            "0": ("1|0,0r 1,0r 1,1r 0,1rz",),
            "1": ("1|.5,0 .5,1",),
            "2": ("1|0,.24 0,0r 1,0r 1,.46r 0,1 1,1",),
            "3": ("1|0,.2 0,0r 1,0r 1,.48r .3,.48;.3,.48 1,.48r 1,1r 0,1r 0,.8",),
            "4": ("1|.72,1 .72,0 0,.7 1,.7",),
            "5": ("1|.95,0 0,0 0,.42 1,.42r 1,1r 0,1r 0,.8",),
            "6": ("1|1,.2 1,0r 0,0r 0,1r 1,1r 1,.44r 0,.44r 0,.7",),
            "7": ("1|0,0 1,0 .34,1",),
            "9": ("1|0,.8 0,1r 1,1r 1,0r 0,0r 0,.56r 1,.56r 1,.3",),
            "A": ("1|0,1 .5,0 1,1;.17,.7 .83,.7",),
            "G": ("1|1,.24 1,0r 0,0r 0,1r 1,1r 1,.56 .52,.56",),
            "I": ("1|.5,0 .5,1",),
            "J": ("1|1,0 1,1r 0,1r 0,.72",),
            "K": ("1|0,0 0,1;1,0 0,.6;.34,.42 1,1",),
            "M": ("1|0,1 0,0 .5,.62 1,0 1,1",),
            "N": ("1|0,1 0,0 1,1 1,0",),
            "P": ("1|0,1 0,0 1,0r 1,.54r 0,.54",),
            "Q": ("1|0,0r 1,0r 1,1r 0,1rz;.56,.7 1,1.02",),
            "R": ("1|0,1 0,0 1,0r 1,.52r 0,.52;.5,.52 1,1",),
            "W": ("1|0,0 .22,1 .5,.3 .78,1 1,0",),
        },
        factors={"M": 1.0, "W": 1.1},
    ),
    "netherlands": Face(
        width=(0.56, 0.66),
        thickness=(0.13, 0.16),
        radius=(0.8, 1.0),
        oval=(0.0, 0.3),
        squareness=(4.0, 8.0),
        shapes={
            "0": ("1|0,0r 1,0r 1,1r 0,1rz", "1|.62,0 0,0r 0,1r 1,1r 1,.24"),
            "1": ("1|.1,.24 .55,0 .55,1",),
            "3": (
                "1|0,0 .95,0 .42,.4r 1,.44r 1,1r 0,1r 0,.84",
                "1|0,.2 0,0r 1,0r 1,.46r .4,.46;.4,.46 1,.46r 1,1r 0,1r 0,.8",
            ),
            "4": ("1|.5,0 0,.68 1,.68;.76,.42 .76,1",),
            "6": ("1|.7,0 .06,.5r 0,1r 1,1r 1,.44r .32,.44r",),
            "9": ("1|.3,1 .94,.5r 1,0r 0,0r 0,.56r .68,.56r",),
            "B": ("1|0,0 .88,0r .88,.46r .48,.46;.48,.46 1,.46r 1,1r 0,1 0,0",),
            "D": ("1|0,1 0,0 1,0r 1,1r .46,1",),
            "G": ("1|1,.2 1,0r 0,0r 0,1r 1,1r 1,.52 .5,.52",),
            "P": ("1|0,1 0,0 1,0r 1,.54r .48,.54",),
            "R": ("1|0,1 0,0 1,0r 1,.52r .48,.52;.6,.6 1,1",),
            "S": ("1|1,.22 1,0r 0,0r 0,mr 1,mr 1,1r 0,1r 0,.78",),
        },
    ),
    "america": Face(
        width=(0.42, 0.52),
        thickness=(0.11, 0.16),
        radius=(0.7, 1.0),
        oval=(0.0, 0.6),
        squareness=(2.0, 4.0),
        shapes={
            "1": ("3|.1,.16 .55,0 .55,1;.05,1 1,1", "2|.15,.2 .55,0 .55,1", "1|.5,0 .5,1"),
            "3": ("3|0,.2 0,0r 1,0r 1,mr .35,m;.35,m 1,mr 1,1r 0,1r 0,.8", "1|0,0 .95,0 .5,.38r 1,.5r 1,1r 0,1r 0,.85"),
            "4": ("2|.75,1 .75,0 0,.68 1,.68", "1|0,0 0,.58 1,.58;.8,0 .8,1"),
            "7": ("2|0,0 1,0 .4,1", "1|0,.14 0,0 1,0 .4,1"),
            "I": ("3|0,0 1,0;0,1 1,1;.5,0 .5,1", "1|.5,0 .5,1"),
            "J": ("2|1,0 1,1r 0,1r 0,.72", "1|.3,0 1,0 1,1r 0,1r 0,.75"),
            "M": ("1|0,1 0,0 .5,.5 1,0 1,1", "1|0,1 0,0 .5,.65 1,0 1,1"),
            "Q": ("2|0,0r 1,0r 1,1r 0,1rz;.5,.66 1,1.02", "1|0,0r 1,0r 1,1r 0,1rz;.62,.72 .62,1.08 1.02,1.08"),
            "W": ("1|0,0 0,1 .5,.5 1,1 1,0", "1|0,0 .22,1 .5,.3 .78,1 1,0"),
        },
        factors={"M": 1.05, "W": 1.1},
    ),
}
"""By the name that formats.toml gives as `face`."""

"""Letter shapes for drawn plates: parametric stroke fonts, and free TrueType fonts from Debian.

Plates of most authorities are struck from dies whose shapes are simple strokes. A stroke font here is a table
(`skeletons`) plus a handful of numbers: width, thickness, corner radius, pen shape, slant and one variant for each
character. Hundreds of them cover more of the world than any collection of files, and carry no licence.
"""

from models.datasets.fonts.glyphs import CHARACTERS, DIGITS, GLYPH_PX, Font
from models.datasets.fonts.packages import FONT_PACKAGES
from models.datasets.fonts.shelf import FontShelf
from models.datasets.fonts.strokes import stroke_font

__all__ = ["CHARACTERS", "DIGITS", "FONT_PACKAGES", "GLYPH_PX", "Font", "FontShelf", "stroke_font"]

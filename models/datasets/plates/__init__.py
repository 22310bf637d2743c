"""Draw licence plates that nobody owns: random serials in the formats, shapes and letters of many countries.

A plate is drawn once, flat and clean, about 96 px high; photographs.py puts it before a camera. `sheet` is the ground,
`writing` puts letters on it and `fittings` the rest; `north_america`, `europe` and so on each draw the looks of some
countries; `draw` chooses among them by formats.toml and states.toml.
"""

from models.datasets.fonts import CHARACTERS
from models.datasets.plates.draw import draw_plate
from models.datasets.plates.lettering import draw_lettering
from models.datasets.plates.sheet import DrawnPlate
from models.datasets.plates.writing import write_serial

__all__ = ["CHARACTERS", "DrawnPlate", "draw_lettering", "draw_plate", "write_serial"]

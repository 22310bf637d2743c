"""Writing that is no plate: badges, signs, burnt-in times, telephone numbers."""

from __future__ import annotations

import numpy as np

from models.datasets.plates.sheet import DrawnPlate, finish, new_sheet
from models.datasets.plates.writing import set_word

BADGES = (
    "TOYOTA",
    "HONDA",
    "Volkswagen",
    "4x4",
    "TURBO",
    "TDI",
    "HYBRID",
    "V6",
    "POLICE",
    "TAXI",
    "AMBULANCE",
    "SUBARU",
    "FORD",
    "CHEVROLET",
    "NISSAN",
    "STOP",
    "EXIT",
    "ONE WAY",
    "SPEED LIMIT",
    "NO PARKING",
    "SCHOOL BUS",
    "FEDEX",
    "MAXIMA",
    "COROLLA",
    "QUATTRO",
    "DIESEL",
    "XDRIVE",
    "www.example.com",
    "24h",
    "OPEN",
    "CAUTION",
    "HOW AM I DRIVING",
    "BABY ON BOARD",
    "MERCEDES", "BMW", "AUDI", "SKODA", "OCTAVIA", "FABIA", "PEUGEOT", "RENAULT", "CITROEN", "FIAT", "OPEL", "SEAT",
    "KIA", "HYUNDAI", "MAZDA", "LEXUS", "JEEP", "DODGE", "RAM 1500", "CHRYSLER", "BUICK", "GMC", "SIERRA", "SILVERADO",
    "EXPLORER", "ESCAPE", "FOCUS", "CAMRY", "ACCORD", "CIVIC", "ALTIMA", "SENTRA", "IMPREZA", "OUTBACK", "FORESTER",
    "TESLA", "VOLVO", "SAAB", "TRANSIT", "SPRINTER", "MASTER", "DUCATO", "F-150", "HEMI", "VTEC", "16V", "GTI", "AWD",
    "4WD", "4MATIC", "LIMITED", "SPORT", "TOURING", "ECO", "ELECTRIC", "BlueTEC", "1.9 TDI", "2.0", "300 SEL", "C 220",
    "FOR SALE", "RENT ME", "U-HAUL", "DHL", "UPS", "POLIZEI", "GENDARMERIE", "SHERIFF", "AMBULANCIA", "BUS", "LKW",
    "YIELD", "DEAD END", "NO TURNS", "KEEP RIGHT", "HOTEL", "PIZZA", "BANK", "ATM", "PHARMACY", "SALE 50%", "LOT A",
    "30", "50", "80", "120", "ROUTE 66", "I-95 NORTH", "A 8", "E 45", "EXIT 12B", "DIESEL 1.459", "95 OCTANE", "No. 7",
)  # fmt: skip


def draw_lettering(rng: np.random.Generator) -> DrawnPlate:
    """Draw writing that is not a plate: badges, signs, burnt-in times, telephone numbers. Its text is empty."""
    kind = rng.random()
    if kind < 0.35:
        word = str(rng.choice(BADGES))
    elif kind < 0.7:
        clock = f"{rng.integers(0, 24):02d}:{rng.integers(60):02d}:{rng.integers(60):02d}"
        dash, month = rng.choice(["-", "/", "."]), rng.integers(1, 13)
        day = f"{rng.integers(2005, 2030)}{dash}{month:02d}{dash}{rng.integers(1, 29):02d}"
        word = str(
            rng.choice(
                [
                    clock,
                    day,
                    f"{day} {clock}",
                    f"CAM{rng.integers(1, 9)} {clock}",
                    f"{rng.integers(5, 140)} km/h",
                    f"CH{rng.integers(10):02d} {day}",
                ]
            )
        )
    else:
        word = f"{rng.integers(100, 999)}-{rng.integers(100, 999)}-{rng.integers(1000, 9999)}"
        word = str(
            rng.choice(
                [word, f"1-{word}", f"TEL {word}", f"({word[:3]}) {word[4:]}", f"+{rng.integers(10, 99)} {word}"]
            )
        )
    aspect = float(np.clip(len(word) * 0.55, 1.5, 7))
    sheet = new_sheet(rng, aspect, dark_ground=0.5, busy=0.4)
    width, height = sheet.size
    set_word(rng, sheet, word, (width * 0.03, height * 0.1, width * 0.94, height * 0.8), sheet.ink)
    return DrawnPlate(finish(rng, sheet), "", "none")

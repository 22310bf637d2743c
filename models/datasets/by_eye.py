"""Texts of photographed plates that were read by eye, sealed under the pictures they describe.

A text of a real plate must not lie in a repository, yet a reader is rebuilt from it. So each text is encrypted with a
key made of its picture's own bytes (convergent encryption: J. R. Douceur et al., "Reclaiming Space from Duplicate
Files in a Serverless Distributed File System", ICDCS 2002): who has the picture can read the plate anyway, and who has
not learns nothing of it. The cipher is AES-SIV (RFC 5297), which needs no nonce; texts are padded to one length.

`python -m models.datasets.by_eye readings.tsv` seals new ones: lines of set/picture, plate's number, and the text
(nothing where the plate is blank, or is a sign), separated by tabs. What an evaluation set shows is refused.
"""

from __future__ import annotations

import argparse
import base64
import functools
import hashlib
import json
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

FILE = Path(__file__).with_name("by_eye.json")
LONGEST = 12


def seal(picture: bytes, number: int, text: str) -> str:
    """Return the text of a picture's plate, encrypted under the picture, in base64."""
    if len(text) > LONGEST or (text and not (text.isascii() and text.isalnum() and text == text.upper())):
        raise ValueError("a text has up to 12 characters of 0-9 and A-Z")
    sealed = _cipher(picture).encrypt(text.ljust(LONGEST).encode(), [b"plate", str(number).encode()])
    return base64.b64encode(sealed).decode()


def unseal(picture: bytes, number: int, sealed: str) -> str | None:
    """Return the text, empty for a blank plate or a sign; None where the picture is another one."""
    try:
        return _cipher(picture).decrypt(base64.b64decode(sealed), [b"plate", str(number).encode()]).decode().rstrip()
    except InvalidTag:
        return None


def _cipher(picture: bytes) -> AESSIV:
    return AESSIV(hashlib.sha512(b"platesieve: a text read by eye\n" + picture).digest())


@functools.cache
def readings(folder: Path, file: Path = FILE) -> dict[str, dict[int, str]]:
    """Return the texts of a set's plates by picture and number; of a picture that is absent or changed, none."""
    found: dict[str, dict[int, str]] = {}
    for name, plates in json.loads(file.read_text()).items():
        source, image = name.split("/", 1)
        if source == folder.name and (folder / image).is_file():
            picture = (folder / image).read_bytes()
            texts = {int(number): unseal(picture, int(number), sealed) for number, sealed in plates.items()}
            found[image] = {number: text for number, text in texts.items() if text is not None}
    return found


def evaluated(data: Path) -> frozenset[str]:
    """Return the texts that the evaluation sets show."""
    files = (data / "eval").glob("*/labels.jsonl")
    plates = (p for f in files for line in f.read_text().splitlines() for p in json.loads(line)["plates"])
    return frozenset(str(p[key]) for p in plates for key in ("text", "text_corrected") if p.get(key))


def is_near(text: str, others: frozenset[str]) -> bool:
    """Say whether a text is one of the others, or one substitution away from one."""
    return any(len(o) == len(text) and sum(a != b for a, b in zip(o, text, strict=True)) <= 1 for o in others)


def add(lines: list[str], data: Path, file: Path = FILE) -> int:
    """Seal readings and write the file anew; return how many were refused because an evaluation set shows them."""
    sealed, refused = json.loads(file.read_text()) if file.is_file() else {}, 0
    shown = evaluated(data)
    for line in lines:
        name, number, text = (line.rstrip("\n") + "\t\t").split("\t")[:3]
        if is_near(text, shown):
            refused += 1
            continue
        picture = (data / "train" / name).read_bytes()
        sealed.setdefault(name, {})[number] = seal(picture, int(number), text)
    ordered = {name: dict(sorted(sealed[name].items())) for name in sorted(sealed)}
    rows = (f"{json.dumps(name)}: {json.dumps(plates)}" for name, plates in ordered.items())
    file.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    return refused


def main() -> None:
    """Parse the command line and seal the readings."""
    from models.datasets.labels import data_folder  # noqa: PLC0415 (labels.py reads what is sealed here)

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readings", type=Path, help="lines of set/picture, plate's number, text; separated by tabs")
    given = parser.parse_args()
    lines = given.readings.read_text().splitlines()
    refused = add(lines, data_folder())
    print(f"{len(lines) - refused} sealed, {refused} refused: an evaluation set shows them")


if __name__ == "__main__":
    main()

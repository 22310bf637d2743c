"""Texts of photographed plates that were read by eye, sealed under the pictures they describe.

A text of a real plate must not lie open in a repository, yet a reader is rebuilt from it. So each text is encrypted
with a key made of its picture's own bytes (convergent encryption: J. R. Douceur et al., "Reclaiming Space from
Duplicate Files in a Serverless Distributed File System", ICDCS 2002). Whoever has the very files of the data set can
open it, and can see the plate anyway; whoever has the repository alone learns that a plate was read on a picture of
this name, and nothing of its text. It stays personal data: what was once committed cannot be taken back. The cipher is
AES-SIV (RFC 5297), which needs no nonce; texts are padded to one length, and bound to the plate's box.

`python -m models.datasets.by_eye readings.tsv` seals new ones: lines of set/picture, plate's number, and the text
(nothing where the plate is blank, or is a sign), separated by tabs. Delete that file afterwards. What an evaluation set
shows is refused.
"""

from __future__ import annotations

import argparse
import base64
import functools
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from models.common.metrics import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = Path(__file__).with_name("by_eye.json")
LONGEST = 12


def seal(picture: bytes, number: int, box: Sequence[float], text: str) -> str:
    """Return the text of a picture's plate, encrypted under the picture, in base64.

    Raises:
        ValueError: the text has other characters than a plate's, or too many.
    """
    if len(text) > LONGEST or (text and not (text.isascii() and text.isalnum() and text == text.upper())):
        raise ValueError("a text has up to 12 characters of 0-9 and A-Z")
    return base64.b64encode(_cipher(picture).encrypt(text.ljust(LONGEST).encode(), _of(number, box))).decode()


def unseal(picture: bytes, number: int, box: Sequence[float], sealed: str) -> str | None:
    """Return the text, empty for a blank plate or a sign; None where the picture or the box is another one."""
    try:
        return _cipher(picture).decrypt(base64.b64decode(sealed), _of(number, box)).decode().rstrip()
    except InvalidTag:
        return None


def _cipher(picture: bytes) -> AESSIV:
    return AESSIV(hashlib.sha512(b"platesieve: a text read by eye\n" + picture).digest())


def _of(number: int, box: Sequence[float]) -> list[bytes]:
    return [b"plate", str(number).encode(), json.dumps([float(side) for side in box]).encode()]


@functools.cache
def sealed_readings(file: Path) -> dict[str, dict[str, str]]:
    """Return what is sealed, by set/picture and the plate's number."""
    found: dict[str, dict[str, str]] = json.loads(file.read_text())
    return found


def open_readings(folder: Path, label: dict[str, Any], file: Path | None = None) -> tuple[dict[int, str], int]:
    """Return the texts of a scene's plates by number, and how many readings are of another picture or box.

    Args:
        folder: of the set.
        label: of the scene.
        file: other readings than those of the repository.
    """
    sealed = sealed_readings(file or FILE).get(f"{folder.name}/{label['image']}", {})
    picture, plates = folder / label["image"], label.get("plates", [])
    if not sealed or not picture.is_file():
        return {}, len(sealed)
    data = picture.read_bytes()
    known = {int(n): each for n, each in sealed.items() if int(n) < len(plates)}
    texts = {n: unseal(data, n, plates[n]["box"], each) for n, each in known.items()}
    opened = {n: text for n, text in texts.items() if text is not None}
    return opened, len(sealed) - len(opened)


def evaluated(data: Path) -> frozenset[str]:
    """Return the texts that the evaluation sets show, O taken for 0 and I for 1.

    Raises:
        FileNotFoundError: there are none, so nobody can say what they show.
    """
    files = list((data / "eval").glob("*/labels.jsonl"))
    if not files:
        raise FileNotFoundError(f"{data / 'eval'} holds no evaluation set to keep clear of")
    plates = (p for f in files for line in f.read_text().splitlines() for p in json.loads(line)["plates"])
    return frozenset(fold(p[key]) for p in plates for key in ("text", "text_corrected") if p.get(key))


def is_near(text: str, others: frozenset[str]) -> bool:
    """Say whether a text is one of the others (folded), or one substitution away from one."""
    ours = fold(text)
    return any(len(o) == len(ours) and sum(a != b for a, b in zip(o, ours, strict=True)) <= 1 for o in others)


def add(lines: list[str], data: Path, file: Path = FILE) -> int:
    """Seal readings and write the file anew; return how many were refused because an evaluation set shows them."""
    sealed = json.loads(file.read_text()) if file.is_file() else {}
    shown, refused = evaluated(data), 0
    for line in lines:
        name, number, text = (line.rstrip("\n") + "\t\t").split("\t")[:3]
        if is_near(text, shown):
            refused += 1
            sealed.get(name, {}).pop(number, None)  # an earlier reading of it was a wrong one
            continue
        box = _boxes(data / "train" / name.partition("/")[0])[name.partition("/")[2]][int(number)]
        sealed.setdefault(name, {})[number] = seal((data / "train" / name).read_bytes(), int(number), box, text)
    ordered = {name: dict(sorted(sealed[name].items())) for name in sorted(sealed) if sealed[name]}
    rows = (f"{json.dumps(name)}: {json.dumps(plates)}" for name, plates in ordered.items())
    file.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    sealed_readings.cache_clear()
    return refused


@functools.cache
def _boxes(folder: Path) -> dict[str, list[list[float]]]:
    rows = map(json.loads, (folder / "labels.jsonl").read_text().splitlines())
    return {row["image"]: [plate["box"] for plate in row["plates"]] for row in rows}


def main() -> None:
    """Parse the command line and seal the readings."""
    from models.datasets.labels import data_folder  # noqa: PLC0415 (labels.py opens what is sealed here)

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readings", type=Path, help="lines of set/picture, plate's number, text; separated by tabs")
    given = parser.parse_args()
    lines = given.readings.read_text().splitlines()
    refused = add(lines, data_folder())
    print(f"{len(lines) - refused} sealed, {refused} refused: an evaluation set shows them")


if __name__ == "__main__":
    main()

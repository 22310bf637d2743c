"""Pictures as age files: who opens them, and what they are bound to."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pyrage import encrypt, x25519

from platesieve.adapters.disk.agency_keys import AgencyKeys
from platesieve.cli.open_event import opened
from platesieve.domain.crop import Crop
from platesieve.domain.decision import Disclose
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import ConfigError
from platesieve.policy.actions import Drop, Keep, Seal, SealFormat
from platesieve.policy.age_file import MAX_FILE_BYTES, MAX_PICTURE_BYTES, PictureSealer, open_picture, open_value
from platesieve.policy.decide import decide
from platesieve.policy.explain import leaves
from platesieve.policy.fields import Field
from platesieve.policy.force import device_refusals
from platesieve.policy.instruments import instruments_for
from platesieve.policy.load import load_policy
from platesieve.policy.packs import pack_text
from platesieve.policy.seal import SealError, parts_of, seal, sealing_info
from tests.fakes.passages import (
    AGENCY_PRIVATE,
    AGENCY_PUBLIC,
    AN_ALERT,
    CANARY,
    DEVICE,
    SEEN,
    a_context,
    a_policy,
    a_section,
    a_sighting,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from platesieve.domain.disclosure import Disclosure
    from platesieve.domain.sighting import Sighting
    from platesieve.policy.language import Policy

IDENTITY = x25519.Identity.generate()
SECRET, PUBLIC = str(IDENTITY).encode(), str(IDENTITY.to_public()).encode()
JPEG = b"\xff\xd8 a plate \xff\xd9"
INFO = sealing_info(DEVICE, Kind.HIT, "event-1", "plate_crop", "0" * 64)
AS_AGE = Seal("crops", SealFormat.AGE)
TO_CROPS = 'plate_crop = { action = "seal", to = "crops", format = "age" }'


def disclosed(policy: Policy, keys: Mapping[str, bytes], sighting: Sighting | None = None) -> Disclosure:
    """Return what leaves of a hit, sealed to these keys."""
    instruments = instruments_for(DEVICE, keys, ())
    decision = decide(sighting or a_sighting(), (AN_ALERT,), policy, a_context(), instruments)
    assert isinstance(decision, Disclose)
    return decision.disclosure


def sealed(jpeg: bytes = JPEG, info: bytes = INFO) -> bytes:
    """Return the age file of a picture."""
    made = PictureSealer({"crops": PUBLIC})("crops", jpeg, info)
    assert made is not None
    return made


def test_the_recipient_opens_the_picture() -> None:
    """And it is the JPEG as it was, as JSON too."""
    assert open_picture(SECRET, sealed(), INFO) == JPEG
    assert base64.b64decode(json.loads(open_value(SECRET, sealed(), INFO))) == JPEG


@pytest.mark.integration
def test_the_tool_opens_what_a_device_seals(tmp_path: Path) -> None:
    """What comes out is one readable line and the JPEG: nothing of ours is needed to see a picture."""
    tool = shutil.which("age")
    if tool is None:
        pytest.skip("age is not installed: no other implementation has opened a picture (apt install age)")
    (tmp_path / "crops.key").write_bytes(SECRET + b"\n")
    command = [tool, "--decrypt", "-i", str(tmp_path / "crops.key")]

    done = subprocess.run(command, input=sealed(), capture_output=True, check=True)

    line, _, jpeg = done.stdout.partition(b"\n")
    assert json.loads(line) == list(parts_of(INFO))
    assert json.loads(line)[-3:] == ["event-1", "plate_crop", "0" * 64]
    assert jpeg == JPEG
    changed = bytearray(sealed())
    changed[-1] ^= 1
    assert subprocess.run(command, input=bytes(changed), capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize(
    ("event_id", "field", "policy"),
    [("event-2", "plate_crop", "0" * 64), ("event-1", "scene_crop", "0" * 64), ("event-1", "plate_crop", "1" * 64)],
)
def test_a_picture_of_another_event_field_or_policy_is_refused(event_id: str, field: str, policy: str) -> None:
    """The control is in the first test: with its own event the same file opens."""
    with pytest.raises(SealError, match="not of this event"):
        open_picture(SECRET, sealed(), sealing_info(DEVICE, Kind.HIT, event_id, field, policy))


def test_a_changed_cut_or_foreign_file_is_refused() -> None:
    """Every byte is under a tag, and a file without our line is none of ours."""
    whole = sealed()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1
        with pytest.raises(SealError):
            open_picture(SECRET, bytes(changed), INFO)
    with pytest.raises(SealError, match="does not open"):
        open_picture(SECRET, whole[:-1], INFO)
    with pytest.raises(SealError, match="does not open"):
        open_picture(str(x25519.Identity.generate()).encode(), whole, INFO)
    with pytest.raises(SealError, match="not of this event"):
        open_picture(SECRET, bytes(encrypt(JPEG, [IDENTITY.to_public()])), INFO)


def test_too_large_a_picture_neither_leaves_nor_is_opened() -> None:
    """The largest that leaves opens; one byte more is dropped, and a larger file is refused before it is decrypted."""
    largest = bytes(MAX_PICTURE_BYTES)
    assert open_picture(SECRET, sealed(largest), INFO) == largest
    assert PictureSealer({"crops": PUBLIC})("crops", largest + b"x", INFO) is None
    with pytest.raises(SealError, match="larger"):
        open_picture(SECRET, bytes(MAX_FILE_BYTES + 1), INFO)


def test_a_key_of_the_other_format_opens_nothing() -> None:
    """An age identity opens no HPKE value, and an agency key no age file."""
    with pytest.raises(SealError, match="format"):
        open_value(AGENCY_PRIVATE, sealed(), INFO)
    with pytest.raises(SealError, match="format"):
        open_value(SECRET, seal(AGENCY_PUBLIC, b"1", INFO), INFO)


def test_a_hit_leaves_with_its_picture_as_an_age_file() -> None:
    """The plate goes on under HPKE beside it; without the age recipient the picture alone is missing."""
    policy = a_policy(hit=a_section({Field.PLATE: Seal("agency"), Field.PLATE_CROP: AS_AGE}))
    keys = {"agency": AGENCY_PUBLIC, "crops": PUBLIC}

    hit, without = disclosed(policy, keys), disclosed(policy, {"agency": AGENCY_PUBLIC})

    value = hit.body["plate_crop"]
    assert isinstance(value, dict)
    assert value["to"] == "crops"
    info = sealing_info(DEVICE, hit.kind, hit.id, "plate_crop", policy.sha256)
    crops = a_sighting().crops
    assert crops is not None
    assert open_picture(SECRET, base64.b64decode(str(value["sealed"])), info) == crops.plate.reveal()
    assert "plate" in without.body
    assert "plate_crop" not in without.body


def test_the_agency_opens_both_formats_of_one_event(tmp_path: Path) -> None:
    """On the command line with both keys, and at the collector's desk by name; one key of the two is not enough."""
    policy = a_policy(hit=a_section({Field.PLATE: Seal("agency"), Field.PLATE_CROP: AS_AGE}))
    hit = disclosed(policy, {"agency": AGENCY_PUBLIC, "crops": PUBLIC})
    event = {"id": hit.id, "source": "/metro-pd/bridge-7/cam-1", "type": "io.platesieve.hit.v1", "data": hit.body}
    crops = a_sighting().crops
    assert crops is not None

    clear = opened(event, AGENCY_PRIVATE, SECRET)["data"]

    assert clear["plate"] == CANARY
    assert base64.b64decode(clear["plate_crop"]) == crops.plate.reveal()
    with pytest.raises(SealError, match="format"):
        opened(event, AGENCY_PRIVATE)
    (tmp_path / "crops.key").write_bytes(SECRET + b"\n")
    (tmp_path / "crops.key").chmod(0o600)
    keys = AgencyKeys({"crops": str(tmp_path / "crops.key")})
    value = hit.body["plate_crop"]
    assert isinstance(value, dict)
    info = sealing_info(DEVICE, hit.kind, hit.id, "plate_crop", policy.sha256)
    shown = json.loads(keys.open("crops", base64.b64decode(str(value["sealed"])), info))
    assert base64.b64decode(shown) == crops.plate.reveal()


def test_too_large_a_picture_is_dropped_and_the_hit_leaves() -> None:
    """An alert is worth more than its picture."""
    seen = a_sighting()
    assert seen.crops is not None
    huge = replace(seen, crops=replace(seen.crops, plate=Crop(bytes(MAX_PICTURE_BYTES + 1))))
    policy = a_policy(hit=a_section({Field.LANE: Keep(), Field.PLATE_CROP: AS_AGE}))

    hit = disclosed(policy, {"crops": PUBLIC}, huge)

    assert "lane" in hit.body
    assert "plate_crop" not in hit.body


def text_with(line: str) -> bytes:
    """Return a shipped policy with one more line about hits."""
    text = pack_text("us-mn").decode()
    assert text.count("[hit.fields]\n") == 1
    kept = "\n".join(one for one in text.splitlines() if not one.startswith("plate_crop"))
    return kept.replace("[hit.fields]\n", f"[hit.fields]\n{line}\n").encode()


def test_the_language_has_the_choice_for_pictures_alone() -> None:
    """`explain` says it; a plate has nothing to gain from an age file, and one name has one key."""
    policy = load_policy(text_with(TO_CROPS), "mine.toml")
    assert policy.hit.action(Field.PLATE_CROP) == AS_AGE
    assert leaves(Field.PLATE_CROP, AS_AGE) == "sealed to crops, as an age file"
    with pytest.raises(ConfigError) as wrong:
        load_policy(text_with('lane = { action = "seal", to = "crops", format = "age" }'), "mine.toml")
    assert "format" in " ".join(wrong.value.problems)


def test_a_key_of_the_wrong_kind_is_said_before_anything_is_read() -> None:
    """Otherwise every picture would be missing, and nobody would know why."""
    policy = a_policy(hit=a_section({Field.PLATE_CROP: AS_AGE}), miss=a_section({Field.PLATE: Drop()}))

    assert device_refusals(policy, DEVICE, SEEN, {"crops": PUBLIC}) == ()
    (refusal,) = device_refusals(policy, DEVICE, SEEN, {"crops": AGENCY_PUBLIC})
    assert "platesieve keys new crops" in refusal
    with pytest.raises(ConfigError, match="damaged"):
        instruments_for(DEVICE, {"crops": PUBLIC[:-1]}, ())

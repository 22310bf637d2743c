"""Make the files beside this one that are our own: `python -m tests.vectors.audit.make_vectors` from the checkout.

The name of a file is its fault. `rfc6962.json` and `signed_note.json` are public cases of others and are not made.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from platesieve.audit.entry import encode, type_of
from platesieve.audit.note import parse_note
from tests.fakes.log_files import OTHER_SIGNER, SIGNER, SYSTEM_ROLLED_BACK, LogInMemory, many, one_of_each

HERE = Path(__file__).parent


def vectors() -> dict[str, bytes]:
    """Return path below this folder to content."""
    return {**_accepted_entries(), **_refused_entries(), **_checkpoints()}


def _accepted_entries() -> dict[str, bytes]:
    named = {type_of(entry): entry for entry in one_of_each()}
    named["updated-system"] = SYSTEM_ROLLED_BACK
    return {f"entries/accepted/{name}.json": encode(entry) for name, entry in named.items()}


def _refused_entries() -> dict[str, bytes]:
    batch = next(encode(entry) for entry in one_of_each() if type_of(entry) == "batch")
    time = b'"time":"2026-09-21T14:13:20Z"'
    sha256 = b'"sha256":"' + b"5a" * 32 + b'"'
    cases = {
        "count_is_negative": b'{"count":-1,"reason":"quota",' + time + b',"type":"erased"}',
        "count_is_a_fraction": b'{"count":1.5,"reason":"quota",' + time + b',"type":"erased"}',
        "count_has_an_exponent": b'{"count":1e2,"reason":"quota",' + time + b',"type":"erased"}',
        "count_is_text": b'{"count":"1","reason":"quota",' + time + b',"type":"erased"}',
        "count_is_true": b'{"count":true,"reason":"quota",' + time + b',"type":"erased"}',
        "hash_in_capitals": b'{"name":"agency","sha256":"' + b"5A" * 32 + b'",' + time + b',"type":"recipient-key"}',
        "hash_is_short": b'{"name":"agency","sha256":"5a5a",' + time + b',"type":"recipient-key"}',
        "key_is_missing": b'{"reason":"quota",' + time + b',"type":"erased"}',
        "key_is_unknown": b'{"note":"ABC123",' + time + b',"type":"shutdown"}',
        "key_twice": b"{" + time + b"," + time + b',"type":"shutdown"}',
        "keys_not_sorted": b'{"type":"shutdown",' + time + b"}",
        "line_end": b"{" + time + b',"type":"shutdown"}\n',
        "no_object": b'["shutdown"]',
        "not_json": b"shutdown",
        "not_utf8": b'{"time":"\xff","type":"shutdown"}',
        "null_for_nothing": b'{"command_sha256":null,' + time + b',"type":"suspended"}',
        "plate_as_category": batch.replace(b"ncic/stolen", b"ABC123"),
        "plate_as_name": b'{"name":"ABC123",' + sha256 + b"," + time + b',"type":"recipient-key"}',
        "plate_as_reason": b'{"reason":"ABC123",' + time + b',"type":"policy-refused"}',
        "space": b"{" + time + b', "type":"shutdown"}',
        "time_does_not_exist": b'{"time":"2026-02-30T14:13:20Z","type":"shutdown"}',
        "time_in_another_zone": b'{"time":"2026-09-21T14:13:20+00:00","type":"shutdown"}',
        "time_of_a_publish_with_fraction": b'{"time":"2026-09-21T14:13:20.5Z","type":"shutdown"}',
        "type_is_missing": b"{" + time + b"}",
        "type_is_no_text": b"{" + time + b',"type":["shutdown"]}',
        "type_is_unknown": b"{" + time + b',"type":"diary"}',
        "batch_in_two_forms": b'{"seconds":60,"start":"2026-09-21T14:12:20Z",' + time + b',"type":"batch"}',
        "batch_says_zero": b'{"misses":0,"seconds":60,' + time + b',"type":"batch"}',
        "batch_says_no_hits": b'{"hits":{},"seconds":60,' + time + b',"type":"batch"}',
        "batch_says_the_sum": b'{"misses":2,"seconds":60,"sightings":3,' + time + b',"type":"batch","unsure":1}',
        "batch_lasts_too_long": b'{"seconds":4000000000,' + time + b',"type":"batch"}',
        "batch_without_length": b"{" + time + b',"type":"batch"}',
        "case_number_in_clear": b'{"commitment":"MPD-2026-4711","fields":["plate"],"purpose":"investigation",'
        + time
        + b',"type":"access"}',
        "plate_as_actor": b'{"actor":"ABC123","commitment":"'
        + b"5a" * 32
        + b'","fields":[],"purpose":"audit",'
        + time
        + b',"type":"access"}',
        "plate_as_reason_of_a_manual_entry": b'{"expires":"2026-09-21T14:13:20Z","id":"'
        + b"c3" * 16
        + b'","reason":"ABC123",'
        + time
        + b',"type":"manual-entry-added"}',
    }
    cases["plate_as_version"] = (
        b'{"component":"system","from_version":"ABC123","stage":"rolled-back",' + time + b',"type":"updated"}'
    )
    return {f"entries/refused/{name}.json": content for name, content in cases.items()}


def _checkpoints() -> dict[str, bytes]:
    good = LogInMemory().grow(many(3)).checkpoint
    text, _ = parse_note(good)
    origin, size, root, _ = text.split("\n")
    short_root = base64.b64encode(bytes(12)).decode()
    loose_root = base64.b64encode(bytes(32)).decode()[:-2] + "B="
    cases = {
        "accepted": good,
        "accepted_with_a_foreign_signature": good + OTHER_SIGNER.sign(text).rpartition(b"\n\n")[2],
        "accepted_of_an_empty_log": LogInMemory().checkpoint,
        "extension_line": SIGNER.sign(f"{text}an extension\n"),
        "origin_is_empty": SIGNER.sign(f"\n{size}\n{root}\n"),
        "root_base64_is_not_canonical": SIGNER.sign(f"{origin}\n{size}\n{loose_root}\n"),
        "root_is_missing": SIGNER.sign(f"{origin}\n{size}\n"),
        "root_is_short": SIGNER.sign(f"{origin}\n{size}\n{short_root}\n"),
        "signed_by_another_key": OTHER_SIGNER.sign(text),
        "signature_is_missing": f"{text}\n".encode(),
        "signature_without_blank_line": good.replace(b"\n\n", b"\n"),
        "size_has_leading_zero": SIGNER.sign(f"{origin}\n0{size}\n{root}\n"),
        "size_is_hexadecimal": SIGNER.sign(f"{origin}\n0x3\n{root}\n"),
        "size_is_negative": SIGNER.sign(f"{origin}\n-{size}\n{root}\n"),
        "size_is_too_large": SIGNER.sign(f"{origin}\n{2**63}\n{root}\n"),
        "carriage_return": good.replace(b"\n", b"\r\n"),
        "line_end_is_missing": good[:-1],
    }
    return {f"checkpoints/{name}.txt": content for name, content in cases.items()}


def main() -> None:
    """Write them."""
    for name, content in vectors().items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sys.stderr.write(f"{len(vectors())} files\n")


if __name__ == "__main__":
    main()

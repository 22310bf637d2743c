"""Write one policy file per fault beside this script: the name is the fault, the first line what must be said.

PYTHONPATH=src python tests/vectors/policy/make_vectors.py
"""

from __future__ import annotations

from pathlib import Path

BASE = """format = 1
id = "base"
title = "Base"
version = "2026-11-22"
jurisdiction = "US-MN"
sources = [{ url = "https://example.org/law", read = "2026-11-22", verified = "V: all" }]
effective = 2026-01-01
mounts = ["fixed"]

[reading]
min_agreeing_frames = 2
min_confidence = 0.9
raw_lifetime = "3s"

[hit]
publish = "event"
retention = "1d"
[hit.fields]
plate = { action = "seal", to = "agency" }
time = { action = "keep" }

[miss]
publish = "event"
retention = "2h"
[miss.fields]
plate = { action = "pseudonym", epoch = "1h" }
time = { action = "coarsen", to = "1h" }

[unsure]
publish = "aggregate"
aggregate = { window = "1h", suppress_below = 0 }
"""

# name of the fault: (what stands in the base, what stands there instead, a part of what must be said)
FAULTS = {
    "aggregate_missing": ("aggregate = {", "#aggregate = {", "aggregate: is missing"),
    "alert_field_in_miss": ("[miss.fields]", '[miss.fields]\nlist = { action = "keep" }', "only a hit has a list"),
    "alternatives_of_a_pseudonym": (
        'plate = { action = "pseudonym", epoch = "1h" }',
        'plate = { action = "pseudonym", epoch = "1h" }\nalternatives = { action = "seal", to = "agency" }',
        "only where it goes",
    ),
    "alternatives_to_others": (
        "[hit.fields]",
        '[hit.fields]\nalternatives = { action = "seal", to = "others" }',
        "only where it goes",
    ),
    "alternatives_in_clear": (
        "[hit.fields]",
        '[hit.fields]\nalternatives = { action = "keep" }',
        "only where it goes",
    ),
    "bad_action": ('{ action = "keep" }', '{ action = "hide" }', "there is no action 'hide'"),
    "bad_cell": ("[hit.fields]", '[hit.fields]\nlocation = { action = "coarsen", to = "5 miles" }', "is no cell"),
    "bad_duration": ('"1d"', '"1 day"', "is no length of time"),
    "bad_jurisdiction": ('"US-MN"', '"Minnesota"', "ISO 3166"),
    "bad_source_date": ('read = "2026-11-22"', 'read = "2026-02-30"', "is no date that exists"),
    "bad_step": (
        "[hit.fields]",
        '[hit.fields]\nconfidence = { action = "coarsen", to = 2.0 }',
        "less than or equal to 1",
    ),
    "coarsened_picture": (
        "[hit.fields]",
        '[hit.fields]\nplate_crop = { action = "coarsen", to = "1h" }',
        "no meaning for",
    ),
    "coarsened_plate": (
        '{ action = "seal", to = "agency" }',
        '{ action = "coarsen", to = "1h" }',
        "no meaning for plate",
    ),
    "clause_without_test": (
        "[reading]",
        '[[clauses]]\nclause = "s. 1"\nrule = "Nothing."\ntest = "shown"\nverified = "V"\n\n[reading]',
        "clauses[0].test: is not written as it must be",
    ),
    "confidence_as_text": ("min_confidence = 0.9", 'min_confidence = "0.9"', "without quotes"),
    "confidence_nan": ("min_confidence = 0.9", "min_confidence = nan", "finite number"),
    "count_split_by_plate": (
        "[unsure]",
        '[unsure]\nfields.plate = { action = "seal", to = "agency" }',
        "cannot be split by",
    ),
    "count_window_odd": ('window = "1h"', 'window = "7h"', "neither divides a day"),
    "duplicate_key": ('title = "Base"', 'title = "Base"\ntitle = "Again"', "give each key once"),
    "effective_as_text": ("effective = 2026-01-01", 'effective = "2026-01-01"', "a date without quotes"),
    "epoch_finer_than_time": ('epoch = "1h"', 'epoch = "15m"', "more finely than the coarsened time"),
    "epoch_outlives_retention": ('epoch = "1h"', 'epoch = "4h"', "outlive what it stands for"),
    "event_without_retention": ('retention = "1d"', "", "kept for ever"),
    "expires_before_effective": ("mounts =", "expires = 2025-01-01\nmounts =", "is not after"),
    "field_unknown": ("[hit.fields]", '[hit.fields]\ncolour = { action = "keep" }', "there is no such key here"),
    "fields_without_publishing": ('publish = "event"\nretention = "2h"', 'publish = "none"', "lets nothing leave"),
    "format_of_the_future": ("format = 1", "format = 2", "format: should be 1"),
    "key_misspelt": ("min_confidence", "min_confidense", "did you mean min_confidence?"),
    "excluded_places_on_wheels": (
        'mounts = ["fixed"]',
        'mounts = ["fixed", "mobile"]\nrequires = ["excluded-places"]',
        "cannot know that it keeps out",
    ),
    "operator_unknown": ("mounts =", 'operators = ["army"]\nmounts =', "should be 'police', 'public' or 'private'"),
    "requirement_unknown": ("mounts =", 'requires = ["luck"]\nmounts =', "should be 'policy-document'"),
    "mount_unknown": ('["fixed"]', '["drone"]', "should be 'fixed' or 'mobile'"),
    "on_expiry_itself": ("mounts =", 'expires = 2027-01-01\non_expiry = "base"\nmounts =', "names the policy itself"),
    "on_expiry_unknown": ("mounts =", 'expires = 2027-01-01\non_expiry = "gone"\nmounts =', "which does not ship"),
    "on_expiry_wider": ("mounts =", 'expires = 2027-01-01\non_expiry = "us-mn"\nmounts =', "name a stricter pack"),
    "on_expiry_without_expiry": ("mounts =", 'on_expiry = "hits-only"\nmounts =', "the policy never expires"),
    "picture_in_clear_for_a_miss": (
        "[miss.fields]",
        '[miss.fields]\nscene_crop = { action = "keep" }',
        "never leaves in clear",
    ),
    "plate_in_clear_for_a_miss": (
        '{ action = "pseudonym", epoch = "1h" }',
        '{ action = "keep" }',
        "never leaves in clear",
    ),
    "pseudonymous_time": ('{ action = "keep" }', '{ action = "pseudonym", epoch = "1h" }', "no meaning for time"),
    "raw_lifetime_long": ('"3s"', '"5m"', "stays in RAM too long"),
    "raw_lifetime_zero": ('"3s"', '"0s"', "is no time at all"),
    "retention_shorter_than_period": ('retention = "2h"', 'retention = "1h"', "could expire at once"),
    "scope_unknown": ('epoch = "1h"', 'epoch = "1h", scope = "world"', "scope"),
    "seal_to_nobody": ('{ action = "seal", to = "agency" }', '{ action = "seal" }', "is missing; add it"),
    "section_missing_publish": ('publish = "aggregate"', "", "unsure.publish is missing"),
    "sources_missing": (
        'sources = [{ url = "https://example.org/law", read = "2026-11-22", verified = "V: all" }]',
        "sources = []",
        "a law without a source",
    ),
    "syntax": ("[reading]", "[reading", "is not TOML"),
    "time_without_action": ('time = { action = "keep" }', 'time = { to = "1h" }', "has no action"),
}


def main() -> None:
    """Write every file anew."""
    folder = Path(__file__).parent
    (folder / "valid.toml").write_text("# valid\n" + BASE)
    for name, (old, new, said) in FAULTS.items():
        if old not in BASE:
            raise SystemExit(f"{name}: the base does not hold {old!r}")
        (folder / f"{name}.toml").write_text(f"# refused: {said}\n" + BASE.replace(old, new, 1))


if __name__ == "__main__":
    main()

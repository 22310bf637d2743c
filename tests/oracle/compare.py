"""Policies, vehicles and moments at random, and whether product and oracle answer the same.

Policies are made as text, because the text is the language: the product reads it through `load_policy`, the oracle
through tomllib. Sealing is replaced by a hash on both sides, so that what is sealed, to whom and what it is bound to
can be compared; that the real sealing opens is shown elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from platesieve.domain.crop import Crop, Crops
from platesieve.domain.decision import Disclose, Suppress, Tally
from platesieve.domain.instant import NS_PER_S, Instant, TimeQuality
from platesieve.domain.match import Disposition, Match, MatchKind
from platesieve.domain.plate import ALPHABET, Glyph, PlateText
from platesieve.domain.sighting import Direction, Sighting
from platesieve.policy import aggregate
from platesieve.policy.actions import Keep, Scope
from platesieve.policy.decide import Context, decide
from platesieve.policy.force import suited
from platesieve.policy.instruments import Instruments
from platesieve.policy.load import load_policy
from platesieve.policy.packs import pack_ids, pack_text
from platesieve.policy.pseudonym import EpochKeys, Ring
from platesieve.policy.ratchet import Ratchet
from platesieve.settings import Device
from tests.fakes.passages import a_sighting, predictable
from tests.oracle import language

if TYPE_CHECKING:
    from collections.abc import Callable

DAY_NS = 86_400 * NS_PER_S
NOON_NS = 1_795_348_800 * NS_PER_S  # 2026-11-22 12:00 UTC
SHARED = "1h"  # a ring has one length of epoch
RING, RING_SECRET = "ab" * 8, bytes(range(32))
PERIODS = ("1m", "15m", "1h", "1d")
CELLS = ("50m", "2km", "0.01deg", "1deg")
COUNTED = sorted(language.COUNTED)


@dataclass(frozen=True, slots=True)
class Scene:
    """One question: a policy as text, a vehicle, what the hot lists said, a device and the present."""

    text: bytes
    sighting: Sighting
    matches: tuple[Match, ...]
    device: Device
    now: Instant
    quality: TimeQuality
    seed: str


def sealed(to: str, plaintext: bytes, info: bytes) -> bytes | None:
    """Return what stands for a ciphertext; there is no key for `nobody`."""
    return None if to.startswith("nobody") else hashlib.sha256(to.encode() + b"\0" + plaintext + b"\0" + info).digest()


def sealed_picture(to: str, jpeg: bytes, info: bytes) -> bytes | None:
    """Return what stands for an age file."""
    return sealed(to, b"age" + jpeg, info)


# ---- both answers --------------------------------------------------------------------------------------------------


def product(scene: Scene) -> Any:
    """Return what the product answers, as JSON."""
    policy = load_policy(scene.text, "random.toml")
    random = predictable(scene.seed)
    epoch_s = language.seconds(SHARED)
    ratchet = Ratchet(RING, epoch_s, scene.now.wall_ns // (epoch_s * NS_PER_S), RING_SECRET)
    rings = {scope: Ring(ratchet, lambda _: None) for scope in (Scope.SITE, Scope.FLEET)}
    keys = EpochKeys(scene.device, (), random, rings)
    keys.rotate(scene.now)
    instruments = Instruments(keys, sealed, lambda: random(16).hex(), sealed_picture)
    context = Context(scene.now, scene.quality, scene.device)
    match decide(scene.sighting, scene.matches, policy, context, instruments):
        case Suppress(reason):
            return {"suppress": reason.value}
        case Tally() as tally:
            return {"tally": tally.disposition.value, "group": dict(tally.group)}
        case Disclose(disclosure):
            return {
                "id": disclosure.id,
                "kind": disclosure.kind.value,
                "body": json.loads(json.dumps(disclosure.body)),
                "expires": disclosure.expires_wall_ns,
                "receipt": disclosure.receipt_from,
            }


def oracle(scene: Scene) -> Any:
    """Return what the oracle answers."""
    seen = scene.sighting
    crops = seen.crops
    vehicle: dict[str, Any] = {
        "plate": seen.text.reveal(),
        "glyphs": [glyph.alternatives for glyph in seen.glyphs],
        "region": seen.region,
        "confidence": seen.confidence,
        "frames": seen.agreeing_frames,
        "direction": seen.direction.value,
        "lane": seen.lane,
        "mono": seen.last_seen.monotonic_ns,
        "plate_crop": crops and crops.plate.reveal(),
        "scene_crop": crops and crops.scene.reveal(),
    }
    found = [(match.kind.value, match.category, match.list_id) for match in scene.matches]
    now: dict[str, Any] = {"wall": scene.now.wall_ns, "mono": scene.now.monotonic_ns, "quality": scene.quality.value}
    now |= {"ring": RING, "secret": RING_SECRET}
    return language.answer(scene.text, vehicle, found, asdict(scene.device), now, predictable(scene.seed), sealed)


def product_counts(text: bytes, sort: str, seen: list[tuple[int, dict[str, str]]]) -> list[Any]:
    """Return what the product tells of all windows once they are over."""
    policy = load_policy(text, "random.toml")
    instruments = Instruments(EpochKeys(Device(), (), predictable()), sealed, lambda: "0")
    windows = aggregate.Windows()
    for at_ns, group in seen:
        tally = Tally(Disposition(sort), tuple(sorted(group.items())))
        windows = aggregate.add(windows, tally, policy, Instant(at_ns, at_ns))
    late = Instant(NOON_NS + 10_000 * DAY_NS, 0)
    left, told = aggregate.close(windows, policy, late, instruments)
    assert not left.open
    return [{"body": json.loads(json.dumps(one.body)), "expires": one.expires_wall_ns} for one in told]


# ---- random policies, as text ----------------------------------------------------------------------------------------


def inline(value: Any) -> str:
    """Return a value as TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {inline(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value)


def toml(tree: dict[str, Any]) -> bytes:
    """Return a policy tree as TOML text."""
    plain = [f"{key} = {inline(value)}" for key, value in tree.items() if not isinstance(value, dict)]
    tables = [
        f"[{key}]\n" + "\n".join(f"{name} = {inline(inner)}" for name, inner in value.items())
        for key, value in tree.items()
        if isinstance(value, dict)
    ]
    return "\n".join(plain + tables).encode()


def actions(field: str, *, hit: bool, epochs: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Return every action that the language allows for a field of an event."""
    shows_plate = field in {"plate", "alternatives", "plate_crop", "scene_crop"}
    choices: list[Any] = [{"action": "drop"}, {"action": "seal", "to": "agency"}, {"action": "seal", "to": "nobody"}]
    choices += [{"action": "keep"}] if hit or not shows_plate else []
    if field.endswith("_crop"):
        choices += [{"action": "seal", "to": to, "format": "age"} for to in ("crops", "nobody-there")]
    coarse: dict[str, tuple[Any, ...]] = {
        "location": CELLS,
        "confidence": (0.05, 0.1, 0.5, 1.0),
        "plate_region": ("country",),
    }
    choices += [{"action": "coarsen", "to": to} for to in coarse.get(field, ())]
    if field in {"plate", "plate_region", "device", "direction", "lane", "category", "list"}:
        choices += [{"action": "pseudonym", "epoch": epoch} for epoch in epochs]
        if SHARED in epochs:
            choices += [{"action": "pseudonym", "epoch": SHARED, "scope": scope} for scope in ("site", "fleet")]
    return st.sampled_from(choices)


@st.composite
def sections(draw: st.DrawFn, sort: str) -> dict[str, Any]:
    """Return a section of one disposition that the language allows."""
    publish = draw(st.sampled_from(["event", "event", "event", "aggregate", "none"]))
    names = [name for name in language.FIELDS if sort == "hit" or name not in {"category", "list"}]
    if publish == "none":
        return {"publish": "none"}
    if publish == "aggregate":
        fields = {
            name: {"action": draw(st.sampled_from(["keep", "drop"]))}
            for name in draw(st.sets(st.sampled_from([name for name in names if name in COUNTED]), max_size=3))
        }
        if "plate_region" in fields and draw(st.booleans()):
            fields["plate_region"] = {"action": "coarsen", "to": "country"}
        counts = {"window": draw(st.sampled_from(PERIODS)), "suppress_below": draw(st.integers(0, 4))}
        return {"publish": "aggregate", "aggregate": counts, "fields": dict(sorted(fields.items()))}
    retention = draw(st.sampled_from(["3m", "2h", "2d", "60d"]))
    long_s = language.seconds(retention)
    period = draw(st.sampled_from([None, "keep", "seal", *(p for p in PERIODS if language.seconds(p) < long_s)]))
    grain_s = language.seconds(period) if period and period not in {"keep", "seal"} else 1
    fits = tuple(e for e in PERIODS if language.seconds(e) <= long_s and language.seconds(e) % grain_s == 0)
    chosen = draw(st.sets(st.sampled_from([name for name in names if name != "time"])))
    fields = {name: draw(actions(name, hit=sort == "hit", epochs=fits)) for name in sorted(chosen)}
    plate = fields.get("plate", {"action": "drop"})
    if fields.get("alternatives", plate) != plate and plate["action"] != "keep":
        fields["alternatives"] = {"action": "drop"}  # they go where the plate goes
    elif plate["action"] in {"keep", "seal"} and draw(st.booleans()):
        fields["alternatives"] = plate
    if period == "keep":
        fields["time"] = {"action": "keep"}
    elif period == "seal":
        fields["time"] = {"action": "seal", "to": "agency"}
    elif period:
        fields["time"] = {"action": "coarsen", "to": period}
    section: dict[str, Any] = {"publish": "event", "retention": retention, "fields": fields}
    return section | ({"collector": "agency"} if draw(st.booleans()) else {})


@st.composite
def policies(draw: st.DrawFn) -> bytes:
    """Return a pack, or the text of a random policy."""
    if draw(st.integers(0, 5)) == 0:
        return pack_text(draw(st.sampled_from(pack_ids())))
    tree: dict[str, Any] = {
        "format": 1,
        "id": "random",
        "title": "Random",
        "version": "2026-11-22",
        "jurisdiction": "any",
        "sources": [],
        "effective": draw(st.sampled_from([date(2026, 1, 1)] * 6 + [date(2026, 11, 22), date(2026, 11, 23)])),
        "mounts": draw(st.sampled_from([["fixed"], ["mobile"], ["fixed", "mobile"]])),
    }
    if draw(st.integers(0, 3)) == 0:
        tree["expires"] = draw(st.sampled_from([date(2026, 11, 24), date(2027, 1, 1)]))
    if draw(st.integers(0, 3)) == 0:
        tree["operators"] = draw(st.sampled_from([["police"], ["public", "private"]]))
    if draw(st.integers(0, 3)) == 0:
        tree["requires"] = draw(st.sampled_from([["registration"], ["policy-document", "occasion"]]))
    if draw(st.integers(0, 3)) == 0:
        tree["folding"] = draw(st.sampled_from([[], ["0O"], ["OQ", "AR", "MWN"]]))
    parts = {sort: draw(sections(sort)) for sort in ("hit", "miss", "unsure")}
    tree["reading"] = {
        "min_agreeing_frames": draw(st.integers(2 if parts["hit"]["publish"] == "event" else 1, 3)),
        "min_confidence": draw(st.sampled_from([0.0, 0.5, 0.9])),
        "raw_lifetime": draw(st.sampled_from(["1s", "3s", "60s"])),
    }
    return toml(tree | parts)


# ---- random vehicles and moments -------------------------------------------------------------------------------------

found = st.lists(
    st.builds(
        Match, st.sampled_from(MatchKind), st.sampled_from(["stolen", "warrant"]), st.sampled_from(["state", "metro"])
    ),
    max_size=3,
)


def glyphs(best: str) -> st.SearchStrategy[Glyph]:
    """Return what a character may be, best first."""
    shares = st.lists(st.floats(0, 1), min_size=3, max_size=3).map(lambda found: sorted(found, reverse=True))
    others = st.integers(1, 3)
    return st.builds(lambda p, n: Glyph(tuple(zip(best + "8B", p, strict=True))[:n]), shares, others)


fact = st.sampled_from([None, "WA-0076", "WA-0076"])


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Return any question."""
    text = draw(policies())
    delays_s = [0, 1, 1, 1, 1, 3, 59, 61]
    delay_ns = draw(st.sampled_from(delays_s)) * NS_PER_S + draw(st.sampled_from([0, 0, 1]))
    wall_ns = NOON_NS + draw(st.integers(-2 * DAY_NS, 3 * DAY_NS))
    now = Instant(wall_ns, 10**15)
    seen = Instant(wall_ns - delay_ns, now.monotonic_ns - delay_ns)
    plate = draw(st.text(alphabet=ALPHABET, min_size=1, max_size=12))
    pictures = st.builds(lambda a, b: Crops(Crop(a), Crop(b)), st.binary(max_size=8), st.binary(max_size=8))
    sighting = replace(
        a_sighting(at=seen),
        text=PlateText(plate),
        glyphs=tuple(draw(glyphs(character)) for character in plate),
        confidence=draw(st.integers(0, 1000)) / 1000 if draw(st.booleans()) else 0.97,
        agreeing_frames=draw(st.integers(0, 4)),
        region=draw(st.none() | st.sampled_from(["US-MN", "de", "somewhere"])),
        lane=draw(st.none() | st.sampled_from(["left", "right"])),
        direction=draw(st.sampled_from(Direction)),
        crops=draw(st.none() | pictures),
    )
    place = draw(st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)))
    hash_ = draw(st.sampled_from([None, "a" * 64, "a" * 64]))
    device = Device(
        mount=draw(st.sampled_from(["fixed", "fixed", "mobile"])),
        latitude_deg=place[0] if place else None,
        longitude_deg=place[1] if place else None,
        operator=draw(st.sampled_from([None, "police", "police", "private"])),
        policy_document_sha256=hash_,
        registration=draw(fact),
        occasion=draw(fact),
        excluded_places=(),
    )
    if b"excluded-places" in text and place is None:
        device = replace(device, latitude_deg=47.6, longitude_deg=-122.3)  # without a place there is another reason
    if draw(st.integers(0, 3)):  # mostly one that fits, or there would be little to compare
        device = suited(device, load_policy(text, "random.toml"))
    return Scene(
        text,
        sighting,
        tuple(draw(found)),
        device,
        now,
        draw(st.sampled_from([TimeQuality.SYNCHRONISED, TimeQuality.SYNCHRONISED, TimeQuality.UNKNOWN])),
        draw(st.sampled_from(["one", "two"])),
    )


@st.composite
def crowds(draw: st.DrawFn) -> tuple[bytes, str, list[tuple[int, dict[str, str]]]]:
    """Return a policy that counts, of which disposition, and vehicles with their moments and groups."""
    text = draw(policies().filter(lambda text: b"aggregate" in text))
    parsed = tomllib.loads(text.decode())
    counting = [s for s in ("hit", "miss", "unsure") if parsed.get(s, {}).get("publish") == "aggregate"]
    sort = draw(st.sampled_from(counting)) if counting else ""
    group = st.dictionaries(st.sampled_from(["lane", "direction"]), st.sampled_from(["a", "b"]), max_size=2)
    moments = st.integers(NOON_NS - DAY_NS, NOON_NS + DAY_NS)
    return text, sort, draw(st.lists(st.tuples(moments, group), max_size=12))


# ---- broken products -------------------------------------------------------------------------------------------------


def mutants() -> dict[str, tuple[str, Callable[[Any], Any]]]:
    """Return ways to break the product: what to replace, and by what, made from what stands there."""
    return {
        "plates are not folded": ("platesieve.domain.folding.Folding.characters", lambda _: lambda _self, text: text),
        "sealed values are not padded": ("platesieve.policy.minimise.PADDED_TO", lambda _: 1),
        "reads live a second too long": (
            "platesieve.policy.decide.expiry",
            lambda old: lambda section, seen_ns: old(section, seen_ns) + NS_PER_S,
        ),
        "an expiry tells the second": (
            "platesieve.policy.decide.expiry",
            lambda _: lambda section, seen_ns: seen_ns + section.retention_s * NS_PER_S,
        ),
        "what is not named is kept": (
            "platesieve.policy.language.Section.action",
            lambda _: lambda self, of: self.rules[of].action if of in self.rules else Keep(),
        ),
        "a lookalike counts as exact": ("platesieve.policy.decide._best", lambda _: lambda matches: matches),
        "who may read is not asked": ("platesieve.policy.decide.misfits", lambda _: lambda *_: ()),
        "days are not asked": ("platesieve.policy.decide.out_of_force", lambda _: lambda *_: None),
        "a place is not coarsened": (
            "platesieve.policy.coarsen.cell_centre",
            lambda _: lambda latitude, longitude, _cell: (latitude, longitude),
        ),
        "a doubtful read is an alert": (
            "platesieve.policy.decide.disposition",
            lambda _: lambda _s, matches, _p: Disposition.HIT if matches else Disposition.MISS,
        ),
        "hits and misses share a key": (
            "platesieve.policy.pseudonym.EpochKeys._derive",
            lambda old: lambda self, epoch, purpose: old(self, epoch, purpose.split("/")[1]),
        ),
        "a site is the whole fleet": (
            "platesieve.policy.pseudonym.EpochKeys.shared_pseudonym",
            lambda old: (
                lambda self, text, purpose, action, now: old(
                    self, text, purpose, replace(action, scope=Scope.FLEET), now
                )
            ),
        ),
        "pictures are public": (
            "platesieve.policy.decide.classification",
            lambda old: lambda of: type(old(of))("public"),
        ),
    }

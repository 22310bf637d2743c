"""The policy language a second time, from its description: it shares no code with the product and knows only tomllib.

`answer` takes the text of a policy and plain values, and returns what the product must answer, as JSON.
"""
# fmt: off
# ruff: noqa: C901, D103, E501, E701, PLR0911, PLR0912, PLR0915 - it has to stay on two pages, so that a reader can check it

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import re
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
ALIKE = ["0OQ", "1I", "5S", "8B"]
KINDS = ["exact", "partial-jurisdiction", "lookalike"]
FIELDS = ["plate", "alternatives", "plate_region", "time", "location", "device", "direction", "lane", "confidence", "category", "list", "plate_crop", "scene_crop", "time_quality"]
COUNTED = {"plate_region", "device", "direction", "lane", "category", "list", "time_quality"}
PUBLIC = {"device", "confidence", "category", "list", "time_quality"}
FACTS = {"policy-document": "policy_document_sha256", "registration": "registration", "occasion": "occasion", "excluded-places": "excluded_places"}
NOTICE = "unverified: confirm visually; not grounds for a stop"
SECOND = 10**9

def seconds(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1]]

def stamp(ns: int, digits: int = 0) -> str:
    whole = datetime.fromtimestamp(ns // SECOND, UTC).isoformat()[:19]
    return f"{whole}.{ns // 10**6 % 1000:03d}Z" if digits else f"{whole}Z"

def down(ns: int, period_s: int) -> int:
    return ns // (period_s * SECOND) * (period_s * SECOND)

def packed(width: int, *parts: str) -> bytes:
    return b"".join(len(p.encode()).to_bytes(width, "big") + p.encode() for p in parts)

def expand(secret: bytes, info: bytes) -> bytes:
    return hmac.digest(hmac.digest(bytes(32), secret, "sha256"), info + b"\1", "sha256")  # RFC 5869, one block

def values(s: dict[str, Any], hits: list[Any], device: dict[str, Any], quality: str, seen: int) -> dict[str, Any]:
    lat, lon = device["latitude_deg"], device["longitude_deg"]
    rest: dict[str, Any] = {name: None if s[name] is None else base64.b64encode(s[name]).decode() for name in ("plate_crop", "scene_crop")}
    rest["alternatives"] = [[[c, round(p, 2)] for n, (c, p) in enumerate(g) if n == 0 or p >= 0.005] for g in s["glyphs"]] or None
    return rest | {
        "plate": s["plate"], "plate_region": s["region"], "time": stamp(seen, 3), "device": device["device"], "location": None if lat is None or lon is None else {"latitude": lat, "longitude": lon},
        "direction": s["direction"], "lane": s["lane"], "time_quality": quality, "confidence": round(s["confidence"], 4),
        "category": ",".join(sorted({h[1] for h in hits})) or None, "list": ",".join(sorted({h[2] for h in hits})) or None,
    }

def coarse(field: str, to: Any, plain: Any, s: dict[str, Any], seen: int) -> Any:
    if plain is None: return None
    if field == "time": return {"start": stamp(down(seen, seconds(to))), "end": stamp(down(seen, seconds(to)) + seconds(to) * SECOND)}
    if field == "confidence": return float(Decimal(repr(s["confidence"])) // Decimal(repr(to)) * Decimal(repr(to)))
    if field == "plate_region": return plain[:2].upper() if re.fullmatch("[A-Za-z]{2}(-[A-Za-z0-9]{1,3})?", plain) else None
    number = float(to.rstrip("kmdeg"))
    high = number if to.endswith("deg") else number * (1000 if to.endswith("km") else 1) / 111_320
    lat = max(-90.0, min(90.0, (math.floor(plain["latitude"] / high) + 0.5) * high))
    wide = high if to.endswith("deg") else high / max(math.cos(math.radians(lat)), 0.01)
    lon = max(-180.0, min(180.0, (math.floor(plain["longitude"] / wide) + 0.5) * wide))
    return {"latitude": round(lat, 6), "longitude": round(lon, 6)}

def answer(text: bytes, s: dict[str, Any], found: list[Any], device: dict[str, Any], now: dict[str, Any], chance: Any, seal: Any) -> Any:
    law, digest = tomllib.loads(text.decode()), hashlib.sha256(text).hexdigest()
    today = datetime.fromtimestamp(now["wall"] // SECOND, UTC).date()
    lacking = [r for r in law.get("requires", []) if device[FACTS[r]] in {None, ""}]  # no polygon is drawn in these scenes
    if device["mount"] not in law["mounts"] or lacking or device["operator"] not in law.get("operators", [device["operator"]]): return {"suppress": "no-policy"}
    if today < law["effective"] or ("expires" in law and today >= law["expires"]): return {"suppress": "policy-not-yet-effective" if today < law["effective"] else "policy-expired"}
    reading, age = law["reading"], now["mono"] - s["mono"]
    if age > seconds(reading["raw_lifetime"]) * SECOND: return {"suppress": "raw-lifetime-over"}
    sure = s["frames"] >= reading["min_agreeing_frames"] and s["confidence"] >= reading["min_confidence"]
    sort = ("hit" if found else "miss") if sure else "unsure"
    part, seen = law.get(sort, {"publish": "none"}), now["wall"] - age
    hits = [h for h in found if h[0] == min((h[0] for h in found), key=KINDS.index)]
    doubtful = now["quality"] != "synchronised" and (sort, part["publish"]) != ("hit", "event")
    if part["publish"] == "none" or doubtful: return {"suppress": "policy-none" if part["publish"] == "none" else "clock-not-trusted"}
    plain, rules = values(s, hits, device, now["quality"], seen), part.get("fields", {})
    if part["publish"] == "aggregate":
        told = {f: coarse(f, r.get("to"), plain[f], s, seen) if r["action"] == "coarsen" else plain[f] for f, r in rules.items() if f in COUNTED and r["action"] != "drop"}
        return {"tally": sort, "group": {f: v for f, v in told.items() if v is not None}}
    kept, time = seconds(part.get("retention", "0s")), rules.get("time", {"action": "drop"})
    grain = {"keep": 0, "coarsen": seconds(time["to"]) if time["action"] == "coarsen" else 0}.get(time["action"], -1)
    grain = next((g for g in (86_400, 3600, 60) if 2 * g <= kept), 1) if grain < 0 else grain
    expires = (down(seen, grain) if grain else seen) + kept * SECOND
    if expires <= now["wall"]: return {"suppress": "retention-over"}
    body: dict[str, Any] = {"policy": {"id": law["id"], "version": law["version"], "sha256": digest}, "disposition": sort}
    body |= {"match": hits[0][0], "notice": NOTICE} if sort == "hit" else {}
    ident, epochs, out = chance(16).hex(), {}, {}
    for field in [f for f in FIELDS if plain[f] is not None and rules.get(f, {"action": "drop"})["action"] != "drop"]:
        rule = rules[field]
        out[field] = plain[field]
        if rule["action"] == "coarsen": out[field] = coarse(field, rule["to"], plain[field], s, seen)
        elif rule["action"] == "seal":
            words = json.dumps(plain[field], separators=(",", ":"), ensure_ascii=False).encode()
            names = (device["agency"], device["site"], device["device"], "hit" if sort == "hit" else "read", ident, field, digest)
            words = b"age" + s[field] if rule.get("format") == "age" else words + b" " * (-len(words) % (448 if field == "alternatives" else 64))  # a picture as it is
            box = seal(rule["to"], words, b"platesieve-seal-v1" + packed(2, *names))
            out[field] = box and {"sealed": base64.b64encode(box).decode(), "to": rule["to"]}
        elif rule["action"] == "pseudonym":
            where, scope = [device[k] for k in ("agency", "site", "device")], rule.get("scope", "device")
            if scope == "device":
                if rule["epoch"] not in epochs: epochs[rule["epoch"]] = chance(8).hex(), chance(32)
                epoch, secret = epochs[rule["epoch"]]
                key = expand(secret, b"platesieve-pseudonym-v1" + packed(4, "/".join(where), epoch, f"{sort}/{field}"))
            else:
                step, shared = seconds(rule["epoch"]), b"platesieve-shared-pseudonym-v1"
                secret = expand(now["secret"], f"platesieve-ratchet-v1/key/{now['ring']}/{step}/{now['wall'] // (step * SECOND)}".encode())
                epoch = expand(secret, shared + packed(4, "id"))[:8].hex()
                key = expand(secret, shared + packed(4, scope, "/".join(where[: 2 if scope == "site" else 1]), epoch, f"{sort}/{field}"))
            alike = {c: group[0] for group in law.get("folding", ALIKE) for c in group if field == "plate"}
            name = "".join(alike.get(c, c) for c in plain[field])
            alias = base64.urlsafe_b64encode(hmac.digest(key, name.encode(), "sha256")).decode()[:43]
            out[field] = {"pseudonym": alias, "epoch": epoch}
    out = {f: v for f, v in out.items() if v is not None}
    body |= out | {"classification": {f: "public" if f in PUBLIC else "private" for f in out}}
    return {"id": ident, "kind": "hit" if sort == "hit" else "read", "body": body, "expires": expires, "receipt": part.get("collector")}

def counts(text: bytes, sort: str, seen: list[tuple[int, dict[str, str]]]) -> list[Any]:
    law, told = tomllib.loads(text.decode()), []
    rules, policy = law[sort]["aggregate"], {"id": law["id"], "version": law["version"], "sha256": hashlib.sha256(text).hexdigest()}
    for start in sorted({down(at, seconds(rules["window"])) for at, _ in seen}):
        groups = [tuple(sorted(group.items())) for at, group in seen if down(at, seconds(rules["window"])) == start]
        large = [g for g in sorted(set(groups)) if groups.count(g) >= rules.get("suppress_below", 0)]
        end = start + seconds(rules["window"]) * SECOND
        body: Any = {"policy": policy, "window": {"start": stamp(start), "end": stamp(end)}}
        body["counts"] = [{"disposition": sort, "count": groups.count(g), **dict(g)} for g in large]
        told += [{"body": body, "expires": end + seconds(rules.get("retention", "365d")) * SECOND}] if large else []
    return told

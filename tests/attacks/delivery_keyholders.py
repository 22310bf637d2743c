"""What whoever holds some of the agency's keys can try: each is said with the attack."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from pyrage import encrypt
from tuf.api.metadata import Metadata, MetaFile, Snapshot, Timestamp

from platesieve.adapters.delivery.addressed import Address, Kind
from platesieve.adapters.delivery.unpack import keys_document
from platesieve.policy.packs import pack_text
from tests.attacks.delivery_world import TIMESTAMP, World
from tests.fakes.agency import IDENTITIES, OURS, THEIRS, table

if TYPE_CHECKING:
    from platesieve.adapters.delivery.fetchers import Source


def rolled_back_snapshot(world: World) -> Source:
    """Whoever holds the online key names an older hot list in a newer snapshot."""
    world.second_state()
    versions = sorted((world.agency.folder / "metadata").glob("*.hotlist.json"))
    versions[-1].unlink()
    world.agency.publish_unchecked()
    return world.source()


def expired_role(world: World) -> Source:
    """A newer state in which the policy's signatures are over."""
    world.agency.repository.books.lifetimes_s["policy"] = -60
    world.agency.repository.renew("policy")
    world.sign_and_publish()
    return world.source()


def wrong_device(world: World) -> Source:
    """The state is signed as it should be, and for the devices of another site."""
    for kind in Kind:
        for path in list(world.agency.repository.latest(kind.value).signed.targets):
            with world.agency.repository.editing(kind.value) as signed:
                signed.targets[path].unrecognized_fields["custom"] = Address((THEIRS,)).as_custom()
    world.sign_and_publish()
    return world.source()


def list_of_another_site(world: World) -> Source:
    """A list that names this device and says that it is for another site."""
    custom = {**Address((OURS,)).as_custom(), "site": "metro-pd/bridge-8"}
    world.edit("hotlist", "hotlist/wanted.csv.age", custom=custom)
    return world.source()


def list_encrypted_to_another(world: World) -> Source:
    """A list that is for this device and that only another one can open."""
    sealed = encrypt(table("CANARY9"), [IDENTITIES[THEIRS].to_public()])
    world.put("hotlist", "hotlist/wanted.csv.age", bytes(sealed))
    return world.source()


def plaintext_list(world: World) -> Source:
    """A list that nobody encrypted, signed by the lists key."""
    world.put("hotlist", "hotlist/wanted.csv.age", table("CANARY9"))
    return world.source()


def oversize_document(world: World) -> Source:
    """A policy that is signed, and larger than a device takes."""
    world.put("policy", "policy/count-only.toml", pack_text("count-only") + b"#\n" * Kind.POLICY.max_bytes)
    return world.source()


def below_threshold(world: World) -> Source:
    """A policy that one of the two office keys signed."""
    world.agency.add("policy/count-only.toml", pack_text("count-only") + b"# looser\n")
    world.agency.force("policy", ["office-1"])
    world.agency.publish_unchecked()
    return world.source()


def signed_twice_by_one(world: World) -> Source:
    """The same key twice, to look like two."""
    world.agency.add("policy/count-only.toml", pack_text("count-only") + b"# looser\n")
    world.agency.force("policy", ["office-1"])
    path = max((world.agency.folder / "metadata").glob("*.policy.json"))
    document = json.loads(path.read_bytes())
    document["signatures"] *= 2
    path.write_bytes(json.dumps(document).encode())
    repository, data = world.agency.repository, path.read_bytes()
    meta = Metadata[Snapshot].from_bytes(repository.signed_bytes("snapshot"))
    meta.signed.meta["policy.json"] = MetaFile.from_data(3, data, ["sha256"])
    _sign_anew(world, "snapshot", meta)
    repository.write_metadata("snapshot", meta)
    stamp = Metadata[Timestamp].from_bytes((world.mirror / TIMESTAMP).read_bytes())
    stamp.signed.snapshot_meta = MetaFile.from_data(meta.signed.version, meta.to_bytes(), ["sha256"])
    _sign_anew(world, "timestamp", stamp)
    for file in (repository.folder / "metadata").glob("*.json"):
        shutil.copy(file, world.mirror / "metadata" / file.name)
    (world.mirror / TIMESTAMP).write_bytes(stamp.to_bytes())
    return world.source()


def policy_signed_by_the_lists_key(world: World) -> Source:
    """Whoever keeps the lists signs a policy."""
    world.put("hotlist", "policy/count-only.toml", pack_text("count-only"))
    return world.source()


def path_traversal(world: World) -> Source:
    """A document whose name leads out of its folder."""
    world.put("hotlist", "hotlist/..", table("CANARY9"))
    return world.source()


def unknown_address(world: World) -> Source:
    """An address with a word that the device does not know: perhaps a restriction."""
    custom = {**Address((OURS,)).as_custom(), "only": "weekdays"}
    world.edit("hotlist", "hotlist/wanted.csv.age", custom=custom)
    return world.source()


def unknown_field_of_a_policy(world: World) -> Source:
    """A policy with a key that the language does not have."""
    world.put("policy", "policy/count-only.toml", pack_text("count-only") + b"\n[exceptions]\nnight = true\n")
    return world.source()


def unknown_column_of_a_list(world: World) -> Source:
    """A hot list with free text about people."""
    rows = b"plate,category,list,notes\nCANARY9,stolen,state-police,\n"
    world.put("hotlist", "hotlist/wanted.csv.age", bytes(encrypt(rows, [IDENTITIES[OURS].to_public()])))
    return world.source()


def unknown_field_of_keys(world: World) -> Source:
    """Keys with more in them than names and keys."""
    world.put("keys", "keys/recipients.json", b'{"format": 1, "recipients": {}, "escrow": "x"}')
    return world.source()


def unusable_key(world: World) -> Source:
    """A recipient whose key is the point of order one: what is sealed to it, anybody opens."""
    world.put("keys", "keys/recipients.json", keys_document({"agency": bytes(32)}))
    return world.source()


def two_policies(world: World) -> Source:
    """Two policies for one device; which would be in force?"""
    world.put("policy", "policy/hits-only.toml", pack_text("hits-only"))
    return world.source()


def policy_for_other_readers(world: World) -> Source:
    """A policy under which this device may not read: it is for readers on vehicles."""
    text = pack_text("count-only").replace(b'mounts       = ["fixed", "mobile"]', b'mounts       = ["mobile"]')
    assert text != pack_text("count-only")
    world.put("policy", "policy/count-only.toml", text)
    return world.source()


def _sign_anew(world: World, role: str, metadata: Metadata[Any]) -> None:
    """Sign the next version of a role with every key that may."""
    metadata.signed.version += 1
    metadata.signatures.clear()
    for keyid in world.agency.repository.allowed_keys(role):
        metadata.sign(world.agency.signers[keyid], append=True)

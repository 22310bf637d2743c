"""Attack the way in of signed documents, and print what became of each attack beside its control.

`PYTHONPATH=src python -m tests.attacks.delivery [--json]`, from the checkout. Exit code 1 where an attack changes a
device, or where a control is turned away that must be accepted.

Every attack begins with a device that has taken in a first state. What an attacker may do is said with each: some hold
keys. An attack is beaten when it is turned away with one sentence and a remedy, not one byte on the disk differs, and
the rules in RAM are the same object as before. A control is the same attack with one check taken out of the device:
then it must succeed, or the attack proves nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias

from pyrage import encrypt
from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import Metadata, Signed, Snapshot, TargetFile, Targets, Timestamp

from platesieve.adapters.delivery import addressed, fetchers, trust_store, unpack
from platesieve.adapters.delivery.addressed import Address, Kind
from platesieve.domain.errors import PlatesieveError
from platesieve.policy import load
from tests.fakes.agency import IDENTITIES, OURS, THEIRS, Agency, Receiver, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platesieve.adapters.delivery.fetchers import Source

Attack: TypeAlias = "Callable[[World], Source]"
FREEZE_S = 4.0
TIMESTAMP = "metadata/timestamp.json"


@dataclass
class World:
    """An agency, a device that took in its first state, and the mirror that an attacker rules."""

    agency: Agency
    device: Receiver

    @property
    def mirror(self) -> Path:
        """Return what the device fetches from."""
        return self.agency.mirror

    def source(self) -> Source:
        """Return it as a source."""
        return fetchers.folder(self.mirror)

    def target(self, name: str) -> Path:
        """Return the newest published file of a document."""
        found = (self.mirror / "targets").rglob(f"*.{name}")
        return max(found, key=lambda path: path.stat().st_mtime_ns)

    def second_state(self) -> None:
        """Let the agency publish another list, and the device take it in."""
        self.agency.add_list("wanted", table("CANARY7", "CANARY8"))
        self.agency.publish()
        assert self.device.take(self.source())

    def edit(self, role: str, path: str, **changes: Any) -> None:
        """Change what a role says of one document, as whoever holds its keys can."""
        with self.agency.repository.editing(role) as signed:
            target = signed.targets[path]
            for name, value in changes.items():
                if name == "custom":
                    target.unrecognized_fields["custom"] = value
                else:
                    setattr(target, name, value)
        self.sign_and_publish()

    def put(self, kind: str, path: str, data: bytes, custom: dict[str, Any] | None = None) -> None:
        """Add a document past every check of the publisher."""
        target = TargetFile.from_data(path, data, ["sha256"])
        target.unrecognized_fields["custom"] = custom or Address((OURS,)).as_custom()
        place = self.agency.folder / "public" / "targets" / target.get_prefixed_paths()[0]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        with self.agency.repository.editing(kind) as signed:
            signed.targets[path] = target
        self.sign_and_publish()

    def sign_and_publish(self) -> None:
        """Publish with all keys and without looking."""
        self.agency.repository.sign(self.agency.signers)
        self.agency.publish_unchecked()


class _Endless(fetchers.FolderFetcher):
    """A server that never ends one file."""

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(root)
        self.name, self.sent = name, 0

    def _fetch(self, url: str) -> Iterator[bytes]:
        if self.name not in url:
            yield from super()._fetch(url)
            return
        while True:
            self.sent += 1 << 16
            assert self.sent < 100 << 20, "nobody stopped it"
            yield bytes(1 << 16)


# ---- the attacks: each returns what the device then looks at -------------------------------------------------


def rollback(world: World) -> Source:
    """The mirror shows its first state again."""
    old = world.mirror.with_name("old")
    shutil.copytree(world.mirror, old)
    world.second_state()
    return fetchers.folder(old)


def replayed_timestamp(world: World) -> Source:
    """Only the timestamp is an old one."""
    old = (world.mirror / TIMESTAMP).read_bytes()
    world.second_state()
    (world.mirror / TIMESTAMP).write_bytes(old)
    return world.source()


def rolled_back_snapshot(world: World) -> Source:
    """Whoever holds the online key names an older hot list in a newer snapshot."""
    world.second_state()
    versions = sorted((world.agency.folder / "metadata").glob("*.hotlist.json"))
    versions[-1].unlink()
    world.agency.publish_unchecked()
    return world.source()


def freeze(world: World) -> Source:
    """The mirror stands still until what it says is over."""
    left_s = _expiry_s(world.mirror / TIMESTAMP) - time.time()
    time.sleep(max(left_s, 0) + 0.1)
    return world.source()


def expired_role(world: World) -> Source:
    """A newer state in which the policy's signatures are over."""
    world.agency.repository.books.lifetimes_s["policy"] = -60
    world.agency.repository.renew("policy")
    world.sign_and_publish()
    return world.source()


def mix_and_match(world: World) -> Source:
    """The newest timestamp with the list of before."""
    first = next((world.mirror / "metadata").glob("2.hotlist.json")).read_bytes()
    world.agency.add_list("wanted", table("CANARY8"))
    world.agency.publish()
    newest = max((world.mirror / "metadata").glob("*.hotlist.json"))
    newest.write_bytes(first)
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
    world.put("policy", "policy/count-only.toml", _policy() + b"#\n" * Kind.POLICY.max_bytes)
    return world.source()


def oversize_metadata(world: World) -> Source:
    """A timestamp with 20 KiB of spaces in it."""
    path = world.mirror / TIMESTAMP
    path.write_bytes(path.read_bytes() + b" " * 20_000)
    return world.source()


def endless_metadata(world: World) -> Source:
    """A timestamp that never ends."""
    world.agency.publish()
    return replace(world.source(), fetcher=_Endless(world.mirror, "timestamp.json"))


def endless_document(world: World) -> Source:
    """A hot list that never ends."""
    world.agency.add_list("wanted", table("CANARY8"))
    world.agency.publish()
    return replace(world.source(), fetcher=_Endless(world.mirror, "wanted.csv.age"))


def truncated_document(world: World) -> Source:
    """The newest list, cut off in the middle."""
    world.agency.add_list("wanted", table("CANARY8"))
    world.agency.publish()
    path = world.target("wanted.csv.age")
    path.write_bytes(path.read_bytes()[:-10])
    return world.source()


def truncated_metadata(world: World) -> Source:
    """The newest timestamp, cut off in the middle."""
    world.agency.publish()
    path = world.mirror / TIMESTAMP
    path.write_bytes(path.read_bytes()[:200])
    return world.source()


def swapped_document(world: World) -> Source:
    """Another list, encrypted to this very device by the attacker: its key is public."""
    world.agency.add_list("wanted", table("CANARY8"))
    world.agency.publish()
    path = world.target("wanted.csv.age")
    path.write_bytes(encrypt(table("CANARY9"), [IDENTITIES[OURS].to_public()]))
    return world.source()


def missing_document(world: World) -> Source:
    """The newest list is not there."""
    world.agency.add_list("wanted", table("CANARY8"))
    world.agency.publish()
    world.target("wanted.csv.age").unlink()
    return world.source()


def wrong_key(world: World) -> Source:
    """A repository with the same names, signed by the attacker's own keys."""
    other = Agency(world.agency.folder.parent / "attacker")
    for _ in range(3):
        other.publish()
    return fetchers.folder(other.mirror)


def below_threshold(world: World) -> Source:
    """A policy that one of the two office keys signed."""
    world.agency.add("policy/count-only.toml", _policy() + b"# looser\n")
    world.agency.force("policy", ["office-1"])
    world.agency.publish_unchecked()
    return world.source()


def signed_twice_by_one(world: World) -> Source:
    """The same key twice, to look like two."""
    world.agency.add("policy/count-only.toml", _policy() + b"# looser\n")
    world.agency.force("policy", ["office-1"])
    path = max((world.agency.folder / "metadata").glob("*.policy.json"))
    document = json.loads(path.read_bytes())
    document["signatures"] *= 2
    path.write_bytes(json.dumps(document).encode())
    repository, data = world.agency.repository, path.read_bytes()
    meta = Metadata[Snapshot].from_bytes(repository.signed_bytes("snapshot"))
    meta.signed.meta["policy.json"] = stored_meta(data, 3)
    meta.signed.version += 1
    meta.signatures.clear()
    for keyid in repository.allowed_keys("snapshot"):
        meta.sign(world.agency.signers[keyid], append=True)
    repository.write_metadata("snapshot", meta)
    stamp = Metadata[Timestamp].from_bytes((world.mirror / TIMESTAMP).read_bytes())
    stamp.signed.version += 1
    stamp.signed.snapshot_meta = stored_meta(meta.to_bytes(), meta.signed.version)
    stamp.signatures.clear()
    for keyid in repository.allowed_keys("timestamp"):
        stamp.sign(world.agency.signers[keyid], append=True)
    for file in (repository.folder / "metadata").glob("*.json"):
        shutil.copy(file, world.mirror / "metadata" / file.name)
    (world.mirror / TIMESTAMP).write_bytes(stamp.to_bytes())
    return world.source()


def policy_signed_by_the_lists_key(world: World) -> Source:
    """Whoever keeps the lists signs a policy."""
    world.put("hotlist", "policy/count-only.toml", _policy())
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
    world.put("policy", "policy/count-only.toml", _policy() + b"\n[exceptions]\nnight = true\n")
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
    world.put("keys", "keys/recipients.json", unpack.keys_document({"agency": bytes(32)}))
    return world.source()


def two_policies(world: World) -> Source:
    """Two policies for one device; which would be in force?"""
    world.put("policy", "policy/hits-only.toml", _policy(b"hits-only"))
    return world.source()


def policy_for_other_readers(world: World) -> Source:
    """A policy under which this device may not read: it is for readers on vehicles."""
    text = _policy().replace(b'mounts       = ["fixed", "mobile"]', b'mounts       = ["mobile"]')
    assert text != _policy()
    world.put("policy", "policy/count-only.toml", text)
    return world.source()


def link_on_a_stick(world: World) -> Source:
    """The timestamp is a link to a file elsewhere."""
    world.agency.publish()
    path = world.mirror / TIMESTAMP
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    return world.source()


def pipe_on_a_stick(world: World) -> Source:
    """The timestamp is a pipe that nobody writes to."""
    (world.mirror / TIMESTAMP).unlink()
    os.mkfifo(world.mirror / TIMESTAMP)
    return world.source()


def nested_json(world: World) -> Source:
    """A timestamp of ten thousand brackets."""
    (world.mirror / TIMESTAMP).write_bytes(b"[" * 10_000)
    return world.source()


ATTACKS: tuple[Attack, ...] = (
    rollback,
    replayed_timestamp,
    rolled_back_snapshot,
    freeze,
    expired_role,
    mix_and_match,
    wrong_device,
    list_of_another_site,
    list_encrypted_to_another,
    plaintext_list,
    oversize_document,
    oversize_metadata,
    endless_metadata,
    endless_document,
    truncated_document,
    truncated_metadata,
    swapped_document,
    missing_document,
    wrong_key,
    below_threshold,
    signed_twice_by_one,
    policy_signed_by_the_lists_key,
    path_traversal,
    unknown_address,
    unknown_field_of_a_policy,
    unknown_column_of_a_list,
    unknown_field_of_keys,
    unusable_key,
    two_policies,
    policy_for_other_readers,
    link_on_a_stick,
    pipe_on_a_stick,
    nested_json,
)


# ---- the controls: an attack, and the check without which it succeeds ----------------------------------------


def _lenient(_cls: object, custom: Any, _path: str) -> Address:
    return Address(tuple(custom["devices"]))


def _following(root: Path, inside: Path, offset: int) -> Iterator[bytes]:
    if not (root / inside).exists():
        raise DownloadHTTPError("no such file", 404)
    yield (root / inside).read_bytes()[offset:]


REMOVED: dict[str, tuple[Attack, list[tuple[Any, str, Any]]]] = {
    "memory of what was seen": (rollback, [(trust_store.TrustStore, "folder", None)]),
    "signatures": (below_threshold, [(Targets, "verify_delegate", lambda *_: None)]),
    "lengths and hashes": (swapped_document, [(TargetFile, "verify_length_and_hashes", lambda *_: None)]),
    "expiry": (freeze, [(Signed, "is_expired", lambda *_: False)]),
    "expiry of a role": (expired_role, [(Signed, "is_expired", lambda *_: False)]),
    "addresses": (unknown_address, [(Address, "from_custom", classmethod(_lenient))]),
    "addresses by site": (list_of_another_site, [(Address, "from_custom", classmethod(_lenient))]),
    "size of a document": (
        oversize_document,
        [(addressed, "_MAX_BYTES", dict.fromkeys(Kind, 1 << 30)), (load, "MAX_BYTES", 1 << 30)],
    ),
    "plaintext": (plaintext_list, [(unpack, "_opened", lambda document, _: document.data)]),
    "plain files": (link_on_a_stick, [(fetchers, "_read", _following)]),
    "who may read": (policy_for_other_readers, [(unpack, "device_refusals", lambda *_: ())]),
}


@dataclass(frozen=True)
class Outcome:
    """What became of an attack."""

    name: str
    what: str
    rejected: bool
    unchanged: bool
    sentence: str

    @property
    def beaten(self) -> bool:
        """Return whether nothing changed and one sentence was said."""
        return self.rejected and self.unchanged and bool(self.sentence)


def template(folder: Path) -> None:
    """Make the agency that every world is a copy of: its first state ends for good in a few seconds less than a day."""
    Agency(folder).publish()


def a_world(template_folder: Path, folder: Path, *, short: bool = False) -> World:
    """Return an agency of its own and a device that has its first state.

    Args:
        template_folder: from `template`.
        folder: for this world.
        short: what the first timestamp says ends within seconds.
    """
    shutil.copytree(template_folder, folder)
    back = timedelta(days=1) - timedelta(seconds=FREEZE_S) if short else timedelta(0)
    agency = Agency(folder, back, exists=True)
    if short:
        agency.publish()
    device = Receiver(folder / "device", agency.root)
    assert device.take(fetchers.folder(agency.mirror))
    return World(agency, device)


def play(attack: Attack, template_folder: Path, folder: Path) -> Outcome:
    """Run one attack and look at the device afterwards."""
    world = a_world(template_folder, folder, short=attack is freeze)
    source = replace(attack(world), name="the mirror")
    before, generation = world.device.on_disk(), world.device.generation
    sentence, rejected = "", False
    try:
        world.device.take(source)
    except PlatesieveError as error:
        rejected, sentence = bool(error.hint), error.message
    unchanged = world.device.on_disk() == before and world.device.generation is generation
    name = attack.__name__.replace("_", " ")
    return Outcome(name, (attack.__doc__ or "").strip(), rejected, unchanged, sentence)


def without(check: str, template_folder: Path, folder: Path) -> bool:
    """Return whether an attack succeeds on a device that lacks one check."""
    attack, patches = REMOVED[check]
    world = a_world(template_folder, folder, short=attack is freeze)
    source = attack(world)
    before = world.device.generation
    with _patched(patches):
        try:
            world.device.take(source)
        except PlatesieveError:
            return False
    return attack is freeze or world.device.generation is not before


@contextmanager
def _patched(patches: list[tuple[Any, str, Any]]) -> Iterator[None]:
    kept = []
    for asked, name, value in patches:
        owner = next((one for one in getattr(asked, "__mro__", ()) if name in vars(one)), asked)  # who defines it
        kept.append((owner, name, vars(owner)[name]))
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in kept:
            setattr(owner, name, value)


def _expiry_s(path: Path) -> float:
    signed: Any = Metadata.from_bytes(path.read_bytes()).signed
    return float(signed.expires.timestamp())


def _policy(name: bytes = b"count-only") -> bytes:
    from platesieve.policy.packs import pack_text  # noqa: PLC0415 - beside its only use

    return pack_text(name.decode())


def stored_meta(data: bytes, version: int) -> Any:
    """Return what a snapshot or a timestamp says of some metadata."""
    from tuf.api.metadata import MetaFile  # noqa: PLC0415 - beside its only use

    return MetaFile.from_data(version, data, ["sha256"])


def attack_all() -> dict[str, Any]:
    """Run every attack and every control."""
    with TemporaryDirectory(prefix="platesieve-") as scratch:
        first = Path(scratch) / "template"
        template(first)
        outcomes = [play(attack, first, Path(scratch) / attack.__name__) for attack in ATTACKS]
        controls = {check: without(check, first, Path(scratch) / f"without-{n}") for n, check in enumerate(REMOVED)}
        world = a_world(first, Path(scratch) / "good")
        world.second_state()
    return {"attacks": outcomes, "controls": controls, "unattacked accepted": True}


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.delivery", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    as_json = parser.parse_args().json
    found = attack_all()
    outcomes: list[Outcome] = found["attacks"]
    beaten = sum(outcome.beaten for outcome in outcomes)
    if as_json:
        rows = [{**vars(outcome), "beaten": outcome.beaten} for outcome in outcomes]
        sys.stdout.write(json.dumps({**found, "attacks": rows}, indent=2) + "\n")
    else:
        width = max(len(outcome.name) for outcome in outcomes)
        for outcome in outcomes:
            marks = (
                f"{'rejected' if outcome.rejected else 'ACCEPTED'}  {'unchanged' if outcome.unchanged else 'CHANGED'}"
            )
            sys.stdout.write(f"{outcome.name:{width}}  {marks}  {outcome.sentence}\n")
        for check, broken in found["controls"].items():
            sys.stdout.write(f"control without {check}: {'accepted, as it must be' if broken else 'STILL REJECTED'}\n")
        sys.stdout.write(
            f"{beaten} of {len(outcomes)} attacks beaten, state unchanged; the unattacked state is accepted\n"
        )
    return 0 if beaten == len(outcomes) and all(found["controls"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Keys of an agency are replaced, and devices follow; what an old key signs afterwards is turned away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.delivery import fetchers
from platesieve.adapters.delivery.ceremony import load_keys
from platesieve.adapters.delivery.publishing import publish
from platesieve.adapters.delivery.rotation import key_id, rotate
from platesieve.domain.errors import ConfigError, DeliveryError, KeyFileError
from tests.fakes.agency import PASSPHRASE, Agency, Receiver, table

if TYPE_CHECKING:
    from pathlib import Path


def replace(agency: Agency, *names: str) -> list[str]:
    """Replace keys with everybody at hand, and hand the new ones out; return what is signed."""
    done = rotate(agency.repository, names, agency.signers, agency.folder / "keys", PASSPHRASE)
    agency.signers = load_keys([agency.folder / "keys"], PASSPHRASE)
    return done


@pytest.mark.parametrize("name", ["root-2", "office-1", "lists-1", "online-1"])
def test_a_device_follows_across_a_new_key(tmp_path: Path, name: str) -> None:
    """With the root it was given once, and it takes what comes after; a device of today begins with the new root."""
    agency = Agency(tmp_path)
    agency.publish()
    first_root = agency.root
    device = Receiver(tmp_path / "device", first_root)
    assert device.take(fetchers.folder(agency.mirror))
    old = key_id(agency.repository, name)

    done = replace(agency, name)
    agency.add_list("wanted", table("CANARY8", "CANARY9"))
    agency.publish()

    assert ("targets" if name == "lists-1" else "root") in done
    assert key_id(agency.repository, name) != old
    says = [json.loads(agency.repository.signed_bytes(role))["signed"] for role in ("root", "targets")]
    assert old not in json.dumps(says)
    assert device.take(fetchers.folder(agency.mirror))
    assert device.generation is not None
    assert device.generation.hotlist.count == 2
    newcomer = Receiver(tmp_path / "newcomer", agency.root)
    assert newcomer.take(fetchers.folder(agency.mirror))


def test_what_the_old_key_signs_is_turned_away(tmp_path: Path) -> None:
    """A thief of the lists key publishes a list: devices believe it until the key is replaced, and then no more."""
    agency = Agency(tmp_path)
    agency.publish()
    device = Receiver(tmp_path / "device", agency.root)
    device.take(fetchers.folder(agency.mirror))
    stolen = agency.signers[key_id(agency.repository, "lists-1")]

    agency.add_list("wanted", table("CANARY8", "CANARY9"))
    agency.repository.sign({stolen.public_key.keyid: stolen})  # the control: it counts still
    publish(agency.repository, agency.signers, agency.mirror)
    assert device.take(fetchers.folder(agency.mirror))

    replace(agency, "lists-1")
    agency.publish()
    assert device.take(fetchers.folder(agency.mirror))
    agency.add_list("wanted", table("AAA111", "AAA112", "AAA113"))
    assert agency.repository.sign({stolen.public_key.keyid: stolen}) == []
    metadata = agency.repository.latest("hotlist")
    metadata.sign(stolen)
    agency.repository.write_metadata("hotlist", metadata)
    (agency.folder / "drafts" / "hotlist.json").unlink()
    agency.publish_unchecked()
    with pytest.raises(DeliveryError, match="not signed by enough"):
        device.take(fetchers.folder(agency.mirror))
    assert device.generation is not None
    assert device.generation.hotlist.count == 2


def test_a_lost_root_key_is_replaced_by_the_other_two_and_two_lost_ones_by_nobody(tmp_path: Path) -> None:
    """In one sentence, and nothing has changed then."""
    agency = Agency(tmp_path)
    agency.publish()
    lost = {key_id(agency.repository, name) for name in ("root-1", "root-2")}
    left = {keyid: signer for keyid, signer in agency.signers.items() if keyid not in lost}
    before = sorted(path.name for path in agency.folder.rglob("*"))

    with pytest.raises(KeyFileError, match="1 of the root keys is at hand and 2 must sign") as refused:
        rotate(agency.repository, ["root-1", "root-2"], left, agency.folder / "keys", PASSPHRASE)

    assert "root.json by hand" in refused.value.hint
    assert sorted(path.name for path in agency.folder.rglob("*")) == before
    one_lost = {keyid: signer for keyid, signer in agency.signers.items() if keyid != min(lost)}
    name = next(name for name in ("root-1", "root-2") if key_id(agency.repository, name) == min(lost))
    assert "root" in rotate(agency.repository, [name], one_lost, agency.folder / "keys", PASSPHRASE)
    with pytest.raises(ConfigError, match="no key of an agency"):
        rotate(agency.repository, ["root-9"], one_lost, agency.folder / "keys", PASSPHRASE)


def test_what_new_keys_sign_waits_for_the_root_that_names_them(tmp_path: Path) -> None:
    """One root key is at hand: the state of before is published meanwhile, and once the second has signed, the new."""
    agency = Agency(tmp_path)
    agency.publish()
    device = Receiver(tmp_path / "device", agency.root)
    device.take(fetchers.folder(agency.mirror))
    away = {key_id(agency.repository, name) for name in ("root-2", "root-3")}
    here = {keyid: signer for keyid, signer in agency.signers.items() if keyid not in away}

    assert rotate(agency.repository, ["office-1"], here, agency.folder / "keys", PASSPHRASE) == []
    publish(agency.repository, here, agency.mirror)
    assert device.take(fetchers.folder(agency.mirror))
    assert "root" in agency.repository.drafts()

    agency.publish()
    assert agency.repository.drafts() == []
    assert device.take(fetchers.folder(agency.mirror))

"""The agency's key in a PKCS#11 token: SoftHSM, with the tools that make one; an event opens, the key stays inside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from platesieve.adapters.disk.agency_keys import AgencyKeys
from platesieve.adapters.disk.key_files import load_public
from platesieve.adapters.disk.key_text import KeyKind
from platesieve.adapters.local.token_key import TokenKey, address_of
from platesieve.bootstrap.collector import open_desk, open_store
from platesieve.cli.main import app
from platesieve.collector.reveal import RevealRequest
from platesieve.collector.settings import CollectorSettings
from platesieve.domain.access import Purpose
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import KeyFileError
from platesieve.policy.seal import SealError, seal, sealing_info
from tests.fakes.collected import AgencyKey
from tests.fakes.passages import DEVICE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
TOKEN = "agency"  # noqa: S105 - its label
PIN = "493817"
INFO = sealing_info(DEVICE, Kind.HIT, "event-1", "plate", "0" * 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with a token `agency` in it; a process keeps to one configuration of SoftHSM."""
    tool = shutil.which("softhsm2-util")
    if tool is None:
        pytest.skip("softhsm2 is not installed: apt-get install softhsm2")
    home = tmp_path_factory.mktemp("token")
    (home / "tokens").mkdir()
    (home / "softhsm2.conf").write_text(f"directories.tokendir = {home / 'tokens'}\nobjectstore.backend = file\n")
    (home / "pin").write_text(f"{PIN}\n")
    (home / "wrong").write_text("000000\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(home / "softhsm2.conf")
    subprocess.run(
        [tool, "--init-token", "--free", "--label", "agency", "--pin", PIN, "--so-pin", "5678"],
        check=True,
        capture_output=True,
    )
    yield home
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


def uri(folder: Path, label: str, pin: str = "pin", slot: str = "agency", module: str = MODULE) -> str:
    """Return the name of a key."""
    return f"pkcs11:token={slot};object={label}?module-path={module}&pin-source={folder / pin}"


@pytest.mark.parametrize("curve", ["p256", "x25519"])
def test_a_plate_opens_with_a_key_that_never_leaves_the_token(folder: Path, tmp_path: Path, curve: str) -> None:
    """Made by our command, sealed to as a device does, opened by the reveal desk after it was logged."""
    name = uri(folder, curve)
    made = CliRunner().invoke(app, ["keys", "token", name, "--make", "--curve", curve, "--out", str(tmp_path / "keys")])
    assert made.exit_code == 0, made.output
    public = load_public(tmp_path / "keys" / "agency.pub", KeyKind.AGENCY)
    settings = CollectorSettings(
        agency="metro-pd", state=str(tmp_path), agency_keys={"agency": name}, assume_clock=True
    )
    store = open_store(f"sqlite:///{tmp_path / 'collector.db'}")
    life_s = time.time()  # from the fake clock's start until long after now
    store.keep([AgencyKey(b"", public).sealed_event("e1", life_s=life_s, plate="CANARY7")])

    opened = open_desk(settings, store).reveal(RevealRequest("e1", "jo", Purpose.ALERT_CHECK, "26-004217"))

    assert opened.fields == {"plate": "CANARY7"}
    assert len(store.accesses(10, "e1")) == 1
    (tmp_path / "hit.json").write_text(json.dumps(store.event("e1").event.document))  # type: ignore[union-attr]
    shown = CliRunner().invoke(app, ["open", str(tmp_path / "hit.json"), "--key", name])
    assert json.loads(shown.output)["data"]["plate"] == "CANARY7"
    key = TokenKey(address_of(name))
    assert key.public == public
    with pytest.raises(SealError):
        key.open(seal(public, b"x", INFO), INFO + b"x")
    store.close()


def test_the_key_cannot_be_read_out(folder: Path) -> None:
    """The control of what a token is for: its private value is refused, and not because it is not there."""
    import pkcs11  # noqa: PLC0415 - an optional extra

    from platesieve.adapters.local.token_key import make_key  # noqa: PLC0415 - here alone

    address = address_of(uri(folder, "inside"))
    make_key(address, "p256")
    with pkcs11.lib(MODULE).get_token(token_label=TOKEN).open(user_pin=PIN) as session:
        private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label="inside")
        assert private[pkcs11.Attribute.SENSITIVE] is True
        assert private[pkcs11.Attribute.EXTRACTABLE] is False
        assert private[pkcs11.Attribute.NEVER_EXTRACTABLE] is True
        with pytest.raises(pkcs11.PKCS11Error):
            bytes(private[pkcs11.Attribute.VALUE])


def test_what_is_wrong_with_a_token_is_said_with_a_remedy(folder: Path, tmp_path: Path) -> None:
    """PIN, token, key, module, curve: one sentence each, and the PIN is in none of them."""
    from platesieve.adapters.local.token_key import make_key  # noqa: PLC0415 - here alone

    make_key(address_of(uri(folder, "there")), "p256")
    assert AgencyKeys({"agency": uri(folder, "there")}).recipients == {"agency"}  # the control
    cases = {
        uri(folder, "there", pin="wrong"): "PIN of the token agency is wrong",
        uri(folder, "there", slot="other"): "there is no token other",
        uri(folder, "nowhere"): "has no key pair nowhere",
        uri(folder, "there", pin="missing"): "file with the PIN cannot be read",
        uri(folder, "there", module=str(tmp_path / "none.so")): "cannot be loaded",
    }
    for name, said in cases.items():
        with pytest.raises(KeyFileError, match=said) as refused:
            AgencyKeys({"agency": name})
        assert refused.value.hint
        assert PIN not in f"{refused.value} {refused.value.__cause__}"
    with pytest.raises(KeyFileError, match="has a key there already"):
        make_key(address_of(uri(folder, "there")), "p256")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pkcs11:token=agency", "not complete"),
        ("pkcs11:token=a;object=b?module-path=/m.so", "PIN of the token is not known"),
        ("pkcs11:token=a;object=b?module-path=/m.so&pin-value=1234", "does not belong into settings"),
        ("pkcs11:token=a;colour=b?module-path=/m.so&pin-source=/p", "not understood"),
    ],
)
def test_a_name_that_is_not_one_is_refused(name: str, said: str) -> None:
    """Before any module is loaded."""
    with pytest.raises(KeyFileError, match=said):
        address_of(name)


def test_a_name_is_read_as_rfc_7512_writes_it() -> None:
    """Percent signs, `file:`, and the collector's own passphrase file where the name has none."""
    found = address_of("pkcs11:token=Our%20HSM;object=a%3Bb?module-path=/m.so&pin-source=file:/run/pin")
    assert (found.token, found.label, found.pin_file) == ("Our HSM", "a;b", "/run/pin")
    assert address_of("pkcs11:serial=7;object=b?module-path=/m.so", "/words").pin_file == "/words"
    assert json.dumps(found.module) == '"/m.so"'

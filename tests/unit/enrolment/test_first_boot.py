"""The installer's file: strict, applied once, its secret gone, and a power cut at any step is harmless."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import tomli_w

from platesieve.adapters.disk.config_file import load_settings
from platesieve.adapters.disk.key_files import load_lists_public
from platesieve.adapters.enrolment import first_boot, provision_file
from platesieve.adapters.enrolment.authority_folder import AuthorityFolder
from platesieve.adapters.enrolment.device_folder import DeviceFolder
from platesieve.adapters.local.announce import Announcer
from platesieve.bootstrap.aim import trouble_of
from platesieve.domain.errors import ConfigError, KeyFileError, LinkError
from platesieve.enrolment.certificates import new_authority
from tests.fakes.agency import Agency

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TOKEN = "abcdefgh-ijklmnopqrstuvwxyz234567"  # noqa: S105 - of nobody


def tree() -> dict[str, object]:
    """Return what a good file says."""
    return {
        "format": 1,
        "policy": "us-mn",
        "camera": "usb:0",
        "device": {"agency": "metro", "site": "bridge", "device": "cam-1", "mount": "fixed", "latitude_deg": 44.9},
        "broker": {"host": "mqtt.example"},
        "enrolment": {
            "url": "https://enrol.example:8443",
            "token": TOKEN,
            "authority": new_authority("CA", datetime.now(UTC))[0].decode(),
        },
        "recipients": {"agency": "platesieve-agency-public-1 " + "A" * 43 + "="},
        "aiming": {"minutes": 20},
        "audit": {"batch_s": 30.0},
    }


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Return a FAT partition with a good file."""
    boot = tmp_path / "boot"
    boot.mkdir()
    (boot / "platesieve.toml").write_bytes(provision_file.dump(provision_file.checked(tree())))
    return boot


def test_settings_are_readable_by_the_services_whatever_the_umask(tmp_path: Path, card: Path) -> None:
    """Root applies the file with a umask of 0077, and the services are not root; keys stay private all the same."""
    before = os.umask(0o077)
    try:
        first_boot.apply(card, tmp_path / "etc", tmp_path / "state")
    finally:
        os.umask(before)

    assert (tmp_path / "etc").stat().st_mode & 0o777 == 0o755
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "etc").iterdir()} == {0o644}
    private = tmp_path / "state", tmp_path / "state/uplink", tmp_path / "state/uplink/enrolment.json"
    assert {path.stat().st_mode & 0o077 for path in private} == {0}


def test_it_is_applied_once_and_leaves_no_token_on_the_card(tmp_path: Path, card: Path) -> None:
    """Settings work as they are, the token is with the uplink, the card keeps a copy without it."""
    assert first_boot.apply(card, tmp_path / "etc", tmp_path / "state") is not None

    settings = load_settings(tmp_path / "etc/platesieve.toml", {})
    assert (settings.policy, settings.device.site, settings.uplink.host) == ("us-mn", "bridge", "mqtt.example")
    assert settings.audit.batch_s == 30.0
    assert settings.recipients["agency"] == str(tmp_path / "etc/agency.pub")
    invitation = tmp_path / "state/uplink/enrolment.json"
    assert json.loads(invitation.read_text())["token"] == TOKEN
    assert invitation.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in card.iterdir()) == ["platesieve.applied.toml"]
    assert TOKEN not in (card / "platesieve.applied.toml").read_text()
    assert first_boot.apply(card, tmp_path / "etc", tmp_path / "state") is None


def test_it_may_open_the_aiming_page_once_and_say_where_and_how_the_camera_exposes(tmp_path: Path) -> None:
    """Minutes and code for the page, its address and the profiles for the settings; the code stays on no card."""
    boot = tmp_path / "boot"
    boot.mkdir()
    asked = tree() | {
        "aiming": {"minutes": 20, "code": "BRIDGE-SEVEN", "address": "10.1.2.3"},
        "exposure": {"ir_switch": "/sys/class/leds/ir/brightness", "night": {"shutter_us": 4000, "ir": True}},
    }
    (boot / "platesieve.toml").write_text(tomli_w.dumps(asked))
    first_boot.apply(boot, tmp_path / "etc", tmp_path / "state")

    settings = load_settings(tmp_path / "etc/platesieve.toml", {})
    assert (tmp_path / "state/aim").read_text() == "20 BRIDGE-SEVEN\n"
    assert settings.aiming.address == "10.1.2.3"
    assert (settings.exposure.night.shutter_us, settings.exposure.night.ir) == (4000, True)
    assert "BRIDGE-SEVEN" not in (boot / "platesieve.applied.toml").read_text()


def test_unless_it_says_so_the_page_is_not_opened_and_would_answer_on_the_service_port(tmp_path: Path) -> None:
    """A later request, by a file on the card or a button, finds an address that a cable leads to."""
    boot = tmp_path / "boot"
    boot.mkdir()
    (boot / "platesieve.toml").write_text(tomli_w.dumps({k: v for k, v in tree().items() if k != "aiming"}))
    first_boot.apply(boot, tmp_path / "etc", tmp_path / "state")

    assert not (tmp_path / "state/aim").exists()
    assert load_settings(tmp_path / "etc/platesieve.toml", {}).aiming.address == "192.168.7.1"


def test_what_is_wrong_waits_for_the_aiming_page_until_a_good_file_was_applied(tmp_path: Path, card: Path) -> None:
    """On the card for a laptop, in the state folder for the page; afterwards in neither."""
    lines = ["platesieve: platesieve.toml is wrong", "  policy: there is no such pack"]
    first_boot.leave_trouble(card, tmp_path / "state", lines)

    assert trouble_of(tmp_path / "state") == tuple(lines)
    assert "no such pack" in (card / first_boot.ERRORS).read_text()
    first_boot.apply(card, tmp_path / "etc", tmp_path / "state")
    assert trouble_of(tmp_path / "state") == ()
    assert not (card / first_boot.ERRORS).exists()


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("policy",), "fly", "policy:"),
        (("policy",), "us-nh", "policy us-nh is for mobile readers"),
        (("policy",), "us-ca", "set device.policy_document_sha256"),
        (("recipients",), {}, "seals to agency, whose public key is missing"),
        (("colour",), "red", "there is no such key"),
        (("broker", "host"), "mqtt.example; rm -rf", "broker.host"),
        (("broker", "port"), 0, "broker.port"),
        (("enrolment", "url"), "http://enrol.example", "enrolment.url"),
        (("enrolment", "authority"), "none", "enrolment.authority"),
        (("device", "mount"), "flying", "device.mount"),
        (("aiming", "minutes"), 31, "aiming.minutes"),
        (("aiming", "address"), "0.0.0.0", "aiming.address"),  # noqa: S104 - refused
        (("aiming", "code"), "1234", "aiming.code"),
        (("exposure",), {"night": {"gain": 0}}, "exposure.night.gain"),
        (("recipients", "../x"), "platesieve-agency-public-1 AAAA", "recipients"),
        (("format",), 2, "format"),
        (("device",), {"site": "bridge"}, "agency, site and device"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_changed(
    tmp_path: Path, place: tuple[str, ...], value: object, said: str
) -> None:
    """The file stays on the card; no value of it is repeated, the token least of all."""
    faulty = tree()
    inner: dict[str, object] = faulty
    for key in place[:-1]:
        found = inner[key]
        assert isinstance(found, dict)
        inner = found
    inner[place[-1]] = value
    boot = tmp_path / "boot"
    boot.mkdir()
    (boot / "platesieve.toml").write_bytes(tomli_w.dumps(faulty).encode())

    with pytest.raises(ConfigError) as caught:
        first_boot.apply(boot, tmp_path / "etc", tmp_path / "state")
    assert said in "\n".join(caught.value.problems)
    assert TOKEN not in repr(caught.value.problems)
    assert (boot / "platesieve.toml").exists()
    assert not (tmp_path / "etc").exists()


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"policy = ", b"#" * 70_000])
def test_what_is_no_toml_is_refused(raw: bytes) -> None:
    """Noise, half a line, far too much."""
    with pytest.raises(ConfigError):
        provision_file.parse(raw)


def test_a_power_cut_at_any_step_leaves_a_device_that_finishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut before each fsync in turn; the next start ends in the same state as an undisturbed one."""

    class PowerCut(BaseException):
        """The end of everything."""

    good = provision_file.dump(provision_file.checked(tree()))
    fsync, cuts, step = os.fsync, 0, 0
    while True:
        root = tmp_path / str(step)
        (root / "boot").mkdir(parents=True)
        (root / "boot/platesieve.toml").write_bytes(good)
        left = step

        def cut(descriptor: int) -> None:
            nonlocal left
            if left == 0:
                raise PowerCut
            left -= 1
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", cut)
        try:
            first_boot.apply(root / "boot", root / "etc", root / "state")
            done = True
        except PowerCut:
            done, cuts = False, cuts + 1
        monkeypatch.setattr(os, "fsync", fsync)
        first_boot.apply(root / "boot", root / "etc", root / "state")
        assert not (root / "boot/platesieve.toml").exists()
        assert load_settings(root / "etc/platesieve.toml", {}).policy == "us-mn"
        assert json.loads((root / "state/uplink/enrolment.json").read_text())["token"] == TOKEN
        if done:
            break
        step += 1
    assert cuts > 10


def test_trouble_blinks_and_is_shown(tmp_path: Path) -> None:
    """LED, screen and serial line; a board that has none of them is no reason to stop."""
    for name in ("sys/class/leds/ACT/trigger", "sys/class/leds/ACT/delay_on", "dev/tty1", "dev/ttyAMA0"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    Announcer(tmp_path).trouble(["platesieve: it is wrong"])

    assert (tmp_path / "sys/class/leds/ACT/trigger").read_text() == "timer"
    assert "it is wrong" in (tmp_path / "dev/tty1").read_text()
    assert "it is wrong" in (tmp_path / "dev/ttyAMA0").read_text()
    Announcer(tmp_path / "nothing").trouble(["nobody sees this"])


def test_signed_delivery_comes_with_the_file_and_the_lists_key_goes_with_the_first_request(tmp_path: Path) -> None:
    """Settings name the trust root that lies beside them; the agency hears to which key hot lists are encrypted."""
    agency = Agency(tmp_path / "agency")
    boot = tmp_path / "boot"
    boot.mkdir()
    table = {"url": "https://rules.example/metro", "root": agency.root.decode()}
    file = provision_file.dump(provision_file.checked({**tree(), "delivery": table}))
    (boot / provision_file.NAME).write_bytes(file)
    first_boot.apply(boot, tmp_path / "etc", tmp_path / "state")

    settings = load_settings(tmp_path / "etc/platesieve.toml", {})
    assert (settings.delivery.url, settings.delivery.root) == (table["url"], str(tmp_path / "etc/root.json"))
    assert (tmp_path / "etc/root.json").read_bytes() == agency.root
    public = load_lists_public(tmp_path / "state/camera/lists.pub")
    authority = AuthorityFolder.create(tmp_path / "authority", "CA")
    device = DeviceFolder(tmp_path / "state/uplink", "metro/bridge/cam-1")
    asked: list[Mapping[str, str]] = []

    def ask(url: str, document: Mapping[str, str], pair: object) -> bytes:
        asked.append(document)
        raise LinkError("nobody answers", "later")

    with pytest.raises(LinkError):
        device.join(ask)
    assert asked[0]["lists_key"].strip() == public
    authority.keep_lists_key(asked[0]["request"].encode(), asked[0]["lists_key"])
    assert load_lists_public(tmp_path / "authority/lists/metro_bridge_cam-1.pub") == public
    with pytest.raises(KeyFileError, match="none"):
        authority.keep_lists_key(asked[0]["request"].encode(), "AGE-SECRET-KEY-1...")


@pytest.mark.parametrize("root", ["", "{}", "[]", '{"signed": {}}'])
def test_a_trust_root_that_is_none_is_refused_before_the_card_leaves_the_laptop(root: str) -> None:
    """On the bridge it would be too late."""
    with pytest.raises(ConfigError) as refused:
        provision_file.checked({**tree(), "delivery": {"url": "https://rules.example", "root": root}})

    assert any(problem.startswith("delivery: the trust root") for problem in refused.value.problems)

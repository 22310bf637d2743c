"""`platesieve collect` and its verbs, on a real store, key and transparency log in scratch folders."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from platesieve.adapters.disk.audit_folder import AuditFolder, FolderFiles
from platesieve.adapters.disk.key_files import load_vkey, new_key_files
from platesieve.adapters.disk.key_text import KeyKind
from platesieve.audit.commitment import commit
from platesieve.audit.entry import Publish, encode
from platesieve.audit.evidence import Evidence, check_evidence, record_of_event
from platesieve.audit.note import NoteSigner
from platesieve.audit.verify import verify_log
from platesieve.cli.main import app
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import KeyFileError, PlatesieveError
from tests.fakes.clock import START_WALL_NS
from tests.fakes.collected import DEVICE, AgencyKey

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("sqlalchemy")
CASE = "26-004217"
STEM = DEVICE.replace("/", "_")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder with settings, keys, an enrolled device and one event whose plate is sealed and committed to."""
    from platesieve.bootstrap.collector import (  # noqa: PLC0415 - an optional extra
        database_address,
        load_collector_settings,
        open_store,
    )

    secret, _ = new_key_files(KeyKind.AGENCY, tmp_path / "keys")
    (tmp_path / "collector.toml").write_text(
        f'agency = "metro-pd"\nstate = "{tmp_path / "state"}"\nassume_clock = true\ndevice_keys = "enrolled"\n'
        f'[agency_keys]\nagency = "{secret}"\n'
    )
    (tmp_path / "enrolled").mkdir()
    (tmp_path / "state" / "witness").mkdir(parents=True)
    (tmp_path / "state" / "witness" / f"{STEM}.witness").write_text("")
    signer = NoteSigner.generate(f"platesieve/{DEVICE}")
    (tmp_path / "enrolled" / f"{STEM}.vkey").write_text(f"{signer.verifier.vkey}\n")
    from platesieve.adapters.disk.agency_keys import load_agency_key  # noqa: PLC0415 - used here alone

    event = sealed(load_agency_key(str(secret)))
    settings = load_collector_settings(tmp_path / "collector.toml")
    store = open_store(database_address(settings))
    store.keep([event])
    store.close()
    record, salt = record_of_event(json.dumps(event.document).encode())
    with AuditFolder(tmp_path / "logs" / STEM, signer) as folder:
        entry = Publish(START_WALL_NS, Kind.HIT, commit(salt, record), "0" * 64)
        assert encode(entry)
        folder.append([entry])
    return tmp_path


def sealed(secret: bytes) -> Any:
    """Return a hit as a device seals it, with the salt of its commitment."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import (  # noqa: PLC0415 - used here alone
        X25519PrivateKey,
    )

    public = X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    event = AgencyKey(secret, public).sealed_event("e1", plate="TEST123", life_s=400 * 86_400)
    data = {**event.data, "salt": "A" * 43 + "="}
    return type(event)("e1", Kind.HIT, DEVICE, START_WALL_NS, event.expires_ns, {**event.document, "data": data})


def run(site: Path, *words: str) -> str:
    """Return what a verb prints."""
    result = CliRunner().invoke(app, ["collect", *words, "--config", str(site / "collector.toml")])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def test_a_case_from_reveal_to_export(site: Path) -> None:
    """Opened, held, exported and let go; the transparency log has each of it and verifies."""
    who = ("--user", "jo", "--case", CASE)
    revealed = json.loads(run(site, "reveal", "e1", "--purpose", "stolen-vehicle", *who))
    run(site, "hold", "e1", "--days", "90", *who)
    out = site / "case"
    said = run(
        site, "export", CASE, "--out", str(out), "--purpose", "court-order", "--user", "jo",
        "--audit-log", str(site / "logs"),
    )  # fmt: skip
    lifted = run(site, "lift", "e1")

    assert revealed == {"event": "e1", "log_index": 0, "fields": {"plate": "TEST123"}}
    assert said == f"1 events in {out}, 1 of them proven by the device's log\n"
    assert lifted == "1 holds ended\n"
    assert json.loads((out / "event-1.opened").read_text())["data"]["plate"] == "TEST123"
    assert "TEST123" not in (out / "event-1.json").read_text()
    evidence = Evidence.from_text((out / "event-1.evidence").read_text())
    assert check_evidence(evidence, load_vkey(site / "enrolled" / f"{STEM}.vkey")).ok
    assert {a["purpose"] for a in json.loads((out / "accesses.json").read_text())} == {"stolen-vehicle", "court-order"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert f"{STEM}.witness" in manifest
    assert set(manifest) | {"manifest.json"} == {path.name for path in out.iterdir()}
    log = site / "state"
    verdict = verify_log(FolderFiles(log / "log"), load_vkey(log / "log-key" / "audit.vkey"))
    assert verdict.ok
    assert verdict.checkpoint is not None
    assert verdict.checkpoint.size == 4  # two reveals, a hold, its end


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("reveal", "e9", "--purpose", "audit", "--case", CASE, "--user", "jo"), "not here"),
        (("reveal", "e1", "--purpose", "audit", "--case", "?", "--user", "jo"), "case number"),
        (("export", "26-000000", "--out", "x", "--purpose", "audit", "--user", "jo"), "belongs to this case"),
        ((), "no broker is set"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(site: Path, words: tuple[str, ...], said: str) -> None:
    """A sentence and a remedy, and nothing in the log."""
    with pytest.raises(PlatesieveError, match=said) as refusal:
        run(site, *words)
    assert refusal.value.hint
    assert not (site / "state" / "log" / "tile").exists()


def test_an_agency_key_with_a_passphrase(site: Path) -> None:
    """PKCS#8 as openssl writes it opens with its passphrase, and not with another, nor without."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: PLC0415 - here alone
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - here alone
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
    )

    from platesieve.adapters.disk.agency_keys import load_agency_key  # noqa: PLC0415 - here alone

    key, file, words = X25519PrivateKey.generate(), site / "locked.key", site / "words"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")))
    file.chmod(0o600)
    words.write_text("open sesame\n")

    assert load_agency_key(str(file), str(words)) == key.private_bytes_raw()
    for wrong, said in ((None, "has a passphrase"), (str(file), "does not open"), (str(site / "no"), "cannot be read")):
        with pytest.raises(KeyFileError, match=said):
            load_agency_key(str(file), wrong)
    file.chmod(0o644)
    with pytest.raises(KeyFileError, match="others can read"):
        load_agency_key(str(file), str(words))

"""Key files: made once, never written over, read only where nobody else could have read them."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from platesieve.adapters.disk.key_files import (
    fingerprint,
    key_facts,
    load_lists_public,
    load_opener,
    load_public,
    load_recipient,
    load_secret,
    load_vkey,
    new_key_files,
)
from platesieve.adapters.disk.key_text import KeyKind
from platesieve.adapters.disk.own_keys import (
    audit_key_name,
    load_or_create_audit_key,
    load_or_create_device_key,
    load_or_create_lists_key,
)
from platesieve.domain.errors import KeyFileError

if TYPE_CHECKING:
    from pathlib import Path

NAME = audit_key_name("metro-pd/bridge-7/cam-1")


def test_the_audit_key_is_made_once_and_kept(tmp_path: Path) -> None:
    """First start makes it, with the public half beside it; every later start reads it."""
    signer = load_or_create_audit_key(tmp_path / "keys", NAME)

    assert load_or_create_audit_key(tmp_path / "keys", NAME) == signer
    assert load_vkey(tmp_path / "keys/audit.vkey") == signer.verifier
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "keys/audit.key").stat().st_mode & 0o777 == 0o600
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {"audit.key", "audit.vkey"}


def test_a_lost_public_half_comes_back(tmp_path: Path) -> None:
    """It follows from the secret one."""
    signer = load_or_create_audit_key(tmp_path / "keys", NAME)
    (tmp_path / "keys/audit.vkey").unlink()
    load_or_create_audit_key(tmp_path / "keys", NAME)

    assert load_vkey(tmp_path / "keys/audit.vkey") == signer.verifier


@pytest.mark.parametrize(("path", "mode"), [("keys/audit.key", 0o640), ("keys/audit.key", 0o604), ("keys", 0o750)])
def test_an_audit_key_that_others_can_read_is_refused(tmp_path: Path, path: str, mode: int) -> None:
    """With the command that mends it; after that command it is taken (the control)."""
    load_or_create_audit_key(tmp_path / "keys", NAME)
    (tmp_path / path).chmod(mode)

    with pytest.raises(KeyFileError) as refused:
        load_or_create_audit_key(tmp_path / "keys", NAME)
    command, wanted, file = refused.value.hint.removeprefix("run: ").split(" ")
    assert (command, file) == ("chmod", str(tmp_path / path))
    (tmp_path / path).chmod(int(wanted, 8))
    load_or_create_audit_key(tmp_path / "keys", NAME)


def test_the_key_of_a_device_with_another_name_is_refused(tmp_path: Path) -> None:
    """A renamed device would sign a log that its old checkpoints contradict."""
    load_or_create_audit_key(tmp_path / "keys", NAME)

    with pytest.raises(KeyFileError, match="belongs to the log of"):
        load_or_create_audit_key(tmp_path / "keys", audit_key_name("metro-pd/bridge-7/cam-2"))


def test_a_key_cut_off_by_a_power_cut_was_never_there(tmp_path: Path) -> None:
    """Only a whole key gets its name; what is left of an interrupted one is replaced."""
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "keys/audit.key.new").write_text("PRIVATE+KEY+pla")

    assert load_or_create_audit_key(tmp_path / "keys", NAME).name == NAME
    assert not (tmp_path / "keys/audit.key.new").exists()


@pytest.mark.parametrize("kind", [KeyKind.AGENCY, KeyKind.COMMAND])
def test_pairs_fit_and_are_one_typed_line_each(tmp_path: Path, kind: KeyKind) -> None:
    """The public half follows from the secret one, in the curve of its kind."""
    secret_file, public_file = new_key_files(kind, tmp_path / "out")
    secret, public = load_secret(secret_file, kind), load_public(public_file, kind)

    curve = X25519PrivateKey if kind is KeyKind.AGENCY else Ed25519PrivateKey
    assert curve.from_private_bytes(secret).public_key().public_bytes_raw() == public
    assert public_file.read_text().startswith(f"platesieve-{kind}-public-1 ")
    assert public_file.read_text().count("\n") == 1
    assert secret_file.stat().st_mode & 0o777 == 0o600


def test_keys_of_two_agencies_have_files_of_their_own(tmp_path: Path) -> None:
    """A device may seal to several."""
    pairs = [new_key_files(KeyKind.AGENCY, tmp_path, name) for name in ("county", "state")]

    assert [public.name for _, public in pairs] == ["county.pub", "state.pub"]
    assert load_public(pairs[0][1], KeyKind.AGENCY) != load_public(pairs[1][1], KeyKind.AGENCY)


@pytest.mark.parametrize("kind", KeyKind)
def test_nothing_is_written_over(tmp_path: Path, kind: KeyKind) -> None:
    """A lost agency key is a lost archive."""
    first = new_key_files(kind, tmp_path, NAME if kind is KeyKind.AUDIT else "")
    contents = [file.read_bytes() for file in first]

    with pytest.raises(KeyFileError, match="there already"):
        new_key_files(kind, tmp_path, NAME if kind is KeyKind.AUDIT else "")
    first[0].unlink()
    with pytest.raises(KeyFileError, match="there already"):
        new_key_files(kind, tmp_path, NAME if kind is KeyKind.AUDIT else "")
    assert first[1].read_bytes() == contents[1]


@pytest.mark.parametrize("kind", KeyKind)
def test_facts_never_show_the_secret(tmp_path: Path, kind: KeyKind) -> None:
    """Both halves tell the same public line and fingerprint."""
    secret_file, public_file = new_key_files(kind, tmp_path, NAME if kind is KeyKind.AUDIT else "")
    of_secret, of_public = key_facts(secret_file), key_facts(public_file)

    assert (of_secret.public, of_secret.fingerprint) == (of_public.public, of_public.fingerprint)
    assert (of_secret.secret, of_public.secret) == (True, False)
    assert re.split(r"^PRIVATE\+KEY\+[^+]*\+[^+]*\+| ", secret_file.read_text().strip())[-1] not in repr(of_secret)
    assert of_public.public == public_file.read_text().strip()


def test_a_fingerprint_is_over_the_bytes_of_the_key(tmp_path: Path) -> None:
    """So that the audit log and `keys show` say the same."""
    _, public = new_key_files(KeyKind.AGENCY, tmp_path)

    assert key_facts(public).fingerprint == fingerprint(load_public(public, KeyKind.AGENCY))


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    """A secret given where a public key belongs is refused too, and not repeated."""
    agency_secret, agency_public = new_key_files(KeyKind.AGENCY, tmp_path)
    _, command_public = new_key_files(KeyKind.COMMAND, tmp_path)

    for file in (agency_secret, command_public):
        with pytest.raises(KeyFileError) as refused:
            load_public(file, KeyKind.AGENCY)
        assert file.read_text().split()[1] not in str(refused.value)
    with pytest.raises(KeyFileError):
        load_secret(agency_public, KeyKind.AGENCY)
    with pytest.raises(KeyFileError):
        load_vkey(agency_public)


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"a\nb\n", b"\xff\xfe", b"x" * 5000, b"platesieve-agency-public-1 AAAA"]
)
def test_what_is_no_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, several lines, binary, endless, cut off."""
    file = tmp_path / "agency.pub"
    file.write_bytes(content)

    for load in (lambda: load_public(file, KeyKind.AGENCY), lambda: key_facts(file), lambda: load_vkey(file)):
        with pytest.raises(KeyFileError):
            load()


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    """The hint is a command."""
    with pytest.raises(KeyFileError, match="missing") as refused:
        load_public(tmp_path / "agency.pub", KeyKind.AGENCY)
    assert "platesieve keys new" in refused.value.hint


@pytest.mark.parametrize("mode", [0o640, 0o644])
def test_a_secret_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Also when it is only shown."""
    secret, _ = new_key_files(KeyKind.AGENCY, tmp_path)
    secret.chmod(mode)

    for load in (lambda: load_secret(secret, KeyKind.AGENCY), lambda: key_facts(secret)):
        with pytest.raises(KeyFileError, match="others can read"):
            load()


def test_a_hybrid_agency_key_is_told_apart_by_its_word(tmp_path: Path) -> None:
    """Its files go the same ways; a word that does not fit its length, or its kind, is refused."""
    secret, public = new_key_files(KeyKind.AGENCY, tmp_path, hybrid=True)
    facts = key_facts(public)

    assert facts.public.startswith("platesieve-agency-public-2 ")
    assert key_facts(secret).fingerprint == facts.fingerprint
    assert len(load_public(public, KeyKind.AGENCY)) == 1216
    assert len(load_secret(secret, KeyKind.AGENCY)) == 96
    public.write_text(facts.public.replace("public-2", "public-1"))
    with pytest.raises(KeyFileError, match="damaged"):
        load_public(public, KeyKind.AGENCY)
    public.write_text(facts.public.replace("agency", "command"))
    with pytest.raises(KeyFileError, match="not a public command key"):
        load_public(public, KeyKind.COMMAND)


def test_a_device_makes_the_key_for_its_commands_once(tmp_path: Path) -> None:
    """On first use, readable by itself alone; after that it is the same."""
    first = load_or_create_device_key(tmp_path)

    assert load_or_create_device_key(tmp_path) == first
    assert (tmp_path / "device.key").stat().st_mode & 0o077 == 0
    assert key_facts(tmp_path / "device.pub").kind is KeyKind.DEVICE


def test_the_lists_key_is_made_once_and_is_an_age_identity(tmp_path: Path) -> None:
    """First start makes it, any age program understands it, and its public half is what the agency encrypts to."""
    identity = load_or_create_lists_key(tmp_path / "keys")

    assert load_or_create_lists_key(tmp_path / "keys") == identity
    recipient = load_lists_public(tmp_path / "keys/lists.pub")
    sealed = pyrage.encrypt(b"rows", [pyrage.x25519.Recipient.from_str(recipient)])
    assert pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(identity)]) == b"rows"
    assert (tmp_path / "keys/lists.key").stat().st_mode & 0o777 == 0o600
    assert key_facts(tmp_path / "keys/lists.key").fingerprint == key_facts(tmp_path / "keys/lists.pub").fingerprint
    assert "AGE-SECRET" not in repr(key_facts(tmp_path / "keys/lists.key"))


def test_a_lists_key_that_is_open_damaged_or_of_the_wrong_half_is_refused(tmp_path: Path) -> None:
    """Each with what mends it."""
    load_or_create_lists_key(tmp_path / "keys")
    with pytest.raises(KeyFileError, match="is the secret half"):
        load_lists_public(tmp_path / "keys/lists.key")
    (tmp_path / "keys/lists.pub").write_text("age1qqqq\n")
    with pytest.raises(KeyFileError, match="not an age recipient"):
        load_lists_public(tmp_path / "keys/lists.pub")
    (tmp_path / "keys/lists.key").chmod(0o644)
    with pytest.raises(KeyFileError, match="others can read"):
        load_or_create_lists_key(tmp_path / "keys")
    (tmp_path / "keys/lists.key").chmod(0o600)
    (tmp_path / "keys/lists.key").write_text("AGE-SECRET-KEY-1QQ\n")
    with pytest.raises(KeyFileError, match="not an age identity"):
        load_or_create_lists_key(tmp_path / "keys")


def test_an_age_key_for_pictures_is_a_recipient_beside_those_of_hpke(tmp_path: Path) -> None:
    """Devices take its public half where they take an agency's, and the agency opens with the secret one."""
    secret, public = new_key_files(KeyKind.CROPS, tmp_path)
    other_secret, other_public = new_key_files(KeyKind.AGENCY, tmp_path)

    assert load_recipient(public).startswith(b"age1")
    assert load_opener(secret).startswith(b"AGE-SECRET-KEY-1")
    assert load_recipient(other_public) == load_public(other_public, KeyKind.AGENCY)
    assert load_opener(other_secret) == load_secret(other_secret, KeyKind.AGENCY)
    assert key_facts(public).kind is KeyKind.CROPS
    with pytest.raises(KeyFileError, match="is the secret half"):
        load_recipient(secret)
    secret.chmod(0o644)
    with pytest.raises(KeyFileError, match="others can read"):
        load_opener(secret)


def test_programs_that_start_together_make_one_key(tmp_path: Path) -> None:
    """Collector and dashboard on a new machine: whoever is second takes the key of the first."""
    for round_ in range(3):
        folder, ready = tmp_path / str(round_), threading.Barrier(8)

        def start(folder: Path = folder, ready: threading.Barrier = ready) -> str:
            ready.wait()
            return load_or_create_audit_key(folder, "platesieve/metro-pd/collector/agency").skey

        with ThreadPoolExecutor(8) as pool:
            keys = {one.result() for one in [pool.submit(start) for _ in range(8)]}
        assert len(keys) == 1
        assert {file.name for file in folder.iterdir()} == {"audit.key", "audit.vkey"}

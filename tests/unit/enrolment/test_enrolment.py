"""From a token to a certificate and out again: who is let in, who is not, and what a power cut leaves."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from platesieve.adapters.disk.whole_file import write_whole
from platesieve.adapters.enrolment.authority_folder import AuthorityFolder, RefusedError
from platesieve.adapters.enrolment.device_folder import DeviceFolder
from platesieve.domain.errors import KeyFileError
from platesieve.enrolment import certificates
from platesieve.enrolment.tokens import Answer

if TYPE_CHECKING:
    from pathlib import Path

CAM, OTHER = "metro/bridge/cam-1", "metro/bridge/cam-2"
NOW = datetime.now(UTC)


@pytest.fixture
def authority(tmp_path: Path) -> AuthorityFolder:
    """Return an authority."""
    return AuthorityFolder.create(tmp_path / "authority", "test CA")


@pytest.fixture
def device(tmp_path: Path, authority: AuthorityFolder) -> DeviceFolder:
    """Return a device that was invited."""
    (tmp_path / "uplink").mkdir()
    folder = DeviceFolder(tmp_path / "uplink", CAM)
    folder.invite("https://agency.example", authority.new_token(CAM, 1), authority.certificate)
    return folder


def token_of(tmp_path: Path) -> str:
    """Return the token that the device holds."""
    return str(json.loads((tmp_path / "uplink/enrolment.json").read_text())["token"])


def refused(authority: AuthorityFolder, request: bytes, token: str, now: datetime = NOW) -> Answer:
    """Return why a request is refused."""
    with pytest.raises(RefusedError) as caught:
        authority.enrol(request, token, now)
    return caught.value.answer


def test_a_token_lets_its_device_in_once(tmp_path: Path, authority: AuthorityFolder, device: DeviceFolder) -> None:
    """The same key again gets the same certificate, because an answer can get lost; another key gets nothing."""
    request, token = device.request(), token_of(tmp_path)
    certificate = authority.enrol(request, token)
    device.accept(certificate)

    assert device.enrolled
    assert "token" not in json.loads((tmp_path / "uplink/enrolment.json").read_text())
    assert authority.enrol(request, token) == certificate
    assert refused(authority, certificates.new_request(certificates.new_key(), CAM), token) is Answer.USED


def test_what_a_token_does_not_open(tmp_path: Path, authority: AuthorityFolder, device: DeviceFolder) -> None:
    """Wrong, unknown, expired, or of another device."""
    request, token = device.request(), token_of(tmp_path)
    other = certificates.new_request(certificates.new_key(), OTHER)

    assert refused(authority, request, token[:-1] + ("a" if token[-1] != "a" else "b")) is Answer.WRONG
    assert refused(authority, request, "aaaaaaaa-bbbb") is Answer.UNKNOWN
    assert refused(authority, request, token, NOW + timedelta(hours=2)) is Answer.EXPIRED
    assert refused(authority, other, token) is Answer.OTHER_DEVICE
    assert authority.enrol(request, token)


def test_the_agency_keeps_no_token(tmp_path: Path, authority: AuthorityFolder) -> None:
    """Whoever reads its folder cannot let a device in."""
    token = authority.new_token(CAM, 1)

    assert token.partition("-")[2] not in (tmp_path / "authority/tokens.json").read_text()


def test_a_certificate_is_for_a_client_and_takes_nothing_else_of_the_request(
    authority: AuthorityFolder, tmp_path: Path, device: DeviceFolder
) -> None:
    """No authority of its own, no other name, ninety days."""
    key = certificates._private(certificates.new_key())
    builder = x509.CertificateSigningRequestBuilder().subject_name(certificates._named(CAM))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=5), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("broker.example")]), critical=False)
    request = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)

    issued = x509.load_pem_x509_certificate(authority.enrol(request, token_of(tmp_path)))
    constraints = issued.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = issued.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert not constraints.ca
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    with pytest.raises(x509.ExtensionNotFound):
        issued.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert issued.not_valid_after_utc - issued.not_valid_before_utc <= timedelta(days=91)


@pytest.mark.parametrize("name", ["metro/bridge", "metro/+/cam-1", "metro/bridge/#", "../bridge/cam", "a/b/c/d", ""])
def test_a_name_that_could_be_another_place_is_refused(name: str) -> None:
    """The common name decides what a device may write on the broker."""
    with pytest.raises(KeyFileError):
        certificates.check_device_path(name)


def test_requests_that_are_none_are_refused(authority: AuthorityFolder) -> None:
    """Noise, another kind of key, two names, a signature that was changed."""
    weak = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    builder = x509.CertificateSigningRequestBuilder()
    rsa_request = builder.subject_name(certificates._named(CAM)).sign(weak, hashes.SHA256())
    names = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in (CAM, OTHER)])
    two = builder.subject_name(names).sign(certificates._private(certificates.new_key()), hashes.SHA256())
    good = certificates.new_request(certificates.new_key(), CAM).decode().splitlines()
    changed = "\n".join([*good[:3], good[3][::-1], *good[4:]])
    token = authority.new_token(CAM, 1)

    for request in (
        b"noise",
        rsa_request.public_bytes(Encoding.PEM),
        two.public_bytes(Encoding.PEM),
        changed.encode(),
        b"A" * 100_000,
    ):
        with pytest.raises(KeyFileError):
            authority.enrol(request, token)


def test_a_device_takes_no_certificate_of_another(tmp_path: Path, device: DeviceFolder) -> None:
    """Not from another authority, not for another key."""
    stranger = AuthorityFolder.create(tmp_path / "stranger", "another CA")
    with pytest.raises(KeyFileError):
        device.accept(stranger.enrol(device.request(), stranger.new_token(CAM, 1)))
    assert not device.enrolled


def test_renewal_draws_a_new_key_and_only_when_it_is_time(
    tmp_path: Path, authority: AuthorityFolder, device: DeviceFolder
) -> None:
    """Sixty days after the first; the answer to an early question is no."""
    device.accept(authority.enrol(device.request(), token_of(tmp_path)))
    key, (_, _, serial, *_) = (
        device.key_file.read_bytes(),
        certificates.certificate_facts(device.certificate_file.read_bytes()),
    )

    def ask(_url: str, document: object, pair: object) -> bytes:
        assert pair == (device.certificate_file, device.key_file)
        assert isinstance(document, dict)
        return authority.renew(document["request"].encode(), serial)

    assert not device.renew(ask, now=NOW + timedelta(days=59))
    assert device.renew(ask, now=NOW + timedelta(days=61))
    assert device.key_file.read_bytes() != key
    certificate = device.certificate_file.read_bytes()
    assert certificates.fits(certificate, device.key_file.read_bytes(), authority.certificate, CAM)


def test_a_power_cut_in_a_renewal_leaves_a_pair_that_fits(
    tmp_path: Path, authority: AuthorityFolder, device: DeviceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut before each write: after the next start key and certificate belong together."""
    device.accept(authority.enrol(device.request(), token_of(tmp_path)))
    serial = certificates.certificate_facts(device.certificate_file.read_bytes())[2]

    class PowerCut(BaseException):
        """The end of everything."""

    write, cuts = write_whole, 0
    for survived in range(4):
        left = survived

        def cut(path: Path, content: bytes, mode: int = 0o600) -> None:
            nonlocal left
            if left == 0:
                raise PowerCut
            left -= 1
            write(path, content, mode)

        def ask(_url: str, document: object, _pair: object, serial: int = serial) -> bytes:
            assert isinstance(document, dict)
            return authority.renew(document["request"].encode(), serial)

        monkeypatch.setattr("platesieve.adapters.enrolment.device_folder.write_whole", cut)
        try:
            device.renew(ask, force=True)
        except PowerCut:
            cuts += 1
        monkeypatch.setattr("platesieve.adapters.enrolment.device_folder.write_whole", write)
        device.join(ask)  # what the next start does first
        pair = device.certificate_file.read_bytes(), device.key_file.read_bytes()
        assert certificates.fits(*pair, authority.certificate, CAM)
        serial = certificates.certificate_facts(pair[0])[2]
    assert cuts == 3


def test_who_was_revoked_cannot_renew_and_is_on_the_list(
    tmp_path: Path, authority: AuthorityFolder, device: DeviceFolder
) -> None:
    """And its open tokens are worth nothing; another device is not touched."""
    certificate = authority.enrol(device.request(), token_of(tmp_path))
    serial = certificates.certificate_facts(certificate)[2]
    open_token = authority.new_token(CAM, 1)
    other = certificates.new_request(certificates.new_key(), OTHER)
    other_serial = certificates.certificate_facts(authority.enrol(other, authority.new_token(OTHER, 1)))[2]

    assert authority.revoke(CAM) == 1
    revoked = x509.load_pem_x509_crl((tmp_path / "authority/crl.pem").read_bytes())
    assert [one.serial_number for one in revoked] == [serial]
    fresh = certificates.new_request(certificates.new_key(), CAM)
    with pytest.raises(RefusedError):
        authority.renew(fresh, serial)
    assert refused(authority, fresh, open_token) is Answer.UNKNOWN
    assert authority.renew(certificates.new_request(certificates.new_key(), OTHER), other_serial)


def test_a_revoked_name_is_not_given_again(tmp_path: Path, authority: AuthorityFolder, device: DeviceFolder) -> None:
    """Its old certificate may still come in over websockets; where no broker has them, a person takes it off."""
    authority.revoke(CAM)
    authority.revoke(CAM)
    assert (tmp_path / "authority/revoked").read_text() == f"{CAM}\n"
    with pytest.raises(KeyFileError, match="was revoked") as caught:
        authority.new_token(CAM, 1)
    assert "give another name" in caught.value.hint
    authority.new_token(OTHER, 1)

    (tmp_path / "authority/revoked").unlink()
    assert authority.enrol(device.request(), authority.new_token(CAM, 1))


def test_who_is_denied_gets_no_certificate_by_an_older_token(
    tmp_path: Path, authority: AuthorityFolder, device: DeviceFolder
) -> None:
    """`setup revoke` denies a name and knows nothing of tokens."""
    (tmp_path / "authority/revoked").write_text(f"collector.metro\n{CAM}\n")
    assert refused(authority, device.request(), token_of(tmp_path)) is Answer.UNKNOWN
    (tmp_path / "authority/revoked").write_text("collector.metro\n")
    assert authority.enrol(device.request(), token_of(tmp_path))


def test_the_list_holds_what_setup_made_or_revoked_too(tmp_path: Path, authority: AuthorityFolder) -> None:
    """The table of `openssl ca` in the same folder, and the certificate of the same name that setup made."""
    folder = tmp_path / "authority"
    (folder / "authority").mkdir()
    (folder / "authority/index.txt").write_text(
        "V\t280101000000Z\t\t1A\tunknown\t/CN=a\n"
        "R\t280101000000Z\t261128175100Z\t1B\tunknown\t/CN=b\n"
        "R\t280101000000Z\t261128175100Z,keyCompromise\t1C\tunknown\t/CN=c\n"
    )
    signer = (folder / "ca.crt").read_bytes(), (folder / "ca.key").read_bytes()
    made = certificates.issue(certificates.new_request(certificates.new_key(), CAM), signer, NOW)
    (folder / "metro_bridge_cam-1.crt").write_bytes(made)

    assert authority.revoke(OTHER) == 0
    assert authority.revoke(CAM) == 1
    revoked = {one.serial_number for one in x509.load_pem_x509_crl((folder / "crl.pem").read_bytes())}
    assert revoked == {0x1B, 0x1C, certificates.certificate_facts(made)[2]}
    assert [file.read_bytes() for file in (folder / "revoked-certificates").iterdir()] == [made]


def test_nobody_renews_for_another(authority: AuthorityFolder) -> None:
    """A request for cam-1 over the connection of cam-2."""
    serial = certificates.certificate_facts(
        authority.enrol(certificates.new_request(certificates.new_key(), OTHER), authority.new_token(OTHER, 1))
    )[2]

    with pytest.raises(RefusedError) as caught:
        authority.renew(certificates.new_request(certificates.new_key(), CAM), serial)
    assert caught.value.answer is Answer.OTHER_DEVICE

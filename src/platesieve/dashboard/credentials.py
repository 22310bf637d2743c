"""What people prove themselves with: passwords (argon2id), one-time codes (RFC 6238), and random tokens.

Passwords follow NIST SP 800-63B, 5.1.1.2: a least length, no rules about which characters, known bad ones refused.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from io import BytesIO

import pyotp
import segno
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from platesieve.domain.errors import InputError

MIN_PASSWORD = 12
MAX_PASSWORD = 256  # argon2 takes more, but a body of megabytes is not a password
TOTP_PERIOD_S = 30
_TOKEN_BYTES = 32
_ISSUER = "platesieve"
_HASHER = PasswordHasher()  # RFC 9106, second recommendation: argon2id, 64 MiB, 3 passes, 4 lanes
_COMMON = ("password", "passwort", "123456", "qwerty", "letmein", "welcome", "platesieve", "police", "abcdef")


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What is stored of somebody's secrets.

    Attributes:
        password_hash: argon2 in PHC form.
        totp_secret: base32; whoever reads the accounts file can compute codes, so the file is 0600.
        totp_last_step: the last step that was used: a code counts once (RFC 6238, 5.2).
    """

    password_hash: str
    totp_secret: str
    totp_last_step: int


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password."""
    return _HASHER.hash(password)


def password_matches(password_hash: str, password: str) -> bool:
    """Return whether a password is the one that was hashed; takes as long where it is not."""
    try:
        return _HASHER.verify(password_hash, password[:MAX_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False


def checked_password(password: str, name: str) -> str:
    """Return a password that may be used.

    Raises:
        InputError: it is too short, too long, or one that is tried first.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InputError(
            f"the password has {len(password)} characters", f"use {MIN_PASSWORD} or more; four words make a good one"
        )
    lowered = password.lower()
    rest = lowered
    for word in (*_COMMON, name.lower()):
        rest = rest.replace(word, "")
    if len(set(lowered)) < 5 or len(rest) < MIN_PASSWORD // 2:  # noqa: PLR2004 - "aaaaaaaaaaab" is no password
        raise InputError(
            "the password is one of those that are tried first", "use four words that do not belong together"
        )
    return password


def new_totp_secret() -> str:
    """Return 160 random bits in base32 (RFC 4226, 4)."""
    return pyotp.random_base32()


def totp_step(secret: str, code: str, now_s: float, last_step: int) -> int | None:
    """Return the step that a code is of, or None where it is wrong or was used before.

    Args:
        secret: base32.
        code: six digits; spaces are forgiven.
        now_s: seconds since the Unix epoch.
        last_step: of the newest code that was used.
    """
    code = "".join(code.split())
    totp = pyotp.TOTP(secret, interval=TOTP_PERIOD_S)
    present = int(now_s) // TOTP_PERIOD_S
    for step in (present, present - 1, present + 1):  # one step either way for clocks that differ (RFC 6238, 5.2)
        right = totp.generate_otp(step)
        if hmac.compare_digest(right.encode(), code.encode()) and step > last_step:
            return step
    return None


def totp_picture(secret: str, name: str) -> str:
    """Return the QR code that an authenticator app reads, as SVG without styles or scripts."""
    address = pyotp.TOTP(secret, interval=TOTP_PERIOD_S).provisioning_uri(name=name, issuer_name=_ISSUER)
    written = BytesIO()
    segno.make(address, error="m").save(
        written, kind="svg", xmldecl=False, svgns=True, scale=4, border=3, dark="#000", light="#fff", omitsize=True
    )
    return written.getvalue().decode()


def new_token() -> str:
    """Return 256 random bits for a cookie."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def new_invitation() -> str:
    """Return 100 random bits in groups that can be read out over a telephone: 20 of 32 letters and digits."""
    letters = "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(20))
    return "-".join(letters[at : at + 5] for at in range(0, 20, 5))


def digest(token: str) -> str:
    """Return what is stored of a random token: it cannot be used by whoever reads the accounts file."""
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(cookie: str) -> str:
    """Return what a form must carry: only pages that were drawn for this cookie know it."""
    return hmac.digest(cookie.encode(), b"platesieve-form-v1", "sha256").hex()


def form_token_matches(cookie: str, given: str) -> bool:
    """Return whether a form was drawn for this cookie."""
    return hmac.compare_digest(form_token(cookie).encode(), given.encode())

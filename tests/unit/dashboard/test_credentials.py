"""Passwords, codes, tokens: what is taken, what is refused, and what is stored."""

from __future__ import annotations

import pyotp
import pytest

from platesieve.dashboard.credentials import (
    checked_password,
    digest,
    form_token,
    form_token_matches,
    hash_password,
    new_invitation,
    new_totp_secret,
    password_matches,
    totp_picture,
    totp_step,
)
from platesieve.domain.errors import InputError

NOW_S = 1_795_348_800.0


def test_a_password_is_kept_as_argon2id_and_compared() -> None:
    """The hash names its algorithm, does not hold the password, and fits no other."""
    hashed = hash_password("violet harbour ladder nine")
    assert hashed.startswith("$argon2id$")
    assert "violet" not in hashed
    assert password_matches(hashed, "violet harbour ladder nine")
    assert not password_matches(hashed, "violet harbour ladder ten")
    assert not password_matches("", "")
    assert not password_matches("no hash", "anything")


@pytest.mark.parametrize(
    "bad", ["short", "x" * 300, "aaaaaaaaaaaaa", "password1234", "kim-parkkim-park", "123456123456"]
)
def test_passwords_that_are_tried_first_are_refused(bad: str) -> None:
    """Length, repetition, and the words on everybody's list; the message does not repeat the password."""
    with pytest.raises(InputError) as refused:
        checked_password(bad, "kim-park")
    assert bad not in str(refused.value)
    assert checked_password("violet harbour ladder nine", "kim-park")


def test_a_code_counts_once_and_for_ninety_seconds() -> None:
    """RFC 6238: the present step and one either way; a step that was used, or an earlier one, is refused."""
    secret = new_totp_secret()
    at = pyotp.TOTP(secret).at
    step = int(NOW_S) // 30
    assert totp_step(secret, at(int(NOW_S)), NOW_S, 0) == step
    assert totp_step(secret, f"{at(int(NOW_S))[:3]} {at(int(NOW_S))[3:]}", NOW_S, 0) == step
    assert totp_step(secret, at(int(NOW_S) - 30), NOW_S, 0) == step - 1
    assert totp_step(secret, at(int(NOW_S) + 30), NOW_S, 0) == step + 1
    assert totp_step(secret, at(int(NOW_S) - 90), NOW_S, 0) is None
    assert totp_step(secret, at(int(NOW_S)), NOW_S, step) is None
    for nonsense in ("", "12345", "abcdef", "\uff11" * 6):
        assert totp_step(secret, nonsense, NOW_S, 0) is None


def test_the_picture_of_a_secret_has_no_style_and_no_script() -> None:
    """The page's policy allows neither; and the picture does not hold the secret as text."""
    secret = new_totp_secret()
    drawn = totp_picture(secret, "kim")
    assert drawn.startswith("<svg")
    assert "style" not in drawn
    assert "script" not in drawn
    assert secret not in drawn


def test_tokens_are_stored_as_hashes_and_bound_to_their_cookie() -> None:
    """An invitation can be read out; a form's token fits the cookie it was drawn for and no other."""
    token = new_invitation()
    assert len(token) == 23
    assert token not in digest(token)
    assert form_token_matches("cookie", form_token("cookie"))
    assert not form_token_matches("other", form_token("cookie"))
    assert not form_token_matches("cookie", "")

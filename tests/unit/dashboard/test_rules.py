"""The rules of the dashboard: roles, sessions, limits, where it may listen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platesieve.dashboard.credentials import digest
from platesieve.dashboard.limits import Limit, Limiter
from platesieve.dashboard.parts import Options, checked_case_format
from platesieve.dashboard.people import GRANTS, Permission, Role, Standing, checked_name, checked_person
from platesieve.dashboard.register import INVITATION_S, Register
from platesieve.dashboard.serving import serving
from platesieve.dashboard.sessions import ENROL_S, IDLE_S, SHIFT_S, Session, Stage
from platesieve.domain.errors import ConfigError, InputError, KeyFileError, StorageError
from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from pathlib import Path

NOW_NS = 1_795_348_800 * NS_PER_S


def test_nobody_both_opens_plates_and_manages_who_may() -> None:
    """Separation of duties: an admin or an auditor opens nothing, an officer reads no log and manages nobody."""
    for role in Role:
        assert not {Permission.REVEAL, Permission.MANAGE_ACCOUNTS} <= GRANTS[role]
    assert Permission.REVEAL not in GRANTS[Role.AUDITOR] | GRANTS[Role.ADMIN]
    assert [role for role in Role if Permission.KEEP_CASES in GRANTS[role]] == [Role.SUPERVISOR]
    assert Permission.SEE_ACCESS_LOG not in GRANTS[Role.OFFICER]
    assert set(GRANTS) == set(Role)


@pytest.mark.parametrize("bad", ["", "K", "kim park", "Kim", "../x", "a" * 40, "kim\n", "<b>"])
def test_names_are_short_and_plain(bad: str) -> None:
    """What would look like another account, or like markup, is no name."""
    with pytest.raises(InputError):
        checked_name(bad)
    assert checked_name("kim.park-2") == "kim.park-2"


def test_a_person_is_one_printable_line() -> None:
    """Line ends become spaces; control characters and nothing are refused."""
    assert checked_person("  Kim \n Park ") == "Kim Park"
    for bad in ("", "\u202eKim", "x" * 81):
        with pytest.raises(InputError):
            checked_person(bad)


@pytest.mark.parametrize(
    ("stage", "age_s", "idle_s", "alive"),
    [
        (Stage.WORK, 0, 0, True),
        (Stage.WORK, IDLE_S, IDLE_S - 1, True),
        (Stage.WORK, IDLE_S, IDLE_S, False),
        (Stage.WORK, SHIFT_S - 1, 0, True),
        (Stage.WORK, SHIFT_S, 0, False),
        (Stage.ENROL, ENROL_S - 1, 0, True),
        (Stage.ENROL, ENROL_S, 0, False),
        (Stage.WORK, -10, -10, False),
    ],
)
def test_a_session_ends_by_idleness_and_by_age(stage: Stage, age_s: int, idle_s: int, alive: bool) -> None:  # noqa: FBT001
    """Half an hour without use, a shift in all, a quarter of an hour to enrol; none from a future."""
    session = Session("id", "kim", stage, NOW_NS - age_s * NS_PER_S, NOW_NS - idle_s * NS_PER_S, "", "")
    assert session.alive(NOW_NS) is alive


def test_a_limit_holds_and_lets_go() -> None:
    """Three tries in ten seconds; the fourth waits until the first is forgotten; others are not held up."""
    limiter = Limiter(Limit(3, 10))
    for at_s in (0.0, 1.0, 2.0):
        assert limiter.wait_s("kim", at_s) == 0
        limiter.count("kim", at_s)
    assert limiter.wait_s("kim", 3.0) == 7.0
    assert limiter.wait_s("lee", 3.0) == 0
    assert limiter.wait_s("kim", 10.0) == 0
    limiter.count("kim", 10.0)
    assert limiter.wait_s("kim", 10.5) == 0.5
    limiter.forgive("kim")
    assert limiter.wait_s("kim", 10.5) == 0


def test_plain_http_stays_on_loopback(tmp_path: Path) -> None:
    """Any other address needs a certificate that works; a proxy needs a name and loopback."""
    assert serving("127.0.0.1", 8443).scheme == "http"
    assert serving("::1", 8443).hosts >= {"[::1]"}
    for host in ("0.0.0.0", "192.0.2.1", "plates.example", "::"):  # noqa: S104 - these are what is refused
        with pytest.raises(ConfigError, match="plain HTTP"):
            serving(host, 8443)
    (tmp_path / "cert.pem").write_text("no certificate")
    with pytest.raises(KeyFileError):
        serving("0.0.0.0", 8443, (), tmp_path / "cert.pem", tmp_path / "cert.pem")  # noqa: S104 - likewise
    with pytest.raises(ConfigError):
        serving("127.0.0.1", 8443, (), tmp_path / "cert.pem", None)
    with pytest.raises(ConfigError):
        serving("127.0.0.1", 8443, (), behind_proxy=True)
    proxied = serving("127.0.0.1", 8443, ("Plates.Example",), behind_proxy=True)
    assert proxied.https_only
    assert "plates.example" in proxied.hosts


def test_a_case_format_must_ask_for_something() -> None:
    """A pattern that takes nothing for a case number would make the field optional; a plate is none as it ships."""
    assert checked_case_format(Options().case_format)
    for bad in (".*", "[0-9", "x?"):
        with pytest.raises(ConfigError):
            checked_case_format(bad)


def test_an_invitation_counts_once_and_for_two_days(tmp_path: Path) -> None:
    """Wrong, late or used tokens lead nowhere; what is stored is a hash, in a file that is ours alone."""
    register = Register(tmp_path / "accounts.db")
    token = register.invite("kim", "Kim Park", Role.OFFICER, NOW_NS)
    assert (tmp_path / "accounts.db").stat().st_mode & 0o777 == 0o600
    assert token.encode() not in (tmp_path / "accounts.db").read_bytes()
    assert register.invited("kim", token, NOW_NS)
    assert register.invited("kim", f" {token.lower()} ", NOW_NS)
    assert not register.invited("kim", token, NOW_NS + INVITATION_S * NS_PER_S)
    assert not register.invited("lee", token, NOW_NS)
    assert not register.invited("kim", "", NOW_NS)
    first = register.offer_totp("kim", "A" * 32)
    assert register.offer_totp("kim", "B" * 32) == first == "A" * 32
    assert register.activate("kim", "hash", 5)
    assert not register.activate("kim", "another", 5)
    assert not register.invited("kim", token, NOW_NS)
    with pytest.raises(InputError, match="active account"):
        register.invite("kim", "Kim Park", Role.ADMIN, NOW_NS)
    register.close()


def test_a_step_is_used_by_one_sign_in_only(tmp_path: Path) -> None:
    """Two sign-ins with one code at the same moment: the second finds it used."""
    register = Register(tmp_path / "accounts.db")
    register.invite("kim", "Kim Park", Role.OFFICER, NOW_NS)
    assert register.use_totp("kim", 7)
    assert not register.use_totp("kim", 7)
    assert not register.use_totp("kim", 6)
    register.close()


def test_suspending_somebody_ends_every_session(tmp_path: Path) -> None:
    """The cookie leads nowhere, whichever process asks; the file holds no cookie."""
    register, other = Register(tmp_path / "accounts.db"), Register(tmp_path / "accounts.db")
    register.invite("kim", "Kim Park", Role.OFFICER, NOW_NS)
    cookie = register.begin("kim", Stage.WORK, NOW_NS, "192.0.2.1", "x" * 500)
    session = other.session(cookie, NOW_NS + NS_PER_S)
    assert session is not None
    assert (session.account, len(session.browser)) == ("kim", 120)
    assert other.session(digest(cookie), NOW_NS) is None
    register.suspend("kim")
    assert other.session(cookie, NOW_NS + 2 * NS_PER_S) is None
    account = other.account("kim")
    assert account is not None
    assert account.standing is Standing.SUSPENDED
    register.close()
    other.close()


def test_a_stream_left_open_is_no_use(tmp_path: Path) -> None:
    """A page that only listens does not keep its session alive."""
    register = Register(tmp_path / "accounts.db")
    register.invite("kim", "Kim Park", Role.OFFICER, NOW_NS)
    cookie = register.begin("kim", Stage.WORK, NOW_NS, "", "")
    almost, over = NOW_NS + (IDLE_S - 1) * NS_PER_S, NOW_NS + IDLE_S * NS_PER_S
    assert register.session(cookie, almost, touch=False) is not None
    assert register.session(cookie, over, touch=False) is None
    assert register.sessions(over) == []
    register.close()


def test_a_file_that_is_no_database_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """Error and hint, not a traceback of SQLite."""
    (tmp_path / "accounts.db").write_bytes(b"not a database, and long enough to be looked at" * 50)
    with pytest.raises(StorageError, match="accounts file"):
        Register(tmp_path / "accounts.db")

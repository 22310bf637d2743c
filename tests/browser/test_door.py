"""Coming in: first sign-in, second factor, limits, forged forms, and being shown out."""

from __future__ import annotations

import re
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pyotp
import pytest

from platesieve.dashboard.app import PAGES
from platesieve.dashboard.doorway import COOKIE
from platesieve.dashboard.journal import Act
from platesieve.dashboard.people import GRANTS, Permission, Role
from tests.browser.world import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.browser.world import World

pytestmark = pytest.mark.integration


def sign_in(page: Page, name: str, code: str, password: str = PASSWORD) -> None:
    """Fill the form and send it."""
    page.goto("/sign-in")
    page.fill("#name", name)
    page.fill("#password", password)
    page.fill("#code", code)
    page.click("button[type=submit]")


def test_somebody_who_was_invited_chooses_secrets_and_works(
    world: World, address: str, enter: Callable[..., Page]
) -> None:
    """One-time token, QR code and password twice lead in; afterwards the token is worth nothing."""
    token = world.register.invite("robin", "Robin Vale", Role.OFFICER, time.time_ns())
    page = enter(address)
    page.goto("/")
    page.click("text=Use your one-time token")
    page.fill("#name", "robin")
    page.fill("#token", token.lower())
    page.click("button[type=submit]")
    assert page.locator(".qr svg").count() == 1
    page.goto("/alerts")
    assert page.url.startswith(f"{address}/sign-in")  # half way in is not in
    page.goto("/enrol")
    code = pyotp.TOTP(page.locator(".qr code").inner_text().replace(" ", "")).now()
    for password, again, complaint in (
        ("violet harbour ladder nine", "violet harbour ladder ten", "differ"),
        ("passwordpassword", "passwordpassword", "tried first"),
    ):
        page.fill("#code", code)
        page.fill("#password", password)
        page.fill("#again", again)
        page.click("button[type=submit]")
        assert complaint in page.locator("#problem").inner_text()
    page.fill("#code", code)
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("button[type=submit]")

    assert page.url == f"{address}/alerts"
    assert "Robin Vale" in page.locator(".me").inner_text()
    cookie = next(one for one in page.context.cookies() if one["name"] == COOKIE)
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
    assert not world.register.invited("robin", token, time.time_ns())


def test_a_code_counts_once(world: World, address: str, enter: Callable[..., Page]) -> None:
    """Who looked over a shoulder cannot sign in with the same code; the next code lets its owner in."""
    secret = pyotp.TOTP(world.person("nora", Role.OFFICER))
    now_s = time.time()
    page = enter(address)
    sign_in(page, "nora", secret.at(now_s))
    assert page.url == f"{address}/alerts"
    page.click("text=Sign out")
    sign_in(page, "nora", secret.at(now_s))
    assert "do not belong together" in page.locator("#problem").inner_text()
    sign_in(page, "nora", secret.at(now_s + 30))
    assert page.url == f"{address}/alerts"


def test_guessing_is_stopped_even_with_the_right_password(
    world: World, address: str, enter: Callable[..., Page]
) -> None:
    """After five wrong tries the sixth is not looked at, right or wrong; another name is not held up."""
    secret = pyotp.TOTP(world.person("vera", Role.OFFICER))
    other = pyotp.TOTP(world.person("olaf", Role.OFFICER))
    page = enter(address)
    for _ in range(5):
        sign_in(page, "vera", "000000", "wrong wrong wrong")
        assert "do not belong together" in page.locator("#problem").inner_text()
    with page.expect_response("**/sign-in", timeout=15_000) as answered:
        sign_in(page, "vera", secret.now())
        page.wait_for_selector("#problem")
    assert "too many attempts" in page.locator("#problem").inner_text()
    assert answered.value.url.endswith("/sign-in")
    sign_in(page, "olaf", other.now())
    assert page.url == f"{address}/alerts"
    acts = [note.act for note in world.register.journal() if note.actor == "vera"]
    assert acts == [Act.LOCKED_OUT, *[Act.REFUSED] * 5]


@pytest.fixture
def elsewhere(address: str) -> Iterator[Callable[[str], str]]:
    """Serve a page of another origin that sends a form to the dashboard as soon as it is looked at."""
    pages: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(pages.get(self.path, b""))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def with_form(form: str) -> str:
        pages["/trap"] = f"<form method=post {form}</form><script>document.forms[0].submit()</script>".encode()
        return f"http://127.0.0.1:{server.server_port}/trap"

    yield with_form
    server.shutdown()
    server.server_close()


def test_a_form_of_another_origin_does_nothing(
    world: World, address: str, enter: Callable[..., Page], elsewhere: Callable[[str], str]
) -> None:
    """A page elsewhere makes an officer's browser send an outcome, cookie and all: refused, whatever its token."""
    hit = world.hit()
    page = enter(address, "carl")
    page.goto(f"/alerts/{hit}")
    token = page.locator("input[name=form_token]").first.get_attribute("value")
    for stolen in ("", "0" * 64, token):
        fields = f'<input name=outcome value=confirmed><input name=form_token value="{stolen}">'
        page.goto(elsewhere(f'action="{address}/alerts/{hit}/outcome">{fields}'))
        page.wait_for_url("**/outcome")
        assert "not sent from a page of this dashboard" in page.content()
    assert world.store.outcomes(hit) == []

    page.goto(f"/alerts/{hit}")  # the control: the same form from our own page counts
    page.click("button[value=confirmed]")
    assert [one.code for one in world.store.outcomes(hit)] == ["confirmed"]


def test_a_form_without_its_token_does_nothing(world: World, address: str, enter: Callable[..., Page]) -> None:
    """A POST with the cookie alone is refused, whatever it is for."""
    page = enter(address, "carla", Role.ADMIN)
    page.goto("/people")
    for path in [row.path for row in PAGES if row.method == "POST" and row.path != "/enrol"]:
        answer = page.request.post(path.replace("{id}", "x"), form={"name": "carla"}, max_redirects=0)
        assert answer.status == 403, path


def test_a_session_that_a_supervisor_ends_is_over_at_once(
    world: World, address: str, enter: Callable[..., Page]
) -> None:
    """The officer's open page leaves by itself, and the cookie opens nothing any more."""
    officer, supervisor = enter(address, "ollie"), enter(address, "sue", Role.SUPERVISOR)
    officer.goto("/alerts")
    officer.wait_for_selector("#live[data-state=on]")
    supervisor.goto("/people")
    supervisor.click("button[aria-label='End the session of ollie']")
    officer.wait_for_url("**/sign-in?ended=1", timeout=8000)
    officer.goto("/cameras")
    assert "/sign-in" in officer.url
    note = world.register.journal(1)[0]
    assert (note.actor, note.act, note.subject) == ("sue", Act.ENDED_SESSION, "ollie")


@pytest.mark.parametrize("role", list(Role))
def test_each_role_sees_what_it_may_and_nothing_else(role: Role, address: str, enter: Callable[..., Page]) -> None:
    """Every page of the table against every role: let in, or refused; nothing is cached and no script is foreign."""
    page = enter(address, f"role-{role}", role)
    for row in PAGES:
        if row.method == "POST" or not isinstance(row.needs, Permission) or row.path == "/live":
            continue
        path = re.sub(r"\{[^}]*\}", "nothing-of-this-name", row.path)
        answer = page.request.get(path, max_redirects=0)
        allowed = row.needs in GRANTS[role]
        assert (answer.status in {200, 303, 404}) if allowed else answer.status == 403, (path, answer.status)
        assert answer.headers["cache-control"] == "no-store"
        assert "script-src 'self'" in answer.headers["content-security-policy"] or answer.status == 200
        assert "unsafe-inline" not in answer.headers["content-security-policy"]


def test_nobody_sees_anything_without_signing_in(address: str, enter: Callable[..., Page]) -> None:
    """Every page but the door itself sends a stranger to the door."""
    page = enter(address)
    for row in PAGES:
        if row.method == "GET" and isinstance(row.needs, Permission):
            answer = page.request.get(re.sub(r"\{[^}]*\}", "x", row.path), max_redirects=0)
            assert (answer.status, answer.headers["location"][:8]) == (303, "/sign-in"), row.path
    assert page.request.get("/live", headers={"accept": "text/event-stream"}).status == 401


def test_a_name_that_is_not_ours_is_not_answered(address: str, enter: Callable[..., Page]) -> None:
    """DNS rebinding: a foreign name that leads to this address gets nothing."""
    page = enter(address)
    assert page.request.get("/sign-in", headers={"host": "plates.attacker.example"}).status == 421
    assert page.request.get("/sign-in").status == 200

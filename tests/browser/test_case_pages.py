"""What a supervisor does for a case: keep an alert, let it go, export everything; and who may not."""

from __future__ import annotations

import io
import json
import time
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platesieve.audit.entry import Access, Action, Hold, HoldLifted, decode
from platesieve.dashboard.limits import EXPORTS
from platesieve.dashboard.people import Role
from platesieve.dashboard.rooms.cases import packed
from tests.browser.conftest import quiet_page
from tests.browser.world import PLATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from platesieve.audit.entry import Entry
    from tests.browser.world import World

pytestmark = pytest.mark.integration


def keep(page: Page, hit: str, case: str, days: str = "90") -> None:
    """Fill in the form that keeps an alert, without the browser's own checks."""
    page.goto(f"/alerts/{hit}")
    form = page.locator("form[action$='/hold']")
    form.evaluate("form => form.noValidate = true")
    form.locator("[name=case]").fill(case)
    form.locator("[name=days]").fill(days)
    form.locator("button").click()


def logged(world: World) -> list[Entry]:
    """Return what the collector's transparency log holds."""
    entries = []
    for tile in sorted(Path(world.settings.state, "log", "tile", "entries").rglob("*")):
        if tile.is_file():
            raw, at = tile.read_bytes(), 0
            while at < len(raw):
                size = int.from_bytes(raw[at : at + 2], "big")
                entries.append(decode(raw[at + 2 : at + 2 + size]))
                at += 2 + size
    return entries


def test_the_log_says_as_what_somebody_opened(world: World, address: str, enter: Callable[..., Page]) -> None:
    """An operator's and a supervisor's opening can be told apart in the log, which names neither."""
    hit = world.hit()
    for name, role, said in (("ola", Role.OFFICER, "operator"), ("sue", Role.SUPERVISOR, "supervisor")):
        page = enter(address, name, role)
        page.goto(f"/alerts/{hit}")
        page.select_option("#purpose", "alert-check")
        page.fill("#case", "26-100007")
        page.click("text=Log and open for")
        page.wait_for_selector("#opened")
        (entry,) = [one for one in logged(world)[-1:] if isinstance(one, Access)]
        assert entry.role == said
        assert entry.actor is None


def test_an_alert_is_kept_for_a_case_and_let_go(world: World, address: str, enter: Callable[..., Page]) -> None:
    """Log first; the case page says until when and by whom, and the hold ends by a button."""
    hit, page = world.hit(), enter(address, "sue", Role.SUPERVISOR)
    with quiet_page(page) as complaints:
        keep(page, hit, "26-100001", "30")
        assert "Kept." in page.locator(".done").inner_text()
        page.goto("/cases")
        page.click("text=26-100001")
        assert page.locator(".head .chip").inner_text() == "Kept beyond its time"
        (hold,) = world.store.holds(hit)
        assert (hold.user, hold.case) == ("sue", "26-100001")
        assert abs(hold.until_ns - time.time_ns() - 30 * 86_400 * 10**9) < 60 * 10**9
        assert world.store.event(hit).held  # type: ignore[union-attr]
        page.click("text=End the hold")
        assert page.locator(".head .chip").inner_text() == "No hold"
        assert not world.store.event(hit).held  # type: ignore[union-attr]
    kinds = [type(entry) for entry in logged(world)]
    assert kinds[-2:] == [Hold, HoldLifted]
    assert complaints == []


@pytest.mark.parametrize(
    ("case", "days", "complaint"),
    [
        ("", "90", "Give the case number"),
        (PLATE, "90", "Give the case number"),
        ("26-100002", "0", "Give the number of days"),
        ("26-100002", "999", "a number of days"),
        ("26-100002", "", "Give the number of days"),
    ],
)
def test_nothing_is_kept_without_case_and_days(
    case: str, days: str, complaint: str, world: World, address: str, enter: Callable[..., Page]
) -> None:
    """The server refuses what the browser would have refused."""
    hit, page = world.hit(), enter(address, "sue", Role.SUPERVISOR)
    keep(page, hit, case, days)
    assert complaint in page.locator("#problem").inner_text()
    assert world.store.holds(hit) == []


def test_a_case_is_exported_whole(world: World, address: str, enter: Callable[..., Page]) -> None:
    """One ZIP with what came, what it says, who saw it and a manifest that is right; every opening was logged."""
    hits, page = [world.hit(), world.hit()], enter(address, "sue", Role.SUPERVISOR)
    for hit in hits:
        keep(page, hit, "26-100003")
    page.goto("/case?number=26-100003")
    page.select_option("#purpose", "court-order")
    with page.expect_download() as downloading:
        page.click("text=Log, open and export 2 alerts")
    name = "case-26-100003"
    assert downloading.value.suggested_filename == f"{name}.zip"
    archive = zipfile.ZipFile(io.BytesIO(downloading.value.path().read_bytes()))
    files = {one.removeprefix(f"{name}/"): archive.read(one) for one in archive.namelist()}
    assert json.loads(files["event-1.opened"])["data"]["plate"] == PLATE
    assert PLATE.encode() not in files["event-1.json"]
    assert {one["event_id"] for one in json.loads(files["accesses.json"])} == set(hits)
    manifest = json.loads(files.pop("manifest.json"))
    assert manifest == {one: sha256(content).hexdigest() for one, content in files.items()}
    exports = [entry for entry in logged(world) if isinstance(entry, Access) and entry.action is Action.EXPORT]
    assert [entry.role for entry in exports] == ["supervisor", "supervisor"]
    assert all(len(world.store.accesses(10, hit)) == 1 for hit in hits)


def test_nothing_is_exported_without_a_purpose_nor_too_often(
    world: World, address: str, enter: Callable[..., Page]
) -> None:
    """No purpose, no opening; and whoever empties the store case by case is stopped."""
    hit, page = world.hit(), enter(address, "max", Role.SUPERVISOR)
    keep(page, hit, "26-100004")
    page.goto("/case?number=26-100004")
    page.locator("form[action='/case/export']").evaluate("form => form.noValidate = true")
    page.click("text=Log, open and export")
    assert "Choose the purpose" in page.locator("#problem").inner_text()
    assert world.store.accesses(10, hit) == []
    for _ in range(EXPORTS.times):
        page.select_option("#purpose", "audit")
        with page.expect_download():
            page.click("text=Log, open and export")
    page.click("text=Log, open and export")
    assert "Too many cases" in page.locator("#problem").inner_text()
    assert len(world.store.accesses(100, hit)) == EXPORTS.times


def test_officers_keep_nothing_and_auditors_only_look(world: World, address: str, enter: Callable[..., Page]) -> None:
    """No form, no page, and no way round: the routes refuse the role."""
    hit, supervisor = world.hit(), enter(address, "sue", Role.SUPERVISOR)
    keep(supervisor, hit, "26-100005")
    officer = enter(address, "omar")
    officer.goto(f"/alerts/{hit}")
    assert officer.locator("form[action$='/hold']").count() == 0
    assert officer.locator("text=Held for a case").count() == 1
    for path in ("/cases", "/case?number=26-100005"):
        answer = officer.goto(path)
        assert answer is not None
        assert answer.status == 403
        assert officer.locator("main h1").inner_text() == "Not for you, or not like this"
        assert "not for the role officer" in officer.locator(".problem").inner_text()
        assert officer.request.get(path, headers={"accept": "*/*"}).text() == "This page is not for the role officer.\n"
    auditor = enter(address, "aud", Role.AUDITOR)
    auditor.goto("/case?number=26-100005")
    assert "kept until" in auditor.content()
    assert auditor.locator("main form").count() == 0
    token = auditor.locator("input[name=form_token]").first.get_attribute("value") or ""
    for path, form in (
        (f"/alerts/{hit}/hold", {"case": "26-100006", "days": "1"}),
        ("/case/export", {"number": "26-100005", "purpose": "audit"}),
        ("/case/lift", {"number": "26-100005", "event": hit}),
    ):
        sent = auditor.request.post(path, form={**form, "form_token": token})
        assert sent.status == 403
    assert len(world.store.holds(hit)) == 1
    assert world.store.accesses(10, hit) == []
    missing = auditor.goto("/case?number=no-such")
    assert missing is not None
    assert missing.status == 404


def test_the_same_files_make_the_same_zip() -> None:
    """No time and no order of the machine in it, so that two exports can be compared."""
    assert packed({"b": b"2", "a": b"1"}, "case") == packed({"a": b"1", "b": b"2"}, "case")

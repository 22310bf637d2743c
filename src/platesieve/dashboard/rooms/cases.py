"""Cases: what is kept for them beyond its time, and one case as a package for a court."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from platesieve.collector.case import cases, find_case
from platesieve.dashboard.alert import alert_of
from platesieve.dashboard.doorway import Page, RefusalError, Visit
from platesieve.dashboard.journal import Act
from platesieve.dashboard.people import LOGGED_AS, Permission
from platesieve.dashboard.rooms.alerts import alert_page, found_alert
from platesieve.dashboard.wording import capital, span
from platesieve.domain.access import Purpose
from platesieve.domain.errors import AuditError, PlatesieveError, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.collector.case import Case

_DAYS = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
_OLDEST = (1980, 1, 1, 0, 0, 0)  # what a ZIP says where it tells no time
LISTED = 200


def _cases(visit: Visit) -> Response:
    found = cases(visit.parts.store)
    return visit.page("cases.html", cases=found[:LISTED], full=len(found) > LISTED, listed=LISTED)


def _case(visit: Visit) -> Response:
    return _case_page(visit, _named(visit, visit.request.query_params.get("number", "")))


def _hold(visit: Visit) -> Response:
    """Keep one alert for a case: a case number of the site's format, and a number of days."""
    parts, alert = visit.parts, found_alert(visit)
    case, days = visit.form.get("case", "").strip(), visit.form.get("days", "")
    problem = ""
    if not re.fullmatch(parts.options.case_format, case, re.ASCII):
        problem = f"Give the case number, written like {parts.options.case_example}."
    elif not _DAYS.fullmatch(days):
        problem = "Give the number of days, from 1 to 366."
    if problem:
        return alert_page(visit, alert, problem=problem, status=422)
    try:
        parts.desks.retention.hold(alert.id, visit.who.name, case, int(days))
    except PlatesieveError as error:
        status = 503 if isinstance(error, (AuditError, StorageError)) else 422
        return alert_page(visit, alert, problem=f"{capital(error.message)}.", hint=capital(error.hint), status=status)
    parts.note(visit.who.name, Act.HELD, case)
    return RedirectResponse(f"/alerts/{alert.id}?held=1", status_code=303)


def _lift(visit: Visit) -> Response:
    """Let one event of a case go: its holds end, those for other cases too, and it goes when its own time is over."""
    case = _named(visit, visit.form.get("number", ""))
    event_id = visit.form.get("event", "")
    if event_id not in {hold.event_id for hold in case.holds}:
        raise RefusalError(404, "Nothing of this case is held under that id.")
    visit.parts.desks.retention.lift(event_id)
    visit.parts.note(visit.who.name, Act.LIFTED, case.number)
    return RedirectResponse(f"/case?number={quote(case.number)}", status_code=303)


def _export(visit: Visit) -> Response:
    """Open every event of a case, each logged first, and give the package as one file."""
    parts, case = visit.parts, _named(visit, visit.form.get("number", ""))
    purpose = visit.form.get("purpose", "")
    if purpose not in set(Purpose):
        return _case_page(visit, case, "Choose the purpose.", status=422)
    wait_s = parts.by_exporter.wait_s(visit.who.name, parts.now_s())
    if wait_s > 0:
        parts.note(visit.who.name, Act.TOO_MANY_EXPORTS, case.number)
        return _case_page(visit, case, f"Too many cases were exported. Try again in {span(wait_s)}.", status=429)
    parts.by_exporter.count(visit.who.name, parts.now_s())
    try:
        files = parts.desks.package(case.number, visit.who.name, Purpose(purpose), LOGGED_AS[visit.who.role])
    except PlatesieveError as error:
        status = 503 if isinstance(error, (AuditError, StorageError)) else 422
        return _case_page(visit, case, f"{capital(error.message)}.", capital(error.hint), status)
    parts.note(visit.who.name, Act.EXPORTED, case.number)
    name = f"case-{re.sub('[^A-Za-z0-9-]', '-', case.number)}"
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return Response(packed(files, name), media_type="application/zip", headers=headers)


def packed(files: Mapping[str, bytes], folder: str) -> bytes:
    """Return files as one ZIP with a folder in it; the same files give the same bytes."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(f"{folder}/{name}", _OLDEST), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def _case_page(visit: Visit, case: Case, problem: str = "", hint: str = "", status: int = 200) -> Response:
    now_ns = visit.parts.now_ns()
    receipts = {one.event_id: one for one in visit.parts.store.deletions(10_000)} if case.gone else {}
    return visit.page(
        "case.html",
        status=status,
        case=case,
        alerts=[alert_of(stored) for stored in case.here],
        acts=case.acts[:LISTED],
        standing=case.standing(now_ns),
        receipts=[receipts[id_] for id_ in case.gone if id_ in receipts],
        problem=problem,
        hint=hint,
        chosen=visit.form.get("purpose", ""),
    )


def _named(visit: Visit, number: str) -> Case:
    case = find_case(visit.parts.store, number)
    if case is None:
        raise RefusalError(404, "Nothing was ever held or opened here for a case of this number.")
    return case


PAGES = (
    Page("/cases", _cases, Permission.SEE_CASES),
    Page("/case", _case, Permission.SEE_CASES),
    Page("/alerts/{id}/hold", _hold, Permission.KEEP_CASES, "POST"),
    Page("/case/lift", _lift, Permission.KEEP_CASES, "POST"),
    Page("/case/export", _export, Permission.KEEP_CASES, "POST"),
)

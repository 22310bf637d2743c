"""Who looked at what, what was not believed, and the reports: for supervisors and auditors."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response

from platesieve.dashboard.doorway import GUEST_CSP, Page, RefusalError, Visit
from platesieve.dashboard.people import Permission
from platesieve.dashboard.wording import iso
from platesieve.domain.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

LISTED = 500
_EXPORTED = 1_000_000
_REPORT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.html", re.ASCII)
_MAX_REPORT = 8 << 20
_RISKY = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run it (OWASP, CSV injection)
REJECTIONS = {
    "malformed": "Not an event of a known kind",
    "oversized": "Too large",
    "misplaced": "Says to be from another device than its topic",
    "expired": "Over before it came",
    "too-long": "Wants to be kept for too long",
    "replayed": "Came again after it was erased, or with other words",
    "wrongly-signed": "Signed with another key",
    "wrongly-sealed": "Sealed so that nobody can open it",
}


def _access(visit: Visit) -> Response:
    store = visit.parts.store
    who = visit.request.query_params.get("who", "")
    accesses = [one for one in store.accesses(LISTED) if not who or one.user == who]
    return visit.page(
        "access.html",
        accesses=accesses,
        users=sorted({one.user for one in store.accesses(LISTED)}),
        who=who[:64],
        listed=LISTED,
        checkpoint=_checkpoint(visit.parts.options.checkpoint),
    )


def _access_csv(visit: Visit) -> Response:
    """Return every access for an auditor's own tools, the salt included: with it a commitment can be checked."""
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\r\n")
    table.writerow(
        (
            "log_index",
            "at",
            "at_ns",
            "user",
            "organisation",
            "purpose",
            "case",
            "event",
            "device",
            "fields",
            "commitment",
            "salt",
        )
    )
    for one in visit.parts.store.accesses(_EXPORTED):
        fields = " ".join(one.fields)
        row = (one.user, visit.parts.options.agency, one.purpose.value, one.case, one.event_id, one.device, fields)
        table.writerow((one.log_index, iso(one.at_ns), one.at_ns, *map(_tame, row), one.commitment, one.salt))
    headers = {"Content-Disposition": 'attachment; filename="access.csv"'}
    return Response(written.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _door(visit: Visit) -> Response:
    return visit.page("door.html", notes=visit.parts.register.journal(LISTED), listed=LISTED)


def _quarantine(visit: Visit) -> Response:
    store = visit.parts.store
    return visit.page(
        "quarantine.html",
        messages=store.quarantined(LISTED),
        counts=sorted(store.quarantine_counts().items()),
        words=REJECTIONS,
        listed=LISTED,
    )


def _reports(visit: Visit) -> Response:
    folder = visit.parts.options.reports
    pages = sorted(((_made_ns(one), one.name) for one in _pages(folder)), reverse=True) if folder else []
    return visit.page("reports.html", pages=pages, folder=folder is not None)


def _report(visit: Visit) -> Response:
    """Return a page as `platesieve report` made it, shut in: no script, no form, no frame, no other place."""
    folder, name = visit.parts.options.reports, visit.request.path_params["name"]
    page = next((one for one in _pages(folder) if one.name == name), None) if folder else None
    if page is None:
        raise RefusalError(404, "There is no report of this name.")
    try:
        return HTMLResponse(page.read_bytes()[:_MAX_REPORT], headers={"Content-Security-Policy": GUEST_CSP})
    except OSError as error:
        raise StorageError(
            f"the report cannot be read: {error.strerror}", "make the folder of reports readable"
        ) from error


def _pages(folder: Path) -> list[Path]:
    try:
        return [
            one for one in folder.iterdir() if _REPORT.fullmatch(one.name) and one.is_file() and not one.is_symlink()
        ]
    except OSError as error:
        raise StorageError(
            f"the folder of reports cannot be read: {error.strerror}", "give --reports a folder that exists"
        ) from error


def _made_ns(page: Path) -> int:
    try:
        return page.stat().st_mtime_ns
    except OSError:
        return 0  # it went away meanwhile


def _checkpoint(file: Path | None) -> str | None:
    """Return the collector's own newest checkpoint, which an auditor notes down, or None."""
    try:
        return file.read_text("utf-8")[:2000] if file else None
    except (OSError, UnicodeDecodeError):
        return None  # before the first access there is none


def _tame(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_RISKY) else cell


PAGES = (
    Page("/access", _access, Permission.SEE_ACCESS_LOG),
    Page("/access/export.csv", _access_csv, Permission.SEE_ACCESS_LOG),
    Page("/access/door", _door, Permission.SEE_ACCESS_LOG),
    Page("/quarantine", _quarantine, Permission.SEE_QUARANTINE),
    Page("/reports", _reports, Permission.SEE_REPORTS),
    Page("/reports/{name}", _report, Permission.SEE_REPORTS),
)

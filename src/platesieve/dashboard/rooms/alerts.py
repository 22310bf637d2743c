"""Live hits, one hit, its reveal and its outcome."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response, StreamingResponse

from platesieve.collector.records import Outcome
from platesieve.collector.reveal import RevealRequest
from platesieve.dashboard.alert import alert_of, opened
from platesieve.dashboard.doorway import COOKIE, Page, RefusalError, Visit
from platesieve.dashboard.journal import Act
from platesieve.dashboard.people import LOGGED_AS, Permission
from platesieve.dashboard.wording import capital, span
from platesieve.domain.access import OutcomeCode, Purpose
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import AuditError, InputError, PlatesieveError, StorageError
from platesieve.domain.instant import NS_PER_S

if TYPE_CHECKING:
    from platesieve.dashboard.alert import Alert, Opened

LISTED = 200
_DAY_NS = 86_400 * NS_PER_S
_HITS = (Kind.HIT,)


def _alerts(visit: Visit) -> Response:
    store, now_ns = visit.parts.store, visit.parts.now_ns()
    newest = [alert_of(stored) for stored in store.newest(LISTED, _HITS)]
    undecided = [alert for alert in newest if alert.outcome is None]
    everything = visit.request.query_params.get("show") == "all"
    counts = store.outcome_counts(now_ns - 30 * _DAY_NS)
    return visit.page(
        "alerts.html",
        alerts=newest if everything else undecided,
        everything=everything,
        undecided=len(undecided),
        cursor=newest[0].cursor if newest else 0,
        listed=LISTED,
        full=len(newest) == LISTED,
        counts={code: counts.get(code, 0) for code in OutcomeCode},
    )


def _stream(visit: Visit) -> Response:
    """Answer with the live stream; `Last-Event-ID` is what a browser sends after a broken connection."""
    parts, token = visit.parts, visit.request.cookies.get(COOKIE, "")
    given = visit.request.headers.get("last-event-id") or visit.request.query_params.get("since", "")
    since = int(given) if re.fullmatch(r"[0-9]{1,18}", given, re.ASCII) else 0
    if visit.request.query_params.get("since") is None:
        since = 2**62  # a page that shows no list wants alarms, and the end of its session, alone

    def alive() -> bool:
        return parts.register.session(token, parts.now_ns(), touch=False) is not None

    return StreamingResponse(
        parts.watcher.stream(since, alive), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


def _alert(visit: Visit) -> Response:
    return alert_page(visit, found_alert(visit))


def _reveal(visit: Visit) -> Response:
    """Open the sealed fields of one alert for one page.

    1. Not too often.
    2. A purpose code and a case number of the site's format.
    3. The collector logs the access, and only then opens; whatever it refuses is said, and nothing is shown.
    4. The page is never cached, and takes itself back after a while, with or without script.
    """
    parts, alert = visit.parts, found_alert(visit)
    wait_s = parts.by_account.wait_s(visit.who.name, parts.now_s())
    if wait_s > 0:  # 1.
        parts.note(visit.who.name, Act.TOO_MANY_REVEALS)
        return alert_page(
            visit, alert, problem=f"Too many alerts were opened. Try again in {span(wait_s)}.", status=429
        )
    purpose, case = visit.form.get("purpose", ""), visit.form.get("case", "").strip()
    problem = _missing(purpose, case, visit)
    if problem:  # 2.
        return alert_page(visit, alert, problem=problem, status=422)
    parts.by_account.count(visit.who.name, parts.now_s())
    try:
        asked = RevealRequest(alert.id, visit.who.name, Purpose(purpose), case, role=LOGGED_AS[visit.who.role])
        revealed = parts.desks.reveals.reveal(asked)  # 3.
    except (AuditError, StorageError) as error:
        return alert_page(
            visit,
            alert,
            problem=_sentence(error),
            hint="Nothing was opened: what cannot be logged stays sealed.",
            status=503,
        )
    except PlatesieveError as error:
        return alert_page(visit, alert, problem=_sentence(error), hint=capital(error.hint), status=422)
    response = alert_page(visit, alert, shown=opened(alert, revealed.fields))
    response.headers["Refresh"] = f"{parts.options.relock_s}; url=/alerts/{alert.id}"  # 4.
    return response


def _outcome(visit: Visit) -> Response:
    alert, code = found_alert(visit), visit.form.get("outcome", "")
    if code not in set(OutcomeCode):
        raise InputError("this is no outcome", "choose one that the page offers")
    outcome = Outcome(alert.id, visit.parts.now_ns(), visit.who.name, OutcomeCode(code), alert.device)
    visit.parts.store.record_outcome(outcome)
    return RedirectResponse(f"/alerts/{alert.id}?noted=1", status_code=303)


def alert_page(
    visit: Visit, alert: Alert, shown: Opened | None = None, problem: str = "", hint: str = "", status: int = 200
) -> Response:
    """Return the page of an alert, with what was opened or refused."""
    store, options = visit.parts.store, visit.parts.options
    return visit.page(
        "alert.html",
        status=status,
        alert=alert,
        shown=shown,
        problem=problem,
        hint=hint,
        chosen=visit.form.get("purpose", ""),
        case=visit.form.get("case", "")[:64] if problem else "",
        options=options,
        accesses=store.accesses(20, alert.id),
        found=store.outcomes(alert.id),
        holds=[
            hold for hold in store.holds(alert.id) if hold.lifted_ns is None and visit.parts.now_ns() < hold.until_ns
        ],
        noted="noted" in visit.request.query_params,
        held="held" in visit.request.query_params,
    )


def found_alert(visit: Visit) -> Alert:
    """Return the alert that a page is about, or refuse."""
    stored = visit.parts.store.event(visit.request.path_params["id"])
    if stored is None or stored.event.kind is not Kind.HIT:
        raise RefusalError(404, "This alert is not here. It may have expired; then nothing of it is left.")
    return alert_of(stored)


def _missing(purpose: str, case: str, visit: Visit) -> str:
    options = visit.parts.options
    missing = []
    if purpose not in set(Purpose):
        missing.append("Choose the purpose.")
    if not case:
        missing.append("Give the case number.")
    elif not re.fullmatch(options.case_format, case, re.ASCII):
        missing.append(f"This is not written like a case number; write it like {options.case_example}.")
    return " ".join(missing)


def _sentence(error: PlatesieveError) -> str:
    return f"{capital(error.message)}."


PAGES = (
    Page("/alerts", _alerts, Permission.SEE_HITS),
    Page("/live", _stream, Permission.OWN_ACCOUNT),
    Page("/alerts/{id}", _alert, Permission.SEE_HITS),
    Page("/alerts/{id}/reveal", _alert, Permission.REVEAL),
    Page("/alerts/{id}/reveal", _reveal, Permission.REVEAL, "POST"),
    Page("/alerts/{id}/outcome", _outcome, Permission.REVEAL, "POST"),
)

"""The one way in: who may see a page, whether a form is ours, and the headers that every answer carries.

A page is a row of a table that names the permission it needs; there is no way to add one that needs none by
forgetting it. For each request, in this order:

1. The Host must be one that the dashboard answers to (DNS rebinding), and the scheme HTTPS or loopback.
2. A body is at most 16 KiB of form fields.
3. The cookie must lead to a living session of an active account, unless the page is open to anybody.
4. The role must name the permission.
5. A POST must come from our own origin, and carry the token of a form that was drawn for this very cookie.
6. The page is drawn in a thread; what it refuses becomes a sentence and a hint, with a status from one table.
7. Headers: no other origin's script, style, frame or connection; nothing is cached.
"""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from platesieve.dashboard import wording
from platesieve.dashboard.credentials import form_token, form_token_matches, new_token
from platesieve.dashboard.people import Permission, Standing
from platesieve.dashboard.sessions import Stage
from platesieve.domain.errors import AuditError, ConfigError, InputError, PlatesieveError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.requests import Request

    from platesieve.dashboard.parts import Parts
    from platesieve.dashboard.people import Account
    from platesieve.dashboard.screen import Screen
    from platesieve.dashboard.sessions import Session

_log = logging.getLogger(__name__)
COOKIE = "__Host-platesieve"
FORM_COOKIE = "__Host-platesieve-form"
MAX_BODY = 16 * 1024
MAX_FIELDS = 40
FORM_FIELD = "form_token"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types platesieve"
)
# Pages that others made (policy/page.py, report/page.py) hold a style of their own and nothing else.
GUEST_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-top-navigation-by-user-activation"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CSP,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # not no-referrer: then browsers send forms with `Origin: null`
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
}
HSTS = "max-age=31536000"
STATUS: tuple[tuple[type[PlatesieveError], int], ...] = (
    (InputError, 422),
    (ConfigError, 422),
    (AuditError, 503),
    (StorageError, 503),
)


class Open(Enum):
    """Pages that need no permission."""

    ANYBODY = auto()
    ENROLLING = auto()


_NAV: tuple[tuple[Permission, str, str], ...] = (
    (Permission.SEE_HITS, "/alerts", "Alerts"),
    (Permission.SEE_CASES, "/cases", "Cases"),
    (Permission.SEE_CAMERAS, "/cameras", "Cameras"),
    (Permission.SEE_CAMERAS, "/map", "Map"),
    (Permission.SEE_QUARANTINE, "/quarantine", "Quarantine"),
    (Permission.SEE_ACCESS_LOG, "/access", "Access log"),
    (Permission.SEE_REPORTS, "/reports", "Reports"),
    (Permission.END_SESSIONS, "/people", "People"),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request that was let in. `account` and `session` are None on pages for anybody only."""

    request: Request
    parts: Parts
    cookie: str
    session: Session | None
    account: Account | None
    form: Mapping[str, str]

    @property
    def who(self) -> Account:
        """Return who asks; only for pages that need somebody."""
        if self.account is None:
            raise InputError("nobody is signed in", "sign in")
        return self.account

    @property
    def signed_in(self) -> bool:
        """Return whether somebody works here, and not only chooses secrets."""
        return self.account is not None and self.session is not None and self.session.stage is Stage.WORK

    @property
    def form_token(self) -> str:
        """Return what forms of this page must carry."""
        return form_token(self.cookie)

    def may(self, permission: str) -> bool:
        """Return whether the one who asks has a permission, by name: templates ask this."""
        return self.account is not None and self.account.may(Permission(permission))

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page for whoever asks: with the ways on that they may take, and the alarms of the hour."""
        parts, path = self.parts, self.request.url.path
        nav = [(to, title) for permission, to, title in _NAV if self.may(permission)]
        drawn = parts.screen.fragment(
            template,
            visit=self,
            nav=nav,
            here=next((to for to, _ in nav if path == to or path.startswith(f"{to}/")), ""),
            forked=parts.watcher.forked() if self.signed_in else (),
            agency=parts.options.agency,
            now_ns=parts.now_ns(),
            ago=lambda at_ns: wording.ago(at_ns, parts.now_ns()),
            **values,
        )
        return HTMLResponse(drawn, status_code=status)


@dataclass(frozen=True, slots=True)
class Page:
    """A row of the table."""

    path: str
    show: Callable[[Visit], Response]
    needs: Permission | Open
    method: Literal["GET", "POST"] = "GET"


class RefusalError(Exception):
    """A request that is answered with no more than a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status, sentence)
        self.status = status
        self.sentence = sentence


def routes(parts: Parts, pages: Iterable[Page]) -> list[Route]:
    """Return the routes of a table of pages."""
    return [Route(page.path, _endpoint(parts, page), methods=[page.method]) for page in pages]


def _endpoint(parts: Parts, page: Page) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            _check_host(parts, request)  # 1.
            body = await _body(request)  # 2.
            response = await run_in_threadpool(_answer, parts, page, request, body)
        except RefusalError as refusal:
            response = refused(parts.screen, request, refusal.status, refusal.sentence)
        return dressed(response, secure=request.url.scheme == "https")

    return endpoint


def refused(screen: Screen, request: Request, status: int, sentence: str) -> Response:
    """Return a refusal: a page for whoever reads pages, one line for everything else."""
    if "text/html" in request.headers.get("accept", ""):
        return screen.refusal(sentence, "", status)
    return PlainTextResponse(f"{sentence}\n", status_code=status)


def dressed(response: Response, *, secure: bool) -> Response:
    """Return an answer with the headers that every answer carries (7.)."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if secure:
        response.headers["Strict-Transport-Security"] = HSTS
    return response


def _answer(parts: Parts, page: Page, request: Request, body: bytes) -> Response:
    try:
        visit, fresh = _visit(parts, page, request, body)
        if isinstance(visit, Response):
            return visit
        response = page.show(visit)  # 6.
        if fresh:
            set_cookie(response, FORM_COOKIE, visit.cookie)
    except PlatesieveError as error:
        status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
        return parts.screen.refusal(f"{wording.capital(error.message)}.", f"{wording.capital(error.hint)}.", status)
    except RefusalError:
        raise
    except Exception as error:  # noqa: BLE001 - a traceback's message could repeat what a page was about to show
        places = ", ".join(f"{one.name}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)[-3:])
        _log.error("a fault in the dashboard itself (%s) in %s", type(error).__name__, places)
        raise RefusalError(500, "A fault in the dashboard itself. It was noted where it runs.") from None
    return response


def _visit(parts: Parts, page: Page, request: Request, body: bytes) -> tuple[Visit | Response, bool]:
    token = request.cookies.get(COOKIE, "")
    watching = request.headers.get("accept") == "text/event-stream"  # a page left open is not somebody at work
    session = parts.register.session(token, parts.now_ns(), touch=not watching) if token else None
    account = parts.register.account(session.account) if session else None
    signed_in = account is not None and session is not None and session.stage is Stage.WORK
    if signed_in and account is not None and account.standing is not Standing.ACTIVE:
        signed_in = False
    if isinstance(page.needs, Permission):
        if not signed_in or account is None:  # 3.
            return _to_sign_in(request), False
        if not account.may(page.needs):  # 4.
            raise RefusalError(403, f"This page is not for the role {account.role}.")
    if page.needs is Open.ENROLLING and (session is None or session.stage is not Stage.ENROL):
        return RedirectResponse("/first", status_code=303), False
    cookie = token if session else request.cookies.get(FORM_COOKIE, "")
    fresh = not cookie
    form: dict[str, str] = {}
    if page.method == "POST":
        form = _fields(body)
        _check_form(request, cookie, form)  # 5.
    if not signed_in and page.needs is not Open.ENROLLING:
        account = None
    return Visit(request, parts, cookie or new_token(), session, account, form), fresh


def _to_sign_in(request: Request) -> Response:
    if request.headers.get("accept") == "text/event-stream":
        raise RefusalError(401, "This session has ended.")
    back = "" if request.method != "GET" or request.url.path == "/" else f"?next={quote(request.url.path)}"
    return RedirectResponse(f"/sign-in{back}", status_code=303)


def _check_host(parts: Parts, request: Request) -> None:
    host = request.headers.get("host", "").rpartition("@")[2]
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name.lower() not in parts.serving.hosts:
        raise RefusalError(421, "The dashboard does not answer to this name. Give it with --name when it is started.")
    if parts.serving.https_only and request.url.scheme != "https":
        raise RefusalError(403, "Only HTTPS is answered here. The proxy must say so in X-Forwarded-Proto.")


async def _body(request: Request) -> bytes:
    if request.method != "POST":
        return b""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise RefusalError(415, "Only forms are taken.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise RefusalError(413, "The form is too large.")
    return bytes(body)


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError as error:
        raise RefusalError(400, "This is no form.") from error


def _check_form(request: Request, cookie: str, form: Mapping[str, str]) -> None:
    """Refuse what another site makes a browser send (OWASP: token bound to the session, and Fetch Metadata)."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    ours = f"{request.url.scheme}://{request.headers.get('host', '')}"
    foreign = site != "same-origin" or (origin is not None and origin != ours)
    if foreign or not cookie or not form_token_matches(cookie, form.get(FORM_FIELD, "")):
        raise RefusalError(403, "The form was not sent from a page of this dashboard, or is too old. Load it again.")


def set_cookie(response: Response, name: str, value: str) -> None:
    """Set a cookie that no script reads, no other site sends and no plain connection carries."""
    response.set_cookie(name, value, path="/", secure=True, httponly=True, samesite="strict")


def drop_cookie(response: Response, name: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="strict")

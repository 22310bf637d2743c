"""Signing in and out, and the one time that somebody chooses their secrets."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from platesieve.dashboard.credentials import (
    checked_password,
    hash_password,
    new_token,
    new_totp_secret,
    password_matches,
    totp_picture,
    totp_step,
)
from platesieve.dashboard.doorway import COOKIE, FORM_COOKIE, Open, Page, Visit, drop_cookie, set_cookie
from platesieve.dashboard.journal import Act
from platesieve.dashboard.people import Permission, Standing
from platesieve.dashboard.sessions import Stage
from platesieve.dashboard.wording import span
from platesieve.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.dashboard.parts import Parts

_WRONG = "Name, password and code do not belong together, or the code was used already."
_PATH = re.compile(r"/[A-Za-z0-9][A-Za-z0-9/._-]*", re.ASCII)


@cache
def _nobody() -> str:
    """Return a hash to check where there is no account, so that the answer takes as long as for one that is there."""
    return hash_password(new_token())


def _start(visit: Visit) -> Response:
    return _see("/alerts" if visit.may(Permission.SEE_HITS) else "/cameras")


def _sign_in(visit: Visit) -> Response:
    if visit.account is not None:
        return _start(visit)
    return _form(visit)


def _signed_in(visit: Visit) -> Response:
    """Let somebody in: limits first, then password and code, whatever of it is wrong."""
    parts, name, address = visit.parts, visit.form.get("name", "").strip().lower(), _address(visit)
    known = parts.register.account(name)
    limits = ((parts.by_name, name[:64]), (parts.by_address, address))
    wait_s = max(limiter.wait_s(key, parts.now_s()) for limiter, key in limits)
    if wait_s > 0:
        parts.note(name if known else "", Act.LOCKED_OUT, address=address)
        response = _form(visit, f"There were too many attempts. Try again in {span(wait_s)}.", 429)
        response.headers["Retry-After"] = str(int(wait_s) + 1)
        return response
    if not _proven(parts, name, visit.form, active=known is not None and known.standing is Standing.ACTIVE):
        for limiter, key in limits:
            limiter.count(key, parts.now_s())
        parts.note(name if known else "", Act.REFUSED, address=address)
        return _form(visit, _WRONG, 401)
    parts.by_name.forgive(name[:64])
    parts.note(name, Act.SIGNED_IN, address=address)
    back = visit.form.get("next", "")
    return _begin(visit, name, Stage.WORK, back if _PATH.fullmatch(back) else "/")


def _proven(parts: Parts, name: str, form: Mapping[str, str], *, active: bool) -> bool:
    """Return whether password and code are right; a code that was right is used up."""
    stored = parts.register.credentials(name) if active else None
    right = password_matches(stored.password_hash if stored else _nobody(), form.get("password", ""))
    if stored is None or not right:
        return False
    step = totp_step(stored.totp_secret, form.get("code", ""), parts.now_s(), stored.totp_last_step)
    return step is not None and parts.register.use_totp(name, step)


def _sign_out(visit: Visit) -> Response:
    if visit.session is not None:
        visit.parts.register.end(visit.session.id)
        visit.parts.note(visit.session.account, Act.SIGNED_OUT, address=_address(visit))
    response = _see("/sign-in")
    drop_cookie(response, COOKIE)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _first(visit: Visit) -> Response:
    return visit.page("first.html", problem=None, name="")


def _first_token(visit: Visit) -> Response:
    """Take a one-time token; it stays good until secrets were chosen with it."""
    parts, name, address = visit.parts, visit.form.get("name", "").strip().lower(), _address(visit)
    limits = ((parts.by_name, f"first:{name[:64]}"), (parts.by_address, address))
    wait_s = max(limiter.wait_s(key, parts.now_s()) for limiter, key in limits)
    problem = f"There were too many attempts. Try again in {span(wait_s)}." if wait_s > 0 else None
    if problem is None and not parts.register.invited(name, visit.form.get("token", ""), parts.now_ns()):
        for limiter, key in limits:
            limiter.count(key, parts.now_s())
        problem = "Name and one-time token do not belong together, or the token has ended."
    if problem is not None:
        return visit.page("first.html", status=429 if wait_s > 0 else 401, problem=problem, name=name[:64])
    parts.register.offer_totp(name, new_totp_secret())
    return _begin(visit, name, Stage.ENROL, "/enrol")


def _enrol(visit: Visit, problem: str | None = None, hint: str = "") -> Response:
    credentials = visit.parts.register.credentials(visit.who.name)
    secret = credentials.totp_secret if credentials else ""
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    picture = totp_picture(secret, visit.who.name)
    status = 200 if problem is None else 422
    return visit.page("enrol.html", status=status, problem=problem, hint=hint, secret=grouped, picture=picture)


def _enrolled(visit: Visit) -> Response:
    parts, name, form = visit.parts, visit.who.name, visit.form
    credentials = parts.register.credentials(name)
    try:
        password = checked_password(form.get("password", ""), name)
    except InputError as error:
        return _enrol(
            visit, f"{error.message[0].upper()}{error.message[1:]}.", f"{error.hint[0].upper()}{error.hint[1:]}."
        )
    if password != form.get("again", ""):
        return _enrol(visit, "The two passwords differ.", "Type the same one twice.")
    step = totp_step(credentials.totp_secret, form.get("code", ""), parts.now_s(), 0) if credentials else None
    if step is None:
        return _enrol(visit, "The code is not the one that the app shows now.", "Check the clock of the telephone.")
    if visit.session is not None:
        parts.register.end(visit.session.id)
    if not parts.register.activate(name, hash_password(password), step):
        raise InputError("this account was enrolled or suspended meanwhile", "ask whoever invited you")
    parts.note(name, Act.ENROLLED, address=_address(visit))
    return _begin(visit, name, Stage.WORK, "/")


def _begin(visit: Visit, name: str, stage: Stage, to: str) -> Response:
    """Begin a session under a cookie of its own: one that was there before is never made worth more."""
    browser = visit.request.headers.get("user-agent", "")
    token = visit.parts.register.begin(name, stage, visit.parts.now_ns(), _address(visit), browser)
    response = _see(to)
    set_cookie(response, COOKIE, token)
    drop_cookie(response, FORM_COOKIE)
    return response


def _form(visit: Visit, problem: str | None = None, status: int = 200) -> Response:
    back = visit.form.get("next", visit.request.query_params.get("next", ""))
    return visit.page(
        "sign_in.html",
        status=status,
        problem=problem,
        back=back if _PATH.fullmatch(back) else "",
        ended="ended" in visit.request.query_params,
    )


def _see(path: str) -> Response:
    return RedirectResponse(path, status_code=303)


def _address(visit: Visit) -> str:
    return visit.request.client.host if visit.request.client else ""


PAGES = (
    Page("/", _start, Permission.OWN_ACCOUNT),
    Page("/sign-in", _sign_in, Open.ANYBODY),
    Page("/sign-in", _signed_in, Open.ANYBODY, "POST"),
    Page("/sign-out", _sign_out, Permission.OWN_ACCOUNT, "POST"),
    Page("/first", _first, Open.ANYBODY),
    Page("/first", _first_token, Open.ANYBODY, "POST"),
    Page("/enrol", _enrol, Open.ENROLLING),
    Page("/enrol", _enrolled, Open.ENROLLING, "POST"),
)

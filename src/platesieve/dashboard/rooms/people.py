"""Accounts and sessions: who is signed in, who may be, and the end of either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from platesieve.dashboard.doorway import Page, Visit
from platesieve.dashboard.journal import Act
from platesieve.dashboard.people import Permission, Role, Standing, checked_name, checked_person
from platesieve.dashboard.sessions import Stage
from platesieve.domain.errors import InputError, PlatesieveError

if TYPE_CHECKING:
    from platesieve.dashboard.people import Account


def _people(visit: Visit, token: str = "", invited: str = "", problem: PlatesieveError | None = None) -> Response:
    register, now_ns = visit.parts.register, visit.parts.now_ns()
    return visit.page(
        "people.html",
        status=422 if problem else 200,
        accounts=register.accounts(),
        sessions=[one for one in register.sessions(now_ns) if one.stage is Stage.WORK],
        roles=list(Role),
        token=token,
        invited=invited,
        problem=problem,
    )


def _end_session(visit: Visit) -> Response:
    ended = visit.parts.register.end(visit.form.get("session", ""))
    if ended is not None:
        visit.parts.note(visit.who.name, Act.ENDED_SESSION, ended.account)
    return RedirectResponse("/people", status_code=303)


def _suspend(visit: Visit) -> Response:
    account = _other(visit, visit.form.get("name", ""))
    visit.parts.register.suspend(account.name)
    visit.parts.note(visit.who.name, Act.SUSPENDED, account.name)
    return RedirectResponse("/people", status_code=303)


def _invite(visit: Visit) -> Response:
    """Invite somebody; the token is on this one page and nowhere else."""
    form, register = visit.form, visit.parts.register
    try:
        name, person = checked_name(form.get("name", "").strip().lower()), checked_person(form.get("person", ""))
        token = register.invite(name, person, _role(form.get("role", "")), visit.parts.now_ns())
    except InputError as error:
        return _people(visit, problem=error)
    visit.parts.note(visit.who.name, Act.INVITED, name)
    return _people(visit, token=token, invited=name)


def _role(text: str) -> Role:
    if text not in set(Role):
        raise InputError("no role is chosen", "choose what this person is")
    return Role(text)


def _other(visit: Visit, name: str) -> Account:
    account = visit.parts.register.account(name)
    if account is None:
        raise InputError("there is no such account", "choose one from the list")
    if account.name == visit.who.name:
        raise InputError("nobody suspends their own account", "ask somebody else who manages accounts")
    admins = [
        one for one in visit.parts.register.accounts() if one.role is Role.ADMIN and one.standing is Standing.ACTIVE
    ]
    if admins == [account]:
        raise InputError("this is the last administrator", "invite another one first")
    return account


PAGES = (
    Page("/people", _people, Permission.END_SESSIONS),
    Page("/people/end-session", _end_session, Permission.END_SESSIONS, "POST"),
    Page("/people/suspend", _suspend, Permission.MANAGE_ACCOUNTS, "POST"),
    Page("/people/invite", _invite, Permission.MANAGE_ACCOUNTS, "POST"),
)

"""Who may do what. Four roles, and a closed list of permissions; what a role does not name it may not do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, auto

from platesieve.audit.entries import choices as logged
from platesieve.domain.errors import InputError

_NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}", re.ASCII)
_MAX_PERSON = 80


class Role(StrEnum):
    """What somebody is to the system; one for each account."""

    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMIN = "admin"


LOGGED_AS = {  # what the transparency log calls them
    Role.OFFICER: logged.Role.OPERATOR,
    Role.SUPERVISOR: logged.Role.SUPERVISOR,
    Role.AUDITOR: logged.Role.AUDITOR,
    Role.ADMIN: logged.Role.ADMINISTRATOR,
}


class Permission(StrEnum):
    """What a page may ask for."""

    SEE_HITS = auto()
    REVEAL = auto()
    SEE_CASES = auto()
    KEEP_CASES = auto()
    SEE_CAMERAS = auto()
    SEE_QUARANTINE = auto()
    SEE_ACCESS_LOG = auto()
    SEE_REPORTS = auto()
    END_SESSIONS = auto()
    MANAGE_ACCOUNTS = auto()
    OWN_ACCOUNT = auto()


_EVERYBODY = frozenset({Permission.SEE_CAMERAS, Permission.SEE_REPORTS, Permission.OWN_ACCOUNT})
_OFFICER = _EVERYBODY | {Permission.SEE_HITS, Permission.REVEAL}

# Whoever manages accounts cannot open a plate, and whoever audits can neither: no one person does both.
GRANTS: dict[Role, frozenset[Permission]] = {
    Role.OFFICER: _OFFICER,
    Role.SUPERVISOR: _OFFICER
    | {
        Permission.SEE_CASES,
        Permission.KEEP_CASES,
        Permission.SEE_QUARANTINE,
        Permission.SEE_ACCESS_LOG,
        Permission.END_SESSIONS,
    },
    Role.AUDITOR: _EVERYBODY
    | {Permission.SEE_HITS, Permission.SEE_CASES, Permission.SEE_QUARANTINE, Permission.SEE_ACCESS_LOG},
    Role.ADMIN: _EVERYBODY | {Permission.SEE_QUARANTINE, Permission.END_SESSIONS, Permission.MANAGE_ACCOUNTS},
}


class Standing(StrEnum):
    """How far an account has come."""

    INVITED = "invited"
    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Account:
    """One person. Secrets are not part of it.

    Attributes:
        name: what is typed at sign-in, and stands in the access log.
        person: how a colleague would recognise them.
        role: what they may do.
        standing: only an active account signs in.
    """

    name: str
    person: str
    role: Role
    standing: Standing

    def may(self, permission: Permission) -> bool:
        """Return whether the role names this permission."""
        return permission in GRANTS[self.role]


def checked_name(name: str) -> str:
    """Return the name of an account.

    Raises:
        InputError: it is not one.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            "this cannot be the name of an account",
            "use 2 to 32 of a-z, digits, dot, dash and underscore, beginning with a letter",
        )
    return name


def checked_person(person: str) -> str:
    """Return how somebody is called, in one printable line.

    Raises:
        InputError: it is empty, too long or not one line.
    """
    person = " ".join(person.split())
    if not 1 <= len(person) <= _MAX_PERSON or not person.isprintable():
        raise InputError("this cannot be the name of a person", f"write 1 to {_MAX_PERSON} characters in one line")
    return person

"""Why a person opened a sealed field, and what came of it: closed lists, so that the public log can say them."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """The purpose code that every reveal names; each is one that the statutes in the policies' sources know."""

    ALERT_CHECK = "alert-check"  # confirm by eye that the alert is right, before anything is done
    STOLEN_VEHICLE = "stolen-vehicle"
    WANTED_PERSON = "wanted-person"
    MISSING_PERSON = "missing-person"
    INVESTIGATION = "investigation"  # an active criminal investigation, named by its case number
    COURT_ORDER = "court-order"
    RECORDS_REQUEST = "records-request"  # the person concerned asks what is held
    AUDIT = "audit"


class OutcomeCode(StrEnum):
    """What a person found when looking at an alert; no free text, because people would write plates into it."""

    CONFIRMED = "confirmed"  # the picture shows the plate that is wanted
    DOES_NOT_CORRELATE = "does-not-correlate"  # misread, or the vehicle is not the wanted one
    NOT_FOUND = "not-found"  # the vehicle could not be located
    STOPPED = "stopped"
    RECOVERED = "recovered"
    ARREST = "arrest"
    LIST_OUTDATED = "list-outdated"  # the entry should no longer have been on the list


class DeletionReason(StrEnum):
    """Why records that were kept were erased."""

    EXPIRED = "expired"
    ORDERED = "ordered"  # before its time, by a person who may
    HOLD_ENDED = "hold-ended"  # its own time was over already, and what kept it is gone
    QUOTA = "quota"
    POLICY_CHANGED = "policy-changed"
    RETIRED = "retired"

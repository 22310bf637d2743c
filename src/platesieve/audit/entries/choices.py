"""The closed lists: what an entry may say where a person would have written free text (FORMAT 2.6)."""

from __future__ import annotations

from enum import StrEnum

from platesieve.domain.orders import ManualReason

__all__ = (
    "Action",
    "ClockSource",
    "Component",
    "ErasedReason",
    "HoldEnd",
    "HoldScope",
    "KeyPurpose",
    "KeyRole",
    "ManualEnd",
    "ManualReason",
    "MountKind",
    "OperatorKind",
    "Part",
    "PolicyFault",
    "Result",
    "RetireReason",
    "Role",
    "StopReason",
    "UpdateStage",
)


class MountKind(StrEnum):
    """How a reader is mounted."""

    FIXED = "fixed"
    MOBILE = "mobile"


class OperatorKind(StrEnum):
    """Who runs a reader."""

    POLICE = "police"
    PUBLIC = "public"
    PRIVATE = "private"


class PolicyFault(StrEnum):
    """Why a policy was refused."""

    MISSING = "missing"
    MALFORMED = "malformed"
    WRONG_MOUNT = "wrong-mount"
    EXPIRED = "expired"
    NOT_YET_EFFECTIVE = "not-yet-effective"
    RECIPIENT_MISSING = "recipient-missing"
    BAD_SIGNATURE = "bad-signature"
    ROLLED_BACK = "rolled-back"


class KeyPurpose(StrEnum):
    """How far pseudonyms under an epoch key can be linked."""

    DEVICE = "device"
    SITE = "site"
    FLEET = "fleet"


class KeyRole(StrEnum):
    """What the holder of an agency's key may do."""

    COMMAND = "command"
    COLLECTOR = "collector"
    HOTLIST = "hotlist"
    POLICY = "policy"
    RELEASE = "release"
    WITNESS = "witness"
    TIME_STAMP = "time-stamp"


class ErasedReason(StrEnum):
    """Why Disclosures were erased before anybody had them."""

    EXPIRED = "expired"
    QUOTA = "quota"
    PIPE_FULL = "pipe-full"


class StopReason(StrEnum):
    """Why plates are not read."""

    NO_POLICY = "no-policy"
    POLICY_EXPIRED = "policy-expired"
    POLICY_NOT_YET_EFFECTIVE = "policy-not-yet-effective"
    CLOCK_NOT_TRUSTED = "clock-not-trusted"
    HOTLIST_STALE = "hotlist-stale"
    AUDIT_UNAVAILABLE = "audit-unavailable"
    CAMERA = "camera"
    MODEL = "model"
    UPLINK = "uplink"
    SUSPENDED = "suspended"
    SOURCE_ENDED = "source-ended"


class ClockSource(StrEnum):
    """Who set the clock."""

    NTP = "ntp"
    GNSS = "gnss"
    RTC = "rtc"
    MANUAL = "manual"
    UNKNOWN = "unknown"


class Part(StrEnum):
    """What a self-test or a calibration was about."""

    CAMERA = "camera"
    AIM = "aim"
    FOCUS = "focus"
    EXPOSURE = "exposure"
    CLOCK = "clock"
    STORAGE = "storage"
    MODELS = "models"
    POLICY = "policy"
    HOTLIST = "hotlist"
    SEAL = "seal"
    UPLINK = "uplink"
    AUDIT = "audit"


class Result(StrEnum):
    """What came of it."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Component(StrEnum):
    """What was updated."""

    SOFTWARE = "software"
    SYSTEM = "system"
    DETECTOR = "detector"
    READER = "reader"
    BUNDLE = "bundle"
    TRUST_ROOT = "trust-root"


class UpdateStage(StrEnum):
    """How far an update came."""

    INSTALLED = "installed"
    ACTIVATED = "activated"
    ROLLED_BACK = "rolled-back"
    REFUSED = "refused"


class AimingEnd(StrEnum):
    """Why the installer's page answers no more."""

    TIME_OVER = "time-over"
    ENDED = "ended"
    TOO_MANY_TRIES = "too-many-tries"
    CAMERA = "camera"


class RetireReason(StrEnum):
    """Why a device, or the key of its log, is used no more."""

    DECOMMISSIONED = "decommissioned"
    REPLACED = "replaced"
    MOVED = "moved"
    KEY_ROTATED = "key-rotated"
    KEY_COMPROMISED = "key-compromised"


class Role(StrEnum):
    """As what somebody acted; who it was stands in the agency's own books."""

    OPERATOR = "operator"
    INVESTIGATOR = "investigator"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    INSTALLER = "installer"
    PROGRAM = "program"


class Action(StrEnum):
    """What somebody did with records, or with the log itself."""

    SEARCH = "search"
    VIEW = "view"
    OPEN = "open"
    EXPORT = "export"
    SHARE = "share"
    PROVE = "prove"
    HOLD = "hold"
    RELEASE = "release"
    ANSWER_REQUEST = "answer-request"
    AUDIT = "audit"


class HoldScope(StrEnum):
    """What a hold keeps from being erased."""

    RECORD = "record"
    PERIOD = "period"


class HoldEnd(StrEnum):
    """Why a hold is over."""

    RELEASED = "released"
    EXPIRED = "expired"


class ManualEnd(StrEnum):
    """Why a hot list entry made by hand is gone."""

    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    RESTARTED = "restarted"

"""One family of errors: each says what is wrong, and what to do about it.

A message never holds a plate. Names end in Error; the exit code is what the command line ends with.
"""

from __future__ import annotations

from typing import ClassVar


class PlatesieveError(Exception):
    """A refusal: `message` is one sentence on what is wrong, `hint` one on what to do."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} (hint: {self.hint})"


class PlateTextError(PlatesieveError):
    """Text that cannot be a plate."""

    exit_code = 65


class InputError(PlatesieveError):
    """A file, folder, clip or table that was given cannot be used."""

    exit_code = 66


class ConfigError(PlatesieveError):
    """Settings, policy or hot list are wrong; `problems` names every fault at once."""

    exit_code = 78

    def __init__(self, message: str, hint: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.problems = problems


class ModelError(PlatesieveError):
    """A model is missing, has another hash than the released one, or cannot run."""

    exit_code = 69


class CameraError(PlatesieveError):
    """The camera cannot be opened, stalled or went away."""

    exit_code = 74


class AuditError(PlatesieveError):
    """The audit log cannot be written or does not verify: nothing may be read."""

    exit_code = 73


class StorageError(PlatesieveError):
    """The state folder cannot be written, is full, or belongs to another running instance."""

    exit_code = 75


class LinkError(PlatesieveError):
    """The broker, or the pipe between the two processes, cannot be reached or refuses us."""

    exit_code = 76


class KeyFileError(PlatesieveError):
    """A key or certificate is missing, unreadable or of the wrong kind."""

    exit_code = 77


class DeliveryError(PlatesieveError):
    """A signed document is not accepted; `fault` says in one word why, None where nobody could be reached."""

    exit_code = 65

    def __init__(self, message: str, hint: str, fault: str | None) -> None:
        super().__init__(message, hint)
        self.fault = fault


class OutputError(PlatesieveError):
    """What a command answers cannot be written where standard output goes."""

    exit_code = 71

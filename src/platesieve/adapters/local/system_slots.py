"""What a device with two slots says of its system: which version runs, and which updates root gave to RAUC.

Root's services write these files and this process only reads them. What becomes of them in the audit log is decided in
`flow.system_updates`, out of closed lists: a line that says anything else says nothing.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Final

from platesieve.audit.words import VERSION
from platesieve.domain.errors import AuditError
from platesieve.flow.system_updates import Try

SYSTEM_VERSION: Final = Path("/usr/lib/platesieve/system-version")
TRIED: Final = Path("/var/lib/platesieve-system/tried")  # firmware/overlay/usr/lib/platesieve/install-update
TRIAL: Final = Path("/run/platesieve-trial")  # there from the installation to the next start
_MAX_BYTES = 16_384  # root keeps 21 lines
_LINE = re.compile(r"([0-9a-f]{64}) (written|refused) (\S{1,64}) (\S{1,64})", re.ASCII)
_log = logging.getLogger(__name__)


def running_system(path: Path = SYSTEM_VERSION) -> str | None:
    """Return the version of the system that runs; None where an image says none, or none that the log can hold."""
    try:
        return _version(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None


def tries(path: Path = TRIED, trial: Path = TRIAL) -> tuple[Try, ...]:
    """Return which bundles were given to RAUC, oldest first, without one whose slot has still to be started."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES)
    except FileNotFoundError:
        return ()
    except OSError as error:
        _log.warning("what root noted of system updates cannot be read: %s (hint: chmod 644 %s)", error.strerror, path)
        return ()
    lines = filter(None, map(_LINE.fullmatch, content.decode("ascii", "replace").splitlines()))
    found = [Try(one[1], _version(one[3]), _version(one[4]), refused=one[2] == "refused") for one in lines]
    if found and not found[-1].refused and trial.exists():
        found.pop()
    return tuple(found)


def _version(text: str) -> str | None:
    """Return a version as the log has it (FORMAT 2.5): 1 is 1.0."""
    try:
        return VERSION.admit(f"{text}.0" if text.isdecimal() else text)
    except AuditError:
        return None

"""Start the command line: `platesieve`, or python -m platesieve."""

from __future__ import annotations

import signal
import sys
from pathlib import Path


def main() -> None:
    """Load and run the command line, or a service alone.

    Until it is loaded Ctrl-C ends the process at once and in silence; Python's own answer would be a traceback
    through half-loaded modules.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    match sys.argv[1:]:
        case ["camera" | "uplink" as role, "--config", file]:
            from platesieve.cli.services import start  # noqa: PLC0415 - see above

            signal.signal(signal.SIGINT, signal.default_int_handler)
            start(role, Path(file))
        case _:
            from platesieve.cli.main import main as run  # noqa: PLC0415

            signal.signal(signal.SIGINT, signal.default_int_handler)
            run()


if __name__ == "__main__":
    main()

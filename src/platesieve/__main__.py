"""Start the command line: `platesieve`, or python -m platesieve."""

from __future__ import annotations

import signal


def main() -> None:
    """Load and run the command line.

    Until it is loaded Ctrl-C ends the process at once and in silence; Python's own answer would be a traceback
    through half-loaded modules.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from platesieve.cli.main import main as run  # noqa: PLC0415 - see above

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()

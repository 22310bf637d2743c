"""What systemd starts: the same as the command line says, without the command line."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

LOADED = """import sys
sys.argv[1:] = {words!r}
from platesieve.__main__ import main
try:
    main()
finally:
    print("typer" in sys.modules)
"""


def start(*words: str) -> subprocess.CompletedProcess[str]:
    """Start `platesieve` with these words; it prints at its end whether the command line was loaded."""
    program = LOADED.format(words=list(words))
    return subprocess.run(
        [sys.executable, "-c", program], input="", capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("role", ["camera", "uplink"])
def test_a_service_loads_no_command_line_and_refuses_like_it(tmp_path: Path, role: str) -> None:
    """One way in for systemd and one for people; sentence, hint and exit code are the same."""
    (tmp_path / "platesieve.toml").write_text('colour = "red"\n')
    lean = start(role, "--config", str(tmp_path / "platesieve.toml"))
    whole = start(role, f"--config={tmp_path / 'platesieve.toml'}")

    assert (lean.stdout.strip(), whole.stdout.strip()) == ("False", "True")
    assert lean.returncode == whole.returncode == 78
    assert lean.stderr == whole.stderr
    assert "hint:" in lean.stderr

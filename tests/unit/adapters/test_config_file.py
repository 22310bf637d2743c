"""Settings beside the files that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.disk.config_file import load_settings

if TYPE_CHECKING:
    from pathlib import Path

UNSEARCHABLE = "/" + "x" * 300  # asking for it fails (ENAMETOOLONG), as it does where a sandbox hides a folder (EACCES)


def test_an_absolute_name_is_not_looked_for(tmp_path: Path) -> None:
    """The camera service cannot look into the uplink's folder, and reads the same settings."""
    file = tmp_path / "platesieve.toml"
    file.write_text(f'[uplink]\nhost = "broker"\nca_file = "{UNSEARCHABLE}"\n')

    assert load_settings(file, {}).uplink.ca_file == UNSEARCHABLE
    file.write_text(f'[uplink]\nhost = "broker"\nca_file = "{UNSEARCHABLE[1:]}"\n')
    with pytest.raises(OSError, match="too long"):  # the control: this name does fail where it is looked for
        load_settings(file, {})


def test_a_relative_name_is_looked_for_beside_the_settings(tmp_path: Path) -> None:
    """A file that is there becomes its whole path; a name of something else stays."""
    (tmp_path / "ca.crt").touch()
    file = tmp_path / "platesieve.toml"
    file.write_text('policy = "us-mn"\n[uplink]\nhost = "broker"\nca_file = "ca.crt"\n')

    settings = load_settings(file, {})
    assert (settings.uplink.ca_file, settings.policy) == (str(tmp_path / "ca.crt"), "us-mn")

"""What a board says is read from the kernel's files; one that says nothing is no fault."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from platesieve.adapters.local.board import Board

if TYPE_CHECKING:
    from pathlib import Path


def put(root: Path, name: str, text: str) -> None:
    """Write one of the kernel's files."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def test_a_pi_tells_heat_throttling_and_its_name(tmp_path: Path) -> None:
    """As its kernel writes them."""
    put(tmp_path, "sys/class/thermal/thermal_zone0/temp", "61234\n")
    put(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n")
    put(tmp_path, "sys/firmware/devicetree/base/model", "Raspberry Pi 4 Model B Rev 1.5\0")
    put(tmp_path, "proc/uptime", "123.45 400.0\n")
    board = Board(tmp_path)

    assert board.temperature_c == 61.234
    assert board.throttled == 0x50005
    assert board.model == "Raspberry Pi 4 Model B Rev 1.5"
    assert board.uptime_s == 123.45


def test_swap_on_a_disk_counts_and_compressed_memory_does_not(tmp_path: Path) -> None:
    """Zram never reaches a card."""
    lines = "Filename Type Size Used Priority\n/var/swap file 524288 0 -2\n/dev/zram0 partition 262144 0 100\n"
    put(tmp_path, "proc/swaps", lines)

    assert Board(tmp_path).swap_bytes == 524288 * 1024


def test_the_card_is_found_behind_its_partition(tmp_path: Path) -> None:
    """What was written counts for the whole card; an eMMC tells how much of its life is used."""
    number = tmp_path.stat().st_dev
    disk = tmp_path / "sys/devices/platform/mmcblk0"
    put(tmp_path, "sys/devices/platform/mmcblk0/mmcblk0p2/partition", "2\n")
    put(tmp_path, "sys/devices/platform/mmcblk0/stat", "1 2 3 4 5 6 2000 8 9 10 11\n")
    put(tmp_path, "sys/devices/platform/mmcblk0/device/life_time", "0x02 0x01\n")
    links = tmp_path / "sys/dev/block"
    links.mkdir(parents=True)
    (links / f"{os.major(number)}:{os.minor(number)}").symlink_to(disk / "mmcblk0p2")

    card = Board(tmp_path).card(tmp_path)
    assert card is not None
    assert (card.name, card.written_bytes, card.life_used_percent) == ("mmcblk0", 2000 * 512, 20)


def test_a_board_that_says_nothing_is_no_fault(tmp_path: Path) -> None:
    """A laptop has none of these files."""
    board = Board(tmp_path)

    assert (board.temperature_c, board.throttled, board.model, board.swap_bytes) == (None, None, None, 0)
    assert board.card(tmp_path) is None

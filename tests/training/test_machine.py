"""What a training takes of the machine it runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from models.common import machine  # noqa: E402 - after importorskip

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.training

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("told", "pays"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16 sha_ni\n", True),
        ("flags\t\t: fpu avx512f amx_bf16 amx_tile\n", True),
        ("flags\t\t: fpu avx2 avx512f\n", False),
        ("Features\t: fp asimd evtstrm crc32 cpuid\n", False),
        ("model name\t: avx512_bf16 amx_bf16\nflags\t\t: fpu avx2\n", False),
        ("", False),
    ],
)
def test_a_cpu_trains_in_bfloat16_where_it_multiplies_it(tmp_path: Path, told: str, *, pays: bool) -> None:
    """The kernel's list of flags tells, and nothing else that it says."""
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{told}\n")
    assert machine.multiplies_bfloat16(CPU, tmp_path / "cpuinfo") is pays


def test_a_machine_that_tells_nothing_trains_in_float32(tmp_path: Path) -> None:
    """Outside Linux there is no such file."""
    assert not machine.multiplies_bfloat16(CPU, tmp_path / "absent")


@pytest.mark.parametrize("supported", [True, False])
def test_a_gpu_says_so_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, supported: bool) -> None:
    """The CPU beside it has no say; and what a GPU only emulates is not asked for."""
    (tmp_path / "cpuinfo").write_text("flags : avx512_bf16\n" if not supported else "flags : fpu\n")
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda *, including_emulation: supported and not including_emulation
    )
    assert machine.multiplies_bfloat16(torch.device("cuda"), tmp_path / "cpuinfo") is supported

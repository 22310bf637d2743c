"""The reader's net: a small convolutional trunk, one look across the whole plate, and CTC over 40 columns.

The trunk keeps 40 columns and ends in 3 rows of 96 channels, which become 40 tokens. CTC writes from left to right, so
a plate of two rows needs its second row behind its first: a branch reads the upper and the lower half at half the width
and lays them end to end, and one gate for the whole picture chooses between the two readings. Each token may then look
at every cell of the 3 x 40 grid (one attention block).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor, nn

from models.reader.regions import REGIONS
from platesieve.domain.plate import ALPHABET

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSES = len(ALPHABET) + 1
STEPS = 40
BLANK = 0


@dataclass(frozen=True, slots=True)
class Widths:
    """How many channels a layer gives to the next one where nobody else sees them."""

    first: int = 32
    second: int = 32
    residual: int = 64
    grid: int = 96
    halves: int = 96

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> Self:
        """Return the widths of a net that has these weights.

        Raises:
            KeyError: they are not of this net.
        """
        return cls(**{name: weights[f"{layer}.weight"].shape[0] for name, layer in INSIDE.items()})


NARROW = Widths(16, 32, 48, 64, 48)
"""What models.reader.slim narrows a reader to: 50 of 67 MMAC in convolutions; LOG.md has what it costs."""
INSIDE = {
    "first": "middle.0.0",
    "second": "middle.1.0",
    "residual": "middle.5.first.0",
    "grid": "grid.0.0",
    "halves": "rows.halves.0",
}
"""The convolution that gives the channels of each of the Widths."""


def _conv(inputs: int, outputs: int, stride: int | tuple[int, int] = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class _Residual(nn.Module):
    def __init__(self, channels: int, inside: int) -> None:
        super().__init__()
        self.first = _conv(channels, inside)
        self.second = nn.Sequential(nn.Conv2d(inside, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(self.first(x)))


def _along(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a convolution along the columns of a single row; of two dimensions, for which ONNX Runtime is faster."""
    return nn.Conv2d(inputs, outputs, (1, 5), padding=(0, 2), bias=False)


class _Along(nn.Module):
    """A residual convolution along the columns."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = _along(channels, channels)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.relu(self.norm(self.conv(x)))


class _Rows(nn.Module):
    """Lay the lower half of the picture behind the upper half: 20 columns each; and say whether to believe it."""

    def __init__(self, inputs: int, inside: int, channels: int) -> None:
        super().__init__()
        self.inside, self.channels = inside, channels
        self.halves = nn.Sequential(
            nn.Conv2d(inputs, inside, (3, 4), (3, 2), (0, 1), bias=False), nn.BatchNorm2d(inside), nn.ReLU(inplace=True)
        )
        self.tokens = nn.Sequential(_along(inside, channels), nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
        self.gate = nn.Sequential(nn.Linear(6 * inputs, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, tokens: Tensor, middle: Tensor, rows: Tensor | None) -> tuple[Tensor, Tensor]:
        """Take tokens (B, 40, C) and the 6 x 40 level; return tokens, and the gate's logit (B, 1)."""
        halves = self.tokens(self.halves(middle).reshape(-1, self.inside, 1, STEPS))
        halves = halves.reshape(-1, self.channels, STEPS).transpose(1, 2)
        two = self.gate(middle.mean(-1).flatten(1))
        open_ = torch.sigmoid(two)
        if rows is not None:
            open_ = torch.where(rows[:, None] == 0, open_, (rows[:, None] == 2).to(open_.dtype))
        return tokens + open_[:, :, None] * (halves - tokens), two


class _Look(nn.Module):
    """Each of the 40 columns looks at all 3 x 40 cells; starts as a no-op so that the trunk learns first."""

    def __init__(self, channels: int, cells: int, heads: int = 4) -> None:
        super().__init__()
        # Sizes are written out in every reshape: sizes asked of a tensor become thirty small steps in the ONNX graph.
        self.heads, self.depth, self.cells = heads, channels // heads, cells
        self.asks_place = nn.Parameter(torch.randn(1, STEPS, channels) * 0.1)
        self.cells_place = nn.Parameter(torch.randn(1, 3 * STEPS, channels) * 0.1)
        self.bring = nn.Linear(cells, channels)
        self.asks = nn.Linear(channels, channels)
        self.keys = nn.Linear(channels, channels, bias=False)
        self.values = nn.Linear(channels, channels)
        self.out = nn.Linear(channels, channels)
        self.norm = nn.LayerNorm(channels)
        self.mix = nn.Sequential(nn.Linear(channels, 2 * channels), nn.ReLU(), nn.Linear(2 * channels, channels))
        for last in (self.out, self.mix[2]):
            nn.init.normal_(last.weight, std=0.01)
            nn.init.zeros_(last.bias)

    def forward(self, tokens: Tensor, grid: Tensor) -> Tensor:
        """Take tokens (B, 40, C) and the grid (B, cells, 3, 40); return tokens."""
        seen = self.bring(grid.reshape(-1, self.cells, 3 * STEPS).transpose(1, 2)) + self.cells_place
        q = self._split(self.asks(self.norm(tokens) + self.asks_place), STEPS)
        k, v = self._split(self.keys(seen), 3 * STEPS), self._split(self.values(seen), 3 * STEPS)
        weight = torch.softmax((q @ k.transpose(-1, -2)).float() * (self.depth**-0.5), -1)
        found = (weight.to(v.dtype) @ v).transpose(1, 2).reshape(-1, STEPS, self.heads * self.depth)
        tokens = tokens + self.out(found)
        return tokens + self.mix(self.norm(tokens))

    def _split(self, x: Tensor, length: int) -> Tensor:
        return x.reshape(-1, length, self.heads, self.depth).transpose(1, 2)


class _LookOfDevice(nn.Module):
    """The same look with linear maps that follow one another multiplied out: a quarter of the steps, half the time.

    Keys and values come from the grid by one 1 x 1 convolution, channels first as the grid lies in memory. What the
    layer normalisation multiplies and adds goes into the maps behind it; without it, each of the 40 columns is an
    instance over its channels, and ONNX Runtime normalises instances in a third of the time.
    """

    def __init__(self, look: _Look) -> None:
        super().__init__()
        self.heads, self.depth, self.cells, self.eps = look.heads, look.depth, look.cells, look.norm.eps
        bring, place = look.bring, look.bring.bias + look.cells_place[0]  # place: (120, C)
        both = torch.cat([look.keys.weight * look.depth**-0.5, look.values.weight])
        self.grid = nn.Parameter((both @ bring.weight)[:, :, None])
        self.grid_place = nn.Parameter((both @ place.T)[None])
        self.grid_place[0, both.shape[0] // 2 :] += look.values.bias[:, None]
        gain, shift = look.norm.weight, look.norm.bias
        self.asks = nn.Parameter((look.asks.weight * gain).T.contiguous())
        self.asks_place = nn.Parameter(look.asks(look.asks_place + shift))
        self.out, self.mix = look.out, look.mix
        self.mix[0].bias += self.mix[0].weight @ shift
        self.mix[0].weight *= gain
        self.register_buffer("ones", torch.ones(STEPS))
        self.register_buffer("zeros", torch.zeros(STEPS))

    def forward(self, tokens: Tensor, grid: Tensor) -> Tensor:
        """Take tokens (B, 40, C) and the grid (B, cells, 3, 40); return tokens."""
        seen = nn.functional.conv1d(grid.reshape(-1, self.cells, 3 * STEPS), self.grid) + self.grid_place
        k, v = seen.reshape(-1, 2 * self.heads, self.depth, 3 * STEPS).split(self.heads, 1)
        q = self._normal(tokens) @ self.asks + self.asks_place
        weight = torch.softmax(q.reshape(-1, STEPS, self.heads, self.depth).transpose(1, 2) @ k, -1)
        found = (weight @ v.transpose(-1, -2)).transpose(1, 2).reshape(-1, STEPS, self.heads * self.depth)
        tokens = tokens + self.out(found)
        return tokens + self.mix(self._normal(tokens))

    def _normal(self, tokens: Tensor) -> Tensor:
        return nn.functional.instance_norm(tokens, weight=self.ones, bias=self.zeros, eps=self.eps)


class _Region(nn.Module):
    """Tell the country: its strip at either end, its letter shapes, and what stands where in its format."""

    def __init__(self, cells: int, channels: int, dropout: float) -> None:
        super().__init__()
        inputs = 4 * cells + 5 * channels
        self.channels = channels
        self.judge = nn.Sequential(
            *(nn.Linear(inputs, 96), nn.ReLU(), nn.Dropout(dropout)),
            *(nn.Linear(96, 64), nn.ReLU(), nn.Linear(64, len(REGIONS))),
        )

    def forward(self, grid: Tensor, tokens: Tensor) -> Tensor:
        """Take the grid (B, cells, 3, 40) and tokens (B, 40, C); return logits (B, len(REGIONS))."""
        ends = (grid[:, :, :, :6].mean((2, 3)), grid[:, :, :, -6:].mean((2, 3)))
        fifths = tokens.reshape(-1, 5, STEPS // 5, self.channels).mean(2).flatten(1)
        return self.judge(torch.cat([grid.mean((2, 3)), grid.amax((2, 3)), *ends, fifths], 1))


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the net says of a batch: logits of characters (B, 40, 37), of two rows (B, 1), of regions (B, R)."""

    characters: Tensor
    two_rows: Tensor
    region: Tensor


class Reader(nn.Module):
    """Crop (B, 1, 48, 160), normalised, to logits (B, 40, 37): class 0 is the CTC blank, then 0-9, A-Z."""

    def __init__(self, dropout: float = 0.1, widths: Widths | None = None) -> None:
        super().__init__()
        inside = widths or Widths()
        self.middle = nn.Sequential(
            _conv(1, inside.first, 2),
            _conv(inside.first, inside.second, (2, 1)),
            _conv(inside.second, 32, (1, 2)),
            _conv(32, 32),
            _conv(32, 64, (2, 1)),
            _Residual(64, inside.residual),
        )
        self.grid = nn.Sequential(_conv(64, inside.grid, (2, 1)), _conv(inside.grid, 96))
        self.columns = nn.Sequential(nn.Conv2d(96, 128, (3, 1), bias=False), nn.BatchNorm2d(128), nn.ReLU(inplace=True))
        self.along = _Along(128)
        self.rows = _Rows(64, inside.halves, 128)
        self.look = _Look(128, 96)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(128, CLASSES)
        self.region = _Region(96, 128, dropout)

    @classmethod
    def holding(cls, weights: Mapping[str, Tensor], dropout: float = 0.1) -> Self:
        """Return a net of the widths that these weights have, which holds them."""
        net = cls(dropout, Widths.of(weights))
        net.load_state_dict(weights)
        return net

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (B, 40, 37) and region logits (B, R) of a batch of normalised crops."""
        reading = self.read(x)
        return reading.characters, reading.region

    @torch.no_grad()
    def for_device(self) -> Reader:
        """Return a copy that answers the same in fewer steps, for export; it cannot learn."""
        net = copy.deepcopy(self).eval()
        net.look = _LookOfDevice(net.look)
        return net.requires_grad_(requires_grad=False)

    def read(self, x: Tensor, rows: Tensor | None = None) -> Reading:
        """Return all that the net says.

        In training `rows` (B: 1, 2, or 0 for unknown) opens and shuts the gate where the rows are known, and the gate
        is taught apart. Left to itself it stays shut: its branch reads nothing at first, so opening is punished.
        """
        grid, tokens, two = self.tokens(x, rows)
        return Reading(self.head(self.drop(tokens)), two, self.region(grid, tokens))

    def tokens(self, x: Tensor, rows: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return what every head looks at, and the gate: the grid (B, 96, 3, 40), tokens (B, 40, 128), (B, 1)."""
        middle = self.middle(x)
        grid = self.grid(middle)
        tokens = self.along(self.columns(grid)).reshape(-1, 128, STEPS).transpose(1, 2)
        tokens, two = self.rows(tokens, middle, rows)
        return grid, self.look(tokens, grid), two

"""The detector's network: luma in, a stride-8 heat map of plate centres and four corners per cell out.

A stem of three strided convolutions, depth-wise separable 5x5 blocks at strides 8, 16 and 32 (a plate is judged by
what surrounds it: bumper, boot, grille), and a small feature pyramid back to stride 8. Everything is convolution, so
one set of weights runs at every size that is a multiple of 32 pixels. Objects as points: Zhou et al. 2019, CenterNet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

STRIDE_PX = 8
OFFSET_UNIT_PX = 16.0
CHANNELS = 9  # one heat logit, eight corner offsets


def conv(wide_in: int, wide_out: int, *, stride: int = 1, size: int = 3, groups: int = 1) -> nn.Sequential:
    """Return convolution, batch normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(wide_in, wide_out, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(wide_out),
        nn.ReLU(inplace=True),
    )


class Separable(nn.Module):
    """A depth-wise 5x5 and a point-wise convolution, added to the input where shapes allow."""

    def __init__(self, wide_in: int, wide_out: int, *, stride: int = 1) -> None:
        super().__init__()
        self.depth = conv(wide_in, wide_in, stride=stride, size=5, groups=wide_in)
        self.point = nn.Sequential(nn.Conv2d(wide_in, wide_out, 1, bias=False), nn.BatchNorm2d(wide_out))
        self.residual = stride == 1 and wide_in == wide_out

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, rectified after the sum."""
        y = self.point(self.depth(x))
        return F.relu(x + y if self.residual else y)


class PlateNet(nn.Module):
    """Luma (n, 1, h, w), normalised by `vision.letterbox`, to raw outputs (n, 9, h / 8, w / 8).

    Channel 0 is the logit of "a plate's centre is in this cell"; channels 1 to 8 are x and y of the four corners
    relative to the cell's centre in units of 16 px, clockwise from the plate's own top left.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(1, 16, stride=2), conv(16, 24, stride=2), conv(24, 48, stride=2))
        self.fine = nn.Sequential(Separable(48, 48), Separable(48, 48))
        self.middle = nn.Sequential(Separable(48, 96, stride=2), *(Separable(96, 96) for _ in range(3)))
        self.coarse = nn.Sequential(Separable(96, 128, stride=2), *(Separable(128, 128) for _ in range(3)))
        self.coarse_to_middle = nn.Conv2d(128, 96, 1)
        self.join_middle = Separable(96, 96)
        self.middle_to_fine = nn.Conv2d(96, 64, 1)
        self.fine_lateral = nn.Conv2d(48, 64, 1)
        self.head = nn.Sequential(Separable(64, 64), Separable(64, 64))
        self.heat = nn.Conv2d(64, 1, 1)
        self.corners = nn.Conv2d(64, 8, 1)
        if self.heat.bias is not None:  # always: torch's types allow a convolution without
            nn.init.constant_(self.heat.bias, -4.0)  # a plate in one cell of fifty: the focal loss starts calm
        nn.init.normal_(self.corners.weight, std=0.01)

    def forward(self, luma: Tensor) -> Tensor:
        """Return heat logits and corner offsets, stacked along channels."""
        fine = self.fine(self.stem(luma))
        middle = self.middle(fine)
        up = F.interpolate(self.coarse_to_middle(self.coarse(middle)), scale_factor=2.0, mode="nearest")
        middle = self.join_middle(middle + up)
        up = F.interpolate(self.middle_to_fine(middle), scale_factor=2.0, mode="nearest")
        joined = self.head(self.fine_lateral(fine) + up)
        return torch.cat([self.heat(joined), self.corners(joined)], dim=1)


class Exported(nn.Module):
    """What the device runs: the heat as a probability, apart from the offsets in pixels of the input."""

    def __init__(self, net: PlateNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, luma: Tensor) -> tuple[Tensor, Tensor]:
        """Return heat (n, 1, h / 8, w / 8) in 0..1 and corner offsets (n, 8, h / 8, w / 8) in pixels."""
        raw = self.net(luma)
        return torch.sigmoid(raw[:, :1]), raw[:, 1:] * OFFSET_UNIT_PX

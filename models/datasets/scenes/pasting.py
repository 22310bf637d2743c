"""Warp one picture onto four corners of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.datasets.lookalikes import Sticker


def paste(canvas: NDArray[np.uint8], sticker: Sticker, corners: NDArray[np.float32], blur: float = 0.0) -> None:
    """Warp a sticker onto four corners of the canvas, in place, without aliasing."""
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 3, canvas.shape[::-1])
    if (high - low).min() < 2:
        return
    wide = float(np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3])) / 2
    tall = float(np.linalg.norm(corners[3] - corners[0]) + np.linalg.norm(corners[2] - corners[1])) / 2
    size = (
        max(min(sticker.luma.shape[1], round(wide * 1.2)), 2),
        max(min(sticker.luma.shape[0], round(tall * 1.2)), 2),
    )
    luma = cv2.resize(sticker.luma, size, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(sticker.alpha, size, interpolation=cv2.INTER_AREA)
    flat = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32) - 0.5
    turn = cv2.getPerspectiveTransform(flat, (corners - low - 0.5).astype(np.float32))
    area = (int(high[0] - low[0]), int(high[1] - low[1]))
    warped = np.asarray(cv2.warpPerspective(luma, turn, area, borderMode=cv2.BORDER_REPLICATE), np.float32)
    cover = np.asarray(cv2.warpPerspective(alpha, turn, area), np.float32) / np.float32(255)
    if blur > 0:
        warped = np.asarray(cv2.GaussianBlur(warped, (0, 0), blur), np.float32)
        cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), blur), np.float32)
    part = canvas[low[1] : high[1], low[0] : high[0]]
    part[:] = (part * (1 - cover) + warped * cover).astype(np.uint8)

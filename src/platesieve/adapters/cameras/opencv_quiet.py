"""OpenCV and the FFmpeg inside it write to standard error, addresses with passwords included: silence both."""

from __future__ import annotations

import os

import cv2

_AV_LOG_QUIET = "-8"  # <libavutil/log.h>
_SILENT = 0  # cv::utils::logging::LOG_LEVEL_SILENT


def quieten() -> None:
    """Silence OpenCV's own log and FFmpeg's. FFmpeg's level is read when the first clip or stream opens.

    A level that the operator set in the environment stays.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _AV_LOG_QUIET)
    if "OPENCV_LOG_LEVEL" not in os.environ:
        # OpenCV 4, which bookworm needs, has it under another name.
        set_level = cv2.setLogLevel if hasattr(cv2, "setLogLevel") else cv2.utils.logging.setLogLevel
        set_level(_SILENT)

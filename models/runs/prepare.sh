# What both trainings need: python with torch, and fonts. Sourced by reader.sh and detector.sh, which set $python.

[ -x "$python" ] || python3 -m venv .venv
if ! "$python" -c 'import torch, onnx, PIL, cv2, cryptography, onnxruntime, pydantic, rich' 2>/dev/null; then
  "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip  # a venv whose making was killed
  # On PyPI torch for x86 comes with gigabytes of CUDA. PyTorch's own index for CPUs has a build without, which pip prefers
  # (2.13.0+cpu counts as newer than 2.13.0); PIP_EXTRA_INDEX_URL is pip's own variable for such an index.
  command -v nvidia-smi >/dev/null || [ -n "${PIP_EXTRA_INDEX_URL:-}" ] ||
    echo "no GPU: with PIP_EXTRA_INDEX_URL set to the CPU index that pytorch.org names, torch is a tenth of the size"
  "$python" -m pip install -e '.[train]'
fi

# models/datasets/fonts/packages.py names each font's licence.
fonts=$("$python" -c 'from models.datasets.fonts import FONT_PACKAGES; print(*FONT_PACKAGES)')
if command -v dpkg-query >/dev/null && ! dpkg-query -W $fonts >/dev/null 2>&1; then
  root=$([ "$(id -u)" = 0 ] || echo sudo)
  $root apt-get update -q
  $root apt-get install -q -y --no-install-recommends $fonts
fi

[ -d "${PLATESIEVE_DATA:-../shared/data}/train" ] || echo "no photographs: drawn plates on drawn grounds only"

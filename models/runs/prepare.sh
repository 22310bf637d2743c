# What both trainings need: python with torch, and fonts. Sourced by reader.sh and detector.sh, which set $python.

[ -x "$python" ] || python3 -m venv .venv
if ! "$python" -c 'import torch, onnx, PIL' 2>/dev/null; then
  # On PyPI torch for x86 comes with gigabytes of CUDA. Where there is no NVIDIA driver, PyTorch's own index offers its
  # build for CPUs beside it, which pip prefers (2.13.0+cpu counts as newer than 2.13.0). Where that index cannot be
  # reached, pip warns and takes PyPI's. Only torch is looked for there.
  torch=$("$python" -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]
print(next(each for each in extras["train"] if each.startswith("torch")))')
  command -v nvidia-smi >/dev/null ||
    "$python" -m pip install --no-deps --extra-index-url https://download.pytorch.org/whl/cpu "$torch"
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

#!/bin/sh
# Rebuild the released reader (models/released, float or int8) from nothing. Killed at any point, it goes on where it was when started again.
#
#   models/runs/reader.sh              CPU: about 3 h on two free cores, 6 h on busy ones; GPU: as fast as the cores beside it draw
#   WORKERS=12 models/runs/reader.sh   processes that draw (default: 1 beside a CPU, all cores but two beside a GPU)
#   VERSION=2.0                        what released.toml shall say
#   CATALOGUE=false                    without crops-us-catalogue, the set with the weakest provenance
#   PLATESIEVE_DATA=...                where the photographs are (default ../shared/data); without them only drawn plates
#   PEER=...                           fast-plate-ocr cct_xs_v1_global.onnx, scored beside ours
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
work=models/work/reader
catalogue=${CATALOGUE:-true}
data=${PLATESIEVE_DATA:-../shared/data}
peer=${PEER:-$data/peers/cct_xs_v1_global.onnx}
# Waiting threads that spin cost more than they bring when the cores are shared.
export PYTHONPATH=src:. OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE ORT_DISABLE_TELEMETRY=1

step() { printf '\n== %s\n' "$1"; }

step "1 of 7: python with torch"
[ -x "$python" ] || python3 -m venv .venv
"$python" -c 'import torch, onnx, PIL' 2>/dev/null || "$python" -m pip install -e '.[train]' pillow

step "2 of 7: fonts (models/datasets/fonts/packages.py names each licence)"
fonts=$("$python" -c 'from models.datasets.fonts import FONT_PACKAGES; print(*FONT_PACKAGES)')
if command -v dpkg-query >/dev/null && ! dpkg-query -W $fonts >/dev/null 2>&1; then
  root=$([ "$(id -u)" = 0 ] || echo sudo)
  $root apt-get update -q
  $root apt-get install -q -y --no-install-recommends $fonts
fi

# The learning rate follows one cosine over all samples. Half way the net has read enough to doubt machine-read labels;
# the second half goes on without the doubted crops.
step "3 of 7: first half of the training"
mkdir -p "$work"
if [ ! -s "$work/doubted.txt" ]; then
  nice -n 19 "$python" -u -m models.reader.train --name released --until 400000 --set "real.catalogue=$catalogue"
  "$python" -m models.reader.doubt --checkpoint "$work/released.pt" --out "$work/doubted.txt"
fi

step "4 of 7: second half, without doubted crops"
nice -n 19 "$python" -u -m models.reader.train --name released \
  --set "real.catalogue=$catalogue" --set "real.dropped='$work/doubted.txt'"

step "5 of 7: the region head, every country as often"
"$python" -m models.reader.teach_region --checkpoint "$work/released.pt" --out "$work/taught.pt"

step "6 of 7: export as float and int8, score both beside the peer, release the better form"
"$python" -m models.reader.export --checkpoint "$work/taught.pt" --peer "$peer" --version "${VERSION:-1}"

step "7 of 7: measure what the card says, and write it"
"$python" -m models.reader.measure
"$python" -m models.common.curves "$work/released.log" models/reader/curves.png
"$python" -m models.common.card --only reader

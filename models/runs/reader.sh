#!/bin/sh
# Rebuild the released reader (models/released, float or int8) from nothing. Killed at any point, it goes on where it was when started again.
#
#   models/runs/reader.sh              CPU: about 3 h on two free cores, 6 h on busy ones; GPU: as fast as the cores beside it draw
#   WORKERS=12 models/runs/reader.sh   processes that draw (default: 1 beside a CPU, all cores but two beside a GPU)
#   VERSION=3.0                        what released.toml shall say (default: the released version and `+rebuilt`)
#   CATALOGUE=false                    without crops-us-catalogue, the set with the weakest provenance (datasets/labels.py)
#   PLATESIEVE_DATA=...                where the photographs are (default ../shared/data); without them only drawn plates
#   PEER=...                           fast-plate-ocr cct_xs_v1_global.onnx, scored beside ours
set -eu
[ -z "${PLATESIEVE_DATA:-}" ] || export PLATESIEVE_DATA="$(realpath -m -- "$PLATESIEVE_DATA")"
[ -z "${PEER:-}" ] || PEER=$(realpath -m -- "$PEER")
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
work=models/work/reader
data=${PLATESIEVE_DATA:-../shared/data}
peer=${PEER:-$data/peers/cct_xs_v1_global.onnx}
# Waiting threads that spin cost more than they bring when the cores are shared.
export PYTHONPATH=src:. OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE ORT_DISABLE_TELEMETRY=1

step() { printf '\n== %s\n' "$1"; }

step "1 of 7: python with torch, fonts"
. models/runs/prepare.sh

# The learning rate follows one cosine over all samples. Half way (config.toml: train.doubt_after) the net has read
# enough to doubt machine-read labels; the second half goes on without the doubted crops.
step "2 of 7: first half of the training"
mkdir -p "$work"
[ -e "$work/released.pt" ] || rm -f "$work/doubted.txt" "$work/released.log"  # of a training that was moved away
if [ ! -s "$work/doubted.txt" ]; then
  nice -n 19 "$python" -u -m models.reader.train --name released --first-part
  "$python" -m models.reader.doubt --checkpoint "$work/released.pt" --out "$work/doubted.part"
  mv "$work/doubted.part" "$work/doubted.txt"
fi

step "3 of 7: second half, without doubted crops"
nice -n 19 "$python" -u -m models.reader.train --name released --set "real.dropped='$work/doubted.txt'"

step "4 of 7: the region head, every country as often"
nice -n 19 "$python" -u -m models.reader.teach_region --checkpoint "$work/released.pt" --out "$work/taught.pt"

step "5 of 7: export as float and int8, score both beside the peer, release the better form"
"$python" -m models.reader.export --checkpoint "$work/taught.pt" --peer "$peer" ${VERSION:+--version "$VERSION"}

step "6 of 7: what it takes for what; from which plateness a read counts"
"$python" -m models.reader.confusion
"$python" -m models.reader.plateness

# The detector's figures count what the reader makes of its finds, so both are measured again.
step "7 of 7: measure what the cards say, and write them"
"$python" -m models.reader.measure
"$python" -m models.detector.measure
"$python" -m models.common.curves "$work/released.log" models/reader/curves.png
"$python" -m models.common.card

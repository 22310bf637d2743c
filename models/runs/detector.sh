#!/bin/sh
# Rebuild models/released/detector.onnx from nothing. Killed at any point, it goes on where it was when started again.
#
#   models/runs/detector.sh            CPU: about 2 h on two free cores; GPU: as fast as the cores beside it draw
#   WORKERS=12 models/runs/detector.sh processes that draw (default: 1 beside a CPU, all cores but two beside a GPU)
#   VERSION=1.1                        what released.toml shall say (default: the released version and `+rebuilt`)
#   CATALOGUE=false                    where the released reader was made so: the catalogue is then not measured on either
#   PLATESIEVE_DATA=...                where the photographs are (default ../shared/data); without them only drawn plates
set -eu
[ -z "${PLATESIEVE_DATA:-}" ] || export PLATESIEVE_DATA="$(realpath -m -- "$PLATESIEVE_DATA")"
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
work=models/work/detector
# Waiting threads that spin cost more than they bring when the cores are shared.
export PYTHONPATH=src:. OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE ORT_DISABLE_TELEMETRY=1

step() { printf '\n== %s\n' "$1"; }

step "1 of 5: python with torch, fonts"
. models/runs/prepare.sh

# The learning rate follows one cosine. Early on (config.toml: mine_after), what the net takes for plates in its own
# training scenes is collected; from then on it looks at these places again and again.
step "2 of 5: first part of the training"
mkdir -p "$work"
[ -e "$work/last.pt" ] || rm -f "$work/mistakes.json" "$work/train.log"  # of a training that was moved away
if [ ! -s "$work/mistakes.json" ]; then
  nice -n 19 "$python" -u -m models.detector.train --first-part

  step "3 of 5: collect mistakes"
  "$python" -m models.detector.export --draft "$work/draft.onnx"
  "$python" -m models.detector.mine --model "$work/draft.onnx" --to "$work/mistakes.part"
  mv "$work/mistakes.part" "$work/mistakes.json"
fi

step "4 of 5: second part, with mistakes in view"
nice -n 19 "$python" -u -m models.detector.train --mistakes "$work/mistakes.json"

# The reader's figures count what the detector gives it, so both are measured again.
step "5 of 5: export, choose threshold and form, measure what the cards say, and write them"
"$python" -m models.detector.export ${VERSION:+--version "$VERSION"}
"$python" -m models.detector.measure
"$python" -m models.reader.measure
"$python" -m models.common.curves "$work/train.log" models/detector/curves.png
"$python" -m models.common.card

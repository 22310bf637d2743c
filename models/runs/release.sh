#!/bin/sh
# Release both models from checkpoints: export, int8, scores beside the peer, cards. About six minutes on one busy core.
#
#   models/runs/release.sh READER.pt READER_VERSION DETECTOR.pt DETECTOR_VERSION
#   READER_LOGS="a.log b.log" DETECTOR_LOGS="a.log"    draw the curves of these logs, oldest first
#   CONFUSION_PLATES=1500                              draw fewer plates for the table of confusions
#   CATALOGUE=false                                    where the reader was made so: models/runs/reader.sh
#   PLATESIEVE_DATA=...                                where the photographs are (default ../shared/data)
set -eu
[ $# -eq 4 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; }
[ -z "${PLATESIEVE_DATA:-}" ] || export PLATESIEVE_DATA="$(realpath -m -- "$PLATESIEVE_DATA")"
reader=$(realpath -- "$1") detector=$(realpath -- "$3")
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
export PYTHONPATH=src:. OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE ORT_DISABLE_TELEMETRY=1

step() { printf '\n== %s\n' "$1"; }

step "1 of 4: reader, what it mixes up, and from which plateness a read counts"
"$python" -m models.reader.export --checkpoint "$reader" --version "$2"
"$python" -m models.reader.confusion --plates "${CONFUSION_PLATES:-6000}"
"$python" -m models.reader.plateness
step "2 of 4: detector"
"$python" -m models.detector.export --checkpoint "$detector" --version "$4"
step "3 of 4: what the cards say"
"$python" -m models.reader.measure
"$python" -m models.detector.measure
[ -z "${READER_LOGS:-}" ] || "$python" -m models.common.curves $READER_LOGS models/reader/curves.png
[ -z "${DETECTOR_LOGS:-}" ] || "$python" -m models.common.curves $DETECTOR_LOGS models/detector/curves.png
step "4 of 4: cards"
"$python" -m models.common.card

#!/bin/sh
# A sweep on the cores of this machine by GNU parallel, or without it by the shell; then `sweep` alone
# does what a lost process left, and makes tables and figures. $SWEEP is the program, if it is not in
# the path.
#
#   examples/sweep/parallel.sh 16 --published two-layer --out results
set -eu
if [ $# -lt 2 ]; then
  echo "usage: $0 processes flags of sweep" >&2
  exit 2
fi
processes=$1
shift
sweep=${SWEEP:-sweep}
if command -v parallel > /dev/null; then
  seq 0 $((processes - 1)) |
    parallel --quote --jobs "$processes" "$sweep" --rank {} --of "$processes" "$@" || true
else
  rank=0
  while [ $rank -lt "$processes" ]; do
    "$sweep" --rank $rank --of "$processes" "$@" &
    rank=$((rank + 1))
  done
  wait
fi
exec "$sweep" "$@"

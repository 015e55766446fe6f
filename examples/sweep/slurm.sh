#!/bin/sh
# A sweep as an array of Slurm, without MPI: each task does its share of the runs, whoever ends last
# merges the rows. $SWEEP is the program, if it is not in the path.
#
#   sbatch examples/sweep/slurm.sh --published two-layer --out results
#   sbatch --array=0-255 examples/sweep/slurm.sh --program specialization --axis polarity=0,1,2 \
#          --seeds 1-32 --out results -- --epochs 20
#
# The same command does what lost tasks left; `sweep` with the same flags and without --rank does it on
# one machine. With MPI: sbatch --ntasks=64 --wrap "mpirun sweep ...", where a free rank takes the next.
#SBATCH --array=0-63
#SBATCH --cpus-per-task=1
#SBATCH --job-name=sweep
set -eu
: "${SLURM_ARRAY_TASK_ID:?is not set: start this by sbatch}"
# From 0 on, whatever --array begins with and its step. To repeat one task: SWEEP_OF=64 sbatch --array=3-3 ...
# counts as it did among 64.
if [ -n "${SWEEP_OF:-}" ]; then
  rank=$SLURM_ARRAY_TASK_ID
else
  step=${SLURM_ARRAY_TASK_STEP:-1} SWEEP_OF=$SLURM_ARRAY_TASK_COUNT
  rank=$(((SLURM_ARRAY_TASK_ID - SLURM_ARRAY_TASK_MIN) / step))
  if [ $(((SLURM_ARRAY_TASK_MAX - SLURM_ARRAY_TASK_MIN) / step + 1)) -ne "$SWEEP_OF" ]; then
    echo "$0: --array is a range, as 0-63, or SWEEP_OF says how many tasks share the runs" >&2
    exit 2
  fi
fi
exec "${SWEEP:-sweep}" --rank "$rank" --of "$SWEEP_OF" "$@"

#!/usr/bin/env bash
# Train as a Slurm job: tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [OPTIONS...]
# GPUS (8), GPUS_PER_NODE (8), CPUS_PER_TASK (5) and SRUN_ARGS size the job.
set -euo pipefail
if [ "$#" -lt 4 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG WORK_DIR [options of tools/train.py]" >&2
    exit 2
fi
partition=$1 job=$2 config=$3 work_dir=$4
shift 4
gpus=${GPUS:-8}
per_node=${GPUS_PER_NODE:-8}
if [ "$gpus" -lt "$per_node" ]; then
    per_node=$gpus
fi
read -ra srun_args <<<"${SRUN_ARGS:-}"
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec srun \
    --partition="$partition" \
    --job-name="$job" \
    --ntasks="$gpus" \
    --ntasks-per-node="$per_node" \
    --gres="gpu:$per_node" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${srun_args[@]+"${srun_args[@]}"} \
    "${PYTHON:-python}" -u "$tools/train.py" "$config" --work-dir "$work_dir" --launcher slurm "$@"

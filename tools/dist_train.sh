#!/usr/bin/env bash
# Train on several processes of this machine: tools/dist_train.sh CONFIG PROCESSES [OPTIONS...]
# Several machines: set NNODES, NODE_RANK (0 on the machine of MASTER_ADDR), MASTER_ADDR and PORT on
# each; LOCAL_ADDR where the others cannot reach a machine by its host name. MAX_RESTARTS=3 with
# --resume begins a job anew from its newest checkpoint when a process dies.
set -euo pipefail
if [ "$#" -lt 2 ]; then
    echo "usage: $0 CONFIG PROCESSES [options of tools/train.py]" >&2
    exit 2
fi
config=$1 processes=$2
shift 2
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
nodes=${NNODES:-1}
address=${LOCAL_ADDR:-}
if [ "$nodes" = 1 ]; then address=${address:-127.0.0.1}; fi
is_host=0
if [ "${NODE_RANK:-0}" = 0 ]; then is_host=1; fi
# After a restart, processes that meet in a store of the start before find addresses of the dead there
# and wait for them (https://github.com/pytorch/pytorch/issues/135712): every start makes a new one.
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="$nodes" \
    --rdzv_backend=c10d \
    --rdzv_endpoint="${MASTER_ADDR:-127.0.0.1}:${PORT:-29500}" \
    --rdzv_conf="is_host=$is_host" \
    ${address:+--local_addr="$address"} \
    --nproc_per_node="$processes" \
    --max_restarts="${MAX_RESTARTS:-0}" \
    "$tools/train.py" "$config" --launcher pytorch "$@"

#!/bin/bash
# Trains one run on all machines of a Cloud TPU slice, which find each other:
#
#   scripts/tpu_pod.sh NAME ZONE --config=experiments/cifar10_lt.py --workdir=/mnt/shared/cifar10
#
# jaxgan must be installed on every machine, with `pip install -e . 'jax[tpu]'` in ~/jaxgan, and all
# machines must share the work directory, for example on a mounted Filestore. A pre-emptible slice
# gets SIGTERM before it stops: the run saves a checkpoint, and the same command on the next slice
# resumes it.
set -euo pipefail

if [ "$#" -lt 3 ]; then
  echo "usage: $0 NAME ZONE --config=FILE [--workdir=FOLDER] [flags]" >&2
  exit 2
fi
name=$1
zone=$2
shift 2
gcloud compute tpus tpu-vm ssh "$name" --zone="$zone" --worker=all \
  --command="cd ~/jaxgan && python3 -m jaxgan.main $(printf '%q ' "$@")"

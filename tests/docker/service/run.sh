#!/usr/bin/env bash
# Stand-in for the runner's run.sh, registered as ephemeral: waits for one job, runs it, ends.
# A job is a script in /jobs, in order of name; what it prints is kept beside it.
set -u

until job=$(find /jobs -name '*.sh' | sort | head -n 1) && [[ -n $job ]]; do sleep 0.2; done
mv "$job" "$job.taken"
bash "$job.taken" >"$job.log" 2>&1
echo "exit code $?" >>"$job.log"

#!/usr/bin/env bash
# Stand-in for the runner's run.sh, registered as ephemeral: waits for one job, runs it, ends.
# A job is a script in /jobs, in order of name; what it prints is kept beside it. Its first line
# is "# EVENT REPOSITORY". As the real one does for steps with `if: always()`, it goes on
# whatever the hook says that is to run before a job.
set -u

until job=$(find /jobs -name '*.sh' | sort | head -n 1) && [[ -n $job ]]; do sleep 0.2; done
mv "$job" "$job.taken"
read -r _ event repository <"$job.taken"
GITHUB_EVENT_NAME=$event GITHUB_REPOSITORY=$repository \
    bash -e "$ACTIONS_RUNNER_HOOK_JOB_STARTED" >"$job.log" 2>&1
bash "$job.taken" >>"$job.log" 2>&1
echo "exit code $?" >>"$job.log"

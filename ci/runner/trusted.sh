#!/usr/bin/env bash
# Lets a job begin only for an event that needs the right to write to the repository. The runner
# calls it before a job's first step: ACTIONS_RUNNER_HOOK_JOB_STARTED.
#
# A pull request brings its own workflow files, which may ask for this host. That this fails is
# not enough: the runner would still run steps with `if: always()`. So it ends the runner, too.
set -euo pipefail

refuse() {
    trap - EXIT
    local said="refused by this host: $1"
    echo "$said"
    logger --tag npulab-runner -- "$said" || true
    sleep 2 || true # the runner sends lines twice a second; this one is the user's only reason
    kill -KILL "$PPID"
    exit 1
}

trap "refuse 'it cannot tell whose job this is'" EXIT
event=${GITHUB_EVENT_NAME:-} repository=${GITHUB_REPOSITORY:-}
# From a file that no job can write: what an environment says, a job may have said.
read -r url <"${BASH_SOURCE[0]%/*}/url"
scope=${url#https://github.com/}
case $event in
    push | schedule | workflow_dispatch) ;;
    *) refuse "event '$event': it takes jobs of push, schedule and workflow_dispatch only" ;;
esac
# GitHub's names do not tell capitals; an organisation's runner serves its repositories.
case ${repository,,} in
    "${scope,,}" | "${scope,,}"/*) ;;
    *) refuse "repository '$repository': it serves $scope" ;;
esac
trap - EXIT

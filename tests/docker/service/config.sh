#!/usr/bin/env bash
# Stand-in for the runner's config.sh: takes the options that the kit gives it, keeps what the
# real one keeps, and refuses, as the real one does, a folder that is registered already.
set -euo pipefail

find . -mindepth 1 -printf '%f ' >>"$RUNNER_STATE/unpacked"
[[ ! -e .runner ]] || { echo "Cannot configure the runner because it is already configured."; exit 1; }
declare -A got=()
while (($#)); do
    case $1 in
        --unattended | --ephemeral | --replace | --disableupdate) got[$1]=yes ;;
        --url | --token | --labels | --name) got[$1]=$2; shift ;;
        *) echo "Unrecognized command-line input arguments: '$1'"; exit 1 ;;
    esac
    shift
done
[[ ${got[--token]} == once-* && ${got[--ephemeral]} == yes ]]
touch .runner .credentials
echo "${got[--url]} ${got[--labels]} as $(id -un)" >>"$RUNNER_STATE/registrations"

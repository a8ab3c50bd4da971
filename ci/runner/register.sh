#!/usr/bin/env bash
# Registers this machine for exactly one job. Called by the service, as root.
#
#   register.sh TOKEN_FILE USER     with RUNNER_URL and RUNNER_LABELS in the environment
set -euo pipefail

token=$(<"$1") user=$2
scope=${RUNNER_URL#https://github.com/}
case $scope in
    */*) scope=repos/$scope ;;
    *) scope=orgs/$scope ;;
esac
# The token goes in by stdin, so that no list of processes shows it.
answer=$(curl --fail --silent --show-error --request POST --config - <<END
url = "https://api.github.com/$scope/actions/runners/registration-token"
header = "Authorization: Bearer $token"
header = "Accept: application/vnd.github+json"
END
)
once=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["token"])' <<<"$answer")
rm -f .runner .credentials .credentials_rsaparams
# Worth one registration and an hour at most; it is the runner's own way to take it.
runuser --user "$user" -- ./config.sh --unattended --ephemeral --replace --disableupdate \
    --url "$RUNNER_URL" --token "$once" --labels "$RUNNER_LABELS" --name "$(hostname)"

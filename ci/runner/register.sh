#!/usr/bin/env bash
# Makes a fresh runner, registered for exactly one job. Called by the service, as root.
#
#   register.sh TOKEN_FILE USER HOME     with RUNNER_URL and RUNNER_LABELS in the environment
#
# HOME is the runner's folder and its user's: a job may have left anything there. So nothing that
# root runs here looks into it for modules or settings, and only the user unpacks and enters it.
set -euo pipefail
cd /
export HOME=/root

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
token=$(<"$1") user=$2 home=$3
as_user=(runuser --user "$user" -- env --chdir="$home" HOME="$home")
scope=${RUNNER_URL#https://github.com/}
case $scope in
    */*) scope=repos/$scope ;;
    *) scope=orgs/$scope ;;
esac
# The token goes in by stdin, so that no list of processes shows it.
answer=$(curl -q --fail --silent --show-error --request POST --config - <<END
url = "https://api.github.com/$scope/actions/runners/registration-token"
header = "Authorization: Bearer $token"
header = "Accept: application/vnd.github+json"
END
)
once=$(python3 -I -c 'import json, sys; print(json.load(sys.stdin)["token"])' <<<"$answer")
find "$home" -xdev -mindepth 1 -delete
"${as_user[@]}" tar --extract --gzip <"$here/runner.tar.gz"
# Worth one registration and an hour at most; it is the runner's own way to take it.
"${as_user[@]}" ./config.sh --unattended --ephemeral --replace --disableupdate \
    --url "$RUNNER_URL" --token "$once" --labels "$RUNNER_LABELS" --name "$(hostname)"

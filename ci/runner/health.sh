#!/usr/bin/env bash
# Checks the host before and after each job. Where `npulab` is missing, so is the check, and
# the host is out of rotation too: nothing is well because nobody looked.
set -euo pipefail

flag=$RUNNER_STATE/out-of-rotation
npulab=${NPULAB:-$RUNNER_STATE/venv/bin/npulab}
if [[ ! -x $npulab ]]; then
    echo "no $npulab: install the lab for the health check" | tee "$flag" >&2
    exit 3
fi
exec "$npulab" health --flag "$flag"

#!/usr/bin/env bash
# Checks the host before and after each job. Where `npulab` is missing or breaks, so does the
# check, and the host is out of rotation too: nothing is well because nobody looked.
set -euo pipefail

flag=$RUNNER_STATE/out-of-rotation
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
npulab=${NPULAB:-$here/venv/bin/npulab}
if [[ ! -x $npulab ]]; then
    echo "no $npulab: install the lab for the health check" | tee "$flag" >&2
    exit 3
fi
export NPULAB_BUILD=${NPULAB_BUILD:-$RUNNER_STATE/build}  # the lab's own folder is not the user's
export HOME=/nonexistent  # a job wrote in the user's: no settings and no modules from there
code=0
# Seconds that the NPU may be somebody else's; the service's time limits have room for them.
"$npulab" health --wait 600 --flag "$flag" || code=$?
if ((code)) && [[ ! -e $flag ]]; then
    echo "$npulab health ended with exit code $code and no reason: run it by hand" | tee "$flag" >&2
fi
exit "$code"

#!/usr/bin/env bash
# Makes a machine with a Phoenix NPU a self-hosted GitHub runner, or takes that back.
#
#   sudo ci/runner/install.sh --url https://github.com/OWNER/REPO \
#        --archive actions-runner-linux-x64.tar.gz --sha256 HASH --token-file TOKEN
#   ci/runner/install.sh ... --dry-run      prints every command and runs none
#   sudo ci/runner/install.sh --uninstall   removes what was installed
#
# The archive is the runner's release from github.com/actions/runner, its hash the one printed
# there: the runner is not downloaded. TOKEN is a file with a token that may register runners; it
# is copied to where only root can read it, and no job or container ever sees it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab=$(cd "$here/../.." && pwd)
user=npurunner
home=/opt/npulab-runner
kit=/usr/local/lib/npulab-runner
state=/var/lib/npulab-runner
timings=/var/lib/npulab-timings.jsonl
secrets=/etc/npulab-runner
unit=/etc/systemd/system/npulab-runner.service
limits=/etc/security/limits.d/npulab-runner.conf
queue=/etc/tmpfiles.d/npulab-runner.conf
node=/dev/accel/accel0
labels=self-hosted,linux,npu,phoenix
sources=(errors kernels toolchain runtime simulator npulab hwtests containers requirements
    tests/binaries tests/expected_skips.toml conftest.py pyproject.toml README.md LICENSE)
url='' archive='' sha256='' token='' dry='' uninstall=''

die() { echo "install.sh: $1" >&2; exit "${2:-2}"; }
say() { echo "# $1"; }
run() {
    if [[ -n $dry ]]; then printf '%q ' "$@"; echo; else "$@"; fi
}
write() { # write PATH MODE, the content on stdin
    if [[ -n $dry ]]; then
        echo "install -m $2 /dev/stdin $1 <<END"; cat; echo END
    else
        install -D -m "$2" /dev/stdin "$1"
    fi
}

while (($#)); do
    case $1 in
        --url | --archive | --sha256 | --token-file | --labels | --node)
            (($# > 1)) || die "$1 needs a value" ;;&
        --url) url=$2; shift ;;
        --archive) archive=$2; shift ;;
        --sha256) sha256=$2; shift ;;
        --token-file) token=$2; shift ;;
        --labels) labels=$2; shift ;;
        --node) node=$2; shift ;;
        --dry-run) dry=yes ;;
        --uninstall) uninstall=yes ;;
        -h | --help) sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) die "unknown option $1; see --help" ;;
    esac
    shift
done

[[ -n $dry || $EUID -eq 0 ]] || die 'run it as root, or with --dry-run' 3

if [[ -n $uninstall ]]; then
    # What is not there needs no removing: an installation that broke off is taken back too.
    if [[ -n $dry || -e $unit ]]; then
        say 'stop the service, and with it the job that it may be running'
        run systemctl disable --now npulab-runner.service
    fi
    run rm -f "$unit" "$limits" "$queue"
    run systemctl daemon-reload
    # A plain file only: the folder is the jobs', and a link there could name any other file.
    if [[ -n $dry || (-f $state/timings.jsonl && ! -L $state/timings.jsonl) ]]; then
        say "keep the timings, the baseline of every later comparison, in $timings"
        run mv --backup=numbered "$state/timings.jsonl" "$timings"
    fi
    say 'remove the user with all that its jobs left, the token, and the queue'
    if [[ -n $dry ]] || id "$user" >/dev/null 2>&1; then
        run userdel "$user"
    fi
    run rm -rf "$home" "$kit" "$state" "$secrets" /run/lock/npulab
    exit 0
fi

[[ $url =~ ^https://github\.com/[^/]+(/[^/]+)?$ ]] || die '--url takes a repository or an organisation on github.com'
[[ -f $archive ]] || die "--archive: no file '$archive'"
[[ $sha256 =~ ^[0-9a-f]{64}$ ]] || die '--sha256 takes the 64 hex digits of the archive'
[[ -s $token ]] || die "--token-file: no file '$token'"
echo "$sha256  $archive" | sha256sum --check --status || die 'the archive is not the one with that hash' 1
[[ -n $dry || -c $node ]] || die "no NPU: $node is not there" 3
group=$(stat -c %G "$node" 2>/dev/null || echo render)

if [[ -n $dry || -e $unit ]]; then
    say 'stop the service of an earlier installation, and with it the job that it may be running'
    run systemctl stop npulab-runner.service
fi
say 'a user without a password, in the group that owns the NPU, with memory to lock'
if [[ -n $dry ]] || ! id "$user" >/dev/null 2>&1; then
    run useradd --system --create-home --home-dir "$state" --shell /usr/sbin/nologin "$user"
fi
run usermod --append --groups "$group" "$user"
run usermod --append --groups docker "$user"
write "$limits" 644 <<END
$user - memlock unlimited
END

say 'the runner as it came, for every job to be unpacked anew, and a token that only root can read'
run install -d -o "$user" -g "$user" "$home"
run install -D -m 644 "$archive" "$kit/runner.tar.gz"
run install -D -m 600 "$token" "$secrets/token"

say 'what runs before and after a job, and the lab: where no job can write, for root runs it'
run install -m 755 "$here/register.sh" "$here/trusted.sh" "$here/health.sh" "$kit/"
write "$kit/url" 644 <<<"$url"
run python3 -m venv --system-site-packages "$kit/venv"
for lock in build lab lint; do
    run "$kit/venv/bin/pip" install --require-hashes --requirement "$lab/requirements/$lock.txt"
done
run install -d "$kit/lab"
(cd "$lab" && run cp --recursive --parents "${sources[@]}" "$kit/lab")
run "$kit/venv/bin/pip" install --no-deps --no-build-isolation --editable "$kit/lab"
run "$kit/venv/bin/python" -m compileall -q "$kit/lab"

say 'the AIE2 toolchain that builds the canary, in a new cache: root runs nothing that a job left'
run rm -rf "$state/.cache"
run env NPULAB_CACHE="$state/.cache/npulab" "$kit/venv/bin/npulab" fetch ||
    say 'no toolchain: see above, then install again; without it no job is taken'
say 'the image with XRT that jobs on the NPU run in, where this Python has no pyxrt'
if [[ -n $dry ]] || ! "$kit/venv/bin/python" -c 'import pyxrt' 2>/dev/null; then
    run env NPULAB_CACHE="$state/.cache/npulab" "$kit/venv/bin/npulab" images xrt ||
        say 'no image: see above, then install again; without it no job is taken'
fi
run install -d "$state/.cache"
run chown --recursive "$user:$user" "$state/.cache"

say 'the queue of the NPU, shared by all jobs; its folder is made anew at every start'
write "$queue" 644 <<END
d /run/lock/npulab 2775 root $group -
END
run systemd-tmpfiles --create "$queue"

say 'a service that unpacks the runner, runs one job, forgets the runner, and starts over'
write "$unit" 644 <<END
[Unit]
Description=GitHub runner for one job at a time on the NPU
After=network-online.target docker.service
Wants=network-online.target
# A host that was found ill takes no more jobs until a person removes this file.
ConditionPathExists=!$state/out-of-rotation

[Service]
User=$user
WorkingDirectory=$home
LimitMEMLOCK=infinity
Environment=PATH=$kit/venv/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
Environment=RUNNER_URL=$url RUNNER_LABELS=$labels RUNNER_STATE=$state
# What a job leaves in its HOME goes before the next one; what is fetched and built may stay.
Environment=HOME=$home NPULAB_CACHE=$state/.cache/npulab
Environment=ACTIONS_RUNNER_HOOK_JOB_STARTED=$kit/trusted.sh
ExecStartPre=$kit/health.sh
# With +, as root: the token never reaches the runner's user.
ExecStartPre=+$kit/register.sh $secrets/token $user $home
ExecStart=$home/run.sh
ExecStopPost=$kit/health.sh
Restart=always
RestartSec=5
# The health check may wait ten minutes for the NPU and build the canary, before and after.
TimeoutStartSec=30min
TimeoutStopSec=20min
# To stop is to tell run.sh, which with this variable has the runner cancel its job; what is
# left when run.sh has ended, a job's processes too, is killed at once.
KillMode=mixed
Environment=RUNNER_MANUALLY_TRAP_SIG=1

[Install]
WantedBy=multi-user.target
END
run systemctl daemon-reload
run systemctl enable npulab-runner.service
if ! run systemctl start npulab-runner.service; then
    reason=$(cat "$state/out-of-rotation" 2>/dev/null || echo 'see journalctl --unit npulab-runner')
    die "all is installed, but this host is not fit for jobs: $reason
Mend it, then: rm -f $state/out-of-rotation; systemctl start npulab-runner" 1
fi

# local_frame.sh: what tests of a cluster on real processes have in common; to be sourced, instead of tests/script/frame.sh, which it builds on.
#
# start_somewhere FIRST STEPS EXTRA... starts a cluster in "$dir" on ports that nobody has, from FIRST on in one of STEPS steps of a hundred, and sets
# base: node N serves clients on base + N. cluster ACTION and cli NODE ask it. helper: a process that is killed at the end, with the cluster.

. "$(dirname "${BASH_SOURCE[0]}")/../script/frame.sh"
dir=$work/cluster
base=
helper=
trap '[ -n "$helper" ] && kill "$helper" 2>/dev/null; "$loam" cluster reset --dir "$dir" >/dev/null 2>&1; rm -rf "$work"' EXIT

cluster() { local action=$1; shift; "$loam" cluster "$action" "$@" --dir "$dir"; }
cli() { local number=$1; shift; "$loam" cli -p $((base + number)) "$@"; }
info() { cli "$1" info raft | tr -d '\r' | sed -n "s/^$2://p"; } # NODE FIELD
leader() { cluster status | awk '$2 == "leader" { print $1; exit }'; }
fail() { echo "$*"; cluster status; tail -n 20 "$dir"/*.log; return 1; }
show() { cat "$work/out"; return 1; }
equals() { [ "$1" = "$2" ] || fail "expected \"$2\", got \"$1\""; }

until_true() { # SECONDS COMMAND...
    local give_up=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$give_up" ] || { fail "not within time: $*"; return 1; }
        sleep 0.05
    done
}

start_somewhere() { # FIRST STEPS EXTRA...
    local first=$1 steps=$2 try
    shift 2
    for try in 1 2 3 4 5 6 7 8; do
        base=$((first + RANDOM % steps * 100))
        cluster start --base-port $base "$@" >"$work/out" 2>&1 && return 0
        grep -q "in use" "$work/out" || break
    done
    cat "$work/out"
    fail "start failed at try $try"
}

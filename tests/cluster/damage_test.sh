#!/bin/bash
# Damage on real processes: a bit of a log changes while its node is down, a bit of a store while its node runs. The node has it again from the
# others, and no answer is lost. The tests stand in one order: each goes on where the last one ended.
set -u
. "$(dirname "$0")/local_frame.sh"
names=(
    a_damaged_log_is_had_again_at_start
    a_damaged_store_is_found_and_had_again_while_the_node_runs
    a_node_alone_refuses_a_damaged_log
)

# One bit of a file, in place.
flip() { # FILE OFFSET
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1") || return 1
    # shellcheck disable=SC2059
    printf "\\$(printf '%03o' $((byte ^ 4)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
write_keys() { # FROM TO
    local value
    value=$(printf 'x%.0s' $(seq 100))
    seq "$1" "$2" | sed "s/.*/SET key& value-&-$value/" | cli 2 --raw | sort | uniq -c | tr -s ' '
}
has_key() { [ "$(cli "$1" get "key$2" | cut -c 1-$((6 + ${#2})))" = "value-$2" ]; }

a_damaged_log_is_had_again_at_start() {
    start_somewhere 12500 22 || return 1
    equals "$(write_keys 1 2000)" " 2000 OK" || return 1
    cluster kill 1 >/dev/null || return 1
    flip "$dir/node-1/log/00000001.wal" $((4096 + 100 * 512 + 200)) || return 1
    cluster restart 1 >/dev/null || return 1
    until_true 20 eval '[ "$(info 1 raft_doubt_term)" = 0 ] && [ "$(info 1 raft_repairs)" = 1 ]' || return 1
    equals "$(info 1 raft_set_aside_log)" 1 || return 1
    [ -d "$dir/node-1/log" ] && [ -d "$dir/node-1/log-00000001" ] || { fail "no log is set aside"; return 1; }
    has_key 1 2000 && has_key 1 1 || fail "a key is missing"
}
a_damaged_store_is_found_and_had_again_while_the_node_runs() {
    local arguments file
    mapfile -d '' arguments <"/proc/$(cat "$dir/node-3.pid")/cmdline" || return 1
    cluster kill 3 >/dev/null || return 1
    "$build/loamd" "${arguments[@]:1}" --memtable-bytes 64k --scrub-interval-s 1 >"$dir/node-3.log" 2>&1 &
    helper=$!
    until_true 20 cli 3 ping || return 1
    equals "$(write_keys 2001 4000)" " 2000 OK" || return 1
    until_true 20 eval 'ls "$dir"/node-3/engine-00000001/*.sst' || return 1
    # Compaction may take a file away before the scrub comes to it: then another one.
    for _ in 1 2 3 4 5 6 7 8; do
        file=$(find "$dir/node-3/engine-00000001" -name '*.sst' | sort | head -n 1)
        [ -n "$file" ] && flip "$file" 300
        for _ in $(seq 40); do
            [ "$(info 3 raft_set_aside_store)" = 1 ] && break 2
            sleep 0.05
        done
    done
    until_true 20 eval '[ "$(info 3 raft_set_aside_store)" = 1 ] && [ "$(info 3 raft_doubt_term)" = 0 ]' || return 1
    kill -0 "$helper" || { fail "the process has ended"; return 1; }
    grep -q "is to be opened anew" "$dir/node-3.log" || { fail "nothing is said"; return 1; }
    until_true 20 has_key 3 4000 || return 1
    has_key 3 1 || fail "a key is missing"
}
a_node_alone_refuses_a_damaged_log() {
    local alone=$work/alone
    "$build/loamd" --dir "$alone" --listen 127.0.0.1:$((base + 50)) 2>"$work/alone.log" &
    local pid=$!
    until_true 20 cli 50 ping || { kill "$pid"; return 1; }
    equals "$(cli 50 set a 1)" OK || { kill "$pid"; return 1; }
    kill -9 "$pid"
    wait "$pid" 2>/dev/null
    flip "$alone/log/00000001.wal" $((4096 + 100)) || return 1
    "$build/loamd" --dir "$alone" --listen 127.0.0.1:$((base + 50)) >"$work/out" 2>&1
    equals $? 2 || return 1
    grep -q "may be lost" "$work/out" || { show; return; }
}

run_tests

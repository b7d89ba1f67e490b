#!/bin/bash
# loam get and loam scan, as programs, on the directory of a node that was killed, or runs: what they show, how they exit, and that they change nothing.
set -u
. "$(dirname "$0")/frame.sh"
names=(
    names_that_only_the_log_holds_are_read
    names_of_other_types_say_what_they_are
    reading_changes_nothing
    entries_that_are_not_known_to_be_committed_are_named_and_left_out
    rows_of_files_and_log_are_one_state
    a_nodes_directory_stands_for_its_store
    beside_a_running_node_each_answer_is_a_state_it_had
    a_damaged_log_exits_with_2
    a_command_line_that_is_not_understood_exits_with_1
)

quiet() { cli "$@" >/dev/null; }
state() { find "$work/node" -printf '%P %s %T@ %C@\n' | sort; find "$work/node" -type f -exec sha256sum {} + | sort; }

names_that_only_the_log_holds_are_read() {
    start_server || return 1
    quiet ts.add series 1 2 && quiet graph.query graph "CREATE ()" && quiet set number 41 && quiet incr number && quiet set text "two words" && quiet set gone x && quiet del gone && quiet set last x || return 1
    kill_server
    [ "$("$loam" get "$work/node" number 2>"$work/err")" = 42 ] || return 1
    [ "$("$loam" get "$work/node" text 2>/dev/null)" = "two words" ] || return 1
    "$loam" get "$work/node" gone >/dev/null 2>&1 && return 1
    "$loam" scan "$work/node" 2>/dev/null | sort >"$work/out"
    [ "$(grep -v -e '"last"' -e object "$work/out")" = '"number" string "42"
"text" string "two words"' ]
}
names_of_other_types_say_what_they_are() {
    "$loam" scan "$work/node" 2>/dev/null | grep -Eq '^"series" TSDB-TYPE, object [0-9]+$' || return 1
    "$loam" get "$work/node" series >"$work/out" 2>"$work/err" && return 1
    grep -q 'series is a TSDB-TYPE' "$work/err" && [ ! -s "$work/out" ] || { cat "$work/err"; return 1; }
    "$loam" get "$work/node" graph 2>&1 | grep -q 'graph is a graphdata'
}
reading_changes_nothing() {
    state >"$work/before"
    "$loam" scan "$work/node" >/dev/null 2>&1 && "$loam" get "$work/node" number --uncommitted >/dev/null 2>&1 || return 1
    state >"$work/after"
    diff "$work/before" "$work/after"
}
entries_that_are_not_known_to_be_committed_are_named_and_left_out() {
    # The note of a commit goes to the log with what comes next: behind the last entry nothing came.
    "$loam" get "$work/node" last >/dev/null 2>"$work/err" && return 1
    grep -q 'not known to be committed, and not shown' "$work/err" || { cat "$work/err"; return 1; }
    [ "$("$loam" get "$work/node" last --uncommitted 2>"$work/err")" = x ] || return 1
    grep -q 'are not known to be committed$' "$work/err" || { cat "$work/err"; return 1; }
    [ "$("$loam" scan "$work/node" --uncommitted 2>/dev/null | wc -l)" = 5 ]
}
rows_of_files_and_log_are_one_state() {
    start_server --memtable-bytes 65536 || return 1
    local i
    for i in $(seq 1 3000); do echo "set key:$i $(printf 'v%.0s' {1..60})$i"; done | "$loam" cli -p "$port" >/dev/null
    quiet set key:7 late && quiet set end x && quiet set end y || return 1
    kill_server
    "$loam" scan "$work/node" >"$work/out" 2>"$work/err" || { cat "$work/err"; return 1; }
    grep -Eq 'files up to [1-9][0-9]+, then the log' "$work/err" || { cat "$work/err"; return 1; }
    [ "$(grep -c '^"key:' "$work/out")" = 3000 ] && grep -q '^"key:7" string "late"$' "$work/out"
}
a_nodes_directory_stands_for_its_store() {
    local command store
    store=$(echo "$work"/node/engine-*)
    for command in stats events options "repair --dry-run"; do
        # shellcheck disable=SC2086
        "$loam" ${command%% *} "$work/node" $([ "$command" = "${command#* }" ] || echo "${command#* }") >"$work/out" 2>"$work/err" || { cat "$work/err"; return 1; }
        [ -s "$work/out" ] && grep -q "^$work/node is a node's directory; its store, without the node's log, is $store\$" "$work/err" || { echo "$command"; cat "$work/err"; return 1; }
    done
    "$loam" verify "$work/node" >"$work/out" && grep -q "^$work/node: superblock and log, " "$work/out" && grep -q "^$store: " "$work/out" || { cat "$work/out"; return 1; }
    "$loam" backup "$work/node" "$work/saved" >"$work/out" 2>"$work/err" && grep -q '^backup 1: ' "$work/out" || { cat "$work/err"; return 1; }
    rm -r "$work/saved"
    for command in verify stats events options repair upgrade; do
        "$loam" "$command" "$work/nowhere" >/dev/null 2>"$work/err"
        [ $? = 1 ] && grep -q "^loam $command: $work/nowhere: no such directory\$" "$work/err" || { echo "$command"; cat "$work/err"; return 1; }
    done
}
beside_a_running_node_each_answer_is_a_state_it_had() {
    start_server --memtable-bytes 65536 || return 1
    local i pad a b before=0 seen=0
    pad=$(printf 'v%.0s' {1..600})
    ( for i in $(seq 1 100000); do [ -e "$work/enough" ] && break; echo "incr a"; echo "incr b"; echo "set pad:$((i % 50)) $pad"; done | "$loam" cli -p "$port" >/dev/null ) &
    local feeder=$!
    for i in $(seq 1 2000); do # a fast machine is done with 25 looks before the first write
        "$loam" scan "$work/node" --match '[ab]' >"$work/out" 2>"$work/err" || { cat "$work/err"; seen=-1; break; }
        grep -q 'as of entry [1-9]' "$work/err" || { cat "$work/err"; seen=-1; break; }
        a=$(sed -n 's/^"a" string "\([0-9]*\)"$/\1/p' "$work/out")
        b=$(sed -n 's/^"b" string "\([0-9]*\)"$/\1/p' "$work/out")
        a=${a:-0} b=${b:-0}
        [ "$a" -ge "$before" ] && { [ "$a" = "$b" ] || [ "$a" = $((b + 1)) ]; } || { echo "a $a, b $b, before $before"; seen=-1; break; }
        [ "$a" -gt "$before" ] && seen=$((seen + 1))
        before=$a
        [ "$i" -ge 25 ] && [ "$seen" -ge 3 ] && break
    done
    touch "$work/enough"
    wait "$feeder"
    kill_server
    [ "$seen" -ge 3 ] || { echo "$seen states, the last one $before"; return 1; }
}
a_damaged_log_exits_with_2() {
    cp -r "$work/node" "$work/damaged"
    local segment
    segment=$(find "$work/damaged/log" -name '*.wal' | sort | tail -n 1)
    printf 'damage' | dd of="$segment" bs=1 seek=4700 conv=notrunc status=none
    "$loam" scan "$work/damaged" >/dev/null 2>"$work/err"
    [ $? = 2 ] && grep -q wal "$work/err" || { cat "$work/err"; return 1; }
}
a_command_line_that_is_not_understood_exits_with_1() {
    local words
    for words in "get" "get $work/node" "get $work/node a b" "scan" "scan $work/node --limit" "scan $work/node --nonsense" "scan $work/nowhere" \
        "get $work a"; do
        # shellcheck disable=SC2086
        "$loam" $words >/dev/null 2>"$work/err"
        [ $? = 1 ] && [ -s "$work/err" ] || { echo "loam $words"; cat "$work/err"; return 1; }
    done
    "$loam" get --help | grep -q uncommitted && "$loam" scan --help | grep -q uncommitted
}

run_tests

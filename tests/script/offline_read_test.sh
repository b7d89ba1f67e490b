#!/bin/bash
# loam get and loam scan, as programs, on the directory of a node that was killed: what they show, how they exit, and that they change nothing.
set -u
build=${LOAM_BUILD_DIR:-build}
loam=$build/loam
work=$(mktemp -d) || exit 1
server=
trap '[ -n "$server" ] && kill -9 "$server" 2>/dev/null; rm -rf "$work"' EXIT
names=(
    names_that_only_the_log_holds_are_read
    names_of_other_types_say_what_they_are
    reading_changes_nothing
    entries_that_are_not_known_to_be_committed_are_named_and_left_out
    rows_of_files_and_log_are_one_state
    a_damaged_log_exits_with_2
    a_command_line_that_is_not_understood_exits_with_1
)
failed=()
echo "[==========] Running ${#names[@]} test(s)."

port=
start() { # extra arguments; sets server and port
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        port=$((33000 + RANDOM % 900))
        "$build/loamd" --dir "$work/node" --listen "127.0.0.1:$port" "$@" >>"$work/log" 2>&1 &
        server=$!
        for _ in $(seq 200); do
            "$loam" cli -p "$port" ping 2>/dev/null | grep -q PONG && return 0
            kill -0 "$server" 2>/dev/null || break # the port is taken
            read -rt 0.05 <> <(:)
        done
        kill -9 "$server" 2>/dev/null
        wait "$server" 2>/dev/null
    done
    cat "$work/log"
    return 1
}
stop() {
    kill -9 "$server"
    wait "$server" 2>/dev/null
    server=
}
cli() { "$loam" cli -p "$port" "$@" >/dev/null; }
state() { find "$work/node" -printf '%P %s %T@ %C@\n' | sort; find "$work/node" -type f -exec sha256sum {} + | sort; }

names_that_only_the_log_holds_are_read() {
    start || return 1
    cli ts.add series 1 2 && cli graph.query graph "CREATE ()" && cli set number 41 && cli incr number && cli set text "two words" && cli set gone x && cli del gone && cli set last x || return 1
    stop
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
    start --memtable-bytes 65536 || return 1
    local i
    for i in $(seq 1 3000); do echo "set key:$i $(printf 'v%.0s' {1..60})$i"; done | "$loam" cli -p "$port" >/dev/null
    cli set key:7 late && cli set end x && cli set end y || return 1
    stop
    "$loam" scan "$work/node" >"$work/out" 2>"$work/err" || { cat "$work/err"; return 1; }
    grep -Eq 'files up to [1-9][0-9]+, then the log' "$work/err" || { cat "$work/err"; return 1; }
    [ "$(grep -c '^"key:' "$work/out")" = 3000 ] && grep -q '^"key:7" string "late"$' "$work/out"
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

for name in "${names[@]}"; do
    echo "[ RUN      ] $name"
    if "$name"; then echo "[       OK ] $name"; else echo "[  FAILED  ] $name" && failed+=("$name"); fi
done
echo "[==========] ${#names[@]} test(s) run."
echo "[  PASSED  ] $((${#names[@]} - ${#failed[@]})) test(s)."
[ ${#failed[@]} = 0 ] && exit 0
echo "[  FAILED  ] ${#failed[@]} test(s), listed below:"
printf '[  FAILED  ] %s\n' "${failed[@]}"
exit 1

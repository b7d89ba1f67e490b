#!/bin/bash
# loam top, as a program: printed once, as JSON, and live on a terminal of its own (top_live.py).
set -u
. "$(dirname "$0")/frame.sh"
names=(
    one_look_is_printed
    one_look_is_json
    latencies_of_the_last_window_are_told
    who_does_not_answer_is_named
    a_screen_is_drawn_and_given_back
    what_is_not_understood_exits_with_1
)

one_look_is_printed() {
    start_server || return 1
    cli set k v >/dev/null && "$loam" top --once --interval 100 "127.0.0.1:$port" >"$work/out" || return 1
    head -n 1 "$work/out" | grep -q '1 of 1 nodes answer, node 1 leads, term [0-9]*$' && grep -q "127.0.0.1:$port *leader" "$work/out" || { cat "$work/out"; return 1; }
    "$loam" top --interval 100 "127.0.0.1:$port" | head -n 1 | grep -q '^loam top' # no terminal
}
one_look_is_json() {
    [ -x /usr/bin/python3 ] || { skip "python3 is not installed"; return; }
    "$loam" top --json --interval 100 "127.0.0.1:$port" 127.0.0.1:1 >"$work/json" || return 1
    /usr/bin/python3 - "$work/json" "$port" <<'PYTHON'
import json, sys
told = json.load(open(sys.argv[1]))
node, other = told["nodes"]
assert node["answers"] and node["role"] == "leader" and node["node"] == 1 and node["clients_at"] == "127.0.0.1:" + sys.argv[2], node
assert node["lag"] == 0 and node["applied"] > 0 and len(node["levels"]) == 7 and node["disk"] == "well" and 0 <= node["hit_percent"] <= 100
assert other == {"clients_at": "127.0.0.1:1", "answers": False}
PYTHON
}
latencies_of_the_last_window_are_told() {
    local _
    for _ in $(seq 200); do # a window is over five seconds behind its first command
        cli set k v >/dev/null && cli get k >/dev/null || return 1
        "$loam" top --once --interval 100 "127.0.0.1:$port" | grep -qE 'leader .* [0-9.]+ [um]s +[0-9.]+ [um]s +[0-9.]+ [um]s +[0-9.]+ [um]s' && return
    done
    cli info latency
    return 1
}
who_does_not_answer_is_named() {
    "$loam" top --once --interval 100 127.0.0.1:1 >"$work/out" 2>"$work/err"
    [ $? = 1 ] && grep -q 'down: nobody listens' "$work/out" && grep -q 'no node answered' "$work/err" || return 1
    cli config set requirepass secret >/dev/null
    "$loam" top --once --interval 100 "127.0.0.1:$port" 2>/dev/null | grep -q 'NOAUTH' && "$loam" top --once --interval 100 --password secret "127.0.0.1:$port" >/dev/null || return 1
    "$loam" cli -p "$port" -a secret config set requirepass "" >/dev/null
}
a_screen_is_drawn_and_given_back() {
    [ -x /usr/bin/python3 ] || { skip "python3 is not installed"; return; }
    /usr/bin/python3 tests/script/top_live.py "$loam" "$port"
}
what_is_not_understood_exits_with_1() {
    local words
    for words in "--interval 5" "--interval x" "--once --json" "host:1" "127.0.0.1" "--dir $work/nowhere" "--nothing"; do
        # shellcheck disable=SC2086
        "$loam" top $words >"$work/out" 2>"$work/err"
        [ $? = 1 ] && [ ! -s "$work/out" ] && grep -q '^loam top: ' "$work/err" || { echo "$words"; cat "$work/err"; return 1; }
    done
}

run_tests

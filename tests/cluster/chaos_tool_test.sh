#!/bin/bash
# loam chaos, as a program: short runs of every kind of fault keep their promises, what it writes is read back, it ends what it started,
# and it exits as its help says.
set -u
. "$(dirname "$0")/../script/frame.sh"
names=(
    a_run_with_every_kind_of_fault_keeps_its_promises
    its_history_is_judged_alike_by_loam_check
    its_page_stands_alone_and_has_every_fault
    clients_of_python_are_told_no_lie_either
    leaders_that_are_killed_are_replaced_before_an_election_timeout
    members_come_and_go_without_a_broken_promise
    cables_are_pulled_between_namespaces
    a_witness_keeps_no_data_and_every_promise
    an_interruption_heals_judges_and_leaves_no_process
    a_directory_with_something_in_it_is_left_alone
    ports_of_another_program_are_named
    a_node_that_ends_by_itself_is_a_broken_promise
    a_command_line_that_is_not_understood_exits_with_1
)
scale=${LOAM_TEST_SCALE:-100}
seconds=$((scale >= 100 ? 12 : 6))

# Five ports in a row of hundreds are free often enough; loam chaos says so if not.
chaos() { # arguments; sets base
    local tries code
    for tries in 1 2 3 4 5; do
        base=$((15000 + RANDOM % 20 * 220))
        timeout 120 "$loam" chaos --dir "$work/chaos" --base-port $base "$@" >"$work/out" 2>"$work/errors"
        code=$?
        grep -q 'is in use by another program' "$work/errors" || return $code
    done
    return $code
}
none_runs() { ! pgrep -f -- "--dir $work/chaos" >/dev/null; }
show() { # what it printed, and what a sanitizer said in a node's log
    cat "$work/out" "$work/errors"
    [ ! -d "$work/chaos" ] || grep -h -m 1 -A 40 'Sanitizer\|runtime error:\|check failed' "$work/chaos"/*.log
    rm -rf "$work/chaos"
    return 1
}

a_run_with_every_kind_of_fault_keeps_its_promises() {
    chaos --seconds $seconds --seed 5 --history "$work/history.edn" --report "$work/page.html" || { show; return; }
    grep -q '^history: linearizable' "$work/out" && grep -q '^all promises kept' "$work/out" && [ ! -e "$work/chaos" ] && none_runs || show
}
its_history_is_judged_alike_by_loam_check() {
    "$loam" check "$work/history.edn" | grep -q ': linearizable (' && [ "$(wc -l <"$work/history.edn")" -gt 2000 ]
}
its_page_stands_alone_and_has_every_fault() {
    grep -q '<canvas id="latency">' "$work/page.html" && ! grep -qE 'src=|href=|https?://' "$work/page.html" || return 1
    [ "$(grep -c '"kind":"' "$work/page.html")" = "$(awk '$1 == "all" && $3 == "|" { print $2 }' "$work/out")" ]
}
# Beside its own clients, which python3-redis is not: other people's code, connections and timeouts.
clients_of_python_are_told_no_lie_either() {
    local run port nodes code
    [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import redis' 2>/dev/null || { skip "python3-redis is not installed"; return; }
    chaos --seconds $((seconds + 3)) --seed 6 &
    run=$!
    for _ in $(seq 200); do
        port=$(sed -n 's/^base-port //p' "$work/chaos/cluster.conf" 2>/dev/null)
        [ -n "$port" ] && "$loam" cli -p $((port + 1)) ping 2>/dev/null | grep -q PONG && break
        read -rt 0.05 <> <(:)
    done
    nodes=127.0.0.1:$((port + 1)),127.0.0.1:$((port + 2)),127.0.0.1:$((port + 3))
    /usr/bin/python3 tests/cluster/chaos_clients.py $nodes $seconds "$work/python.edn" >"$work/python.out" 2>&1
    code=$?
    wait $run && [ $code = 0 ] && "$loam" check "$work/python.edn" >"$work/verdict" && grep -q ': linearizable (' "$work/verdict" && return
    cat "$work/python.out" "$work/verdict"
    show
}
leaders_that_are_killed_are_replaced_before_an_election_timeout() {
    chaos --failover 5 --json || { show; return; }
    grep -q '"clean": true' "$work/out" && grep -q '"fault": "kill-leader", "times": 5, "never_written": 0' "$work/out" || { show; return; }
    local median
    median=$(sed -n 's/.*"kill-leader".*"to_write": {"p50_ms": \([0-9]*\).*/\1/p' "$work/out")
    [ "$scale" -lt 100 ] || [ "$median" -lt 400 ] || show # sanitizers are slow
}
members_come_and_go_without_a_broken_promise() {
    chaos --seconds $seconds --seed 3 --faults members,kill --history "$work/history.edn" || { show; return; }
    grep -q '^all promises kept' "$work/out" && awk '$1 == "members" { n = $2 } END { exit n < 2 }' "$work/out" || show
}
# Root, ip, and a kernel that has namespaces, bridges and cables.
has_namespaces() {
    local probe="loam-probe-$$" code=0
    ip netns add "$probe" 2>/dev/null || return 1
    ip link add "lmp$$" type bridge 2>/dev/null && ip link del "lmp$$" &&
        ip link add "lmp$$" type veth peer name end netns "$probe" 2>/dev/null && ip link del "lmp$$" || code=1
    ip netns del "$probe"
    return $code
}
cables_are_pulled_between_namespaces() {
    has_namespaces || { skip "network namespaces need root, ip and the kernel's bridges"; return; }
    chaos --seconds $seconds --seed 4 --netns --faults unplug || { show; return; }
    grep -q '^all promises kept' "$work/out" && awk '$1 == "unplug" { n = $2 } END { exit n < 2 }' "$work/out" || { show; return; }
    ip netns list | grep "^loam$((1 + base / 100 % 250))-" && return 1
    ! ip link show "lm$((1 + base / 100 % 250))a" 2>/dev/null
}
a_witness_keeps_no_data_and_every_promise() {
    chaos --seconds $seconds --seed 6 --witness || { show; return; }
    grep -q '^all promises kept' "$work/out" || show
}
an_interruption_heals_judges_and_leaves_no_process() {
    chaos --seconds 60 --seed 2 &
    local waiting=$! tries pid
    for tries in $(seq 400); do
        grep -q ' 2 s ' "$work/out" 2>/dev/null && break
        read -rt 0.05 <> <(:)
    done
    pid=$(pgrep -f -- "^$loam chaos --dir $work/chaos" | head -n 1)
    kill -INT "$pid" && wait $waiting || { show; return; }
    grep -q '(interrupted)' "$work/out" && grep -q '^all promises kept' "$work/out" && none_runs || show
}
a_directory_with_something_in_it_is_left_alone() {
    mkdir "$work/chaos" && touch "$work/chaos/mine"
    chaos --seconds 1
    local code=$?
    [ $code = 1 ] && grep -q 'is not empty' "$work/errors" && [ "$(ls "$work/chaos")" = mine ] && rm -r "$work/chaos"
}
ports_of_another_program_are_named() {
    start_server || return 1
    timeout 60 "$loam" chaos --dir "$work/chaos" --base-port $((port - 1)) --seconds 1 2>"$work/errors"
    local code=$?
    kill_server
    [ $code = 1 ] && grep -q "127.0.0.1:$port, for clients of node 1, is in use" "$work/errors" && [ ! -e "$work/chaos" ]
}
a_node_that_ends_by_itself_is_a_broken_promise() {
    chaos --seconds 30 --faults none &
    local waiting=$! tries
    for tries in $(seq 400); do
        grep -q ' 1 s ' "$work/out" 2>/dev/null && break
        read -rt 0.05 <> <(:)
    done
    kill -9 "$(cat "$work/chaos/node-2.pid")"
    wait $waiting
    local code=$?
    [ $code = 4 ] && grep -q 'BROKEN: node 2 ended by itself, with code 137' "$work/out" && [ -d "$work/chaos/node-2" ] && none_runs || show || return 1
    rm -r "$work/chaos"
}
a_command_line_that_is_not_understood_exits_with_1() {
    local words
    for words in '--faults fire' '--faults unplug' '--failover 3 --nodes 2' '--unjudged --history x' 'operand' '--nodes 10' '--witness --nodes 2'; do
        chaos $words
        [ $? = 1 ] || return 1
    done
    "$loam" chaos --help | grep -q 'disk-slow'
}
run_tests

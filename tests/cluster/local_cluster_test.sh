#!/bin/bash
# What `loam cluster`, `loam cli` and `loam import` promise, on three real processes. The tests stand in one order: each goes on where the last one
# ended.
set -u
. "$(dirname "$0")/local_frame.sh"
names=(
    start_makes_three_nodes_that_serve
    status_is_a_table_and_json
    any_node_takes_any_command
    import_loads_a_file_and_finds_it_again
    a_killed_leader_is_replaced_and_nothing_is_missing
    a_killed_node_comes_back_with_everything
    a_paused_node_is_shown_and_resumes
    a_minority_that_is_cut_off_serves_no_write_until_healed
    leadership_is_given_to_the_node_that_is_named
    logs_come_with_the_name_of_their_node
    a_port_in_use_is_named
    start_refuses_another_shape
    data_outlives_a_stop_and_is_read_without_a_server
    reset_removes_everything
)

field() { cluster status --json | tr '{' '\n' | sed -n "s/^\"id\":$1,.*\"$2\":\"\{0,1\}\([^\",}]*\).*/\1/p"; } # node, name
runs() { case $(ps -o stat= -p "$1") in '' | Z*) return 1 ;; esac; } # one that nobody waited for has ended all the same
flushes() { cli "$1" info engine | tr -d '\r' | sed -n 's/^flushes://p'; }

start_makes_three_nodes_that_serve() {
    start_somewhere 20000 100 || return 1
    equals "$(cat "$work/out")" "3 nodes serve clients on 127.0.0.1:$((base + 1)) to $((base + 3))" || return 1
    for node in 1 2 3; do equals "$(cli $node ping)" PONG || return 1; done
    cluster start >/dev/null || fail "a second start is no error"
}
status_is_a_table_and_json() {
    equals "$(cluster status | awk 'NR > 1 { print $2 }' | sort | uniq -c | xargs)" "2 follower 1 leader" || return 1
    equals "$(cluster status --json | grep -c '^{"nodes":\[{"id":1,"role":"[a-z]*","term":[0-9]*,"commit":[0-9]*,"applied":[0-9]*,')" 1 || return 1
    equals "$(field 2 process)" running || return 1
    equals "$(field 3 clients)" "127.0.0.1:$((base + 3))"
}
any_node_takes_any_command() {
    local node
    for node in 1 2 3; do
        equals "$(cli $node set "k$node" "from $node")" OK || return 1
        for reader in 1 2 3; do equals "$(cli $reader get "k$node")" "from $node" || return 1; done
    done
    for node in 1 2 3; do equals "$(cli $node incr counter)" $node || return 1; done
    equals "$(printf 'set a "b c"\nget a\nfoo\n' | cli 2)" "$(printf 'OK\nb c\nERR unknown command '"'foo'"', with args beginning with: ')"
}
import_loads_a_file_and_finds_it_again() {
    local i
    for i in $(seq 1 2000); do echo "line $i of a file"; done >"$work/lines"
    "$loam" import --to 127.0.0.1:$((base + 1)) "$work/lines" >"$work/out" || { show; return; }
    grep -q "2000 records" "$work/out" && grep -q ": equal" "$work/out" || { show; return; }
    equals "$(cli 3 get lines:1234)" "line 1234 of a file" || return 1
    "$loam" import --check --to 127.0.0.1:$((base + 2)) "$work/lines" >"$work/out" || { show; return; }
    cli 1 set lines:7 changed >/dev/null
    "$loam" import --check --to 127.0.0.1:$((base + 2)) "$work/lines" >"$work/out" && { fail "a change was not found"; return 1; }
    grep -q DIFFERENT "$work/out" && grep -q "1 records are missing or differ" "$work/out" || { show; return; }
    cli 1 set lines:7 "line 7 of a file" >/dev/null
}
a_killed_leader_is_replaced_and_nothing_is_missing() {
    first=$(leader)
    survivor=$((first % 3 + 1))
    cluster kill "$first" || return 1
    equals "$(field "$first" process)" stopped || return 1
    until_true 30 cli $survivor set after-the-kill yes || return 1
    [ "$(leader)" != "$first" ] || { fail "the killed one still leads"; return 1; }
    "$loam" import --check --to 127.0.0.1:$((base + survivor)) "$work/lines" >"$work/out" || { show; return; }
}
a_killed_node_comes_back_with_everything() {
    cluster restart "$first" || return 1
    equals "$(cli "$first" get after-the-kill)" yes || return 1
    "$loam" import --check --to 127.0.0.1:$((base + first)) "$work/lines" >"$work/out" || { show; return; }
}
a_paused_node_is_shown_and_resumes() {
    local node=$(($(leader) % 3 + 1))
    cluster pause $node || return 1
    equals "$(field $node process) $(field $node role)" "paused down" || return 1
    until_true 30 cli $((node % 3 + 1)) set while-paused yes || return 1
    cluster resume $node || return 1
    until_true 30 eval '[ "$(cli '$node' get while-paused)" = yes ]'
}
a_minority_that_is_cut_off_serves_no_write_until_healed() {
    local cut=$(leader) other
    other=$((cut % 3 + 1))
    cluster partition $cut || return 1
    until_true 30 cli $other set in-the-majority yes || return 1
    cli $cut set in-the-minority no >"$work/out" 2>&1 && { fail "the minority took a write"; return 1; }
    cluster heal || return 1
    until_true 30 cli $cut set healed yes || return 1
    equals "$(cli $cut get in-the-majority)" yes
}
leadership_is_given_to_the_node_that_is_named() {
    local from=$(leader) to
    to=$((from % 3 + 1))
    cluster transfer $to >"$work/out" || { cat "$work/out"; fail "no transfer"; return 1; }
    grep -q "^node $to leads in place of node $from; it took [0-9.]* ms$" "$work/out" || { show; return; }
    until_true 10 eval '[ "$(leader)" = '$to' ]' || return 1
    equals "$(cli "$from" set given away)" OK || return 1
    equals "$(cluster transfer $to)" "node $to leads already" || return 1
    cluster transfer >"$work/out" || { show; return; }
    until_true 10 eval '[ -n "$(leader)" ] && [ "$(leader)" != '$to' ]' || return 1
    equals "$(cli "$to" raft.transfer 9)" "NOTLEADER node $(leader) leads; ask it to give leadership away" || return 1
    equals "$(cli "$(leader)" raft.transfer 9)" "ERR node 9 has no vote in this cluster, or keeps no data" || return 1
    equals "$(cli "$(leader)" raft.transfer x)" "ERR value is not an integer or out of range"
}
logs_come_with_the_name_of_their_node() {
    equals "$(cluster logs --lines 3 | cut -d'|' -f1 | sort | uniq | xargs)" "node-1 node-2 node-3" || return 1
    equals "$(cluster logs 2 --lines 1 | wc -l)" 1
}
a_port_in_use_is_named() {
    "$loam" cluster start --dir "$work/second" --base-port $base >"$work/out" 2>&1 && { fail "two clusters on one port"; return 1; }
    grep -q "127.0.0.1:$((base + 1))" "$work/out" || { show; return; }
    [ ! -e "$work/second/cluster.conf" ]
}
start_refuses_another_shape() {
    cluster start --nodes 5 >"$work/out" 2>&1 && { fail "five nodes out of three"; return 1; }
    grep -q "has 3 nodes" "$work/out" || { show; return; }
    cluster start --witness >"$work/out" 2>&1 && { fail "a node with data became a witness"; return 1; }
    grep -q "node 3 was made to keep data, and does" "$work/out"
}
data_outlives_a_stop_and_is_read_without_a_server() {
    local pids=$(cluster status | awk 'NR > 1 { print $NF }') pid node
    equals "$(cli 1 set flushed "to disk")" OK || return 1
    for node in 1 2 3; do
        until_true 30 eval '[ "$(cli '$node' get flushed)" = "to disk" ]' || return 1
        flushed=$(flushes $node)
        equals "$(cli $node debug flush)" OK || return 1
        until_true 30 eval '[ "$(flushes '$node')" -gt '"$flushed"' ]' || return 1
    done
    cluster stop >/dev/null || return 1
    for pid in $pids; do runs "$pid" && { fail "process $pid still runs"; return 1; }; done
    equals "$(cluster status | awk 'NR > 1 { print $3 }' | xargs)" "stopped stopped stopped" || return 1
    equals "$("$loam" get "$dir/node-2" flushed 2>/dev/null)" "to disk" || return 1
    equals "$("$loam" scan "$dir/node-3" --match 'lines:12?4' 2>/dev/null | wc -l)" 10 || return 1
    cluster start >/dev/null || return 1
    "$loam" import --check --to 127.0.0.1:$((base + 1)) "$work/lines" >"$work/out" || { show; return; }
    equals "$(cli 2 get counter)" 3
}
reset_removes_everything() {
    cluster reset || return 1
    [ ! -e "$dir" ] || { ls -la "$dir"; return 1; }
    cluster status >"$work/out" 2>&1 && return 1
    grep -q "no cluster in" "$work/out"
}

run_tests

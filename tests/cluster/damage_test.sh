#!/bin/bash
# Damage on real processes: a bit of a log changes while its node is down, a bit of a store while its node runs. The node has it again from the
# others, and no answer is lost. The tests stand in one order: each goes on where the last one ended.
set -u
. "$(dirname "$0")/local_frame.sh"
names=(
    a_damaged_log_is_had_again_at_start
    a_damaged_store_is_found_and_had_again_while_the_node_runs
    a_read_that_meets_damage_is_answered_by_another_node
    a_query_of_a_graph_that_meets_damage_is_answered_by_another_node
    a_witness_has_others_read
    what_no_other_node_can_read_either_is_an_error
    only_reads_are_relayed
    a_node_alone_refuses_a_damaged_log
)

# One bit of a file, in place.
flip() { # FILE OFFSET
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1") || return 1
    # shellcheck disable=SC2059
    printf "\\$(printf '%03o' $((byte ^ 4)))" | dd of="$1" bs=1 seek="$2" conv=notrunc,nocreat status=none
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
    local arguments file damaged=
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
        [ -n "$file" ] && [ "$file" != "$damaged" ] && flip "$file" 300 && damaged=$file # flipped twice it were sound
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
# Node 1 forgets what it had in memory, and a bit of each of its tables changes: of the blocks that hold rows, or it would not open.
damage_tables_of_1() {
    local file
    equals "$(cli 1 debug flush)" OK || return 1
    until_true 20 eval '[ "$(info 1 raft_applied)" = "$(cli 1 info persistence | tr -d "\r" | sed -n "s/^flushed_index://p")" ]' || return 1
    cluster kill 1 >/dev/null || return 1
    cluster restart 1 >/dev/null || return 1
    until_true 20 cli 1 ping && until_true 20 merges_nothing || return 1
    for file in "$(cluster_store_of_1)"/*.sst; do flip "$file" 300 || return 1; done
}
tables_of_1() { find "$(cluster_store_of_1)" -name '*.sst' | sort; }
merges_nothing() { # node 1 rests: nobody takes a table away, or makes one
    local before
    before=$(tables_of_1)
    sleep 0.4
    [ -n "$before" ] && [ "$before" = "$(tables_of_1)" ]
}
cluster_store_of_1() { find "$dir/node-1" -maxdepth 1 -name 'engine-*' | sort | tail -n 1; }
stat_of() { cli "$1" info stats | tr -d '\r' | sed -n "s/^$2://p"; } # NODE FIELD
is_whole() { [ "$(info 1 raft_set_aside_store)" = "$1" ] && [ "$(info 1 raft_doubt_term)" = 0 ]; } # ITS STORE BEFORE

a_read_that_meets_damage_is_answered_by_another_node() {
    local number answer
    cluster reset >/dev/null && kill "$helper" 2>/dev/null
    helper=
    start_somewhere 14700 22 || return 1
    equals "$(write_keys 1 1000)" " 1000 OK" || return 1
    damage_tables_of_1 || return 1
    # One connection, which the node ends when its reads have left: those that it had are all answered.
    exec 9<>"/dev/tcp/127.0.0.1/$((base + 1))" || return 1
    seq 1 7 1000 | sed 's/.*/GET key&\r/' >&9
    answer=$(timeout 20 head -n 286 <&9 | tr -d '\r' | grep -v '^\$')
    exec 9<&-
    equals "$(echo "$answer" | cut -d - -f 1,2)" "$(seq 1 7 1000 | sed 's/.*/value-&/')" || return 1
    case $answer in *CORRUPT* | *READONLY*) fail "$answer"; return 1 ;; esac
    until_true 20 is_whole 1 || return 1
    grep -q "is to be opened anew" "$dir/node-1.log" || { fail "no damage was met"; return 1; }
    for number in 1 500 1000; do has_key 1 "$number" || { fail "key $number"; return 1; }; done
}
a_query_of_a_graph_that_meets_damage_is_answered_by_another_node() {
    equals "$(cli 2 graph.query g "UNWIND range(1, 200) AS n CREATE (:P {n: n})" | grep -c 'Nodes created: 200')" 1 || return 1
    damage_tables_of_1 || return 1
    equals "$(cli 1 graph.query g "MATCH (p:P) RETURN sum(p.n)" | grep -c 20100)" 1 || return 1
    until_true 20 is_whole 3
}
a_witness_has_others_read() {
    local try
    cluster reset >/dev/null
    start_somewhere 14700 22 --witness || return 1
    equals "$(cli 1 set key value)" OK || return 1
    equals "$(cli 3 get key)" value || return 1
    equals "$(stat_of 3 reads_elsewhere_answered)" 1 || return 1
    # With passwords, on a connection of its own.
    cluster restart 3 >/dev/null || return 1
    for try in 1 2 3; do equals "$(cli $try config set requirepass secret)" OK || return 1; done
    equals "$(cli 3 -a secret get key)" value || return 1
    for try in 1 2 3; do equals "$(cli $try -a secret config set requirepass '')" OK || return 1; done
    # Whom it asked is gone: then the other one.
    cluster kill "$(leader)" >/dev/null || return 1
    equals "$(cli 3 get key)" value
}
what_no_other_node_can_read_either_is_an_error() {
    cluster kill "$(leader)" >/dev/null || return 1
    cluster status >"$work/out"
    case $(cli 3 get key 2>&1) in *WITNESS* | *CLUSTERDOWN*) ;; *) fail "no word of it"; return 1 ;; esac
}
only_reads_are_relayed() {
    cluster reset >/dev/null
    start_somewhere 14700 22 || return 1
    equals "$(cli 2 raft.relay 2 set a 1)" "ERR RAFT.RELAY: 'set' is no command that reads" || return 1
    equals "$(cli 2 raft.relay 2 nonsense)" "ERR RAFT.RELAY: 'nonsense' is no command that reads" || return 1
    equals "$(cli 2 raft.relay 9 get a)" "ERR RAFT.RELAY: the protocol is 2 or 3" || return 1
    equals "$(cli 2 raft.relay x get a)" "ERR value is not an integer or out of range" || return 1
    equals "$(cli 2 raft.relay 2 get)" "ERR wrong number of arguments for 'get' command" || return 1
    equals "$(cli 2 raft.relay 2 raft.relay 2 get a)" "ERR RAFT.RELAY: 'raft.relay' is no command that reads" || return 1
    case $(cli 2 raft.relay 2 graph.query g "CREATE (:P)") in *"read-only"*) ;; *) fail "a write was relayed"; return 1 ;; esac
    equals "$(cli 2 graph.list)" ""
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

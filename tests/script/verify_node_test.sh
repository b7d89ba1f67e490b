#!/bin/bash
# loam verify of a node's directory: superblock, log, the store's files and what its stores mean; sound, damaged, half gone, beside the node.
set -u
. "$(dirname "$0")/../cluster/local_frame.sh"
names=(
    a_sound_node_is_judged_whole_beside_its_process
    a_sound_node_that_was_killed_is_sound
    a_bit_anywhere_in_the_log_is_found_and_named
    a_slot_of_the_superblock_is_named_and_the_other_one_counts
    without_a_superblock_the_node_is_to_be_replaced
    a_log_that_is_gone_is_told
    a_segment_of_another_node_is_named_as_such
    a_store_and_a_log_of_two_times_do_not_fit
    a_node_that_has_nothing_yet_is_sound
    a_witness_has_empty_stores
    nothing_is_written
)
start_somewhere 16900 22 || exit 1
store() { find "$1" -maxdepth 1 -name 'engine-*'; }
verify() { "$loam" verify "$1" >"$work/out" 2>&1; }
finds() { # DIR PATTERN
    verify "$1"
    [ $? = 2 ] && grep -Eq "$2" "$work/out" || { show; return 1; }
}
copy() { rm -rf "$work/node-1" && cp -r "$dir/node-1" "$work/node-1"; }
content() { find "$1" -type f -print0 | sort -z | xargs -0 sha256sum; }

a_sound_node_is_judged_whole_beside_its_process() {
    seq 500 | sed 's/.*/SET key& value&/' | cli 1 --raw | grep -c OK >"$work/count"
    equals "$(cat "$work/count")" 500 || return 1
    until_true 20 eval '[ "$(info 1 raft_applied)" = "$(info 1 raft_commit)" ]' && cp -r "$dir/node-1/log" "$work/early" || return 1
    cli 1 graph.query g "UNWIND range(1, 50) AS n CREATE (:P {n: n})-[:R]->(:Q)" >/dev/null || return 1
    cli 1 ts.add s 1 5 >/dev/null && equals "$(cli 1 debug flush)" OK || return 1
    seq 500 | sed 's/.*/SET other& value&/' | cli 1 --raw >/dev/null || return 1
    until_true 20 eval '[ "$(info 1 raft_applied)" = "$(info 1 raft_commit)" ]' || return 1
    (for round in 1 2 3 4 5 6; do seq 400 | sed "s/.*/SET busy& $round/" | cli 1 --raw; done) >/dev/null &
    local writer=$!
    for _ in 1 2 3 4 5 6; do
        verify "$dir/node-1" # what the node is writing may look torn, and nothing else
        case $? in 0 | 3) ;; *) show; wait "$writer"; return 1 ;; esac
    done
    wait "$writer"
    verify "$dir/node-1" || { show; return 1; }
    grep -Eq "^$dir/node-1: superblock and log, [0-9]+ entries; its stores as of entry [0-9]+$" "$work/out" && grep -qx sound "$work/out" || { show; return 1; }
}
a_sound_node_that_was_killed_is_sound() {
    cluster stop >/dev/null || return 1
    "$loam" verify "$dir/node-1" --json | python3 -c '
import json, sys
told = json.load(sys.stdin)
assert told["sound"] and told["findings"] == [] and told["tables"] > 0, told
assert told["node"]["log_entries"] > 500 and told["node"]["stores_as_of"] > 500 and not told["node"]["witness"], told'
}
a_bit_anywhere_in_the_log_is_found_and_named() {
    local offset found=0
    # Within what is written: the segment's header, then groups of records.
    for offset in 20 4100 4300 4610 5000 8300 8500 12400 16500 20600; do
        copy || return 1
        printf '\x5a\xa5' | dd of="$work/node-1/log/00000001.wal" bs=1 seek="$offset" conv=notrunc status=none || return 1
        finds "$work/node-1" "^$work/node-1/log/00000001.wal: " || { echo "offset $offset"; return 1; }
        grep -q 'start the node' "$work/out" && found=$((found + 1))
    done
    equals "$found" 10
}
a_slot_of_the_superblock_is_named_and_the_other_one_counts() {
    copy && printf '\x5a\xa5' | dd of="$work/node-1/superblock" bs=1 seek=60 conv=notrunc status=none || return 1
    finds "$work/node-1" "superblock: offset 0: slot 0: it does not verify. The other slot counts"
}
without_a_superblock_the_node_is_to_be_replaced() {
    copy && rm "$work/node-1/superblock" || return 1
    finds "$work/node-1" "superblock: the file is missing" && grep -q 'replace the node' "$work/out" || { show; return 1; }
    copy && printf '\x5a\xa5' | dd of="$work/node-1/superblock" bs=1 seek=60 conv=notrunc status=none && printf '\x5a\xa5' | dd of="$work/node-1/superblock" bs=1 seek=4156 conv=notrunc status=none || return 1
    finds "$work/node-1" "Term and vote are lost" && grep -q 'replace the node' "$work/out" || { show; return 1; }
}
a_log_that_is_gone_is_told() {
    copy && rm -r "$work/node-1/log" || return 1
    finds "$work/node-1" "^$work/node-1/log: the log is missing: entries behind [0-9]+"
}
a_segment_of_another_node_is_named_as_such() {
    copy && cp "$dir/node-2/log/00000001.wal" "$work/node-1/log/" || return 1
    finds "$work/node-1" "the superblock is node 1.s, the log is node 2.s"
}
a_store_and_a_log_of_two_times_do_not_fit() {
    copy && rm -r "$(store "$work/node-1")"/*.sst || return 1
    finds "$work/node-1" "\.sst: not found" || return 1
    copy && rm -r "$work/node-1/log" && cp -r "$work/early" "$work/node-1/log" || return 1
    finds "$work/node-1" "the log ends with entry [0-9]+, and the store was flushed with [0-9]+"
}
a_node_that_has_nothing_yet_is_sound() {
    local members="9@127.0.0.1:$((base + 160))@$((base + 60)),1@127.0.0.1:$((base + 101))@$((base + 1))"
    "$build/loamd" --dir "$work/new" --listen 127.0.0.1:$((base + 60)) --init >"$work/out" 2>&1 || { show; return 1; }
    verify "$work/new" && grep -q "superblock and log, 0 entries; no store yet" "$work/out" || { show; return 1; }
    "$build/loamd" --dir "$work/joining" --listen 127.0.0.1:$((base + 60)) --node-id 9 --cluster "$members" --join 5 --init >"$work/out" 2>&1 || { show; return 1; }
    "$build/loamd" --dir "$work/joining" --listen 127.0.0.1:$((base + 60)) --node-id 9 --cluster "$members" >"$work/log" 2>&1 &
    helper=$!
    until_true 20 cli 60 ping && verify "$work/joining" || { show; cat "$work/log"; return 1; }
    kill "$helper" && wait "$helper" 2>/dev/null
    helper=
    verify "$work/joining" || { show; return 1; }
    grep -q "its stores as of entry 0" "$work/out" || { show; return 1; }
}
a_witness_has_empty_stores() {
    cluster reset >/dev/null
    start_somewhere 16900 22 --witness || return 1
    equals "$(cli 1 set a 1)" OK && until_true 20 eval '[ "$(info 3 raft_applied)" = "$(info 1 raft_applied)" ]' || return 1
    cluster stop >/dev/null && verify "$dir/node-3" || { show; return 1; }
    grep -q "of a witness, whose stores are empty" "$work/out" || { show; return 1; }
}
nothing_is_written() {
    content "$dir/node-1" >"$work/before" || return 1
    verify "$dir/node-1"
    printf '\x5a\xa5' | dd of="$dir/node-1/log/00000001.wal" bs=1 seek=4300 conv=notrunc status=none && content "$dir/node-1" >"$work/before" || return 1
    verify "$dir/node-1"
    content "$dir/node-1" | cmp - "$work/before"
}

run_tests

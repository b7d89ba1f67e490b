#!/bin/bash
# loam inspect --raft on a cluster of real processes: asked while it runs and while it is parted, looked at when it was killed, then damaged, cut and
# mixed up in every way; and the page, in a headless Chromium (inspect_raft.py says what is asked of it).
set -u
. "$(dirname "$0")/../cluster/local_frame.sh"
names=(
    a_running_node_tells_what_all_have
    nodes_that_want_a_password_are_asked_with_it
    a_parted_leader_tells_whose_word_it_waits_for
    beside_processes_that_write_nothing_is_called_damaged
    logs_that_part_are_shown_side_by_side
    one_directory_is_shown_with_a_strip
    json_is_json_and_says_the_same
    no_file_is_changed_by_looking
    a_reader_that_goes_away_is_no_failure
    a_flipped_bit_of_a_file_is_told_by_that_file_and_who_has_the_entry
    a_tail_that_was_not_completed_exits_with_3
    a_node_whose_superblock_is_gone_is_known_by_the_others
    a_superblock_that_was_exchanged_is_told
    a_segment_that_was_exchanged_is_told
    half_of_the_files_may_be_missing
    wrong_words_are_refused
    the_page_opens_without_a_complaint
    an_entry_that_is_pointed_at_is_told_of_all_nodes
    the_page_leads_to_where_logs_part_and_to_damage
    a_long_log_is_thinned_out_and_says_so
)
python=needed

inspect() { "$loam" inspect --raft "$@" >"$work/out" 2>"$work/errors"; }
says() { grep -qF -- "$1" "$work/out" || { echo "\"$1\" is not in:"; cat "$work/out" "$work/errors"; return 1; }; }
flip() { # file, offset: one bit
    printf "\\x$(printf %02x $(($(od -An -tu1 -j "$2" -N 1 "$1") ^ 4)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
again() { rm -rf "$work/copy" && cp -r --sparse=always "$dir" "$work/copy"; } # a copy to be harmed
judge() { # FACT PAGE
    if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then
        skip "chromium and its driver are not installed"
        return
    fi
    /usr/bin/python3 "$(dirname "$0")/inspect_raft.py" "$1" "$2"
}

a_running_node_tells_what_all_have() {
    local i
    start_somewhere 23100 25 --nodes 3 || return 1
    for i in $(seq 20); do cli 1 set "key$i" "value$i" >/dev/null || return 1; done
    inspect "127.0.0.1:$((base + $(leader)))" || { cat "$work/errors"; return 1; }
    says ', leader, term' && says 'commit     nothing waits: all' && [ "$(grep -c ' voter  ' "$work/out")" = 3 ] || return 1
    inspect "127.0.0.1:$((base + $(leader) % 3 + 1))" && says ', follower, term' && says ', leader, term' # who leads is asked, too
}
nodes_that_want_a_password_are_asked_with_it() {
    local node leads
    leads=$(leader)
    for node in 1 2 3; do cli $node config set requirepass secret >/dev/null || return 1; done
    inspect --password secret "127.0.0.1:$((base + leads))" && says ', leader, term' || { cat "$work/errors"; return 1; }
    inspect "127.0.0.1:$((base + 1))"
    [ $? = 1 ] && grep -q 'NOAUTH' "$work/errors" || { cat "$work/errors"; return 1; }
    inspect --password wrong "127.0.0.1:$((base + 1))"
    [ $? = 1 ] && grep -q 'WRONGPASS' "$work/errors" || { cat "$work/errors"; return 1; }
    for node in 1 2 3; do cli $node -a secret config set requirepass '' >/dev/null || return 1; done
}
a_parted_leader_tells_whose_word_it_waits_for() {
    local others
    old=$(leader)
    others=$(seq 3 | grep -v "$old" | paste -sd,)
    cluster partition "$old/$others" >/dev/null || return 1
    for i in 1 2 3; do cli "$old" set "alone$i" x >/dev/null 2>&1 & done
    until_true 3 waits_for_two || { says 'more acknowledgement of entry'; return; }
    "$loam" inspect --raft --json "127.0.0.1:$((base + old))" | python3 -c '
import json, sys
told = json.load(sys.stdin)
node = told["nodes"][0]
assert told["raft"] == "live" and node["node"] == int(sys.argv[1]), told
assert node["commit_waiting_ms"] > 0 and node["waits"]["from"] == node["commit"] + 1 and node["waits"]["to"] == node["last"], node' "$old"
}
waits_for_two() { # before it steps down: whom it waits for; after: that it hears nobody
    inspect "127.0.0.1:$((base + old))" && { [ "$(grep -c 'last heard\|are on their way\|silent for' "$work/out")" = 2 ] && grep -q '1 more acknowledgement' "$work/out" ||
        grep -q 'it hears 1 of 3 voters' "$work/out"; }
}
beside_processes_that_write_nothing_is_called_damaged() {
    local node=$((old % 3 + 1)) i
    "$loam" cli -p $((base + node)) debug sleep 0 >/dev/null 2>&1
    (for i in $(seq 400); do cli $node set "beside$i" "$RANDOM" >/dev/null 2>&1; done) &
    helper=$!
    for i in 1 2 3 4 5 6; do
        inspect "$dir"
        case $? in 0 | 3) ;; *) cat "$work/out" "$work/errors"; return 1 ;; esac
    done
    wait $helper
    helper=
}
logs_that_part_are_shown_side_by_side() {
    local i
    for i in 1 2 3; do cluster kill $i >/dev/null || return 1; done
    inspect "$dir" || { cat "$work/out" "$work/errors"; return 1; }
    grep -q "^- node-$old parts from node-[123] at entry" "$work/out" || { says 'parts from'; return; }
    says 'the logs part' && says 'will be cut' && says 'no change is recorded' && says "Can be elected with these logs:" && ! grep -q CORRUPT "$work/out" || return 1
    ! grep -q "Can be elected with these logs:.*node-$old" "$work/out"
}
one_directory_is_shown_with_a_strip() {
    inspect "$dir/node-$old" && says "node-$old: node $old of cluster" && says 'promised   term' && says '(counts)' && says '  terms |' && says '  kinds |n' || return 1
    [ "$(awk '{ if (length($0) > most) most = length($0) } /\|$/ { if (length($0) > 100) wide++ } END { print wide + 0 }' "$work/out")" = 0 ]
}
json_is_json_and_says_the_same() {
    inspect --json "$dir" && python3 - "$work/out" "$old" <<'PYTHON'
import json, sys
told = json.load(open(sys.argv[1]))
old = int(sys.argv[2]) - 1
assert told["raft"] == "directories" and told["verdict"] == "clean", told["verdict"]
side = told["comparison"]
assert side["members"]["voters"] == [1, 2, 3] and side["missing_voters"] == 0
assert side["parts_at"] == told["nodes"][old]["parts_at"] > 0
part = next(span for span in side["spans"] if span["first"] == side["parts_at"])
assert [branch["holders"] for branch in part["branches"] if not branch["on_quorum"]] == [[old]], part
for node in told["nodes"]:
    runs = node["log"]["runs"]
    assert sum(len(run["sizes"]) for run in runs) == node["log"]["entries"]
    assert runs[0]["first"] == node["log"]["first"] and runs[-1]["last"] == node["log"]["last"]
    assert not node["problems"] and len(node["slots"]) == 2
PYTHON
}
no_file_is_changed_by_looking() {
    sums() { find "$dir" -type f -printf '%p %T@ %s\n' -exec sha256sum {} + | sort; }
    sums >"$work/before"
    inspect "$dir" && inspect --json "$dir" && inspect --html "$dir" && inspect "$dir/node-1" "$dir/node-2" || return 1
    sums | cmp - "$work/before" && [ -z "$(find "$dir" -newer "$work/before")" ]
}
a_reader_that_goes_away_is_no_failure() {
    "$loam" inspect --raft "$dir" 2>"$work/errors" | head -n 1 | grep -q 'node 1 of cluster' && [ ! -s "$work/errors" ]
}
a_flipped_bit_of_a_file_is_told_by_that_file_and_who_has_the_entry() {
    local file
    again && flip "$work/copy/node-1/superblock" 100
    inspect "$work/copy"
    [ $? = 2 ] && says 'CORRUPT: superblock, bytes 0 to 511: slot 0: it does not verify. The other slot counts' || return 1
    again && flip "$work/copy/node-1/log/00000001.wal" 24700
    inspect "$work/copy"
    [ $? = 2 ] && says 'CORRUPT: log/00000001.wal, bytes ' && says 'lost here: entry ' && grep -q 'had by node-2, node-3$' "$work/out" && says ': lost at node-1, and sound at node-2, node-3.' || return 1
    again && file=$(ls "$work"/copy/node-1/engine-00000001/*.manifest) && flip "$file" 40
    inspect "$work/copy"
    [ $? = 2 ] && says 'CORRUPT: engine-00000001: the store does not open' && grep -q 'manifest' "$work/out" && [ "$(grep -c CORRUPT "$work/out")" = 1 ]
}
a_tail_that_was_not_completed_exits_with_3() {
    local end
    again
    end=$("$loam" inspect "$work/copy/node-2/log/00000001.wal" | awk '$1 == "end" { print $3 }')
    dd if=/dev/zero of="$work/copy/node-2/log/00000001.wal" bs=512 seek=$(((end / 4096 - 1) * 8 + 5)) count=1 conv=notrunc status=none
    inspect "$work/copy"
    [ $? = 3 ] && says '  torn: log/00000001.wal, bytes ' && ! grep -q CORRUPT "$work/out"
}
a_node_whose_superblock_is_gone_is_known_by_the_others() {
    again && rm "$work/copy/node-2/superblock"
    inspect "$work/copy"
    [ $? = 2 ] && says 'CORRUPT: superblock: the file is missing' && says 'node-2: node 2, by its log: others here have met its owner' && ! grep -q 'there is no directory here' "$work/out"
}
a_superblock_that_was_exchanged_is_told() {
    again && mv "$work/copy/node-1/superblock" "$work/copy/one" && mv "$work/copy/node-2/superblock" "$work/copy/node-1/" && mv "$work/copy/one" "$work/copy/node-2/superblock"
    inspect "$work/copy"
    [ $? = 2 ] && says "the superblock is node 2's, the log is node 1's" && says "the superblock is node 1's, the log is node 2's" && ! grep -q 'CORRUPT.*\.wal' "$work/out"
}
a_segment_that_was_exchanged_is_told() {
    again && cp "$work/copy/node-3/log/00000001.wal" "$work/copy/node-1/log/00000001.wal"
    inspect "$work/copy"
    [ $? = 2 ] && grep -q "CORRUPT.*node 3's" "$work/out" && ! grep -q 'does not verify' "$work/out"
}
half_of_the_files_may_be_missing() {
    local seed code
    for seed in 1 2 3 4 5 6; do
        again
        RANDOM=$seed
        find "$work/copy" -type f | sort | while read -r file; do case $((RANDOM % 4)) in 0 | 1) rm "$file" ;; 2) truncate -s $((RANDOM % 9000)) "$file" ;; esac; done
        inspect "$work/copy"
        code=$?
        [ $code -le 3 ] && ! grep -q 'Sanitizer\|runtime error\|check failed' "$work/errors" || { echo "seed $seed: exit $code"; cat "$work/out" "$work/errors"; return 1; }
        inspect --json "$work/copy"
        [ ! -s "$work/out" ] || python3 -m json.tool "$work/out" >/dev/null || return 1
    done
}
wrong_words_are_refused() {
    local words
    for words in "--hex $dir" "--html 127.0.0.1:1" "127.0.0.1:1" "$work" "$work/nowhere" "$dir/cluster.conf"; do
        # shellcheck disable=SC2086
        inspect $words
        [ $? = 1 ] && grep -q '^loam inspect: ' "$work/errors" || { echo "$words"; cat "$work/out" "$work/errors"; return 1; }
    done
}

the_page_opens_without_a_complaint() {
    inspect --html "$dir" && mv "$work/out" "$work/page.html" && ! grep -qE 'src=|href=|https?://' "$work/page.html" && judge "$FUNCNAME" "$work/page.html"
}
an_entry_that_is_pointed_at_is_told_of_all_nodes() { judge "$FUNCNAME" "$work/page.html"; }
the_page_leads_to_where_logs_part_and_to_damage() {
    again && flip "$work/copy/node-1/log/00000001.wal" 24700
    inspect --html "$work/copy"
    [ $? = 2 ] && mv "$work/out" "$work/damaged.html" && judge "$FUNCNAME" "$work/damaged.html"
}
a_long_log_is_thinned_out_and_says_so() {
    local i
    cluster start >"$work/out" 2>&1 && cluster heal >/dev/null || { cat "$work/out"; return 1; }
    for i in $(seq 3000); do echo "set long$i $i"; done | "$loam" cli -p $((base + $(leader))) >/dev/null
    inspect --html "$dir"
    [ $? != 1 ] && mv "$work/out" "$work/long.html" && judge "$FUNCNAME" "$work/long.html"
}

run_tests

#!/bin/bash
# loam simulate, as a program: a log is recorded beside its owner, a trace or a workload is replayed under several configurations, what is
# damaged is told, and the page is looked at (simulate_page.py says what is asked of it).
set -u
. "$(dirname "$0")/frame.sh"
names=(
    the_log_of_a_bare_store_is_recorded_and_replayed
    a_trace_is_what_the_log_says
    the_entries_of_a_running_node_are_recorded
    following_a_node_records_what_comes
    nothing_of_what_is_recorded_is_changed
    the_same_command_prints_the_same
    leveled_writes_more_than_tiered_and_tiered_asks_more_runs
    json_is_one_object_with_what_is_documented
    configurations_one_by_one_are_named_by_what_differs
    a_damaged_trace_is_told_replayed_and_exits_with_2
    a_trace_without_an_end_exits_with_3
    a_damaged_log_is_recorded_as_far_as_it_can_be_read
    a_store_that_does_not_fit_is_refused_with_what_to_do
    a_sample_has_its_share_of_the_keys
    a_wrong_line_is_told
    a_reader_that_ends_early_is_no_failure
    the_page_opens_without_a_complaint
    the_page_shows_the_figures_of_the_table
    a_configuration_can_be_left_out_and_pointed_at
    texts_of_the_page_stay_text
)

look() { # FACT PAGE
    if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then
        skip "chromium and its driver are not installed"
        return
    fi
    /usr/bin/python3 tests/script/simulate_page.py "$1" "$2"
}
simulate() { # sets code; what it said is in $work/out and $work/err
    "$loam" simulate "$@" >"$work/out" 2>"$work/err"
    code=$?
}
says() { grep -Eq -- "$1" "$work/out" "$work/err" || { echo "nothing says: $1"; cat "$work/out" "$work/err"; return 1; }; }
state() { (cd "$1" && find . -type f -exec md5sum {} + | sort); }
fill_store() {
    "$loam" bench engine --dir "$work/bench" --entries 100000 --memtable-mib 1 --workloads fillrandom --here --keep >"$work/bench.out" && mv "$work/bench/loam" "$work/store"
}
small=(--memtable 64k --level-base 64k --file 64k)
column() { awk -v policy="$1" -v at="$2" '$1 == policy { print $at }' "$work/out"; }

the_log_of_a_bare_store_is_recorded_and_replayed() {
    fill_store || return 1
    simulate record "$work/store" "$work/store.writes"
    [ $code = 0 ] && says '^.*store.writes: [0-9]+ writes of batches [0-9]+ to [0-9]+, ' || return 1
    simulate compaction "$work/store.writes" "${small[@]}" --rate full
    [ $code = 0 ] && says '^lazy ' && says '^leveled ' && says '^tiered ' && says '^fifo '
}
a_trace_is_what_the_log_says() {
    local writes
    writes=$(sed -n 's/.*: \([0-9]*\) writes, .*/\1/p' "$work/out")
    "$loam" inspect --json "$work/store.writes" >"$work/json" && grep -q "\"writes\": *\"$writes\"" "$work/json" || { echo "$writes"; head -c 600 "$work/json"; return 1; }
    "$loam" inspect "$work/store.writes" | grep -q 'write trace'
}
the_entries_of_a_running_node_are_recorded() {
    local i
    start_server --lab || return 1
    for i in $(seq 500); do echo "set key:$i $(printf 'v%.0s' {1..90})$i"; done | cli >/dev/null
    printf 'del key:7\nset end x\nset end y\n' | cli >/dev/null # that an entry is committed stands behind the next one
    simulate record "$work/node" "$work/node.writes"
    [ $code = 0 ] && says 'writes of entries 1 to [0-9]+, ' || { cat "$work/err"; return 1; }
    "$loam" inspect --hex "$work/node.writes" >"$work/hex" || return 1
    [ "$(grep -c 'rest of the key: .*key:[0-9]*" in all' "$work/hex")" = 501 ] && grep -q 'kind: 2: delete' "$work/hex" || return 1
    simulate compaction "$work/node.writes" --memtable 16k --level-base 16k --file 16k
    [ $code = 0 ] && says 'at their recorded times' && says '^lazy '
}
following_a_node_records_what_comes() {
    local recorder i
    "$loam" simulate record "$work/node" "$work/follow.writes" --follow 6 >"$work/followed" 2>"$work/err" &
    recorder=$!
    for i in $(seq 200); do # until it has read what is there
        [ -s "$work/follow.writes" ] && break
        read -rt 0.05 <> <(:)
    done
    for i in $(seq 302); do echo "set later:$i x"; done | cli >/dev/null
    wait "$recorder" || { cat "$work/err"; return 1; }
    "$loam" inspect --hex "$work/follow.writes" | grep -q 'later:300" in all'
}
nothing_of_what_is_recorded_is_changed() {
    kill_server
    state "$work/node" >"$work/before"
    state "$work/store" >>"$work/before"
    simulate record "$work/node" "$work/again.writes"
    [ $code = 0 ] || return 1
    simulate record "$work/store" "$work/again2.writes"
    [ $code = 0 ] || return 1
    state "$work/node" >"$work/after"
    state "$work/store" >>"$work/after"
    cmp "$work/before" "$work/after" || return 1
    simulate record "$work/store" "$work/again2.writes"
    [ $code = 1 ] && says 'again2.writes: exists; nothing is written over'
}
the_same_command_prints_the_same() {
    simulate compaction --workload fillrandom,overwrite,deleterandom --entries 30000 "${small[@]}" --json
    [ $code = 0 ] && mv "$work/out" "$work/first" || return 1
    simulate compaction --workload fillrandom,overwrite,deleterandom --entries 30000 "${small[@]}" --json
    [ $code = 0 ] && cmp "$work/first" "$work/out" || return 1
    simulate compaction --workload fillrandom,overwrite,deleterandom --entries 30000 "${small[@]}" --seed 2 --json
    ! cmp -s "$work/first" "$work/out"
}
leveled_writes_more_than_tiered_and_tiered_asks_more_runs() {
    simulate compaction --workload fillrandom,overwrite,overwrite --entries 40000 --memtable 256k --level-base 256k --file 128k --policy leveled,tiered
    [ $code = 0 ] && awk -v a="$(column leveled 2)" -v b="$(column tiered 2)" -v c="$(column leveled 9)" -v d="$(column tiered 9)" \
        'BEGIN { exit !(a > b && b > 1 && d > c && c > 0.9) }' || { cat "$work/out"; return 1; }
}
json_is_one_object_with_what_is_documented() {
    simulate compaction --workload fillseq --entries 2000 "${small[@]}" --json
    [ $code = 0 ] || return 1
    if [ ! -x /usr/bin/python3 ]; then skip "python3 is not installed"; return; fi
    /usr/bin/python3 - "$work/out" tools/loam/README.md <<'END'
import json, re, sys
told = json.load(open(sys.argv[1]))
text = open(sys.argv[2]).read()
part = text[text.index("## loam simulate"):]
part = part[:part.index("\n## ", 5)]
def names(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from names(inner)
    elif isinstance(value, list):
        for inner in value: yield from names(inner)
missing = {name for name in names(told) if not re.search(r"\b%s\b" % re.escape(name), part)}
assert not missing, ("not documented", missing)
assert told["schema"] == 1 and told["writes"] == 2000 and [one["name"] for one in told["configurations"]] == ["lazy", "leveled", "tiered", "fifo"]
for one in told["configurations"]:
    assert one["points"][-1]["writes"] == 2000 and one["rest"]["disk_bytes"] > 0
    assert abs(one["write_amplification"] - (one["flushed_bytes"] + one["compacted_bytes"] + one["value_bytes"]) / told["bytes"]) < 1e-3
END
}
configurations_one_by_one_are_named_by_what_differs() {
    simulate compaction --workload fillrandom --entries 5000 --file 64k --config policy=tiered,memtable=64k --config policy=lazy,memtable=128k,level-ratio=4
    [ $code = 0 ] && says '^tiered, memtable 64k, level-ratio 10 ' && says '^lazy, memtable 128k, level-ratio 4 '
}
damage() { # file, offset
    printf 'X' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
a_damaged_trace_is_told_replayed_and_exits_with_2() {
    local size at
    size=$(stat -c %s "$work/store.writes")
    for at in 3 60 5000 $((size / 2)) $((size - 4090)); do
        cp "$work/store.writes" "$work/damaged.writes"
        damage "$work/damaged.writes" "$at"
        simulate compaction "$work/damaged.writes" "${small[@]}" --policy fifo --rate full
        [ $code = 2 ] && says 'damaged.writes: offset [0-9]+: ' && says 'lost: [0-9]+ writes' || { echo "at $at: exit $code"; cat "$work/err"; return 1; }
        "$loam" inspect "$work/damaged.writes" >/dev/null
        [ $? = 2 ] || { echo "inspect at $at"; return 1; }
    done
    echo 'a text' >"$work/strange"
    simulate compaction "$work/strange"
    [ $code = 1 ] && says 'strange: is no write trace' || return 1
    : >"$work/strange"
    simulate compaction "$work/strange"
    [ $code = 1 ] && says 'strange: is empty'
}
a_trace_without_an_end_exits_with_3() {
    head -c $(($(stat -c %s "$work/store.writes") - 4096)) "$work/store.writes" >"$work/cut.writes"
    simulate compaction "$work/cut.writes" "${small[@]}" --policy fifo --rate full
    [ $code = 3 ] && says 'cut.writes: has no end' || return 1
    "$loam" inspect "$work/cut.writes" >/dev/null
    [ $? = 3 ]
}
a_damaged_log_is_recorded_as_far_as_it_can_be_read() {
    local segment
    rm -rf "$work/copy" && cp -r "$work/store" "$work/copy"
    segment=$(ls "$work"/copy/wal/*.wal | tail -n 1)
    damage "$segment" 200000
    simulate record "$work/copy" "$work/copy.writes"
    [ $code = 2 ] && says "damage: $segment: offset [0-9]+" && says 'copy.writes: [0-9]+ writes' || { cat "$work/out" "$work/err"; return 1; }
    simulate compaction "$work/copy.writes" "${small[@]}" --policy fifo --rate full
    [ $code = 0 ]
}
a_store_that_does_not_fit_is_refused_with_what_to_do() {
    simulate compaction --workload fillseq --entries 100000 --memtable 256k --memory-mib 4 --policy lazy
    [ $code = 1 ] && says 'outgrew the 4 MiB' && says -- '--sample N' || return 1
    simulate compaction --workload fillseq --memory-mib 4
    [ $code = 1 ] && says 'memtables take more than the 4 MiB'
}
a_sample_has_its_share_of_the_keys() {
    simulate compaction --workload fillrandom,overwrite --entries 40000 --sample 8 "${small[@]}" --policy lazy
    [ $code = 0 ] && says 'one key in 8 is replayed' || return 1
    local writes
    writes=$(sed -n 's/^fillrandom.*: \([0-9]*\) writes,.*/\1/p' "$work/out")
    [ "$writes" -gt 9000 ] && [ "$writes" -lt 11000 ]
}
a_wrong_line_is_told() {
    local words
    for words in "" "--workload none" "--workload fillseq $work/store.writes" "a b" "--workload fillseq --policy lasy" "--workload fillseq --memtable 1" "--workload fillseq --rate recorded" \
        "--workload fillseq --rate 0" "--workload fillseq --config policy" "--workload fillseq --entries 0" "--strange" "$work/absent"; do
        # shellcheck disable=SC2086
        simulate compaction $words
        [ $code = 1 ] && [ ! -s "$work/out" ] && grep -q '^loam simulate compaction: ' "$work/err" || { echo "'$words': exit $code"; cat "$work/err"; return 1; }
    done
    for words in "" "$work" "$work $work/x.writes" "$work/absent $work/x.writes" "$work/store $work/x.writes --follow x"; do
        # shellcheck disable=SC2086
        simulate record $words
        [ $code = 1 ] && [ ! -s "$work/out" ] && [ ! -e "$work/x.writes" ] || { echo "record '$words': exit $code"; cat "$work/err"; return 1; }
    done
    mkdir -p "$work/empty/wal" && simulate record "$work/empty" "$work/x.writes"
    [ $code = 1 ] && says 'its log holds no writes' && [ ! -e "$work/x.writes" ] || return 1
    simulate strange
    [ $code = 1 ] && says "nothing to simulate is called 'strange'" || return 1
    simulate compaction --help
    [ $code = 0 ] && says '^usage: loam simulate compaction'
}
a_reader_that_ends_early_is_no_failure() {
    "$loam" simulate compaction --workload fillseq --entries 2000 "${small[@]}" --json 2>"$work/err" | head -n 1 >"$work/out"
    [ ! -s "$work/err" ] && [ "$(wc -l <"$work/out")" = 1 ]
}
the_page_opens_without_a_complaint() {
    simulate compaction --workload fillrandom,overwrite --entries 40000 "${small[@]}" --html "$work/page.html"
    [ $code = 0 ] && says '^lazy ' && ! grep -qE 'src=|href=|https?://[^w]' "$work/page.html" && look "$FUNCNAME" "$work/page.html"
}
the_page_shows_the_figures_of_the_table() { look "$FUNCNAME" "$work/page.html"; }
a_configuration_can_be_left_out_and_pointed_at() { look "$FUNCNAME" "$work/page.html"; }
texts_of_the_page_stay_text() {
    local wild="$work/<!--<script><img src=x onerror=window.caught=1>"
    mkdir -p "$wild" && cp "$work/store.writes" "$wild/a" && simulate compaction "$wild/a" "${small[@]}" --policy fifo --html "$work/wild.html"
    [ $code = 0 ] && look "$FUNCNAME" "$work/wild.html"
}

run_tests

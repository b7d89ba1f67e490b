#!/bin/bash
# loam inspect --series: a series, its chunks, and the bits of their samples, beside a running server and without one.
set -u
. "$(dirname "$0")/frame.sh"
names=(
    a_series_is_told_chunk_by_chunk
    a_chunk_s_samples_are_told_bit_by_bit
    the_same_as_one_object
    what_is_not_there_is_refused
    what_is_not_known_to_be_committed_is_shown_when_it_is_asked_for
    a_damaged_table_is_told_and_nothing_is_changed
)

sum() { (cd "$work/node" && find . -type f | sort | xargs md5sum) | md5sum; }
a_series_is_told_chunk_by_chunk() {
    start_server || return 1
    local i
    cli ts.create heat labels room 1 kind 'a b' >/dev/null && cli ts.alter heat chunk_size 128 >/dev/null
    for ((i = 0; i < 200; i++)); do echo "ts.add heat $((1500000000000 + i * 1000)) $((i % 7)).5"; done | cli >/dev/null
    cli set text x >/dev/null
    "$loam" inspect --series heat "$work/node" >"$work/out" 2>/dev/null || return 1
    grep -q '^series [0-9]*: retention 0 ms, chunks of 128 bytes, duplicates block, labels "room" = "1", "kind" = "a b"$' "$work/out" &&
        grep -q '^ *1  GORILLA .*  2017-07-14 02:40:00.000 ' "$work/out" && grep -q ' OPEN ' "$work/out" && tail -n 1 "$work/out" | grep -q ' chunks, 200 samples, ' || { cat "$work/out"; return 1; }
}
a_chunk_s_samples_are_told_bit_by_bit() {
    "$loam" inspect --series heat --chunk 1 "$work/node" >"$work/out" 2>/dev/null || return 1
    grep -q '^ *0  2017-07-14 02:40:00.000  0.5 .* 64: the value as it is' "$work/out" && grep -qE '^ *1  .* 1.5 .* 1110 \+12: D 1000, 11 \+5 \+6 \+[0-9]+: [0-9]+ zeros, [0-9]+ bits, [0-9]+ zeros$' "$work/out" &&
        grep -qE '^ *2  .* 2.5 .* 0: D 0, 1[01] ' "$work/out" || { cat "$work/out"; return 1; }
    "$loam" inspect --series heat --at 1500000199000 "$work/node" 2>/dev/null | grep -q '^ *[0-9]*  2017-07-14 02:43:19.000  3.5 .* head'
}
the_same_as_one_object() {
    [ -x /usr/bin/python3 ] || { skip "python3 is not installed"; return; }
    "$loam" inspect --series heat --chunk 2 --json "$work/node" 2>/dev/null >"$work/json" || return 1
    /usr/bin/python3 - "$work/json" <<'PYTHON'
import json, sys
told = json.load(open(sys.argv[1]))
assert told["labels"] == {"room": "1", "kind": "a b"} and told["samples"] == 200 and told["fault"] is None, told["labels"]
assert sum(chunk["samples"] for chunk in told["chunks"]) == 200 and sum(chunk["bytes"] for chunk in told["chunks"]) == told["bytes"]
second = told["chunks"][1]
bits = second["samples_bits"]
assert len(bits) == second["samples"] and bits[0]["time_ms"] == second["first_ms"] and bits[-1]["time_ms"] == second["last_ms"]
at = bits[0]["at_bit"]
for sample in bits:
    assert sample["at_bit"] == at, sample
    at += sample["time_bits"] + sample["value_bits"]
assert 8 * second["bytes"] - 8 < at <= 8 * second["bytes"]
times = [chunk["first_ms"] for chunk in told["chunks"]]
assert times == sorted(times) and "samples_bits" not in told["chunks"][0]
PYTHON
}
what_is_not_there_is_refused() {
    local words
    for words in "--series nosuch" "--series text" "--series heat --chunk 99" "--series heat --at 5" "--series heat --at x" "--series heat --chunk 1 --at 1500000000000" "--series"; do
        # shellcheck disable=SC2086
        "$loam" inspect "$work/node" $words >"$work/out" 2>"$work/err"
        [ $? = 1 ] && grep -q '^loam inspect' "$work/err" || { echo "$words"; cat "$work/err"; return 1; }
    done
}
# The last write's commit stands in no note yet: the node tells it with the next one.
what_is_not_known_to_be_committed_is_shown_when_it_is_asked_for() {
    cli ts.add heat 1500000200000 9.5 >/dev/null || return 1
    "$loam" inspect --series heat "$work/node" 2>"$work/err" | tail -n 1 >"$work/out"
    grep -q ' 200 samples, ' "$work/out" && grep -q '(--uncommitted shows them)' "$work/err" || { cat "$work/out" "$work/err"; return 1; }
    "$loam" inspect --series heat --uncommitted "$work/node" 2>/dev/null | tail -n 1 | grep -q ' 201 samples, '
}
a_damaged_table_is_told_and_nothing_is_changed() {
    kill_server
    local table before _
    start_server --lab && cli debug flush >/dev/null || return 1
    for _ in $(seq 200); do
        cli info persistence | grep -q 'flushed_index:[1-9]' && break
        read -rt 0.05 <> <(:)
    done
    kill_server
    for table in $(find "$work/node" -name '*.sst'); do
        "$loam" inspect "$table" | grep -q '^  kind *17$' && break
    done
    printf '\377\377\377\377' | dd of="$table" bs=1 seek=200 conv=notrunc status=none
    before=$(sum)
    "$loam" inspect --series heat --chunk 1 "$work/node" >"$work/out" 2>"$work/err"
    [ $? = 2 ] && grep -q "can't be read: corrupt" "$work/err" && [ "$before" = "$(sum)" ] || { head -n 20 "$work/out"; cat "$work/err"; return 1; }
}

run_tests

#!/bin/bash
# loam explain, as a program, on the directory of a node that was killed, or runs, and on damaged copies of it: what it says, which file it names,
# how it exits, and that it changes nothing.
set -u
. "$(dirname "$0")/frame.sh"
names=(
    a_get_says_who_was_asked_and_what_decided
    a_scan_shows_the_rows_and_the_blocks
    a_history_names_the_writes_the_flush_and_the_table
    json_is_one_object
    a_flipped_bit_in_a_table_is_told_by_file_and_offset
    a_table_that_is_gone_is_named_and_others_answer
    a_table_of_another_number_is_not_believed
    a_damaged_manifest_leaves_history_its_tables
    a_log_that_is_gone_or_damaged_is_told_beside_the_stores_answer
    a_node_that_lost_its_superblock_is_told_from_no_store
    a_manifest_that_was_cut_is_blamed_for_the_tables_that_are_gone
    damage_anywhere_never_crashes_and_nothing_is_written
    beside_a_running_server_it_answers_as_get_does
    an_engines_own_directory_is_explained
    a_command_line_that_is_not_understood_exits_with_1
)

quiet() { cli "$@" >/dev/null; }
state() { find "$1" -type f -exec sha256sum {} + | sort | sha256sum; }
# Runs loam explain; sets code, and leaves what it said in $work/out and $work/err.
explain() {
    "$loam" explain "$@" >"$work/out" 2>"$work/err"
    code=$?
}
says() { grep -Eq -- "$1" "$work/out" "$work/err" || { echo "nothing says: $1"; cat "$work/out" "$work/err"; return 1; }; }
damaged() { # a copy of the node
    rm -rf "$work/damaged"
    cp -r "$work/node" "$work/damaged"
    store=$work/damaged/engine-00000001
}
flip() { # file, offset, bit
    local byte
    byte=$(dd if="$1" bs=1 skip="$2" count=1 status=none | od -An -tu1)
    # shellcheck disable=SC2059
    printf "\\x$(printf %02x $((byte ^ 1 << $3)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
# The table that holds key:8, and where in it.
find_table() {
    "$loam" explain get "$work/node" key:8 --json 2>/dev/null >"$work/found"
    table=$(sed -n 's/.*"step":"block","file":\([0-9]*\),.*/\1/p' "$work/found")
    offset=$(sed -n 's/.*"step":"block",[^}]*"offset":\([0-9]*\),.*/\1/p' "$work/found")
    [ -n "$table" ] && [ -n "$offset" ]
}

a_get_says_who_was_asked_and_what_decided() {
    start_server --memtable-bytes 65536 || return 1
    local i
    for i in $(seq 1 3000); do echo "set key:$i $(printf 'v%.0s' {1..60})$i"; done | "$loam" cli -p "$port" >/dev/null
    quiet set key:7 late && quiet del key:9 && quiet incr number && quiet set end x || return 1
    for i in $(seq 200); do # what is flushed is merged: a quiet store has what it will have
        "$loam" events "$work/node" --only compaction 2>/dev/null | grep -q 'compaction end' && break
        read -rt 0.05 <> <(:)
    done
    kill_server
    explain get "$work/node" key:8
    [ $code = 0 ] && says '^memtable, [0-9]+ entries' && says '^level [0-9], [0-9]+ file' && says 'filter of 10 bits a key: may have it' &&
        says 'block [0-9]+ of [0-9]+ at offset [0-9]+, [0-9]+ bytes, read from the file, [0-9.]+ us' && says '^stopped: the put of sequence [0-9]+ in file [0-9]+ decides$' &&
        says '^answer: .*"v{40}"' && says '^cost: .* 1 blocks read' || return 1
    explain get "$work/node" key:9
    [ $code = 0 ] && says 'stopped: the delete of sequence [0-9]+ in the memtable decides' && says '^answer: nothing$' && says 'not asked: the answer was there before' || return 1
    explain get "$work/node" nowhere
    [ $code = 0 ] && says '^answer: nothing$' && says '^stopped: nothing older is left'
}
a_scan_shows_the_rows_and_the_blocks() {
    explain scan "$work/node" key:8 --count 3
    [ $code = 0 ] && says '^row .*name "key:8" .*file [0-9]+\)$' && says '^    file [0-9]+: block [0-9]+ of' && says '^stopped: as many rows as were asked for' && says '^3 rows$' || return 1
    explain scan "$work/node" --tree tsdb.chunks
    [ $code = 0 ] && says '^0 rows$'
}
a_history_names_the_writes_the_flush_and_the_table() {
    explain history "$work/node" key:7
    [ $code = 0 ] && says '^  entry [0-9]+, term 1 .*segment 00000001 offset [0-9]+: kv, 1: set, "key:7", "late"; in no table yet$' &&
        says 'set, "key:7", "v+"..; in tables since edit [0-9]+, in file [0-9]+ if it changed the key$' && says 'because: the memtable is full$' &&
        says '^      put of sequence [0-9]+' && says '^now: .*"late"' || return 1
    explain history "$work/node" number
    [ $code = 0 ] && says 'kv, 5: increment' && [ "$(grep -c '^  entry' "$work/out")" = 1 ]
}
json_is_one_object() {
    [ -x /usr/bin/python3 ] || { skip "python3 is not installed"; return; }
    local words
    for words in "get $work/node key:8" "scan $work/node --count 5" "history $work/node key:7"; do
        # shellcheck disable=SC2086
        explain $words --json
        [ $code = 0 ] && [ "$(wc -l <"$work/out")" = 1 ] && /usr/bin/python3 -c 'import json, sys
told = json.load(sys.stdin)
sys.exit(0 if told["explain"] in ("get", "scan", "history") and told["damage"] == [] and told["tree"] == "names" else 1)' <"$work/out" || { echo "$words"; return 1; }
    done
}
a_flipped_bit_in_a_table_is_told_by_file_and_offset() {
    find_table || return 1
    damaged
    flip "$store/$(printf %010d "$table").sst" $((offset + 50)) 3
    explain get "$work/damaged" key:8
    [ $code = 2 ] && says "damage: .*$(printf %010d "$table").sst: data block [0-9]+ at offset $offset " && says "Lost: what block [0-9]+ of [0-9]+ in file $table " || return 1
    explain history "$work/damaged" key:8
    [ $code = 2 ] && says "damage: .*$(printf %010d "$table").sst: data block" && says 'set, "key:8"'
}
a_table_that_is_gone_is_named_and_others_answer() {
    find_table || return 1
    damaged
    rm "$store/$(printf %010d "$table").sst"
    explain get "$work/damaged" key:8
    [ $code = 2 ] && says "$(printf %010d "$table").sst: not found" && says "file $table can't be opened" || return 1
    explain scan "$work/damaged" --tree names.meta
    [ $code = 2 ] && says '^1 rows$' && says "Lost with it: [0-9]+ entries of tree 2, level"
}
a_table_of_another_number_is_not_believed() {
    local other
    find_table || return 1
    damaged
    for other in "$store"/*.sst; do [ "$other" = "$store/$(printf %010d "$table").sst" ] || break; done
    cp "$other" "$store/$(printf %010d "$table").sst"
    explain get "$work/damaged" key:8
    [ $code = 2 ] && says "$(printf %010d "$table").sst: offset 0: it is file" || return 1
    explain history "$work/damaged" key:8
    [ $code = 2 ] && says "$(printf %010d "$table").sst: offset 0: it is file" && ! grep -q '^      put' "$work/out"
}
a_damaged_manifest_leaves_history_its_tables() {
    find_table || return 1
    damaged
    flip "$store"/*.manifest 8200 2
    explain get "$work/damaged" key:8
    [ $code = 2 ] && says 'manifest: offset [0-9]+: ' && says 'No get or scan can be answered' || return 1
    explain history "$work/damaged" key:8
    [ $code = 2 ] && says 'manifest: offset [0-9]+: ' && says "^  file $table, .*no edit that can be read names it" && says '^      put of sequence' && ! grep -q 'sst: not found' "$work/out"
}
a_log_that_is_gone_or_damaged_is_told_beside_the_stores_answer() {
    damaged
    flip "$work/damaged/log/00000001.wal" 41100 1
    explain get "$work/damaged" key:8
    [ $code = 2 ] && says '00000001.wal: offset [0-9]+' && says '^answer, of the store alone, without what' || return 1
    damaged
    rm -r "$work/damaged/log"
    explain get "$work/damaged" key:8
    [ $code = 2 ] && says "damaged/log: the log is gone: no segment of it is there" && says '^answer, of the store alone'
}
a_node_that_lost_its_superblock_is_told_from_no_store() {
    damaged
    rm "$work/damaged/superblock"
    explain get "$work/damaged" key:8
    [ $code = 2 ] && says 'damaged/superblock: not there' || return 1
    explain get "$store" key:8
    [ $code = 0 ] && says '^answer: .*"v{40}"' || return 1
    rm "$store/SUPERBLOCK"
    explain get "$store" key:8
    [ $code = 2 ] && says 'SUPERBLOCK: not there, though' || return 1
    mkdir -p "$work/empty"
    explain get "$work/empty" key:8
    [ $code = 1 ] && says 'no store here'
}
# One file after the other: a bit, an end cut off, gone, or another file's content.
a_manifest_that_was_cut_is_blamed_for_the_tables_that_are_gone() {
    local pages
    for pages in 1 2 3 4 5; do
        damaged
        truncate -s -$((4096 * pages)) "$store"/*.manifest
        explain get "$work/damaged" key:8
        [ $code = 2 ] || continue # the edit that was lost last took nothing away: the log has what it brought
        [ "$(grep '^damage: ' "$work/out" | head -n 1 | grep -c '\.manifest: offset [0-9]*: it seems to have lost its newest edits')" = 1 ] || { cat "$work/out"; return 1; }
        "$loam" repair "$store" --dry-run >"$work/out" 2>"$work/err"
        [ $? = 1 ] && grep -q "Nothing says up to where the owner's log is in tables" "$work/err" || { cat "$work/out" "$work/err"; return 1; }
        return 0
    done
    echo "no cut took a merge away"
    return 1
}
damage_anywhere_never_crashes_and_nothing_is_written() {
    local file other size before words i=0 files
    RANDOM=7
    mapfile -t files < <(cd "$work/node" && find . -type f -size +0 ! -name LOCK ! -name '*.spare' | sort)
    for file in "${files[@]}" "${files[@]}"; do
        damaged
        i=$((i + 1))
        size=$(stat -c %s "$work/damaged/$file")
        [ "$size" -gt 60000 ] && size=60000
        other=${files[$((RANDOM % ${#files[@]}))]}
        case $((i % 4)) in
        0 | 1) flip "$work/damaged/$file" $((RANDOM % size)) $((RANDOM % 8)) ;;
        2) truncate -s $((size / 2)) "$work/damaged/$file" ;;
        3) if [ $((RANDOM % 2)) = 0 ] || [ "$file" = "$other" ]; then rm "$work/damaged/$file"; else cp "$work/node/$other" "$work/damaged/$file"; fi ;;
        esac
        before=$(state "$work/damaged")
        for words in "get key:8" "scan" "history key:8"; do
            # shellcheck disable=SC2086
            explain ${words%% *} "$work/damaged" $([ "$words" = scan ] || echo key:8)
            [ $code -le 2 ] && grep -q . "$work/out" "$work/err" || { echo "$file, way $((i % 4)): $words: $code"; cat "$work/err"; return 1; }
            # A copy of EVENTS, OPTIONS or LOCK says nothing of damage; what does must name the file.
            [ $code = 2 ] && ! grep -q -e "$(basename "$file")" -e 'manifest 1, which' -e 'damaged/log: the log is gone' "$work/out" "$work/err" && { echo "$file, way $((i % 4)): $words blames another"; cat "$work/out" "$work/err"; return 1; }
        done
        [ "$before" = "$(state "$work/damaged")" ] || { echo "$file: something was written"; return 1; }
    done
    before=$(state "$work/node")
    explain get "$work/node" key:8 && explain scan "$work/node" && explain history "$work/node" key:8
    [ "$before" = "$(state "$work/node")" ]
}
beside_a_running_server_it_answers_as_get_does() {
    start_server --memtable-bytes 65536 || return 1
    local i pad seen=0
    pad=$(printf 'v%.0s' {1..600})
    ( for i in $(seq 1 100000); do [ -e "$work/enough" ] && break; echo "incr a"; echo "set pad:$((i % 50)) $pad"; done | "$loam" cli -p "$port" >/dev/null ) &
    local feeder=$!
    for i in $(seq 1 25); do
        explain get "$work/node" a
        [ $code = 0 ] && says '^stopped: ' || { seen=-1; break; }
        explain history "$work/node" a
        [ $code = 0 ] && says '^now: ' || { seen=-1; break; }
        seen=$((seen + 1))
    done
    touch "$work/enough"
    wait "$feeder"
    kill_server
    [ "$seen" -ge 25 ]
}
an_engines_own_directory_is_explained() {
    explain get "$work/node/engine-00000001" key:8
    [ $code = 0 ] && says '^answer: ' || return 1
    explain get "$work/node/engine-00000001" key:8 --tree 77
    [ $code = 1 ] && says 'has no tree 77'
}
a_command_line_that_is_not_understood_exits_with_1() {
    local words
    for words in "explain" "explain get" "explain get $work/node" "explain get $work/node a b" "explain what $work/node a" "explain get $work/nowhere a" \
        "explain get $work/node a --tree nonsense" "explain scan $work/node --count 0" "explain history $work/node" 'explain get '"$work/node"' \x4 --tree 2'; do
        # shellcheck disable=SC2086
        "$loam" $words >/dev/null 2>"$work/err"
        [ $? = 1 ] && [ -s "$work/err" ] || { echo "loam $words"; cat "$work/err"; return 1; }
    done
    "$loam" explain --help | grep -q history
}

run_tests

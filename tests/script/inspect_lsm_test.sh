#!/bin/bash
# loam inspect --lsm, as a program: the shape of stores that are sound, damaged, mixed up, alone and in use (inspect_lsm.py and
# inspect_lsm_page.py say what is asked of it).
set -u
. "$(dirname "$0")/frame.sh"
names=(
    stores_are_filled
    a_sound_store_is_clean_and_has_the_sums_of_stats
    each_edit_follows_from_the_one_before
    an_edit_that_is_not_there_is_refused_with_those_that_are
    a_diff_of_two_edits_leads_from_one_to_the_other
    a_flipped_bit_is_told_of_its_file_and_no_other
    files_that_are_missing_or_cut_are_told_with_their_keys
    files_swapped_between_stores_are_told_from_damaged_ones
    damage_of_values_kept_apart_is_told_with_the_tables_that_refer_to_them
    a_superblock_or_manifest_of_another_store_is_the_one_to_blame
    a_store_without_superblock_or_manifest_tells_what_its_tables_say
    edits_behind_a_damaged_one_still_count
    a_torn_last_edit_exits_with_3
    a_lone_manifest_is_shown_without_its_files
    two_stores_are_told_apart
    a_running_node_is_read_beside_its_writes
    a_node_with_a_damaged_superblock_still_shows_its_store
    nothing_is_written
    a_reader_that_ends_early_is_no_failure
    a_wrong_line_is_told
    a_hundred_thousand_edits_make_a_page_of_sensible_size
    the_page_opens_without_a_complaint
    the_scrubber_goes_through_the_edits
    the_page_compares_two_edits
    a_file_is_held_on_the_map_and_in_the_list
    damage_is_named_and_led_to
    keys_stay_text
    a_hundred_thousand_edits_are_stepped_through_without_a_wait
)
python=needed

judge() { /usr/bin/python3 tests/script/inspect_lsm.py "$loam" "$@"; } # FACT ARGUMENTS
look() { # FACT PAGE
    if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then
        skip "chromium and its driver are not installed"
        return
    fi
    /usr/bin/python3 tests/script/inspect_lsm_page.py "$1" "$2"
}
fill() { # name: a store of many flushes and some compactions
    "$loam" bench engine --dir "$work/bench" --entries 200000 --memtable-mib 1 --workloads fillrandom,overwrite --here --keep >"$work/bench.out" &&
        mv "$work/bench/loam" "$work/$1" && rm -rf "$work/bench"
}
copy() { rm -rf "$work/copy" && cp -r "$work/${1:-store}" "$work/copy"; }
flush_node() { # until its edit is there
    cli debug flush >/dev/null
    for _ in $(seq 200); do
        "$loam" inspect "$work/node" --lsm --quick 2>/dev/null | grep -q '^tree 2 (names), level' && return 0
        read -rt 0.05 <> <(:)
    done
    return 1
}
make_manifest() { "$build/tests/unit/tools/shape_test" --make "$1" "$2" 7; } # file edits

stores_are_filled() { fill store && fill other; }
a_sound_store_is_clean_and_has_the_sums_of_stats() {
    "$loam" inspect "$work/store" --lsm >"$work/out" && grep -q '^tree 1 (bench), level 6' "$work/out" && grep -q 'verdict: clean' "$work/out" &&
        judge "$FUNCNAME" "$work/store"
}
each_edit_follows_from_the_one_before() { judge "$FUNCNAME" "$work/store"; }
an_edit_that_is_not_there_is_refused_with_those_that_are() {
    local edit
    for edit in 0 100000 -1 x ''; do
        "$loam" inspect "$work/store" --lsm --at "$edit" >"$work/out" 2>"$work/err"
        [ $? = 1 ] && [ ! -s "$work/out" ] && grep -q '^loam inspect: ' "$work/err" || { echo "--at '$edit'"; return 1; }
    done
    "$loam" inspect "$work/store" --lsm --at 100000 2>&1 | grep -q "there are 1 (create) to [0-9]*"
}
a_diff_of_two_edits_leads_from_one_to_the_other() { judge "$FUNCNAME" "$work/store"; }
a_flipped_bit_is_told_of_its_file_and_no_other() { judge "$FUNCNAME" "$work/store" "$work/copy"; }
files_that_are_missing_or_cut_are_told_with_their_keys() { judge "$FUNCNAME" "$work/store" "$work/copy"; }
files_swapped_between_stores_are_told_from_damaged_ones() { judge "$FUNCNAME" "$work/store" "$work/copy" "$work/other"; }
damage_of_values_kept_apart_is_told_with_the_tables_that_refer_to_them() {
    "$loam" bench engine --dir "$work/bench" --entries 8000 --value-bytes 2000 --value-threshold 500 --memtable-mib 2 --workloads fillrandom,overwrite --here --keep >"$work/bench.out" &&
        mv "$work/bench/loam" "$work/values" && rm -rf "$work/bench" && judge "$FUNCNAME" "$work/values" "$work/copy"
}
a_superblock_or_manifest_of_another_store_is_the_one_to_blame() { judge "$FUNCNAME" "$work/store" "$work/copy" "$work/other"; }
a_store_without_superblock_or_manifest_tells_what_its_tables_say() {
    copy && rm "$work/copy/SUPERBLOCK"
    "$loam" inspect "$work/copy" --lsm >"$work/out"
    [ $? = 2 ] && grep -q '^corrupt SUPERBLOCK: it is missing' "$work/out" && grep -q '^tree 1 (bench), level 6' "$work/out" || return 1
    rm "$work"/copy/*.manifest
    "$loam" inspect "$work/copy" --lsm >"$work/out"
    [ $? = 2 ] && grep -q 'built as file [0-9]* of store .* level 6: [0-9]* entries, keys "' "$work/out"
}
edits_behind_a_damaged_one_still_count() { judge "$FUNCNAME" "$work/store" "$work/copy"; }
a_torn_last_edit_exits_with_3() {
    "$loam" inspect tests/golden/manifest/torn-v1.manifest --lsm >"$work/out"
    [ $? = 3 ] && grep -q '^torn torn-v1.manifest: offset [0-9]*: an edit was begun here and never acknowledged' "$work/out"
}
a_lone_manifest_is_shown_without_its_files() {
    cp "$work"/store/*.manifest "$work/lone.manifest" && "$loam" inspect "$work/lone.manifest" --lsm >"$work/out" || return 1
    grep -q 'A manifest alone' "$work/out" && ! grep -qE 'missing|sound' "$work/out" || return 1
    "$loam" inspect tests/golden/sst/plain-v1.sst --lsm >"$work/out" 2>"$work/err"
    [ $? = 1 ] && grep -q 'not a manifest' "$work/err"
}
two_stores_are_told_apart() {
    "$loam" inspect --lsm --diff "$work/store" "$work/other" >"$work/out" && grep -q ' 0 are in both' "$work/out" && judge "$FUNCNAME" "$work/store" "$work/other"
}
a_running_node_is_read_beside_its_writes() {
    local round writer
    start_server --lab --memtable-bytes 1048576 || return 1
    ( for _ in $(seq 4000); do echo "set key$RANDOM $RANDOM$(head -c 2000 /dev/zero | tr '\0' v)"; done | cli >/dev/null 2>&1 ) &
    writer=$!
    for round in $(seq 30); do
        "$loam" inspect "$work/node" --lsm >"$work/out" 2>"$work/err" || { echo "round $round"; cat "$work/out" "$work/err"; return 1; }
    done
    wait "$writer"
    flush_node && "$loam" inspect "$work/node" --lsm >"$work/out" 2>"$work/err" && grep -q '^tree 2 (names), level' "$work/out" &&
        grep -q 'is a node.s directory' "$work/err" && cli ping | grep -q PONG
}
a_node_with_a_damaged_superblock_still_shows_its_store() {
    kill_server
    rm -rf "$work/copy" && cp -r "$work/node" "$work/copy"
    printf 'XXXXXXXX' | tee >(dd of="$work/copy/superblock" bs=1 seek=16 conv=notrunc status=none) | dd of="$work/copy/superblock" bs=1 seek=4112 conv=notrunc status=none
    "$loam" inspect "$work/copy" --lsm >"$work/out" 2>/dev/null
    [ $? = 2 ] && grep -q '^corrupt superblock: of the node' "$work/out" && grep -q '^tree 2 (names), level' "$work/out"
}
nothing_is_written() {
    copy && (cd "$work/copy" && find . -type f -printf '%p %s %T@\n' | sort && md5sum ./*.*) >"$work/before"
    "$loam" inspect "$work/copy" --lsm --json >/dev/null && "$loam" inspect "$work/copy" --lsm --html >/dev/null || return 1
    (cd "$work/copy" && find . -type f -printf '%p %s %T@\n' | sort && md5sum ./*.*) >"$work/after"
    cmp "$work/before" "$work/after"
}
a_reader_that_ends_early_is_no_failure() {
    make_manifest "$work/0000000003.manifest" 3000 && "$loam" inspect "$work/0000000003.manifest" --lsm --edits --files 2>"$work/err" | head -n 1 >"$work/out"
    [ ! -s "$work/err" ] && [ "$(wc -l <"$work/out")" = 1 ]
}
a_wrong_line_is_told() {
    local words
    for words in "--json --html" "--diff 1" "--diff 1 2 --html" "--at 1 --diff 1 2" "--hex" "--diff 1 2 and more"; do
        # shellcheck disable=SC2086
        "$loam" inspect "$work/store" --lsm $words >"$work/out" 2>"$work/err"
        [ $? = 1 ] && [ ! -s "$work/out" ] && grep -q '^usage: loam inspect PATH --lsm' "$work/err" || { echo "$words"; cat "$work/err"; return 1; }
    done
    "$loam" inspect --lsm "$work/absent" 2>"$work/err"
    [ $? = 1 ] && grep -q 'absent: not found' "$work/err"
}

a_hundred_thousand_edits_make_a_page_of_sensible_size() {
    make_manifest "$work/0000000003.manifest" 100000 && "$loam" inspect "$work/0000000003.manifest" --lsm --html >"$work/many.html" || return 1
    [ "$(stat -c %s "$work/many.html")" -lt 20000000 ] && make_manifest "$work/0000000003.manifest" 100010 &&
        "$loam" inspect "$work/0000000003.manifest" --lsm --html | grep -q '"left_out":10,'
}
the_page_opens_without_a_complaint() { "$loam" inspect "$work/store" --lsm --html >"$work/page.html" && ! grep -qE 'src=|href=|https?://' "$work/page.html" && look "$FUNCNAME" "$work/page.html"; }
the_scrubber_goes_through_the_edits() { look "$FUNCNAME" "$work/page.html"; }
the_page_compares_two_edits() { look "$FUNCNAME" "$work/page.html"; }
a_file_is_held_on_the_map_and_in_the_list() { look "$FUNCNAME" "$work/page.html"; }
damage_is_named_and_led_to() {
    copy && rm "$(ls "$work"/copy/*.sst | tail -n 1)"
    "$loam" inspect "$work/copy" --lsm --html >"$work/damaged.html"
    [ $? = 2 ] && look "$FUNCNAME" "$work/damaged.html"
}
keys_stay_text() {
    rm -rf "$work/node"
    start_server --lab && cli set '</script><img src=x onerror=window.caught=1>' '<!--<script>' >/dev/null && flush_node && kill_server || return 1
    "$loam" inspect "$work/node" --lsm --html >"$work/wild.html" 2>/dev/null && look "$FUNCNAME" "$work/wild.html"
}
a_hundred_thousand_edits_are_stepped_through_without_a_wait() { look "$FUNCNAME" "$work/many.html"; }

run_tests

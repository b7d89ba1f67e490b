#!/bin/bash
# The page of `loam inspect --html`, opened in a headless Chromium and used (inspect_page.py says what is asked of it).
set -u
. "$(dirname "$0")/frame.sh"
names=(
    one_file_is_one_page
    opens_without_a_complaint
    a_field_holds_its_bytes_and_a_byte_its_field
    places_are_found_by_offset_word_and_map
    damage_is_named_and_led_to
    bytes_of_the_file_stay_text
    a_large_file_shows_what_is_in_view_only
    a_range_says_what_is_not_here
)
python=needed

judge() { # FACT PAGE
    if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then
        skip "chromium and its driver are not installed"
        return
    fi
    /usr/bin/python3 tests/script/inspect_page.py "$1" "$2"
}
one_file_is_one_page() {
    local words
    "$loam" inspect --html tests/golden/sst/plain-v1.sst >"$work/plain.html" && ! grep -qE 'src=|href=|https?://' "$work/plain.html" || return 1
    for words in "--html tests/golden/sst" "--html tests/golden/sst/plain-v1.sst tests/golden/sst/lz4-v1.sst" "--html --hex tests/golden/sst/plain-v1.sst"; do
        # shellcheck disable=SC2086
        "$loam" inspect $words >"$work/out" 2>"$work/err"
        [ $? = 1 ] && [ ! -s "$work/out" ] && grep -q '^loam inspect: .*--html' "$work/err" || { echo "loam inspect $words"; cat "$work/err"; return 1; }
    done
}
opens_without_a_complaint() { judge "$FUNCNAME" "$work/plain.html"; }
a_field_holds_its_bytes_and_a_byte_its_field() { judge "$FUNCNAME" "$work/plain.html"; }
places_are_found_by_offset_word_and_map() { judge "$FUNCNAME" "$work/plain.html"; }
damage_is_named_and_led_to() {
    cp tests/golden/sst/lz4-v1.sst "$work/damaged.sst"
    printf 'X' | dd of="$work/damaged.sst" bs=1 seek=300 conv=notrunc status=none
    "$loam" inspect --html "$work/damaged.sst" >"$work/damaged.html"
    [ $? = 2 ] && judge "$FUNCNAME" "$work/damaged.html"
}
bytes_of_the_file_stay_text() {
    start_server && cli set '</script><img src=x onerror=window.caught=1>' '<!--<script>' >/dev/null && kill_server || return 1
    "$loam" inspect --html "$(ls "$work"/node/log/*.wal | head -n 1)" >"$work/wild.html"
    judge "$FUNCNAME" "$work/wild.html"
}
a_large_file_shows_what_is_in_view_only() {
    "$loam" bench engine --dir "$work/bench" --entries 20000 --memtable-mib 1 --workloads fillrandom --here --keep >"$work/bench.out" || return 1
    "$loam" inspect --html "$(ls -S "$work"/bench/loam/*.sst | head -n 1)" >"$work/large.html" && judge "$FUNCNAME" "$work/large.html"
}
a_range_says_what_is_not_here() {
    "$loam" inspect --html --range 100001+5000 "$(ls -S "$work"/bench/loam/*.sst | head -n 1)" >"$work/range.html" && judge "$FUNCNAME" "$work/range.html"
}

run_tests

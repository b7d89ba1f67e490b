#!/bin/bash
# loam sim, as a program: the same seed gives the same run, a printed plan gives the run of its seed, and it exits as its help says.
set -u
. "$(dirname "$0")/frame.sh"
names=(
    the_same_seed_gives_the_same_run
    a_printed_plan_gives_the_run_of_its_seed
    a_batch_tells_of_each_run_and_of_all
    a_batch_is_told_alike_by_one_thread_and_by_several
    a_trace_has_a_line_for_every_event
    a_page_is_written_where_a_file_is_named
    a_plan_that_keeps_its_promises_is_not_shrunk
    a_plan_that_asks_for_too_much_is_shrunk_to_one_without_faults
    a_run_that_ends_the_program_names_its_seed
    a_damaged_plan_is_named_and_exits_with_1
    a_command_line_that_is_not_understood_exits_with_1
)

the_same_seed_gives_the_same_run() {
    "$loam" sim --seed 7 --json >"$work/first" && "$loam" sim --seed 7 --json >"$work/second" && "$loam" sim --seed 8 --json >"$work/other" || return 1
    grep -q '"verdict":"kept"' "$work/first" && cmp -s "$work/first" "$work/second" && ! cmp -s "$work/first" "$work/other"
}
hash_of() { sed -n 's/.*"hash":"\([0-9a-f]*\)".*/\1/p' "$1"; }
a_printed_plan_gives_the_run_of_its_seed() {
    "$loam" sim --seed 7 --print-plan >"$work/plan" && "$loam" sim --plan "$work/plan" --json >"$work/by-plan" || return 1
    [ -n "$(hash_of "$work/first")" ] && [ "$(hash_of "$work/first")" = "$(hash_of "$work/by-plan")" ]
}
a_batch_tells_of_each_run_and_of_all() {
    "$loam" sim --first 7 --seeds 3 --json >"$work/batch" || return 1
    [ "$(grep -c '"hash"' "$work/batch")" = 3 ] && [ "$(wc -l <"$work/batch")" = 4 ] && head -n 1 "$work/batch" | cmp -s - "$work/first"
}
a_batch_is_told_alike_by_one_thread_and_by_several() {
    "$loam" sim --first 7 --seeds 6 --jobs 1 --json >"$work/alone" && "$loam" sim --first 7 --seeds 6 --jobs 3 --json >"$work/together" || return 1
    [ "$(wc -l <"$work/alone")" = 7 ] && cmp "$work/alone" "$work/together"
}
a_trace_has_a_line_for_every_event() {
    "$loam" sim --seed 7 --trace >"$work/trace" && "$loam" sim --seed 7 >"$work/plain" || return 1
    [ "$(wc -l <"$work/trace")" -gt 100 ] && [ "$(wc -l <"$work/plain")" -lt 30 ] && [ -s "$work/plain" ]
}
# What a browser makes of it: trace_page_test.sh.
a_page_is_written_where_a_file_is_named() {
    local words
    "$loam" sim --trace "$work/page.html" --seed 7 >"$work/out" && cmp -s "$work/out" "$work/plain" && grep -q '^<!doctype html>' "$work/page.html" || return 1
    "$loam" sim --trace --seed 7 >"$work/again" && cmp -s "$work/again" "$work/trace" || return 1
    for words in "--seed 7 --trace page" "--trace $work/page.html" "--seeds 3 --trace $work/page.html" "--seed 7 --shrink --trace $work/page.html"; do
        # shellcheck disable=SC2086
        "$loam" sim $words >/dev/null 2>"$work/err"
        [ $? = 1 ] && grep -q 'loam sim: .*--trace' "$work/err" || { echo "loam sim $words"; cat "$work/err"; return 1; }
    done
    "$loam" sim --seed 7 --trace "$work/no-such-folder/page.html" >/dev/null 2>"$work/err"
    [ $? = 1 ] && grep -q 'no-such-folder/page.html' "$work/err"
}
a_plan_that_keeps_its_promises_is_not_shrunk() {
    "$loam" sim --plan "$work/plan" --shrink >"$work/shrunk" || return 1
    grep -q 'keeps every promise' "$work/shrunk"
}
# More operations than a sound node can do in the time: stuck, whatever goes wrong besides.
a_plan_that_asks_for_too_much_is_shrunk_to_one_without_faults() {
    printf '%s\n' 'loam-plan 1' 'seed 5' 'nodes 1' 'clients 1' 'operations 1000000' 'fault at=800 for=100 kind=kill nodes=1 others=- amount=0' \
        'fault at=900 for=200 kind=slow-disk nodes=1 others=- amount=60' >"$work/greedy"
    "$loam" sim --plan "$work/greedy" >"$work/stuck"
    [ $? = 4 ] && grep -q '^seed 5: stuck' "$work/stuck" || return 1
    "$loam" sim --plan "$work/greedy" --shrink --shrink-seconds 30 >"$work/shrunk" 2>"$work/err"
    [ $? = 4 ] && grep -q '^# stuck: no progress' "$work/shrunk" && ! grep -q '^fault' "$work/shrunk" || { cat "$work/shrunk" "$work/err"; return 1; }
    [ "$(sed -n 's/^operations //p' "$work/shrunk")" -lt 1000000 ] || return 1
    "$loam" sim --plan "$work/shrunk" >"$work/again"
    [ $? = 4 ] && grep -qF "$(sed -n 's/^# stuck: //p' "$work/shrunk")" "$work/again"
}
# As a check of the program's own would, or a fault of memory.
a_run_that_ends_the_program_names_its_seed() {
    local pid code signal tries
    for signal in ABRT SEGV; do
        : >"$work/out"
        "$loam" sim --first 1234567 --seeds 100000 --jobs 1 --json >"$work/out" 2>"$work/err" &
        pid=$!
        for tries in $(seq 400); do
            [ -s "$work/out" ] && break # it runs one after another
            read -rt 0.05 <> <(:)
        done
        kill -$signal $pid
        [ $signal = ABRT ] || { read -rt 0.2 <> <(:); kill -$signal $pid 2>/dev/null; } # a fault would happen again
        wait $pid 2>/dev/null
        code=$?
        [ $code != 0 ] && grep -q '^loam sim: that was the run of seed 12[0-9]*; --seed' "$work/err" || { echo "exit $code"; cat "$work/err"; return 1; }
    done
}
a_damaged_plan_is_named_and_exits_with_1() {
    sed '1s/.*/nonsense/' "$work/plan" >"$work/damaged"
    local plan
    for plan in "$work/damaged" "$work/nowhere"; do
        "$loam" sim --plan "$plan" >/dev/null 2>"$work/err"
        [ $? = 1 ] && grep -q "$plan" "$work/err" || { cat "$work/err"; return 1; }
    done
}
a_command_line_that_is_not_understood_exits_with_1() {
    local words
    for words in "--seed" "--seed x" "--seeds 0" "--nodes 99" "--nonsense" "--shrink" "--seed 7 --shrink --shrink-seconds 0" "--seed 7 page.html"; do
        # shellcheck disable=SC2086
        "$loam" sim $words >/dev/null 2>"$work/err"
        [ $? = 1 ] && grep -q 'loam sim: ' "$work/err" || { echo "loam sim $words"; cat "$work/err"; return 1; }
    done
    "$loam" sim --help | grep -q -- --print-plan
}

run_tests

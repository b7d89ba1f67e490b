#!/bin/bash
# loam verify, repair, events and options, as programs, on a store that the bench made.
set -u
. "$(dirname "$0")/frame.sh"
names=(
    verify_of_a_sound_store_exits_with_0
    events_and_options_are_shown
    a_lost_manifest_is_found_planned_and_repaired
    a_manifest_that_was_cut_is_blamed_and_its_tables_are_found_again
    a_damaged_table_is_named_with_its_keys_and_set_aside
    backups_are_made_listed_pruned_and_restored
    stats_add_up_over_levels_and_trees
    an_older_store_is_upgraded_once_and_says_what_that_allows
    options_stand_before_or_behind_what_they_are_about
    a_wrong_option_is_named_with_the_usage
    a_plan_of_a_repair_touches_nothing_and_names_who_has_it_open
    a_directory_that_is_no_store_is_told_and_stays_as_it_is
    what_another_program_keeps_in_an_engine_is_told
    a_command_line_that_is_not_understood_exits_with_1
)

"$loam" bench engine --here --dir "$work/bench" --entries 60000 --memtable-mib 1 --workloads fillrandom --keep --json >/dev/null 2>&1
store=$(dirname "$(find "$work/bench" -name SUPERBLOCK | head -n 1)")

verify_of_a_sound_store_exits_with_0() {
    "$loam" verify "$store" >"$work/out" || { cat "$work/out"; return 1; }
    grep -q '^sound$' "$work/out" && grep -Eq '[1-9][0-9]* tables, [1-9][0-9]* entries' "$work/out" || return 1
    "$loam" verify "$store" --json | python3 -c '
import json, sys
told = json.load(sys.stdin)
assert told["sound"] and told["findings"] == [] and told["tables"] > 0 and told["bytes"] > 0 and told["gb_per_second"] > 0, told'
}
events_and_options_are_shown() {
    "$loam" events "$store" >"$work/out" || return 1
    grep -q ' flush end, job ' "$work/out" && grep -q 'why the memtable is full' "$work/out" || return 1
    [ "$("$loam" events "$store" --only flush --last 2 | wc -l)" = 2 ] || return 1
    "$loam" events "$store" --json | head -n 1 | grep -q '^{"time_ms":' || return 1
    "$loam" options "$store" | grep -q '^memtable_bytes  *1048576$'
}
a_lost_manifest_is_found_planned_and_repaired() {
    cp -r "$store" "$work/lost" && rm "$work"/lost/*.manifest || return 1
    "$loam" verify "$work/lost" >"$work/out"
    [ $? = 2 ] && grep -q 'missing' "$work/out" && grep -q 'loam repair' "$work/out" || { cat "$work/out"; return 1; }
    "$loam" repair "$work/lost" --dry-run >"$work/plan" || return 1
    [ ! -e "$work/lost/set-aside" ] && grep -q 'nothing was changed' "$work/plan" && grep -q '  table [0-9]*: instance 1, ' "$work/plan" || return 1
    "$loam" repair "$work/lost" >"$work/out" || return 1
    grep -q '^done: ' "$work/out" && "$loam" verify "$work/lost" >"$work/out" && grep -q '^sound$' "$work/out" || return 1
    [ "$("$loam" repair "$work/lost")" = "nothing to repair" ]
}
a_plan_of_a_repair_touches_nothing_and_names_who_has_it_open() {
    local copy
    for copy in with without; do
        rm -rf "$work/plan" && cp -r "$store" "$work/plan" && rm "$work"/plan/*.manifest || return 1
        [ $copy = with ] && echo "who was here" >"$work/plan/LOCK"
        [ $copy = without ] && rm -f "$work/plan/LOCK"
        find "$work/plan" -printf '%P %s %T@\n' | sort >"$work/before"
        "$loam" repair "$work/plan" --dry-run >"$work/out" 2>&1 || { cat "$work/out"; return 1; }
        grep -q '^nothing was changed' "$work/out" && find "$work/plan" -printf '%P %s %T@\n' | sort | diff "$work/before" - || return 1
    done
    start_server || return 1
    "$loam" repair "$work/node" --dry-run >"$work/out" 2>&1
    [ $? = 1 ] && grep -q 'is in use by process [0-9]*, program loamd' "$work/out" || { cat "$work/out"; return 1; }
    kill_server
}
# Edits are whole pages here: what is left reads to its end.
a_manifest_that_was_cut_is_blamed_and_its_tables_are_found_again() {
    local pages entries
    entries=$("$loam" verify "$store" | grep -o '[0-9]* tables, [0-9]* entries')
    "$loam" inspect "$store"/*.manifest | grep '  edit  *[0-9]' | tail -n 1 | grep -q ' compaction, ' || { echo "the store's last edit is no merge"; return 1; }
    for pages in 1 2 3; do
        rm -rf "$work/cut" && cp -r "$store" "$work/cut" && truncate -s -$((4096 * pages)) "$work"/cut/*.manifest || return 1
        "$loam" verify "$work/cut" >"$work/out"
        [ $? = 2 ] && head -n 1 "$work/out" | grep -q "/cut/[0-9]*\.manifest: offset [0-9]*: it seems to have lost its newest edits: it ends with edit " || { cat "$work/out"; return 1; }
        "$loam" repair "$work/cut" >"$work/plan" || { cat "$work/plan"; return 1; }
        grep -q 'manifest.*edits are lost$\|manifest.*lost its newest edits' "$work/plan" && grep -q 'missing: table .*, unless an edit that is lost took it out$' "$work/plan" || { cat "$work/plan"; return 1; }
        "$loam" verify "$work/cut" >"$work/out" && grep -q '^sound$' "$work/out" && grep -q "$entries" "$work/out" || { echo "$entries before"; cat "$work/out"; return 1; }
    done
}
a_damaged_table_is_named_with_its_keys_and_set_aside() {
    cp -r "$store" "$work/damaged" || return 1
    local table
    table=$(find "$work/damaged" -name '*.sst' | sort | head -n 1)
    printf 'damage' | dd of="$table" bs=1 seek=9000 conv=notrunc status=none
    "$loam" verify "$work/damaged" >"$work/out"
    [ $? = 2 ] && grep -q "$(basename "$table").*offset .*keys " "$work/out" || { cat "$work/out"; return 1; }
    "$loam" verify "$work/damaged" --json | python3 -c '
import json, sys
told = json.load(sys.stdin)
assert not told["sound"] and any("keys" in finding["text"] for finding in told["findings"]), told' || return 1
    "$loam" repair "$work/damaged" >"$work/out" || return 1
    grep -q 'lost of table .*: keys ' "$work/out" && [ -e "$work/damaged/set-aside/$(basename "$table")" ] || return 1
    "$loam" verify "$work/damaged" >/dev/null
}
backups_are_made_listed_pruned_and_restored() {
    "$loam" backup "$store" "$work/backups" >"$work/out" && grep -q '^backup 1: ' "$work/out" || return 1
    "$loam" backup "$store" "$work/backups" >"$work/out" && grep -Eq 'backup 2: ([0-9]+) tables and ([0-9]+) files of values; \1 and \2 of them are linked' "$work/out" || { cat "$work/out"; return 1; }
    [ "$("$loam" backup --list "$work/backups" | tr '\n' ' ')" = "1 2 " ] || return 1
    "$loam" backup "$store" "$work/backups" --keep 2 >"$work/out" && grep -q '1 old backups removed' "$work/out" || return 1
    "$loam" restore "$work/backups" "$work/back" --at 2 >"$work/out" && grep -q 'restored from .* and verified' "$work/out" || return 1
    "$loam" verify "$work/back" >/dev/null || return 1
    ! "$loam" restore "$work/backups" "$work/back" 2>"$work/err" && grep -q 'not empty' "$work/err"
}
stats_add_up_over_levels_and_trees() {
    "$loam" stats "$store" >"$work/out" && grep -q '^all ' "$work/out" && grep -q '^tree ' "$work/out" || return 1
    "$loam" stats "$store" --json >"$work/stats" && "$loam" verify "$store" --json >"$work/verified" || return 1
    python3 -c '
import json, sys
told, verified = (json.load(open(path)) for path in sys.argv[1:])
for name in ("files", "bytes", "entries", "deletes", "operands", "range_deletes", "expiring_files"):
    for part in ("levels", "trees"):
        assert told[name] == sum(row[name] for row in told[part]), (name, part)
assert told["files"] == verified["tables"] and told["entries"] == verified["entries"] > 0, (told, verified)
assert told["format_level"] == verified["format_level"] and told["space_thousandths"] != 1' "$work/stats" "$work/verified" || return 1
    ! "$loam" stats "$work/nowhere" 2>"$work/err" && [ -s "$work/err" ]
}
an_older_store_is_upgraded_once_and_says_what_that_allows() {
    cp -r tests/golden/store/level-1 "$work/old" || return 1
    "$loam" verify "$work/old" | grep -q '^format level 1$' && "$loam" options "$work/old" | grep -Eq '^format_level +1$' || return 1
    "$loam" upgrade "$work/old" --to 2 >"$work/out" || { cat "$work/out"; return 1; }
    grep -q 'format level 1 is now 2' "$work/out" && grep -q '^  compact records' "$work/out" || return 1
    "$loam" verify "$work/old" | grep -q '^format level 2$' && "$loam" options "$work/old" | grep -Eq '^format_level +2$' || return 1
    "$loam" inspect "$work"/old/*.manifest | grep -Eq 'required .*format level 2' || return 1
    "$loam" upgrade "$work/old" | grep -q 'nothing was changed' || return 1
    ! "$loam" upgrade "$work/old" --to 1 2>"$work/err" && grep -q 'only go up' "$work/err"
}
options_stand_before_or_behind_what_they_are_about() {
    local words
    cp -r "$store" "$work/any-order" && rm "$work"/any-order/*.manifest || return 1
    "$loam" repair --dry-run "$work/any-order" >"$work/plan" || return 1
    [ ! -e "$work/any-order/set-aside" ] && grep -q 'nothing was changed' "$work/plan" || return 1
    for words in "repair DIR --dry-run" "repair --dry-run --unreadable-as-lost DIR" "verify --json DIR" "stats --json DIR" "events --only flush --last 2 DIR" "options -- DIR" \
        "scan --limit 1 --tree list DIR" "inspect --json DIR" "inspect DIR --json" "backup --keep 3 DIR $work/ordered" "backup $work/ordered --list" \
        "restore --at 1 $work/ordered $work/ordered-back" "upgrade --to 2 DIR"; do
        # shellcheck disable=SC2086
        "$loam" ${words//DIR/$store} >"$work/out" 2>"$work/err" || { echo "loam $words"; cat "$work/out" "$work/err"; return 1; }
    done
}
a_wrong_option_is_named_with_the_usage() {
    local command
    for command in backup events export get import inspect options repair restore scan sim stats upgrade verify; do
        "$loam" "$command" --no-such "$store" >/dev/null 2>"$work/err"
        [ $? = 1 ] && grep -q "^loam $command: no option '--no-such'$" "$work/err" && grep -q "^usage: loam $command " "$work/err" || { echo "$command"; cat "$work/err"; return 1; }
        "$loam" "$command" "$store" --help | grep -q "^usage: loam $command " || return 1
    done
    ! "$loam" events "$store" --last 0 2>"$work/err" && grep -q -- "--last needs a number from 1 to .*'0'" "$work/err"
}
a_directory_that_is_no_store_is_told_and_stays_as_it_is() {
    local words
    mkdir "$work/other" && echo text >"$work/other/file" || return 1
    for words in "verify OTHER" "repair OTHER" "repair OTHER --dry-run" "upgrade OTHER" "stats OTHER" "backup OTHER $work/never" "get OTHER key" "scan OTHER"; do
        # shellcheck disable=SC2086
        "$loam" ${words//OTHER/$work/other} >/dev/null 2>"$work/err"
        [ $? = 1 ] && grep -q "other: no store here" "$work/err" && [ "$(ls -A "$work/other")" = file ] || { echo "loam $words"; cat "$work/err"; ls -A "$work/other"; return 1; }
    done
    [ ! -e "$work/never" ] || return 1
    ! "$loam" get "$work/other/file" key 2>"$work/err" && grep -q 'not a directory' "$work/err" || return 1
    "$loam" backup --list "$work/other" 2>&1 | grep -q 'no backup'
}
what_another_program_keeps_in_an_engine_is_told() {
    ! "$loam" scan "$store" 2>"$work/err" && grep -q "no tree of loam's stores" "$work/err" || { cat "$work/err"; return 1; }
    ! "$loam" get "$store" key 2>"$work/err" && grep -q "no tree of loam's stores" "$work/err"
}
a_command_line_that_is_not_understood_exits_with_1() {
    local words
    for words in "verify" "verify $work/nowhere" "verify $store x" "repair" "repair $work/nowhere" "repair $store --nonsense" "repair $store --dry-run --dry-run" "events" "events $store --last x" \
        "events $work/nowhere" "options $work/nowhere"; do
        # shellcheck disable=SC2086
        "$loam" $words >/dev/null 2>"$work/err"
        [ $? = 1 ] && [ -s "$work/err" ] || { echo "loam $words"; cat "$work/err"; return 1; }
    done
    "$loam" repair --help | grep -q set-aside || return 1
    [ "$("$loam" repair "$store" --unreadable-as-lost --dry-run)" = "nothing to repair" ]
}

run_tests

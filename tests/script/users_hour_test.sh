#!/bin/bash
# A user's hour with the bare engine and its tools: keys in, through them, compact, back up, restore, a block goes bad, verify, repair. What is
# printed at each step has to say what is wrong, where, and what to do next; and after each step every key is judged by its value.
#
#     tests/script/users_hour_test.sh 3000000     with that many keys (60,000 in make test); shows what a user sees
set -u
. "$(dirname "$0")/frame.sh"
keys=${1:-60000}
here=$(dirname "$0")/../..
store=$work/store
hour=$work/hour
names=(
    keys_go_in_and_come_out_in_order
    compaction_changes_no_answer
    a_sound_store_is_called_sound
    a_backup_is_restored_key_by_key
    a_bad_block_is_met_by_a_read_with_its_place
    verify_names_the_bad_block_and_what_to_do
    a_repair_tells_first_what_it_would_do
    the_repaired_store_lacks_only_what_was_told
    the_backup_still_has_everything
)

# What the user sees: to the screen with an argument, always to $work/out.
see() {
    [ "$keys" = 60000 ] || echo "  | \$ ${*//$work\//}"
    "$@" >"$work/out" 2>&1
    local status=$?
    [ "$keys" = 60000 ] || sed "s|$work/||g; s/^/  | /" "$work/out" | head -n 12
    return $status
}
told() { # TEXT...: each stands in what was printed
    local text
    for text in "$@"; do grep -Eq -- "$text" "$work/out" || { echo "not told: $text"; sed 's/^/  | /' "$work/out"; return 1; }; done
}
has() { "$loam" --help 2>&1 | grep -Eq "^  $1 "; }

keys_go_in_and_come_out_in_order() {
    local flags=()
    case $(basename "$build") in
    asan) flags=(-fsanitize=address,undefined) ;;
    tsan) flags=(-fsanitize=thread) ;;
    coverage) flags=(--coverage) ;;
    esac
    "${CC:-gcc}" -std=gnu11 -D_GNU_SOURCE -O1 "${flags[@]}" -I"$here" "$here/tests/embed/hour.c" -L"$build" -lloam \
        -Wl,-rpath,"$(realpath "$build")" -o "$hour" || return 1
    see "$hour" fill "$store" "$keys" && told "$keys keys written" || return 1
    see "$hour" read "$store" "$keys" && told "^$keys keys in order, each with its value; 0 missing"
}
compaction_changes_no_answer() {
    see "$hour" compact "$store" && told '^compacted: ' || return 1
    see "$hour" read "$store" "$keys" && told "^$keys keys in order"
}
a_sound_store_is_called_sound() {
    has verify || { skip "loam verify is not there"; return; }
    see "$loam" verify "$store" && told '^sound$' "[1-9][0-9]* tables, $keys entries"
}
a_backup_is_restored_key_by_key() {
    has backup && has restore || { skip "loam backup is not there"; return; }
    see "$loam" backup "$store" "$work/backup" || { cat "$work/out"; return 1; }
    see "$loam" restore "$work/backup" "$work/restored" || { cat "$work/out"; return 1; }
    see "$hour" read "$work/restored" "$keys" && told "^$keys keys in order, each with its value; 0 missing"
}
# A sector in the midst of the largest table.
spoil() {
    table=$(find "$store" -name '*.sst' -printf '%s %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
    printf 'a sector went bad' | dd of="$table" bs=1 seek=$(($(stat -c %s "$table") / 2)) conv=notrunc status=none
}
a_bad_block_is_met_by_a_read_with_its_place() {
    spoil
    see "$hour" read "$store" "$keys"
    [ $? = 1 ] && told "$(basename "$table").*offset [0-9]+.*keys? "
}
verify_names_the_bad_block_and_what_to_do() {
    has verify || { skip "loam verify is not there"; return; }
    see "$loam" verify "$store"
    [ $? = 2 ] && told "$(basename "$table").*offset [0-9]+" 'keys ' 'loam repair'
}
a_repair_tells_first_what_it_would_do() {
    has repair || { skip "loam repair is not there"; return; }
    find "$store" -type f -exec cksum {} + | sort >"$work/before"
    see "$loam" repair "$store" --dry-run && told "$(basename "$table" .sst | sed 's/^0*//')" 'lost of table [0-9]+: keys ' 'nothing was changed' || return 1
    find "$store" -type f -exec cksum {} + | sort | cmp - "$work/before"
}
the_repaired_store_lacks_only_what_was_told() {
    has repair || { skip "loam repair is not there"; return; }
    see "$loam" repair "$store" && told '^done: ' "$(basename "$table")" || return 1
    see "$loam" verify "$store" && told '^sound$' || return 1
    see "$hour" read "$store" "$keys"
    [ $? = 2 ] && told 'missing: keys [0-9]+ to [0-9]+' && ! grep -q wrong "$work/out"
}
the_backup_still_has_everything() {
    [ -d "$work/restored" ] || { skip "there was no backup"; return; }
    rm -rf "$work/restored"
    see "$loam" restore "$work/backup" "$work/restored" && see "$hour" read "$work/restored" "$keys" && told "^$keys keys in order"
}

run_tests

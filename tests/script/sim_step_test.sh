#!/bin/bash
# loam sim --step, led by scripts: looking changes nothing, the same lines give the same run, and what is done by hand takes place.
set -u
. "$(dirname "$0")/frame.sh"
names=(
    looking_and_stepping_change_nothing
    the_same_lines_give_the_same_run
    every_command_is_listed_and_told_alone
    a_dropped_message_does_not_arrive
    votes_that_are_dropped_elect_nobody
    a_repeated_message_arrives_twice
    a_cut_link_carries_nothing_until_it_is_healed
    a_node_that_was_killed_stays_down_until_it_is_booted
    a_paused_node_stands_still
    a_write_that_fails_stops_the_node
    a_majority_that_stays_down_is_a_broken_promise
    what_was_done_by_hand_is_in_the_page
    a_line_that_is_not_understood_is_told_and_passed_by
)

# Nothing goes wrong by itself where something is done by hand.
printf '%s\n' 'loam-plan 1' 'seed 3' 'nodes 3' 'clients 3' 'operations 400' >"$work/quiet"
# The answers to some lines, one an argument.
lead() { printf '%s\n' "$@" | "$loam" sim --plan "$work/quiet" --step; }
lead_seed() { printf '%s\n' "$@" | "$loam" sim --seed 7 --step; }
last_hash() { sed -n 's/^at .* hash \([0-9a-f]*\)$/\1/p' "$1" | tail -n 1; }
# The place of the newest message of a kind, by a line "message N is on its way".
message_of() { sed -n 's/^message \([0-9]*\) is on its way$/\1/p' "$1" | tail -n 1; }
fault_count() { grep -c '^fault ' "$work/plan"; }

looking_and_stepping_change_nothing() {
    "$loam" sim --seed 7 --json >"$work/plain" || return 1
    "$loam" sim --seed 7 --print-plan >"$work/plan"
    lead_seed "show" "step 5" "show 1" "to leader" "messages" "messages 2" "log 1" "step" "to fault" "faults" "history" "to +7ms" "trace on" "to +3ms" "trace off" "show 2" "log 1 1 4" \
        "where" "to 500ms" "show 3" "to message append" "history 3" "to violation" "show" "where" >"$work/stepped" || { cat "$work/stepped"; return 1; }
    grep -q 'nothing was broken' "$work/stepped" && grep -q "\"hash\":\"$(last_hash "$work/stepped")\"" "$work/plain" || return 1
    ! grep '^?' "$work/stepped" && grep -q '^  node .  .* leader ' "$work/stepped" && grep -q '  role       follower' "$work/stepped" &&
        [ "$(grep -c '^  comes  at=\|^  holds  at=\|^  over   at=' "$work/stepped")" = "$(fault_count)" ]
}
the_same_lines_give_the_same_run() {
    local lines=("to leader" "cut 1 > 2" "to +30ms" "kill 3" "to +100ms" "boot 3" "to +20ms" "heal" "fail 2 sync" "to 800ms" "pause 1" "to +50ms" "resume 1" "power 2" "to +10ms" "boot 2" "to 1200ms" "show")
    lead "${lines[@]}" >"$work/first" && lead "${lines[@]}" >"$work/second" && cmp "$work/first" "$work/second" || return 1
    ! grep '^?' "$work/first" || return 1
    # One line less is another run.
    lead "${lines[@]:0:1}" "${lines[@]:2}" >"$work/other"
    [ -n "$(last_hash "$work/first")" ] && [ "$(last_hash "$work/first")" != "$(last_hash "$work/other")" ]
}
every_command_is_listed_and_told_alone() {
    local name count=0
    for name in step to show log messages faults history drop repeat cut heal fail kill power boot pause resume trace where help quit; do
        lead "help" | grep -q "^  $name " && lead "help $name" | grep -q "^  $name " || { echo "$name"; return 1; }
        count=$((count + 1))
    done
    [ "$(lead help | grep -c '^  [a-z]')" = "$count" ]
}
a_dropped_message_does_not_arrive() {
    lead "to message append" "messages" >"$work/out" || return 1
    local number
    number=$(message_of "$work/out")
    grep -q "^  $number  . > .  append of term " "$work/out" || return 1
    lead "to message append" "drop $number" "messages" "drop $number" >"$work/dropped"
    [ $? = 1 ] && grep -q '^dropped$' "$work/dropped" && ! grep -q "^  $number  " "$work/dropped" && grep -q '^? no such message is on its way' "$work/dropped"
}
# A candidate's two votes never arrive: at the moment when it led without that nobody does.
votes_that_are_dropped_elect_nobody() {
    local moment votes=() line
    moment=$(lead "to leader" | sed -n 's/^at \([0-9.]*\) s.*/\1/p' | head -n 1)
    lead "to message vote" "messages" >"$work/out" || return 1
    while read -r line; do votes+=("drop $line"); done < <(sed -n 's/^  \([0-9]*\)  . > .  vote of term .*/\1/p' "$work/out")
    [ "${#votes[@]}" = 2 ] || { cat "$work/out"; return 1; }
    lead "to ${moment}s" "show" | grep -q ' leader ' || return 1
    lead "to message vote" "${votes[@]}" "to ${moment}s" "show" >"$work/out" || return 1
    [ "$(grep -c '^dropped$' "$work/out")" = 2 ] && ! grep -q '^  node .* leader ' "$work/out" && grep -q '^  node .* candidate ' "$work/out"
}
a_repeated_message_arrives_twice() {
    lead "to message append" >"$work/out"
    local number copy
    number=$(message_of "$work/out")
    lead "to message append" "repeat $number" "messages" >"$work/out" || return 1
    copy=$(sed -n 's/^sent again as message \([0-9]*\)$/\1/p' "$work/out")
    [ -n "$copy" ] && [ "$copy" -gt "$number" ] || return 1
    # The same words, the same moment.
    [ "$(sed -n "s/^  $number  //p" "$work/out")" = "$(sed -n "s/^  $copy  //p" "$work/out")" ] && [ -n "$(sed -n "s/^  $copy  //p" "$work/out")" ]
}
# Behind a cut the log of a follower stays as it was; afterwards it gets what it missed.
a_cut_link_carries_nothing_until_it_is_healed() {
    lead "to 200ms" "show" >"$work/before" || return 1
    local leader other far
    leader=$(sed -n 's/^  node \([0-9]\) .* leader .*/\1/p' "$work/before")
    other=$((leader % 3 + 1))
    lead "to 200ms" "cut $leader $other" "to +3ms" "show" "to +60ms" "show" "show $other" "heal $leader $other" "to +400ms" "show" >"$work/out" || { cat "$work/out"; return 1; }
    mapfile -t far < <(sed -n "s/^  node $other .* log [0-9]*\.\.\([0-9]*\),.*/\1/p" "$work/out")
    grep -q "^  cut        $leader > $other" "$work/out" && grep -q "^  cut        $other > $leader" "$work/out" || return 1
    [ "${#far[@]}" = 3 ] && [ "${far[0]}" = "${far[1]}" ] && [ "${far[2]}" -gt "${far[1]}" ] || { echo "${far[@]}"; return 1; }
}
a_node_that_was_killed_stays_down_until_it_is_booted() {
    lead "to leader" "kill 2" "kill 2" "to +300ms" "show" "show 2" "log 2" "boot 2" "to +100ms" "show" "boot 2" "to end" >"$work/out"
    [ "$(grep -c '^  node 2  down' "$work/out")" = 1 ] && [ "$(grep -c '^  node 2  up' "$work/out")" = 1 ] && grep -q '^node 2 is down by hand' "$work/out" || { cat "$work/out"; return 1; }
    grep -q '^? it is down by hand already' "$work/out" && grep -q '^? node 2 is down' "$work/out" && grep -q '^? it is up' "$work/out" && grep -q 'every promise was kept' "$work/out"
}
a_paused_node_stands_still() {
    lead "to leader" "pause 3" "to +20ms" "show 3" "to +30ms" "show 3" "resume 3" "resume 3" "to end" >"$work/out"
    [ "$(grep -c '^node 3 is paused' "$work/out")" = 2 ] && grep -q '^? it is not paused by hand' "$work/out" && grep -q 'every promise was kept' "$work/out" &&
        [ "$(grep -A 6 '^node 3 is paused' "$work/out" | grep '  commit ' | sort -u | wc -l)" = 1 ]
}
a_write_that_fails_stops_the_node() {
    lead "to 200ms" "fail 1 write" "trace on" "to +150ms" >"$work/out" || return 1
    grep -q '^its next write fails' "$work/out" && grep -q ' n0 process ends ' "$work/out"
}
a_majority_that_stays_down_is_a_broken_promise() {
    lead "to leader" "kill 1" "kill 2" "to violation" "show" "kill 3" "to end" >"$work/out"
    [ $? = 4 ] && grep -q '^stuck: no progress 20 s after healing' "$work/out" && grep -q '^? the run is over' "$work/out" && [ "$(grep -c '^  node [12]  down' "$work/out")" = 2 ]
}
what_was_done_by_hand_is_in_the_page() {
    printf '%s\n' "to leader" "cut 1 > 2" "to +30ms" "heal" "kill 3" "to +30ms" "boot 3" "to end" >"$work/lines"
    "$loam" sim --plan "$work/quiet" --step <"$work/lines" >"$work/out" && "$loam" sim --plan "$work/quiet" --step --trace "$work/page.html" <"$work/lines" >"$work/recorded" || return 1
    cmp "$work/out" "$work/recorded" && grep -q '"cut 1 \\u003e 2"' "$work/page.html" && grep -q '"kill node 3"' "$work/page.html" && grep -q '"by hand"' "$work/page.html"
}
a_line_that_is_not_understood_is_told_and_passed_by() {
    local lines=("nonsense" "step x" "step 0" "to" "to nowhere" "to 5x" "to 1.s.s" "to fault 7" "to -3ms" "show 4" "show 0" "log" "log 1 x" "drop" "drop x" "cut 1" "cut 1 1" "cut 1 < 2" "heal 1 2" "fail 1 disk" "kill all"
        "trace perhaps" "help nonsense" "a b c d e f g h i" "to 99999999999s")
    lead "${lines[@]}" "" "# a comment" "to 100ms # another" "to 50ms" >"$work/out"
    [ $? = 1 ] && [ "$(grep -c '^? ' "$work/out")" = $((${#lines[@]} + 1)) ] && grep -q '^at 0\.09\|^at 0\.1' "$work/out" || { cat "$work/out"; return 1; }
    printf 'where\0x\nwhere' | "$loam" sim --seed 7 --step | grep -q '^? a line has a zero byte' || return 1
    local words
    for words in "--step" "--seed 7 --step --json" "--seed 7 --step --shrink" "--seeds 3 --step"; do
        # shellcheck disable=SC2086
        "$loam" sim $words </dev/null >/dev/null 2>"$work/err"
        [ $? = 1 ] && grep -q 'loam sim: --s' "$work/err" || { echo "loam sim $words"; cat "$work/err"; return 1; }
    done
    "$loam" sim --seed 7 --step </dev/null | grep -q '^at 0\.000000000 s, 0 events'
}

run_tests

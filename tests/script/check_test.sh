#!/bin/bash
# loam check, as a program: verdicts and exit codes of recorded histories and of made ones, and what it writes reads back.
set -u
. "$(dirname "$0")/frame.sh"
names=(
    recorded_histories_have_their_verdicts
    a_lie_in_a_made_history_is_found_and_explained
    what_is_written_is_judged_alike
    one_bad_history_among_good_ones_decides_the_exit_code
    a_file_that_is_no_history_is_named_with_its_line
    a_command_line_that_is_not_understood_exits_with_1
)
histories=${LOAM_DATA:-../shared/data}/histories

expect() { # exit code, FILE...
    local wanted=$1
    shift
    "$loam" check "$@" >"$work/out" 2>"$work/errors"
    local code=$?
    [ $code = "$wanted" ] || { echo "loam check $*: exit code $code, not $wanted" && cat "$work/out" "$work/errors"; return 1; }
}
recorded_histories_have_their_verdicts() {
    [ -d "$histories" ] || { skip "no recorded histories at $histories"; return; }
    local file verdict
    for file in "$histories"/kv/*-ok.txt; do expect 0 "$file" || return 1; done
    for file in "$histories"/kv/*-bad.txt; do expect 4 "$file" || return 1; done
    while read -r file verdict; do
        if [ "$verdict" = linearizable ]; then expect 0 "$histories/etcd/$file"; else expect 4 "$histories/etcd/$file"; fi || return 1
    done <"$histories/etcd/VERDICTS"
}
a_lie_in_a_made_history_is_found_and_explained() {
    local lie
    for lie in stale future twice refused; do
        expect 4 --made 5000 --keys 50 --lie $lie && grep -q 'not linearizable: key "k0"' "$work/out" || return 1
        grep -q 'none once this one returned' "$work/out" || return 1
    done
    expect 0 --made 5000 --keys 50
}
what_is_written_is_judged_alike() {
    expect 0 --made 3000 --keys 20 --seed 3 --write "$work/good.edn" && expect 0 "$work/good.edn" || return 1
    expect 4 --made 3000 --keys 20 --seed 3 --lie stale --write "$work/bad.edn" && expect 4 --json "$work/bad.edn" --write "$work/again.edn" || return 1
    grep -q '"verdict": "not linearizable", "model": "redis string"' "$work/out" && expect 4 "$work/again.edn" || return 1
    cmp -s <(cut -d, -f3- <"$work/bad.edn" | sort) <(cut -d, -f3- <"$work/again.edn" | sort) # times become the numbers of events
}
one_bad_history_among_good_ones_decides_the_exit_code() {
    expect 4 "$work/good.edn" "$work/bad.edn" "$work/good.edn" && [ "$(grep -c '^/.*linearizable (' "$work/out")" = 3 ]
}
a_file_that_is_no_history_is_named_with_its_line() {
    head -n 5 "$work/good.edn" >"$work/cut.edn" && printf '{:type :invoke, :process' >>"$work/cut.edn"
    expect 1 "$work/cut.edn" && grep -q 'cut.edn: line 6:' "$work/errors" && expect 1 "$work/absent.edn" && grep -q 'absent.edn: not found' "$work/errors"
}
a_command_line_that_is_not_understood_exits_with_1() {
    expect 1 && expect 1 --lie stale && expect 1 --made 5 --lie small && expect 1 --made 5 "$work/good.edn"
}
run_tests

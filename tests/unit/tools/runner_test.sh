#!/bin/bash
# tests/run judges programs that end in every way a program can end.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
names=(
    all_passed_is_success
    a_failed_test_is_a_failure
    a_crash_behind_passed_tests_is_a_failure
    a_test_without_a_result_is_a_failure
    an_exit_code_without_a_failed_test_is_a_failure
    a_program_that_hangs_is_a_failure
    a_program_without_tests_is_a_failure
    skipped_tests_alone_are_no_success
    no_program_is_a_failure
    results_add_up_over_programs
    a_result_behind_other_words_counts
)
program() { # name, body: a fake test program
    printf '#!/bin/bash\n%s\n' "$2" >"$work/$1"
    chmod +x "$work/$1"
}
begin='echo "[==========] Running 2 test(s)."'
end='echo "[==========] 2 test(s) run."'
ok() { echo "echo '[ RUN      ] $1'; echo '[       OK ] $1'"; }
program passes "$begin; $(ok a); $(ok b); $end; echo '[  PASSED  ] 2 test(s).'"
program fails "$begin; $(ok a); echo '[ RUN      ] b'; echo '[  FAILED  ] b'; $end; echo '[  FAILED  ] 1 test(s)'; echo '[  FAILED  ] b'; exit 1"
program crashes "$begin; $(ok a); $(ok b); kill -SEGV \$\$"
program unfinished "$begin; $(ok a); echo '[ RUN      ] b'; $end"
program exits "$begin; $(ok a); $(ok b); $end; exit 3"
program hangs "$begin; $(ok a); $(ok b); sleep 60"
program empty "exit 0"
program skips "$begin; echo '[ RUN      ] a'; echo 'SKIP: no peer'; echo '[  SKIPPED ] a'; $end"

expect() { # exit code, last line, program...
    local code=$1 line=$2 output status
    shift 2
    output=$(LOAM_TEST_TIMEOUT=2 tests/run build "$@" 2>&1)
    status=$?
    [ "$status" -eq "$code" ] && [ "$(tail -n 1 <<<"$output")" = "$line" ] && return 0
    echo "expected exit $code and \"$line\", got exit $status and:"
    sed 's/^/  | /' <<<"$output"
    return 1
}
all_passed_is_success() { expect 0 "2 passed, 0 failed, 0 skipped" "$work/passes"; }
a_failed_test_is_a_failure() { expect 1 "1 passed, 1 failed, 0 skipped" "$work/fails"; }
a_crash_behind_passed_tests_is_a_failure() { expect 1 "2 passed, 1 failed, 0 skipped" "$work/crashes"; }
a_test_without_a_result_is_a_failure() { expect 1 "1 passed, 1 failed, 0 skipped" "$work/unfinished"; }
an_exit_code_without_a_failed_test_is_a_failure() { expect 1 "2 passed, 1 failed, 0 skipped" "$work/exits"; }
a_program_that_hangs_is_a_failure() { expect 1 "2 passed, 1 failed, 0 skipped" "$work/hangs"; }
a_program_without_tests_is_a_failure() { expect 1 "0 passed, 1 failed, 0 skipped" "$work/empty"; }
skipped_tests_alone_are_no_success() { expect 1 "0 passed, 1 failed, 1 skipped" "$work/skips"; }
no_program_is_a_failure() { expect 1 "0 passed, 1 failed, 0 skipped"; }
results_add_up_over_programs() { expect 1 "5 passed, 1 failed, 1 skipped" "$work/passes" "$work/crashes" "$work/skips" "$work/unfinished_no"; }
a_result_behind_other_words_counts() { expect 0 "2 passed, 0 failed, 0 skipped" "$work/words"; }
program words "$begin; echo '[ RUN      ] sim: a b'; echo -n 'no newline'; echo '[       OK ] sim: a b'; echo '  | [  FAILED  ] quoted'; $(ok b); $end"
program unfinished_no "$begin; $(ok a); $end"

failed=0
echo "[==========] Running ${#names[@]} test(s)."
for name in "${names[@]}"; do
    echo "[ RUN      ] $name"
    if text=$("$name"); then
        echo "[       OK ] $name"
    else
        # shown with a mark, so that the inner words are not taken for ours
        sed 's/^/  | /' <<<"$text"
        echo "[  FAILED  ] $name"
        failed=1
    fi
done
echo "[==========] ${#names[@]} test(s) run."
exit $failed

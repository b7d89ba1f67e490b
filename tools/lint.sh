#!/bin/sh
# tools/lint.sh FILE.c...: what clang-tidy and cppcheck find in product sources. A missing one is said and skipped; tidy, the linter of
# the house, runs before and needs neither.
set -u
status=0
jobs=$(nproc 2>/dev/null || echo 2)
if command -v clang-tidy >/dev/null 2>&1; then
    started=$(date +%s)
    out=$(printf '%s\n' "$@" | xargs -P "$jobs" -n 4 sh -c 'clang-tidy --quiet "$@" -- -std=gnu11 -D_GNU_SOURCE -DLOAM_VERSION=\"0\" -I. 2>/dev/null' sh) || status=1
    [ -n "$out" ] && printf '%s\n' "$out"
    echo "clang-tidy: $# files in $(($(date +%s) - started)) s"
else
    echo "SKIP: clang-tidy is not installed"
fi
if command -v cppcheck >/dev/null 2>&1; then
    started=$(date +%s)
    # uninitvar: the compilers see it better. shiftTooManyBitsSigned: gcc and clang define the shift as arithmetic, and coding.h says so.
    cppcheck --quiet -j "$jobs" --enable=warning,portability --inline-suppr --std=c11 -D_GNU_SOURCE -I. --error-exitcode=1 \
        --suppress=missingIncludeSystem --suppress=uninitvar --suppress=shiftTooManyBitsSigned --suppress=unmatchedSuppression "$@" || status=1
    echo "cppcheck: $# files in $(($(date +%s) - started)) s"
else
    echo "SKIP: cppcheck is not installed"
fi
exit $status

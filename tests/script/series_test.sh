#!/bin/bash
# Time series from outside: the transcript of TS.* commands, `loam import` of the NAB files, redis-py; series.py says what each does.
set -u
build=${LOAM_BUILD_DIR:-build}
data=${LOAM_DATA:-../shared/data}/timeseries/nab
names=(
    every_reply_is_as_documented_in_resp2
    every_reply_is_as_documented_in_resp3
    nab_files_load_and_read_back_bit_for_bit
    bad_lines_are_listed_and_refused_above_the_limit
    redis_py_finds_what_it_expects
)
run="tests/script/series.py --build $build"

skip() { # reason
    echo "SKIP: $*"
    return 77
}
every_reply_is_as_documented_in_resp2() { $run transcript --protocol 2; }
every_reply_is_as_documented_in_resp3() { $run transcript --protocol 3; }
nab_files_load_and_read_back_bit_for_bit() {
    [ -d "$data" ] || { skip "the NAB files are not there ($data; LOAM_DATA)"; return; }
    $run import --data "$data"
}
bad_lines_are_listed_and_refused_above_the_limit() { $run bad-lines; }
redis_py_finds_what_it_expects() { $run client; }

failed=0
echo "[==========] Running ${#names[@]} test(s)."
for name in "${names[@]}"; do
    echo "[ RUN      ] $name"
    if [ ! -x /usr/bin/python3 ]; then
        skip "python3 is not installed"
    else
        "$name"
    fi
    case $? in
    0) echo "[       OK ] $name" ;;
    77) echo "[  SKIPPED ] $name" ;;
    *) echo "[  FAILED  ] $name" && failed=1 ;;
    esac
done
echo "[==========] ${#names[@]} test(s) run."
exit $failed

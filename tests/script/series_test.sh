#!/bin/bash
# Time series from outside: the transcript of TS.* commands, `loam import` of the NAB files, redis-py (series.py says what each does), and that
# `loam bench tsdb` runs.
set -u
. "$(dirname "$0")/frame.sh"
data=${LOAM_DATA:-../shared/data}/timeseries/nab
names=(
    every_reply_is_as_documented_in_resp2
    every_reply_is_as_documented_in_resp3
    nab_files_load_and_read_back_bit_for_bit
    bad_lines_are_listed_and_refused_above_the_limit
    redis_py_finds_what_it_expects
    bench_tsdb_measures_every_row
)
run="tests/script/series.py --build $build"

every_reply_is_as_documented_in_resp2() { $run transcript --protocol 2; }
every_reply_is_as_documented_in_resp3() { $run transcript --protocol 3; }
nab_files_load_and_read_back_bit_for_bit() {
    [ -d "$data" ] || { skip "the NAB files are not there ($data; LOAM_DATA)"; return; }
    $run import --data "$data"
}
bad_lines_are_listed_and_refused_above_the_limit() { $run bad-lines; }
redis_py_finds_what_it_expects() { $run client; }
bench_tsdb_measures_every_row() {
    [ -d "$data" ] || { skip "the NAB files are not there ($data; LOAM_DATA)"; return; }
    "$build/loam" bench tsdb --data "$data" --samples 20000 --synced-samples 2000 --dir "$work/bench" --port $((21000 + RANDOM % 4000)) --json >"$work/json" || return 1
    /usr/bin/python3 - "$work/json" <<'PYTHON'
import json, sys
told = json.load(open(sys.argv[1]))
for row in ("append_embedded", "append_embedded_synced", "append_resp", "decode"):
    assert told[row]["samples"] > 0 and told[row]["samples_per_second"] > 0, row
assert told["append_resp"]["samples"] == 20000
# 8 + 8 bytes a sample is what no codec takes
assert 0 < told["loam"]["bytes_per_sample"] < 16, told["loam"]
if "prometheus" in told:
    assert told["loam"]["bytes_per_sample"] < told["prometheus"]["bytes_per_sample"], told
PYTHON
}

python=needed
run_tests

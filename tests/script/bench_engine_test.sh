#!/bin/bash
# loam bench engine, as a program, beside whatever peers are installed: what it prints, what it leaves, how it exits. How fast anything is is not judged: a test runs beside others.
set -u
. "$(dirname "$0")/frame.sh"
names=(
    every_workload_is_measured_through_every_engine
    the_page_stands_alone
    what_the_page_draws_lies_inside_and_is_as_long_as_its_figures
    a_renderer_shows_the_engines_in_the_plots
    what_was_filled_in_order_is_found_whole
    decimal_keys_find_what_binary_ones_do
    peers_that_are_absent_are_skipped_and_named
    a_library_that_was_named_must_be_there
    every_policy_and_compression_finds_the_same
    a_long_run_ends
    a_kept_store_is_used_again
    nothing_is_left_behind
    a_directory_of_somebody_elses_is_left_alone
    options_that_make_no_sense_are_refused_in_words
    missed_goals_fail_only_when_asked
)
python=needed
peers=rocksdb,leveldb,lmdb
# Peers come without the thread sanitizer's marks: what they lock it cannot see.
export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS }ignore_noninstrumented_modules=1"
small="--entries 6000 --sync-writes 40 --memtable-mib 1 --cache-mib 4 --level-mib 4"

every_workload_is_measured_through_every_engine() {
    # shellcheck disable=SC2086
    "$loam" bench engine --dir "$work/all" --peer $peers $small --rounds 2 --json --html "$work/page.html" >"$work/all.json" || return 1
    /usr/bin/python3 - "$work/all.json" <<'PYTHON'
import json, sys
told = json.load(open(sys.argv[1]))
names = [engine["name"] for engine in told["engines"]]
assert told["bench"] == "engine" and told["rounds"] == 2 and told["entries"] == 6000
assert names[0] == "loam" and len(names) + len(told["skipped"]) == 4, (names, told["skipped"])
for engine in told["engines"][1:]:
    assert engine["version"] and engine["file"].startswith("/") and engine["file_bytes"] > 0, engine
steps = told["steps"]
assert len(steps) == 27 and len({(s["workload"], s["compacted"]) for s in steps}) == 27
for step in steps:
    alone = step["workload"] == "rawsync"
    assert [cell["engine"] for cell in step["cells"]] == (names[:1] if alone else names)
    for cell in step["cells"]:
        where = (step["workload"], cell)
        if step["workload"] == "compact" and cell["engine"] == "lmdb":
            assert cell["rate"] == 0, where
            continue
        assert cell["rate_low"] <= cell["rate"] <= cell["rate_high"] and cell["rate"] > 0, where
        assert cell["operations"] > 0 and cell["cpu_us"] > 0 and cell["peak_mib"] > 0, where
        assert (cell["rest_rate"] > 0) == step["writes"] and cell["rest_rate"] <= cell["rate"], where
        walks = step["workload"] in ("readseq", "readreverse", "compact")
        assert walks == (cell["p50_us"] == 0) and cell["p50_us"] <= cell["p99_us"] <= cell["p999_us"], where
        if step["writes"]: assert cell["directory_amplification"] >= cell["space_amplification"] >= 0, where
    # the same keys everywhere: the program compares, and here once more
    if not alone and step["workload"] != "readwhilewriting":
        assert len({cell["found"] for cell in step["cells"]}) == 1, step
by = {(s["workload"], s["compacted"]): s["cells"][0] for s in steps}
present = by["readseq", False]["found"]
assert 0.6 * 6000 < present < 6000 and by["readreverse", False]["found"] == present == by["readseq", True]["found"]
assert by["readmissing", False]["found"] == 0 < by["readrandom", False]["found"] < 6000
assert by["readwhilewriting", False]["beside_rate"] > 0
assert by["fillsync16", False]["operations"] == 4 * by["fillsync", False]["operations"] == 160
goals = [(s["workload"], g["what"]) for s in steps for g in s["goals"]]
assert ("fillsync", "rate by the device's") in goals and ("fillseq", "longest wait, ms") in goals
if "rocksdb" in names or "leveldb" in names:
    assert ("fillrandom", "rate") in goals and ("fillrandom", "rate to rest") in goals and ("readseq", "rate") in goals
    assert all(s["ratio"] > 0 for s in steps if s["workload"] != "rawsync")
else:
    assert all(s["ratio"] == 0 for s in steps)
if "rocksdb" in names: assert ("fillrandom", "cpu by rocksdb's") in goals
PYTHON
}
# Whole, and nothing in it asks for anything else.
the_page_stands_alone() {
    /usr/bin/python3 - "$work/page.html" <<'PYTHON'
import html.parser, sys
text = open(sys.argv[1]).read()
void = {"meta", "br", "link", "img", "input"}
class Page(html.parser.HTMLParser):
    open_tags, tags = [], []
    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            assert name not in ("src", "href", "xlink:href"), (tag, name, value)
        if tag not in void: self.open_tags.append(tag)
    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag, tag
page = Page()
page.feed(text)
assert not page.open_tags and "script" not in page.tags and "link" not in page.tags
assert "http:" not in text and "https:" not in text and "url(" not in text
assert page.tags.count("svg") > 60 and page.tags.count("polyline") >= 3 and page.tags.count("table") == 3
for name in ("fillrandom, ", "readrandom, compacted", "Write amplification"):
    assert name.rstrip(", ") in text
PYTHON
}
what_the_page_draws_lies_inside_and_is_as_long_as_its_figures() { tests/script/bench_page.py "$work/page.html"; }
a_renderer_shows_the_engines_in_the_plots() {
    if ! command -v rsvg-convert >/dev/null; then
        skip "rsvg-convert is not installed"
        return
    fi
    tests/script/bench_page.py "$work/page.html" rsvg-convert
}
what_was_filled_in_order_is_found_whole() {
    "$loam" bench engine --dir "$work/seq" --entries 5000 --peer $peers --rounds 1 --json \
        --workloads fillseq,readrandom,readmissing,readseq,readreverse,seekrandom >"$work/seq.json" || return 1
    /usr/bin/python3 - "$work/seq.json" <<'PYTHON'
import json, sys
for step in json.load(open(sys.argv[1]))["steps"]:
    expected = {"fillseq": 0, "readmissing": 0, "readrandom": 5000, "readseq": 5000, "readreverse": 5000}
    for cell in step["cells"]:
        if step["workload"] == "seekrandom":
            assert 1250 * 11 - 100 <= cell["found"] <= 1250 * 11, cell
        else:
            assert cell["found"] == expected[step["workload"]], (step["workload"], cell)
PYTHON
}
decimal_keys_find_what_binary_ones_do() {
    local keys
    for keys in binary decimal; do
        "$loam" bench engine --dir "$work/keys" --entries 3000 --keys $keys --workloads fillrandom,readrandom,readmissing,readseq --json |
            grep -o '"found": [0-9]*' >"$work/$keys.found" || return 1
    done
    [ "$(wc -l <"$work/binary.found")" = 4 ] && cmp "$work/binary.found" "$work/decimal.found"
}
peers_that_are_absent_are_skipped_and_named() {
    local installed
    installed=$(/usr/bin/python3 -c 'import json, sys; told = json.load(open(sys.argv[1])); print(len(told["engines"]) - 1)' "$work/all.json")
    if [ "$installed" = 3 ]; then
        skip "every peer is installed"
        return
    fi
    "$loam" bench engine --dir "$work/absent" --peer $peers --entries 500 --workloads fillseq >"$work/absent.out" || return 1
    [ "$(grep -c '^  skipped: ' "$work/absent.out")" = $((3 - installed)) ]
}
a_library_that_was_named_must_be_there() {
    "$loam" bench engine --dir "$work/named" --peer-lib rocksdb="$work/none.so" --entries 500 --workloads fillseq >/dev/null 2>"$work/named.err"
    [ $? = 1 ] && grep -q 'rocksdb.*none.so' "$work/named.err" || return 1
    # a library, but of something else
    "$loam" bench engine --dir "$work/named" --peer-lib leveldb=libc.so.6 --entries 500 --workloads fillseq >/dev/null 2>"$work/named.err"
    [ $? = 1 ] && grep -q 'leveldb: the library has no leveldb_' "$work/named.err"
}
# With a cache of a quarter of the data, and at last with one budget.
every_policy_and_compression_finds_the_same() {
    local options out="$work/policies"
    : >"$out.found"
    for options in "--policy lazy" "--policy leveled" "--policy tiered" "--policy fifo" "--compression lz4" "--compression zstd" "--memory-mib 8"; do
        # shellcheck disable=SC2086
        "$loam" bench engine --dir "$work/policies" --peer $peers --entries 8000 --memtable-mib 1 --cache-bytes 230000 --level-mib 1 $options --rounds 1 \
            --workloads fillrandom,overwrite,readrandom,readseq --json >"$out.json" || return 1
        /usr/bin/python3 - "$out.json" $options >>"$out.found" <<'PYTHON' || return 1
import json, sys
told, option, value = json.load(open(sys.argv[1])), sys.argv[2][2:], sys.argv[3]
assert told["cache_bytes"] == 230000
assert told[{"memory-mib": "memory_bytes"}.get(option, option)] == (int(value) << 20 if option == "memory-mib" else value)
for step in told["steps"]:
    assert all(cell["rate"] > 0 for cell in step["cells"]) and len({cell["found"] for cell in step["cells"]}) == 1, step
print([step["cells"][0]["found"] for step in told["steps"]])
PYTHON
    done
    [ "$(sort -u "$out.found" | wc -l)" = 1 ] && [ "$(wc -l <"$out.found")" = 7 ] || return 1
    "$loam" bench engine --dir "$work/policies" --entries 500 --workloads fillseq --policy tiered --memory-mib 8 --cache-bytes 230000 >"$out.text" || return 1
    grep -q 'one budget of 8 MiB.*policy tiered' "$out.text" && grep -q 'cache 0.2193 MiB' "$out.text"
}
a_long_run_ends() {
    "$loam" bench engine --dir "$work/long" --long --entries 20000 --peer $peers --json >"$work/long.json" || return 1
    /usr/bin/python3 - "$work/long.json" <<'PYTHON'
import json, sys
told = json.load(open(sys.argv[1]))
assert told["rounds"] == 1 and [s["workload"] for s in told["steps"]] == ["fillseq", "fillrandom", "overwrite", "readwhilewriting"]
for step in told["steps"][:3]:
    assert any(goal["what"] == "longest wait, ms" for goal in step["goals"]), step
    assert all(cell["operations"] == 20000 for cell in step["cells"])
PYTHON
}
a_kept_store_is_used_again() {
    "$loam" bench engine --dir "$work/kept" --entries 2000 --workloads fillseq --keep >/dev/null || return 1
    "$loam" bench engine --dir "$work/kept" --entries 2000 --workloads readseq --reuse --json | grep -q '"found": 2000,' || return 1
    [ ! -e "$work/kept" ]
}
nothing_is_left_behind() {
    [ ! -e "$work/all" ] && [ ! -e "$work/seq" ] && [ ! -e "$work/keys" ]
}
a_directory_of_somebody_elses_is_left_alone() {
    mkdir -p "$work/others/loam"
    echo precious >"$work/others/loam/file"
    "$loam" bench engine --dir "$work/others" --entries 500 --workloads fillseq >/dev/null 2>"$work/others.err"
    [ $? = 1 ] && grep -q 'give another --dir' "$work/others.err" && [ "$(cat "$work/others/loam/file")" = precious ]
}
options_that_make_no_sense_are_refused_in_words() {
    local options
    for options in "--workloads nonsense" "--workloads" "--peer mysql" "--peer-lib rocksdb" "--peer-lib =x" "--entries 0" "--entries x" "--rounds 32" \
        "--compression gzip" "--keys odd" "--here --rounds 2" "--here --peer lmdb" "--filter-bits 65" "--value-bytes 70000" "--strange" "--cache-mib -1" "--policy odd" "--memory-mib x"; do
        # shellcheck disable=SC2086
        "$loam" bench engine --dir "$work/options" $options >/dev/null 2>"$work/options.err"
        [ $? = 1 ] && grep -q '^loam bench engine: ' "$work/options.err" || { echo "$options" && return 1; }
    done
    "$loam" bench engine --help | grep -q readwhilewriting
}
missed_goals_fail_only_when_asked() {
    "$loam" bench engine --dir "$work/goals" --entries 2000 --workloads fillseq --check-goals >"$work/goals.out"
    local code=$?
    if grep -q MISSED "$work/goals.out"; then [ $code = 1 ]; else [ $code = 0 ]; fi
}

run_tests

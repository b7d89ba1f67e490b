#!/bin/bash
# loam inspect and loam scan --tree on the directory of a node that served all three stores and was killed: every row, every operation in
# the log, field by field.
set -u
. "$(dirname "$0")/frame.sh"
names=(
    every_file_of_a_node_of_three_stores_is_clean
    the_rows_of_an_sst_take_all_bytes_of_its_keys_and_values
    operations_in_the_log_are_named_with_their_arguments
    batches_of_an_engine_of_its_own_are_named
    rows_of_every_tree_are_scanned_with_what_only_the_log_holds
    rows_that_are_not_loams_are_shown_as_text
    a_tree_that_is_not_known_exits_with_1
)

write_all() {
    local i
    echo 'ts.create heat RETENTION 86400000 LABELS city austin'
    echo 'graph.query g "CREATE (:Person {name: '"'ann'"', age: 41})-[:KNOWS {since: 1999}]->(:Person {name: '"'bob'"'})"'
    for i in $(seq 1 1500); do
        echo "set key:$i value-$i"
        echo "ts.add heat $((i * 1000)) $((i % 7)).5"
    done
    for i in $(seq 1 1500); do echo "set key:$i $(printf 'again-%.0s' {1..8})$i"; done
    echo 'ts.add heat 2000000 0.25'
    echo 'pexpire key:7 100000000'
    echo 'graph.query g "MATCH (a:Person {name: '"'ann'"'}) SET a.late = true"'
    echo 'set last x'
}

every_file_of_a_node_of_three_stores_is_clean() {
    start_server --memtable-bytes 65536 || return 1
    write_all | "$loam" cli -p "$port" >"$work/replies"
    grep -i '^(\?error\|^ERR' "$work/replies" && return 1
    kill_server
    "$loam" inspect "$work/node" >"$work/out" || { grep -B30 corrupt "$work/out" | tail -40; return 1; }
    local tree
    for tree in raft.system names names.meta tsdb.series tsdb.chunks tsdb.labels graph.graphs graph.words graph.nodes graph.edges \
        graph.adjacency graph.labels; do
        grep -Eq "^  rows +[0-9]+ of $tree\$" "$work/out" || { echo "no rows of $tree"; return 1; }
    done
    ! grep -q 'shown as text' "$work/out"
}
the_rows_of_an_sst_take_all_bytes_of_its_keys_and_values() {
    command -v python3 >/dev/null || return 77
    local file
    for file in "$work"/node/engine-*/*.sst; do
        "$loam" inspect --json "$file" >"$work/json" && python3 - "$work/json" <<'PYTHON' || return 1
import json, sys
told = json.load(open(sys.argv[1]))
end = 0
for field in told["fields"]:
    assert field["offset"] == end and field["size"] > 0, field
    end += field["size"]
assert end == told["bytes"]
facts, rows = told["facts"], told["rows"]
assert len(rows) == int(facts["entries"])
size = lambda part: sum(field["size"] for row in rows for field in row[part])
assert size("key") == int(facts["key_bytes"]) and size("value") == int(facts["value_bytes"])
names = {field["name"] for row in rows for part in ("key", "value") for field in row[part]}
assert "malformed" not in names and all(row["tree"] for row in rows)
PYTHON
    done
}
operations_in_the_log_are_named_with_their_arguments() {
    "$loam" inspect --hex "$work"/node/log/* >"$work/hex" || return 1
    grep -Eq '^  operations +[0-9].* kv' "$work/hex" || return 1
    for text in 'entry: 2: command' 'store: 1: kv' 'operation: 1: set' 'argument: "key:7"' 'operation: 10: expire' 'store: 2: tsdb' \
        'operation: 1: create' 'label value: "austin"' 'operation: 3: add' 'sample: "heat": 2000000 ms, 0.25' 'store: 3: graph' \
        'record: 2: create_node' 'value: string "ann"' 'record: 3: create_edge' 'record: 6: set_node_property' 'value: true' \
        'operation: 1: open a session' 'committed up to: '; do
        grep -qF "$text" "$work/hex" || { echo "not told: $text"; return 1; }
    done
    ! grep -q 'malformed' "$work/hex"
}
batches_of_an_engine_of_its_own_are_named() {
    "$loam" bench engine --dir "$work/filled" --entries 50 --workloads fillseq --here --keep >/dev/null && mv "$work/filled/loam" "$work/engine" || return 1
    "$loam" inspect --hex "$work"/engine/wal/*.wal >"$work/hex" || return 1
    grep -Eq '^  log of +an engine: [0-9]+ batches' "$work/hex" && grep -q 'operation: put' "$work/hex" && grep -q 'first sequence: ' "$work/hex"
}
rows_of_every_tree_are_scanned_with_what_only_the_log_holds() {
    local tree
    for tree in $("$loam" scan "$work/node" --tree list); do
        "$loam" scan "$work/node" --tree "$tree" --uncommitted >"$work/$tree" 2>"$work/err" || { echo "$tree"; cat "$work/err"; return 1; }
        grep -q malformed "$work/$tree" && return 1
        [ -s "$work/$tree" ] || [ "$tree" = graph.external ] || { echo "no rows in $tree"; return 1; }
    done
    grep -q 'name "last" -> type 1: string, flags 0, value "x"$' "$work/names" || return 1
    [ "$(wc -l <"$work/names")" = 1503 ] && grep -q 'names 1503$' "$work/names.meta" || return 1
    grep -q 'name "heat"' "$work/tsdb.series" && grep -q 'times 1000 to 2000000' "$work/tsdb.chunks" || return 1
    grep -q 'value string "ann", key [0-9]*, value true$' "$work/graph.nodes" && grep -q 'live entries 1' "$work/graph.adjacency" || return 1
    [ "$("$loam" scan "$work/node" --tree names --limit 3 2>/dev/null | wc -l)" = 3 ]
}
rows_that_are_not_loams_are_shown_as_text() {
    "$loam" bench engine --dir "$work/more" --entries 20000 --memtable-mib 1 --workloads fillseq --here --keep >/dev/null && mv "$work/more/loam" "$work/other" || return 1
    "$loam" inspect --hex "$work/other" >"$work/out" || return 1
    grep -q ' sst, ' "$work/out" && ! grep -q malformed "$work/out"
}
a_tree_that_is_not_known_exits_with_1() {
    "$loam" scan "$work/node" --tree nonsense >/dev/null 2>"$work/err"
    [ $? = 1 ] && grep -q 'no tree "nonsense"' "$work/err" || return 1
    "$loam" scan "$work/node" --tree names --match a >/dev/null 2>&1
    [ $? = 1 ]
}

run_tests

#!/bin/bash
# What stands around the graph store: import, export, the algorithms as procedures, the bench (graph_tools.py says what each does).
set -u
. "$(dirname "$0")/frame.sh"
data=${LOAM_DATA:-../shared/data}/graphalytics
names=(
    files_of_graphs_load_and_bad_lines_are_named
    graphalytics_examples_are_right_from_file_to_reply
    algorithms_equal_networkx_on_random_graphs
    graphml_read_by_networkx_is_the_graph
    graphviz_reads_the_dot_file
    an_export_of_a_graph_that_changes_fails
    bench_graph_measures_every_row
)
run="tests/script/graph_tools.py"

files_of_graphs_load_and_bad_lines_are_named() { $run import --build "$build"; }
graphalytics_examples_are_right_from_file_to_reply() {
    if [ ! -d "$data" ]; then
        echo "SKIP: the Graphalytics examples are not there ($data; LOAM_DATA)"
        return 77
    fi
    $run graphalytics --build "$build" --data "$data"
}
algorithms_equal_networkx_on_random_graphs() { $run algorithms --build "$build"; }
graphml_read_by_networkx_is_the_graph() { $run graphml --build "$build"; }
graphviz_reads_the_dot_file() { $run dot --build "$build"; }
an_export_of_a_graph_that_changes_fails() { $run changed --build "$build"; }
# What the latencies are is not judged here: a test runs beside others.
bench_graph_measures_every_row() {
    "$build/loam" bench graph --edges 20000 --scale 11 --seconds 1 --rounds 1 --clients 8 --queriers 2 --dir "$work/bench" --port $((25000 + RANDOM % 4000)) --json >"$work/json"
    /usr/bin/python3 - "$work/json" <<'PYTHON'
import json, sys
told = json.load(open(sys.argv[1]))
assert told["edges"] == 20000 and 0 < told["nodes"] <= 2048 and told["import"]["edges_per_second"] > 0, told
for figure in ("bfs_seconds", "pagerank_seconds", "pageranks", "set_p99_ratio"):
    assert told[figure] > 0, (figure, told)
for row in ("two_hop", "set_alone", "set_beside_pagerank"):
    assert told[row]["per_second"] > 0 and 0 < told[row]["p50_us"] <= told[row]["p99_us"] <= told[row]["p999_us"], row
PYTHON
}

python=needed
run_tests

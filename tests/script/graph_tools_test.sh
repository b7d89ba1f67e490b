#!/bin/bash
# What stands around the graph store: import, export, the algorithms as procedures, the bench (graph_tools.py says what each does).
set -u
build=${LOAM_BUILD_DIR:-build}
data=${LOAM_DATA:-../shared/data}/graphalytics
names=(
    files_of_graphs_load_and_bad_lines_are_named
    graphalytics_examples_are_right_from_file_to_reply
    algorithms_equal_networkx_on_random_graphs
    graphml_read_by_networkx_is_the_graph
    graphviz_reads_the_dot_file
    an_export_of_a_graph_that_changes_fails
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

failed=0
echo "[==========] Running ${#names[@]} test(s)."
for name in "${names[@]}"; do
    echo "[ RUN      ] $name"
    if [ ! -x /usr/bin/python3 ]; then
        echo "SKIP: python3 is not installed"
        (exit 77)
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

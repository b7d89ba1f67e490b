#!/bin/bash
# Graphs from outside: the transcript of GRAPH.* commands, many writers on three nodes, how long queries end, redis-py (graph.py says what each does).
set -u
build=${LOAM_BUILD_DIR:-build}
names=(
    every_reply_is_as_documented_in_resp2
    every_reply_is_as_documented_in_resp3
    writers_on_three_nodes_lose_no_update
    a_long_query_ends_with_its_client_its_time_and_its_memory
    redis_py_finds_what_it_expects
)
transcript="tests/script/series.py transcript tests/script/graph_transcript.txt --build $build"
run="tests/script/graph.py --build $build"

every_reply_is_as_documented_in_resp2() { $transcript --protocol 2; }
every_reply_is_as_documented_in_resp3() { $transcript --protocol 3; }
writers_on_three_nodes_lose_no_update() { $run races; }
a_long_query_ends_with_its_client_its_time_and_its_memory() { $run ends; }
redis_py_finds_what_it_expects() { $run client; }

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

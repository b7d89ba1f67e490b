#!/bin/bash
# Graphs from outside: the transcript of GRAPH.* commands, many writers on three nodes, how long queries end, redis-py (graph.py says what each does).
set -u
. "$(dirname "$0")/frame.sh"
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

python=needed
run_tests

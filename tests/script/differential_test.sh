#!/bin/bash
# loamd answers as redis-server 7.0 does: the same seeded random commands to both (differential.py says what may differ). Before that the runner is
# judged itself: two redis-servers agree, and planted differences are found.
#   LOAM_TEST_SEED   first seed (1)
#   LOAM_TEST_SCALE  number of seeds in percent (100)
set -u
build=${LOAM_BUILD_DIR:-build}
seed=${LOAM_TEST_SEED:-1}
run="tests/script/differential.py --seed $seed"
scaled() { echo $((($1 * ${LOAM_TEST_SCALE:-100} + 99) / 100)); }
names=(
    two_redis_servers_agree
    planted_differences_are_found
    loamd_answers_as_redis_in_resp2
    loamd_answers_as_redis_in_resp3
    a_cluster_answers_as_redis_whatever_node_is_asked
)

two_redis_servers_agree() {
    $run --subject redis --seeds 3 --protocol 2 && $run --subject redis --seeds 3 --protocol 3
}

planted_differences_are_found() {
    local plant output
    for plant in persist overflow append; do
        output=$(tests/script/differential.py --subject redis --seeds 40 --plant "$plant")
        if [ $? -ne 1 ] || ! grep -q '^  replay: .*--plant '"$plant" <<<"$output"; then
            echo "the difference '$plant' was not found, or not reported with a replay:"
            echo "$output"
            return 1
        fi
    done
}

loamd_is_built() {
    [ -x "$build/loamd" ] || echo "$build/loamd is not there: make builds it"
    [ -x "$build/loamd" ]
}

against_loamd() { # protocol
    loamd_is_built && $run --subject "$build/loamd --dir {dir}/data --listen 127.0.0.1:{port}" --seeds "$(scaled 20)" --protocol "$1"
}
loamd_answers_as_redis_in_resp2() { against_loamd 2; }
loamd_answers_as_redis_in_resp3() { against_loamd 3; }

a_cluster_answers_as_redis_whatever_node_is_asked() {
    loamd_is_built || return 1
    local protocol
    for protocol in 2 3; do
        $run --subject "$build/loamd" --nodes 3 --seeds "$(scaled 8)" --protocol $protocol || return 1
    done
}

reason=
if [ ! -x /usr/bin/python3 ]; then
    reason="the differential test needs python3, which is not installed"
elif ! redis-server --version 2>/dev/null | grep -q 'v=7\.0\.'; then
    reason="the differential test needs redis-server 7.0, which is not installed"
fi

failed=0
echo "[==========] Running ${#names[@]} test(s)."
for name in "${names[@]}"; do
    echo "[ RUN      ] $name"
    if [ -n "$reason" ]; then
        echo "SKIP: $reason"
        echo "[  SKIPPED ] $name"
    elif "$name"; then
        echo "[       OK ] $name"
    else
        echo "[  FAILED  ] $name"
        failed=1
    fi
done
echo "[==========] ${#names[@]} test(s) run."
exit $failed

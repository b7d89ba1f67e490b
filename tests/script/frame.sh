# frame.sh: what shell tests have in common; to be sourced. It sets build, loam and work (a folder of the test's own, removed at the end).
#
#     names=(one_fact another_fact)      # functions: 0 = it holds, 77 = skipped (say why by `skip`), else it does not
#     run_tests                          # the last line of the script; python=needed before it: all skip without python3
#
# start_server EXTRA... starts a loamd on "$work/node", or on "$node_dir" where that is set, sets server (its process id) and port; it is killed at the end. cli asks it.

build=${LOAM_BUILD_DIR:-build}
loam=$build/loam
work=$(mktemp -d) || exit 1
server=
port=
trap '[ -n "$server" ] && kill -9 "$server" 2>/dev/null; rm -rf "$work"' EXIT

skip() { # reason; `skip "..."; return` ends a test
    echo "SKIP: $*"
    return 77
}

start_server() { # extra arguments
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        port=$((30000 + RANDOM % 2000))
        "$build/loamd" --dir "${node_dir:-$work/node}" --listen "127.0.0.1:$port" "$@" >>"$work/log" 2>&1 &
        server=$!
        for _ in $(seq 200); do
            "$loam" cli -p "$port" ping 2>/dev/null | grep -q PONG && kill -0 "$server" 2>/dev/null && return 0
            kill -0 "$server" 2>/dev/null || break # the port is taken
            read -rt 0.05 <> <(:)
        done
        kill_server
    done
    cat "$work/log"
    return 1
}
kill_server() {
    kill -9 "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    server=
}
cli() { "$loam" cli -p "$port" "$@"; }

run_tests() { # uses names
    local name failed=() skipped=0
    echo "[==========] Running ${#names[@]} test(s)."
    for name in "${names[@]}"; do
        echo "[ RUN      ] $name"
        if [ -n "${python:-}" ] && [ ! -x /usr/bin/python3 ]; then skip "python3 is not installed"; else "$name"; fi
        case $? in
        0) echo "[       OK ] $name" ;;
        77) echo "[  SKIPPED ] $name" && skipped=$((skipped + 1)) ;;
        *) echo "[  FAILED  ] $name" && failed+=("$name") ;;
        esac
    done
    echo "[==========] ${#names[@]} test(s) run."
    echo "[  PASSED  ] $((${#names[@]} - ${#failed[@]} - skipped)) test(s)."
    [ ${#failed[@]} = 0 ] && exit 0
    echo "[  FAILED  ] ${#failed[@]} test(s), listed below:"
    printf '[  FAILED  ] %s\n' "${failed[@]}"
    exit 1
}

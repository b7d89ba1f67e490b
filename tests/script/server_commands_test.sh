#!/bin/bash
# What a server says of itself and lets be set: CONFIG, CLIENT, INFO, HELLO, AUTH, DEBUG. Data commands are held against redis-server by differential.py.
set -u
. "$(dirname "$0")/frame.sh"
names=(
    config_set_is_what_config_get_says
    config_set_changes_all_of_its_parameters_or_none
    what_is_fixed_at_start_is_refused
    a_connection_has_a_name_an_id_and_a_row
    what_is_not_supported_says_so
    every_section_of_info_has_fields_with_values
    info_tells_each_limit_with_its_use
    hello_changes_the_protocol_and_refuses_another
    a_password_shuts_out_who_does_not_know_it
    what_breaks_things_answers_in_the_lab_only
    a_client_that_sends_too_much_reads_why
    a_signal_finds_the_main_thread
    told_to_end_again_and_again_it_ends_once
)

lines() { printf '%s\n' "$@" | "$loam" cli -p "$port"; } # commands of one connection
equals() { # got, expected
    [ "$1" = "$2" ] && return 0
    printf 'expected:\n%s\ngot:\n%s\n' "$2" "$1"
    return 1
}

config_set_is_what_config_get_says() {
    equals "$(cli config set maxclients 50)" OK && equals "$(cli config get maxclients)" $'maxclients\n50' &&
        equals "$(cli config get 'maxcl*')" $'maxclients\n50' && equals "$(cli config get nosuch)" "" || return 1
    equals "$(cli info limits | tr -d '\r' | grep '^clients:')" "clients:use=1,limit=50"
}
config_set_changes_all_of_its_parameters_or_none() {
    cli config set maxclients 60 nosuch 1 | grep -q '^ERR' && cli config set maxclients 60 maxclients x | grep -q '^ERR' || return 1
    equals "$(cli config get maxclients)" $'maxclients\n50'
}
what_is_fixed_at_start_is_refused() {
    cli config set dir /elsewhere | grep -q "immutable" && cli config get dir | grep -q "$work/node"
}
a_connection_has_a_name_an_id_and_a_row() {
    lines 'client setname reader' 'client getname' 'client id' 'client info' >"$work/out" || return 1
    local id
    id=$(sed -n 3p "$work/out")
    equals "$(sed -n 2p "$work/out")" reader && grep -q "^id=$id .* name=reader .* cmd=client" "$work/out" || { cat "$work/out"; return 1; }
    lines 'client setname "two words"' | grep -q '^ERR'
}
what_is_not_supported_says_so() {
    cli client kill id 1 | grep -q "^ERR unknown subcommand 'kill'" && cli config rewrite | grep -q '^ERR' && cli memory usage k | grep -q '^ERR unknown command'
}
every_section_of_info_has_fields_with_values() {
    local section
    for section in server clients memory persistence stats latency raft replication engine limits tsdb; do
        cli info $section | tr -d '\r' >"$work/out"
        [ "$(grep -c '^# ' "$work/out")" = 1 ] && grep -q '^[a-z_0-9]*:..*' "$work/out" || { echo "$section:"; cat "$work/out"; return 1; }
    done
    cli set k v >/dev/null
    cli info | grep -q '^db0:keys=1' && [ "$(cli info | grep -c '^# ')" = 12 ] && [ -z "$(cli info nosuch)" ]
}
info_tells_each_limit_with_its_use() {
    cli info limits | tr -d '\r' | grep -v '^#' | grep . >"$work/out"
    ! grep -vE '^[a-z_]+:(use=[0-9]+,)?limit=[0-9]+$' "$work/out"
}
hello_changes_the_protocol_and_refuses_another() {
    lines 'hello 3' | grep -q 'proto 3' && lines 'hello 2' | grep -q 2 && lines 'hello 9' | grep -q '^NOPROTO'
}
a_password_shuts_out_who_does_not_know_it() {
    equals "$(cli config set requirepass secret)" OK && cli get k | grep -q '^NOAUTH' || return 1
    equals "$(lines 'auth wrong' 'get k' | cut -d' ' -f1 | xargs)" "WRONGPASS NOAUTH" &&
        equals "$(lines 'auth secret' 'get k' | xargs)" "OK v" &&
        equals "$(lines 'auth secret' 'config set requirepass ""' 'get k' | xargs)" "OK OK v"
}
what_breaks_things_answers_in_the_lab_only() {
    cli debug flush | grep -q -- --lab || return 1
    kill_server
    start_server --lab || return 1
    equals "$(cli debug flush)" OK && cli debug nonsense | grep -q '^ERR' || return 1
    equals "$(cli debug disk full 1)" OK && equals "$(cli debug disk full 0)" OK && cli debug disk full 2 | grep -q '^ERR' || return 1
    equals "$(cli debug disk slow 100)" OK || return 1
    local before=$(date +%s%N)
    cli set slow 1 >/dev/null
    [ $(($(date +%s%N) - before)) -ge 100000000 ] && equals "$(cli debug disk slow 0)" OK || return 1
    equals "$(cli debug clock 86400000)" OK && [ $(($(cli time | head -n 1 | tr -dc 0-9 | tail -c 10) - $(date +%s))) -gt 86000 ] && equals "$(cli debug clock 0)" OK
}
a_client_that_sends_too_much_reads_why() {
    local reply
    cli config set client-query-buffer-limit 1048576 >/dev/null
    exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1 # a command over the limit, sent whole before anything is read
    { printf '*3\r\n$3\r\nSET\r\n$9\r\ntoo-large\r\n$30000000\r\n' && head -c 30000000 /dev/zero && printf '\r\n'; } >&3 || return 1
    read -r -t 10 reply <&3 || return 1
    exec 3>&-
    equals "${reply%$'\r'}" "-ERR query buffer limit reached (client-query-buffer-limit); closing" && equals "$(cli exists too-large)" 0
}
# Whichever thread the system would choose: the others, a library's among them, have SIGTERM (15) blocked.
a_signal_finds_the_main_thread() {
    local task blocked others=0
    kill_server
    start_server --http-listen 127.0.0.1:0 || return 1
    for task in /proc/"$server"/task/*; do
        [ "${task##*/}" = "$server" ] && continue
        others=$((others + 1))
        blocked=$(sed -n 's/^SigBlk:[[:space:]]*//p' "$task/status")
        (((16#$blocked >> 14) & 1)) || { echo "$(cat "$task/comm") does not block it"; return 1; }
    done
    [ $others -gt 0 ]
}
# The second signal finds the loop, what remains of it, or nothing.
told_to_end_again_and_again_it_ends_once() {
    local round code
    for round in 1 2 3 4 5; do
        while kill -TERM "$server" 2>/dev/null; do :; done
        wait "$server"
        code=$?
        server=
        [ $code = 0 ] && grep -q ' stopped$' "$work/log" && ! grep -A 20 'Sanitizer' "$work/log" || { tail -n 20 "$work/log"; return 1; }
        start_server || return 1
    done
}

start_server || { echo "[  FAILED  ] start_server"; exit 1; }
run_tests

#!/bin/bash
# Members that come and go, on real processes: what `loam cluster add|promote|remove|replace|recover` and RAFT.CHANGE promise. The tests stand in one order:
# each goes on where the last one ended. A client counts all the while; at the end every answer that it got must be in the count.
set -u
. "$(dirname "$0")/local_frame.sh"
names=(
    a_new_node_gets_a_vote_while_a_client_writes
    a_learner_has_no_vote_until_it_is_promoted
    a_leader_that_is_removed_refuses_no_write
    a_dead_node_is_replaced_in_one_change
    what_cannot_be_is_refused_with_words
    members_are_known_after_a_restart_of_all
    no_answer_was_lost_and_none_counts_twice
    a_number_is_not_given_twice
    a_witness_votes_and_keeps_no_data
    a_lost_majority_is_given_up_at_a_word
)

voters() { cli "$1" info raft | tr -d '\r' | sed -n 's/^raft_configuration://p'; }
# Counts by node 3, which stays: a line for each answer.
write_on() { until [ -e "$work/enough" ]; do cli 3 incr counter; done >"$work/answers" 2>&1; }

a_new_node_gets_a_vote_while_a_client_writes() {
    start_somewhere 10000 22 || return 1
    write_on &
    helper=$!
    equals "$(cluster add)" "node 4 is a voter now, and serves clients on 127.0.0.1:$((base + 4))" || return 1
    until_true 10 eval '[ "$(voters 4)" = "voters=(1 2 3 4)" ]' || return 1
    equals "$(cli 4 set by-four 1)" OK || return 1
    equals "$(cluster add 4)" "node 4 is a voter now, and serves clients on 127.0.0.1:$((base + 4))" # said again
}
a_learner_has_no_vote_until_it_is_promoted() {
    cluster add --learner >"$work/out" || { show; return; }
    until_true 10 eval '[ "$(voters 5)" = "voters=(1 2 3 4) learners=(5)" ]' || return 1
    equals "$(cluster status | awk '$1 == 5 { print $2 }')" learner || return 1
    equals "$(cli 5 get by-four)" 1 || return 1
    equals "$(cluster promote 5)" "node 5 is a voter now" || return 1
    until_true 10 eval '[ "$(voters 5)" = "voters=(1 2 3 4 5)" ]'
}
a_leader_that_is_removed_refuses_no_write() {
    until_true 10 eval '[ -n "$(leader)" ]' || return 1
    [ "$(leader)" = 1 ] || cluster transfer 1 >"$work/out" || { show; return; }
    cluster remove 1 >"$work/out" || { show; return; }
    grep -q "^node 1 is no member any more and has ended" "$work/out" || { show; return; }
    equals "$(voters 3)" "voters=(2 3 4 5)" || return 1
    equals "$(cluster status | awk '$1 == 1' | wc -l)" 0
}
a_dead_node_is_replaced_in_one_change() {
    cluster kill 2 || return 1
    cluster replace 2 >"$work/out" || { show; return; }
    grep -q "^node 6 is a voter in place of node 2$" "$work/out" || { show; return; }
    until_true 10 eval '[ "$(voters 6)" = "voters=(3 4 5 6)" ]'
}
what_cannot_be_is_refused_with_words() {
    local at follower
    until_true 10 eval '[ -n "$(leader)" ]' || return 1
    at=$(leader)
    for follower in 3 4 5 6; do [ "$follower" != "$at" ] && break; done
    equals "$(cli "$at" raft.change remove 2)" "ERR node 2 is no member" || return 1
    equals "$(cli "$at" raft.change promote 9)" "ERR node 9: the cluster does not know where it is: add it first" || return 1
    equals "$(cli "$at" raft.change add 9 nowhere 127.0.0.1:1 77)" "ERR node 9: an address is HOST:PORT, the host in numbers, as 127.0.0.1:7001 or [::1]:7001" || return 1
    cli "$at" raft.change add 9 somewhere:7001 127.0.0.1:1 77 | grep -q '^ERR node 9: an address is HOST:PORT' || return 1
    equals "$(cli "$at" raft.change leave)" "ERR can't leave a non-joint config" || return 1
    equals "$(cli "$at" raft.change add 9 | cut -c 1-24)" "ERR RAFT.CHANGE takes [J" || return 1
    equals "$(cli "$follower" raft.change remove 3)" "NOTLEADER this node does not lead; node $at does" || return 1
    cluster remove 2 >"$work/out" 2>&1 && { fail "removed twice"; return 1; }
    grep -q "node 2 was removed" "$work/out" || { show; return; }
    equals "$(voters "$at")" "voters=(3 4 5 6)"
}
members_are_known_after_a_restart_of_all() {
    touch "$work/enough" && wait "$helper"
    helper=
    cluster stop >/dev/null || return 1
    equals "$(cluster start)" "4 nodes serve clients on 127.0.0.1:$((base + 3)) to $((base + 6))" || return 1
    equals "$(voters 4)" "voters=(3 4 5 6)" || return 1
    cluster kill 3 || return 1
    until_true 10 eval '[ "$(cli 6 set after restart)" = OK ]' || return 1
    cluster restart 3
}
# Nobody may have refused the writer a command.
no_answer_was_lost_and_none_counts_twice() {
    local answers counter
    grep -v '^[0-9]*$' "$work/answers" && { fail "a write was refused"; return 1; }
    answers=$(wc -l <"$work/answers")
    equals "$(sort -n "$work/answers" | uniq | wc -l)" "$answers" || return 1
    counter=$(cli 3 get counter)
    [ "$counter" -eq "$answers" ] || fail "$answers answers, and the counter is $counter"
}
a_number_is_not_given_twice() {
    cluster remove 6 >"$work/out" || { show; return; }
    cluster add >"$work/out" || { show; return; }
    grep -q "^node 7 is a voter now" "$work/out" || { show; return; }
}
a_witness_votes_and_keeps_no_data() {
    equals "$(cluster add --witness)" "node 8 is a witness now: it votes, and keeps no data" || return 1
    until_true 10 eval '[ "$(voters 8)" = "voters=(3 4 5 7 8)" ]' || return 1
    equals "$(cluster status | awk '$1 == 8 { print $2 }')" witness || return 1
    # It has others read. Old answers are not to be had of it: there are none.
    equals "$(cli 8 get counter)" "$(cli 3 get counter)" || return 1
    equals "$(printf 'readonly\ngraph.ro_query g "RETURN 1"\n' | cli 8 | cut -d ' ' -f 1-4 | xargs)" "WITNESS this node votes ERR Invalid graph operation" || return 1
    equals "$(cli 3 set text "not for the witness")" OK || return 1
    until_true 10 eval '[ "$(info 8 raft_applied)" -ge "$(info 3 raft_commit)" ]' || return 1
    grep -rqa "not for the witness" "$dir/node-3" || { fail "it is nowhere"; return 1; }
    grep -rqa "not for the witness" "$dir/node-8" && { fail "it is there"; return 1; }
    "$loam" get "$dir/node-8" text 2>&1 | grep -q "of a witness, which keeps no data" || { fail "it is not said"; return 1; }
    cluster kill 4 && cluster kill 5 || return 1 # three of five are left: without the witness's vote nothing goes on
    until_true 10 eval '[ "$(cli 3 set after kills)" = OK ]' || return 1
    cluster transfer 8 >"$work/out" 2>&1 && { fail "a witness leads"; return 1; }
    grep -q "has no vote in this cluster, or keeps no data" "$work/out" || { show; return; }
    cluster restart 4 && cluster restart 5 || return 1
    cluster remove 8 >"$work/out" || { show; return; }
}
a_lost_majority_is_given_up_at_a_word() {
    local node counter
    until_true 10 eval '[ "$(voters 7)" = "voters=(3 4 5 7)" ]' || return 1
    counter=$(cli 3 get counter)
    cluster recover 3,4,5 --force >"$work/out" 2>&1 && { fail "nobody is lost"; return 1; }
    grep -q "node 7 is there: name it as a survivor, or kill it" "$work/out" || { show; return; }
    for node in 4 5 7; do cluster kill $node || return 1; done
    cluster recover 3 >"$work/out" || { show; return; }
    grep -q "^nothing was changed" "$work/out" || { show; return; }
    grep -q "may be lost then: writes that were answered" "$work/out" || { show; return; }
    cluster recover 3 --force >"$work/out" || { show; return; }
    equals "$(voters 3)" "voters=(3)" || return 1
    equals "$(cli 3 get counter)" "$counter" || return 1
    cluster add >"$work/out" || { show; return; }
    equals "$(cli 9 incr counter)" $((counter + 1)) || return 1
    cluster reset >/dev/null && [ ! -e "$dir" ]
}

run_tests

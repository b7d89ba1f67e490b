#!/bin/bash
# The page of `loam sim --trace FILE.html`, opened in a headless Chromium and clicked through (trace_page.py says what is asked of it).
set -u
. "$(dirname "$0")/frame.sh"
names=(
    recording_does_not_change_the_run
    the_page_holds_the_plan_of_its_run
    opens_without_a_complaint
    opens_without_a_complaint_with_seven_nodes
    scrubber_and_buttons_move_time
    zoom_shows_less_time
    a_node_can_be_chosen
    every_fate_is_there
    an_arrow_can_be_chosen
    the_violation_is_marked_and_jumped_to
    words_lead_to_the_commands_and_entries_that_they_name
    a_bounded_record_says_so
)
python=needed

# What goes wrong in the runs that are looked at: something of each sort that a page draws.
plan_of() { # NODES
    printf '%s\n' 'loam-plan 1' 'seed 5' "nodes $1" 'clients 6' 'operations 250' 'fault at=400 for=150 kind=partition nodes=2 others=1,3,c amount=0' \
        'fault at=600 for=300 kind=frame-drop nodes=1,2,3 others=1,2,3 amount=100000' 'fault at=700 for=300 kind=frame-repeat nodes=1,2,3 others=1,2,3 amount=300000' \
        'fault at=1000 for=100 kind=kill nodes=1 others=- amount=0' 'fault at=1200 for=200 kind=frame-delay nodes=l others=- amount=100000' \
        'fault at=1300 for=0 kind=reset nodes=3 others=1,2 amount=0' 'fault at=1400 for=100 kind=pause nodes=l others=- amount=0'
}
hash_of() { sed -n 's/.*"hash":"\([0-9a-f]*\)".*/\1/p' "$1"; }
# The same report, figures and hash included, for a sound run and for one that ends before its time.
recording_does_not_change_the_run() {
    # More operations than can be done in the time: stuck, after more events than a record keeps.
    printf '%s\n' 'loam-plan 1' 'seed 5' 'nodes 3' 'clients 6' 'operations 1000000' 'fault at=800 for=100 kind=kill nodes=1 others=- amount=0' \
        'fault at=900 for=200 kind=partition nodes=2 others=1,3,c amount=0' 'fault at=1900 for=700 kind=frame-drop nodes=1,2,3 others=1,2,3 amount=300000' >"$work/plan"
    plan_of 3 >"$work/small"
    "$loam" sim --plan "$work/small" --json >"$work/plain" && "$loam" sim --plan "$work/small" --json --trace "$work/kept.html" >"$work/recorded" || return 1
    cmp "$work/plain" "$work/recorded" && [ -n "$(hash_of "$work/plain")" ] || return 1
    "$loam" sim --plan "$work/plan" --json >"$work/plain"
    [ $? = 4 ] || return 1
    "$loam" sim --plan "$work/plan" --json --trace "$work/stuck.html" >"$work/recorded"
    [ $? = 4 ] && cmp "$work/plain" "$work/recorded" && grep -q "$(hash_of "$work/plain")" "$work/stuck.html"
}

the_page_holds_the_plan_of_its_run() {
    "$loam" sim --plan "$work/small" --print-plan >"$work/printed" || return 1
    /usr/bin/python3 - "$work/kept.html" "$work/printed" <<'PYTHON'
import json, sys
text = open(sys.argv[1]).read()
begin = text.index('id="run">') + len('id="run">')
assert json.loads(text[begin:text.index("</script>", begin)])["plan"] == open(sys.argv[2]).read()
PYTHON
}

# The fact of that name about a page.
judge() { # FACT PAGE
    if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then
        skip "chromium and its driver are not installed"
        return
    fi
    /usr/bin/python3 tests/script/trace_page.py "$1" "$2"
}
opens_without_a_complaint() { judge "$FUNCNAME" "$work/kept.html"; }
opens_without_a_complaint_with_seven_nodes() {
    plan_of 7 >"$work/large"
    "$loam" sim --plan "$work/large" --trace "$work/seven.html" >/dev/null && judge opens_without_a_complaint "$work/seven.html"
}
scrubber_and_buttons_move_time() { judge "$FUNCNAME" "$work/kept.html"; }
zoom_shows_less_time() { judge "$FUNCNAME" "$work/kept.html"; }
a_node_can_be_chosen() { judge "$FUNCNAME" "$work/kept.html"; }
every_fate_is_there() { judge "$FUNCNAME" "$work/kept.html"; }
an_arrow_can_be_chosen() { judge "$FUNCNAME" "$work/kept.html"; }
the_violation_is_marked_and_jumped_to() { judge "$FUNCNAME" "$work/stuck.html"; }
words_lead_to_the_commands_and_entries_that_they_name() { judge "$FUNCNAME" "$work/kept.html"; }
a_bounded_record_says_so() { judge "$FUNCNAME" "$work/stuck.html"; }

run_tests

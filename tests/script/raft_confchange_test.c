/*
 * raft_confchange: the scripts of etcd-io/raft about how one configuration becomes the next, and what a leader then
 * knows of whom, byte for byte. What they call the last index is the number of the command; a member that comes starts
 * there.
 */
#include "tests/harness/datadriven.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "raft/core/core.h"

#define WRITE(to, ...) assert_int_equal(buf_append_format((to), __VA_ARGS__), STATUS_OK)

static unsigned played;

static unsigned measure(void *context, uint64_t first, uint64_t last, size_t limit, size_t *bytes) {
    (void)context;
    (void)first;
    (void)last;
    (void)limit;
    *bytes = 0;
    return 0;
}

static enum raft_change_kind kind_of(uint8_t letter) {
    switch (letter) {
    case 'v': return RAFT_CHANGE_ADD_VOTER;
    case 'l': return RAFT_CHANGE_ADD_LEARNER;
    case 'r': return RAFT_CHANGE_REMOVE;
    default: assert_int_equal(letter, 'u'); return RAFT_CHANGE_UPDATE;
    }
}

/* "v1 l2 r3"; what is about node 0 is about nobody, and no change of ours. */
static void read_changes(struct slice text, struct raft_change *change) {
    while (text.size > 0) {
        size_t size = 0;
        while (size < text.size && text.data[size] != ' ' && text.data[size] != '\n') size++;
        const uint64_t id = size > 1 ? datadriven_number(slice_make(text.data + 1, size - 1)) : 0;
        if (id != 0) {
            assert_true(change->count < RAFT_MEMBERS_MAX);
            change->items[change->count].kind = kind_of(text.data[0]);
            change->items[change->count++].id = id;
        }
        text = slice_from(text, size < text.size ? size + 1 : size);
    }
}

static struct raft_change read_case(const struct datadriven_case *c) {
    struct raft_change change = {.transition = RAFT_TRANSITION_SIMPLE};
    read_changes(c->input, &change);
    if (slice_equal(c->command, slice_from_text("leave-joint"))) return change;
    if (change.count == 0) change.items[change.count++].id = 1; /* nothing at all means "leave" to us */
    if (c->input.size == 0) change.items[0].kind = RAFT_CHANGE_UPDATE;
    if (slice_equal(c->command, slice_from_text("simple"))) return change;
    assert_true(slice_equal(c->command, slice_from_text("enter-joint")));
    const struct datadriven_argument *leaves = datadriven_find(c, "autoleave");
    const bool is_auto = leaves != NULL && slice_equal(leaves->values[0], slice_from_text("true"));
    change.transition = is_auto ? RAFT_TRANSITION_JOINT_IMPLICIT : RAFT_TRANSITION_JOINT_EXPLICIT;
    return change;
}

static void answer(struct raft *raft, const struct datadriven_case *c, struct buf *out) {
    static const char *const states[] = {"StateProbe", "StateReplicate", "StateSnapshot"};
    const struct raft_change change = read_case(c);
    struct raft_configuration next;
    const char *why = NULL;
    if (raft_configuration_change(&raft->configuration, &change, &next, &why) != STATUS_OK) {
        WRITE(out, "%s\n", why);
        return;
    }
    membership_adopt(raft, &next);
    assert_int_equal(raft_configuration_print(out, &next), STATUS_OK);
    WRITE(out, "\n");
    for (unsigned i = 0; i < raft->peer_count; i++) {
        const struct progress *peer = &raft->peers[i];
        WRITE(out, "%llu: %s match=%llu next=%llu%s\n", (unsigned long long)peer->id, states[peer->state],
              (unsigned long long)peer->match, (unsigned long long)peer->next,
              raft_configuration_has_voter(&next, peer->id) ? "" : " learner");
    }
}

static void play(const char *name) {
    struct datadriven script;
    if (datadriven_open(&script, "raft-scripts/confchange", name) != STATUS_OK) {
        print_message("SKIP: no raft-scripts/confchange/%s in %s\n", name, datadriven_folder());
        skip();
    }
    const struct raft_options options = {.id = 99, .election_ticks = 10, .measure = measure};
    struct raft *raft;
    struct datadriven_case c;
    struct buf out = BUF_EMPTY;
    assert_int_equal(raft_create(&options, &raft), STATUS_OK);
    for (unsigned cases = 0; datadriven_next(&script, &c); cases++) {
        buf_clear(&out);
        raft->terms.last = cases;
        answer(raft, &c, &out);
        if (slice_equal(buf_slice(&out), c.expected)) continue;
        fail_msg("%s:%u: expected\n%.*sgot\n%.*s", name, c.line, (int)c.expected.size, (const char *)c.expected.data,
                 (int)out.size, (const char *)out.data);
    }
    assert_null(script.fault);
    played++;
    raft_destroy(raft);
    buf_deinit(&out);
    datadriven_close(&script);
}

#define SCRIPT(fact, name)                                                                                             \
    static void fact(void **state) {                                                                                   \
        (void)state;                                                                                                   \
        play(name);                                                                                                    \
    }

SCRIPT(a_joint_configuration_says_whether_it_is_left_by_itself, "joint_autoleave.txt")
SCRIPT(joint_changes_may_be_said_twice, "joint_idempotency.txt")
SCRIPT(a_voter_that_becomes_a_learner_waits_for_the_end_of_the_joint_one, "joint_learners_next.txt")
SCRIPT(a_joint_configuration_is_entered_and_left_in_order, "joint_safety.txt")
SCRIPT(simple_changes_may_be_said_twice, "simple_idempotency.txt")
SCRIPT(members_are_promoted_and_demoted_in_one_step, "simple_promote_demote.txt")
SCRIPT(one_step_moves_one_voter_at_most, "simple_safety.txt")
SCRIPT(an_update_changes_nothing, "update.txt")
SCRIPT(nobody_is_number_zero, "zero.txt")

static int print_count(void **state) {
    (void)state;
    if (played > 0) print_message("%u scripts agree byte for byte\n", played);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_joint_configuration_says_whether_it_is_left_by_itself),
        cmocka_unit_test(joint_changes_may_be_said_twice),
        cmocka_unit_test(a_voter_that_becomes_a_learner_waits_for_the_end_of_the_joint_one),
        cmocka_unit_test(a_joint_configuration_is_entered_and_left_in_order),
        cmocka_unit_test(simple_changes_may_be_said_twice),
        cmocka_unit_test(members_are_promoted_and_demoted_in_one_step),
        cmocka_unit_test(one_step_moves_one_voter_at_most),
        cmocka_unit_test(an_update_changes_nothing),
        cmocka_unit_test(nobody_is_number_zero),
    };
    return cmocka_run_group_tests_name("raft_confchange", tests, NULL, print_count);
}

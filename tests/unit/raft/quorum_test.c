/*
 * quorum: the scripts of etcd-io/raft, all cases, their output byte for byte; and laws that hold for all
 * configurations, tried on random ones.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "raft/core/quorum.h"
#include "tests/harness/datadriven.h"
#include "tests/harness/test_env.h"

struct question {
    struct raft_configuration configuration;
    struct quorum_tally tallies[RAFT_MEMBERS_MAX]; /* of all voters, by id */
    unsigned count;
};

/* ---- the scripts ------------------------------------------------------------------------------------------------- */

static struct quorum_tally *tally_for(struct question *question, uint64_t id) {
    unsigned at = 0;
    while (at < question->count && question->tallies[at].id < id) at++;
    if (at < question->count && question->tallies[at].id == id) return NULL;
    assert_true(question->count < RAFT_MEMBERS_MAX);
    for (unsigned i = question->count; i > at; i--) question->tallies[i] = question->tallies[i - 1];
    question->tallies[at] = (struct quorum_tally){.id = id};
    question->count++;
    return &question->tallies[at];
}

/* Values are given in the order in which ids appear first, cfg before cfgj; _ stands for none. */
static void read_values(struct question *question, const uint64_t *ids, unsigned id_count,
                        const struct datadriven_argument *values, unsigned *at) {
    for (unsigned i = 0; i < id_count; i++) {
        struct quorum_tally *tally = tally_for(question, ids[i]);
        if (!tally || !values) continue;
        assert_true(*at < values->value_count);
        struct slice value = values->values[(*at)++];
        if (value.data[0] == '_') continue;
        tally->voted = value.data[0] == 'y' || value.data[0] == 'n';
        tally->granted = value.data[0] == 'y';
        tally->index = datadriven_number(value);
    }
}

static unsigned read_ids(const struct datadriven_argument *argument, uint64_t *ids) {
    unsigned count = 0;
    for (unsigned i = 0; argument && i < argument->value_count; i++) {
        uint64_t id = datadriven_number(argument->values[i]); /* "zero": no id */
        if (id > 0) ids[count++] = id;
    }
    return count;
}

static struct question read_question(const struct datadriven_case *script_case) {
    struct question question = {0};
    struct raft_configuration *configuration = &question.configuration;
    configuration->voter_count = (uint8_t)read_ids(datadriven_find(script_case, "cfg"), configuration->voters);
    configuration->outgoing_count = (uint8_t)read_ids(datadriven_find(script_case, "cfgj"), configuration->outgoing);
    const struct datadriven_argument *values = datadriven_find(script_case, "idx");
    if (!values) values = datadriven_find(script_case, "votes");
    unsigned at = 0;
    read_values(&question, configuration->voters, configuration->voter_count, values, &at);
    read_values(&question, configuration->outgoing, configuration->outgoing_count, values, &at);
    return question;
}

/* A bar for each voter: as many x as voters that have reached less. */
static void draw_bars(const struct question *question, struct buf *out) {
    int width = (int)question->count;
    if (width == 0) {
        assert_int_equal(buf_append_format(out, "<empty majority quorum>"), STATUS_OK);
        return;
    }
    assert_int_equal(buf_append_format(out, "%*s    idx\n", width, ""), STATUS_OK);
    for (unsigned i = 0; i < question->count; i++) {
        const struct quorum_tally *tally = &question->tallies[i];
        int less = 0;
        for (unsigned j = 0; j < question->count; j++) less += question->tallies[j].index < tally->index;
        static const char crosses[] = "xxxxxxxxxxxxxxxx";
        if (tally->index == 0) {
            assert_int_equal(buf_append_format(out, "?%*s", width, ""), STATUS_OK);
        } else {
            assert_int_equal(buf_append_format(out, "%.*s>%*s", less, crosses, width - less, ""), STATUS_OK);
        }
        assert_int_equal(buf_append_format(out, " %5" PRIu64 "    (id=%" PRIu64 ")\n", tally->index, tally->id),
                         STATUS_OK);
    }
}

static void answer(const struct datadriven_case *script_case, struct buf *out) {
    struct question question = read_question(script_case);
    if (slice_equal(script_case->command, slice_from_text("vote"))) {
        static const char *const names[] = {"VotePending", "VoteWon", "VoteLost"};
        enum quorum_vote vote = quorum_joint_vote(&question.configuration, question.tallies, question.count);
        assert_int_equal(buf_append_format(out, "%s\n", names[vote]), STATUS_OK);
        return;
    }
    assert_true(slice_equal(script_case->command, slice_from_text("committed")));
    draw_bars(&question, out);
    uint64_t index = quorum_joint_index(&question.configuration, question.tallies, question.count);
    if (index == UINT64_MAX) {
        assert_int_equal(buf_append_format(out, "∞\n"), STATUS_OK);
    } else {
        assert_int_equal(buf_append_format(out, "%" PRIu64 "\n", index), STATUS_OK);
    }
}

static void run_script(const char *name, unsigned expected_cases) {
    struct datadriven script;
    if (datadriven_open(&script, "raft-scripts/quorum", name) != STATUS_OK) {
        print_message("SKIP: no raft-scripts/quorum/%s in %s\n", name, datadriven_folder());
        skip();
    }
    struct datadriven_case script_case;
    unsigned cases = 0;
    struct buf out = BUF_EMPTY;
    for (; datadriven_next(&script, &script_case); cases++) {
        buf_clear(&out);
        answer(&script_case, &out);
        if (slice_equal(buf_slice(&out), script_case.expected)) continue;
        print_message("%s:%u: expected\n%.*sgot\n%.*s", name, script_case.line, (int)script_case.expected.size,
                      (const char *)script_case.expected.data, (int)out.size, (const char *)out.data);
        fail();
    }
    assert_null(script.fault);
    print_message("%s: %u cases, byte for byte\n", name, cases);
    assert_int_equal(cases, expected_cases);
    buf_deinit(&out);
    datadriven_close(&script);
}

static void majority_commit_answers_as_the_script_says(void **state) {
    (void)state;
    run_script("majority_commit.txt", 16);
}

static void majority_vote_answers_as_the_script_says(void **state) {
    (void)state;
    run_script("majority_vote.txt", 22);
}

static void joint_commit_answers_as_the_script_says(void **state) {
    (void)state;
    run_script("joint_commit.txt", 50);
}

static void joint_vote_answers_as_the_script_says(void **state) {
    (void)state;
    run_script("joint_vote.txt", 39);
}

/* ---- laws -------------------------------------------------------------------------------------------------------- */

static struct question draw_question(struct prng *prng) {
    struct question question = {0};
    for (uint64_t id = 1; id <= 9; id++) {
        struct raft_configuration *configuration = &question.configuration;
        if (prng_chance(prng, 1, 2)) configuration->voters[configuration->voter_count++] = id;
        if (prng_chance(prng, 1, 3)) configuration->outgoing[configuration->outgoing_count++] = id;
        struct quorum_tally *tally = tally_for(&question, id);
        tally->index = prng_below(prng, 8);
        tally->voted = prng_chance(prng, 2, 3);
        tally->granted = tally->voted && prng_chance(prng, 1, 2);
    }
    return question;
}

/* The definition, word for word: the greatest index that more than half of the voters have reached. */
static uint64_t index_by_definition(const uint64_t *voters, unsigned count, const struct question *question) {
    if (count == 0) return UINT64_MAX;
    for (uint64_t index = 8; index > 0; index--) {
        unsigned reached = 0;
        for (unsigned i = 0; i < count; i++) reached += question->tallies[voters[i] - 1].index >= index;
        if (reached > count / 2) return index;
    }
    return 0;
}

static void committed_index_is_what_more_than_half_have_reached(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, test_seed(7));
    for (uint64_t i = 0; i < test_scaled(20000); i++) {
        struct question question = draw_question(&prng);
        const struct raft_configuration *c = &question.configuration;
        uint64_t voters = index_by_definition(c->voters, c->voter_count, &question);
        uint64_t outgoing = index_by_definition(c->outgoing, c->outgoing_count, &question);
        uint64_t index = quorum_joint_index(c, question.tallies, question.count);
        assert_true(index == (voters < outgoing ? voters : outgoing));
    }
}

static void decided_votes_stay_decided_whatever_the_silent_say(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, test_seed(8));
    for (uint64_t i = 0; i < test_scaled(20000); i++) {
        struct question question = draw_question(&prng);
        enum quorum_vote before = quorum_joint_vote(&question.configuration, question.tallies, question.count);
        struct question later = question;
        for (unsigned j = 0; j < later.count; j++) {
            if (later.tallies[j].voted) continue;
            later.tallies[j].voted = true;
            later.tallies[j].granted = prng_chance(&prng, 1, 2);
        }
        enum quorum_vote after = quorum_joint_vote(&later.configuration, later.tallies, later.count);
        assert_true(after != QUORUM_VOTE_PENDING);
        assert_true(before == QUORUM_VOTE_PENDING || before == after);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(majority_commit_answers_as_the_script_says),
        cmocka_unit_test(majority_vote_answers_as_the_script_says),
        cmocka_unit_test(joint_commit_answers_as_the_script_says),
        cmocka_unit_test(joint_vote_answers_as_the_script_says),
        cmocka_unit_test(committed_index_is_what_more_than_half_have_reached),
        cmocka_unit_test(decided_votes_stay_decided_whatever_the_silent_say),
    };
    return cmocka_run_group_tests_name("quorum", tests, NULL, NULL);
}

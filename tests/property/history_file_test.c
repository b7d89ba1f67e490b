/*
 * Histories as text: what others write is understood, what we write comes back as it was, and what is wrong is refused
 * with its line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/harness/alloc_fault.h"
#include "tests/harness/test_env.h"
#include "tools/judge/history_file.h"
#include "tools/judge/history_make.h"
#include "tools/judge/history_words.h"
#include "tools/judge/models.h"

static void read_well(struct history *history, const char *text, const struct linearize_model *model) {
    const struct linearize_model *found = NULL;
    struct error error = {0};
    history_init(history);
    if (history_read(history, slice_from_text(text), &found, &error) != STATUS_OK) fail_msg("%s\n%s", error.text, text);
    assert_ptr_equal(found, model);
}

static enum linearize_verdict judge(const struct linearize_model *model, const struct history *history) {
    static const struct linearize_options bounds = {.max_steps = 300000};
    struct linearize_report report;
    assert_int_equal(linearize(model, history, &bounds, &report), STATUS_OK);
    const enum linearize_verdict verdict = report.verdict;
    linearize_report_deinit(&report);
    return verdict;
}

static void assert_verdict(const char *text, const struct linearize_model *model, enum linearize_verdict verdict) {
    struct history history;
    read_well(&history, text, model);
    assert_int_equal(judge(model, &history), verdict);
    history_deinit(&history);
}

static void assert_slice(struct slice slice, const char *text) {
    if (!slice_equal(slice, slice_from_text(text)))
        fail_msg("\"%.*s\" is not \"%s\"", (int)slice.size, (const char *)slice.data, text);
}

/* ---- What others write ------------------------------------------------------------------------------------------- */

static void a_vector_of_tagged_maps_with_comments_is_read(void **state) {
    (void)state;
    struct history history;
    read_well(&history,
              "; a run\n"
              "[{:index 0 :time 12 :type :invoke, :process 0, :f :write, :value 3}\n"
              " {:type :info, :process :nemesis, :f :kill, :value {:n1 [:a #{1 2}] :b (\"x\")}}\n"
              " #jepsen.history.Op{:type :invoke, :process 1, :f :cas, :value [3 4], :index 1}\n"
              " #_{:type :ok} #_ #_ [1 [2]] \\( {:type :ok, :process 0, :f :write, :value 3, :at #inst \"2026\"}\n"
              " {:type :info, :process 1, :f :cas, :value {:why [:timeout]}, :error [:net {:a 1}]}\n"
              " {:value nil, :f :read, :process 2, :type :invoke}\n"
              " {:type :ok, :process 2, :f :read, :value 4}\n"
              " {:type :invoke, :process 2, :f :cas, :value [7 8]}\n"
              " {:type :fail, :process 2, :f :cas, :value [7 8]}]\n",
              &model_register);
    assert_int_equal(history.count, 4);
    assert_int_equal(history.ops[1].outcome, HISTORY_PENDING);
    assert_slice(history.ops[1].arguments[1], "4");
    assert_slice(history.ops[2].result, "4");
    assert_int_equal(history.ops[3].outcome, HISTORY_REFUSED);
    assert_int_equal(judge(&model_register, &history), LINEARIZE_YES);
    history_deinit(&history);
}

static void keys_come_as_tuples_or_by_themselves(void **state) {
    (void)state;
    struct history history;
    read_well(&history,
              "{:type :invoke, :process 5, :f :cas, :value [7 [1 2]]}"
              "{:type :fail, :process 5, :f :cas, :value [7 [1 2]], :reply \"fail\"}"
              "{:type :invoke, :process 5, :f :cas, :value [1 2], :key \"7\"}"
              "{:type :invoke, :process 6, :f :read, :value [\"a b\" nil]}"
              "{:type :ok, :process 6, :f :read, :value [\"a b\" nil]}",
              &model_register);
    assert_slice(history.ops[0].key, "7");
    assert_slice(history.ops[0].arguments[1], "2");
    assert_int_equal(history.ops[0].outcome, HISTORY_RETURNED);
    assert_slice(history.ops[1].key, "7");
    assert_slice(history.ops[1].arguments[0], "1");
    assert_slice(history.ops[2].key, "a b");
    assert_int_equal(history.ops[2].result_type, HISTORY_NIL);
    history_deinit(&history);
}

static void a_failed_swap_counts_only_if_its_answer_is_known(void **state) {
    (void)state;
#define WRITTEN                                                                                                        \
    "{:type :invoke, :process 1, :f :write, :value 1}{:type :ok, :process 1, :f :write, :value 1}"                     \
    "{:type :invoke, :process 1, :f :cas, :value [1 2]}"
    assert_verdict(WRITTEN "{:type :fail, :process 1, :f :cas, :value [1 2]}", &model_register, LINEARIZE_YES);
    assert_verdict(WRITTEN "{:type :fail, :process 1, :f :cas, :value [1 2], :reply \"fail\"}", &model_register,
                   LINEARIZE_NO);
    assert_verdict("INFO  jepsen.util - 1 :invoke :write 1\nINFO  jepsen.util - 1 :ok :write 1\n"
                   "INFO  jepsen.util - 1 :invoke :cas [1 2]\nINFO  jepsen.util - 1 :fail :cas [1 2]\n",
                   &model_register, LINEARIZE_NO);
}

static void the_order_of_lines_is_the_order_in_time(void **state) {
    (void)state;
#define WRITE_1 "{:type :invoke, :process 1, :f :write, :value 1}\n{:type :ok, :process 1, :f :write, :value 1}\n"
#define ASK "{:type :invoke, :process 2, :f :read, :value nil}\n"
#define TELL "{:type :ok, :process 2, :f :read, :value nil}\n"
    assert_verdict(WRITE_1 ASK TELL, &model_register, LINEARIZE_NO);
    assert_verdict(ASK WRITE_1 TELL, &model_register, LINEARIZE_YES);
}

/* ---- What we write ----------------------------------------------------------------------------------------------- */

static void write_all(const struct linearize_model *model, const struct history *history, struct buf *to) {
    struct history_writer writer;
    bool more = true;
    assert_int_equal(history_writer_init(&writer, model, history), STATUS_OK);
    while (more) assert_int_equal(history_writer_next(&writer, 1000, to, &more), STATUS_OK);
    history_writer_deinit(&writer);
}

/* Written in the order of their calls, so that is how they come back. */
static int by_call(const void *left, const void *right) {
    const struct history_op *a = left;
    const struct history_op *b = right;
    return (a->invoked > b->invoked) - (a->invoked < b->invoked);
}

static void assert_equal(const struct linearize_model *model, const struct history *a, const struct history *b) {
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct history_op *x = &a->ops[i], *y = &b->ops[i];
        assert_int_equal(x->client, y->client);
        assert_int_equal(x->kind, y->kind);
        assert_int_equal(x->outcome, y->outcome);
        assert_true(slice_equal(x->key, y->key));
        /* Some are made with more arguments than they have. */
        const unsigned arguments = history_words[history_kind_word(model, x->kind)].arguments;
        for (unsigned j = 0; j < arguments; j++) assert_true(slice_equal(x->arguments[j], y->arguments[j]));
    }
}

static void come_back(uint64_t seed, const struct linearize_model *model, enum history_lie lie) {
    struct history_plan plan = {
        .model = model, .lie = lie, .clients = 5, .keys = 3, .operations = 120, .crash_percent = 5};
    struct prng prng;
    struct history history, again;
    const struct linearize_model *found = NULL;
    struct error error = {0};
    struct buf text = BUF_EMPTY;
    prng_init(&prng, seed);
    history_init(&history);
    history_init(&again);
    assert_int_equal(history_make(&history, &plan, &prng), STATUS_OK);
    qsort(history.ops, history.count, sizeof *history.ops, by_call);
    write_all(model, &history, &text);
    if (history_read(&again, buf_slice(&text), &found, &error) != STATUS_OK)
        fail_msg("seed %llu: %s", (unsigned long long)seed, error.text);
    assert_ptr_equal(found, model);
    assert_equal(model, &history, &again);
    assert_int_equal(judge(model, &history), judge(model, &again));
    buf_deinit(&text);
    history_deinit(&history);
    history_deinit(&again);
}

static void what_is_written_comes_back_with_the_same_verdict(void **state) {
    (void)state;
    static const struct linearize_model *const models[] = {&model_text, &model_register, &model_redis_string};
    const uint64_t first = test_seed(1), seeds = test_scaled(100);
    for (uint64_t seed = first; seed < first + seeds; seed++)
        for (int model = 0; model < 3; model++)
            for (int lie = 0; lie < HISTORY_LIES; lie++) come_back(seed, models[model], (enum history_lie)lie);
}

static void an_event_is_written_as_the_format_says(void **state) {
    (void)state;
    const char *const expected =
        "{:index 0, :time 1, :type :invoke, :process 7, :f :incrby, :value [\"a\\\"b\\u0000\" 5]}\n"
        "{:index 1, :time 2, :type :ok, :process 7, :f :incrby, :value [\"a\\\"b\\u0000\" 5], :error \"ERR no\"}\n"
        "{:index 2, :time 3, :type :invoke, :process 8, :f :write, :value [\"k\" \"\"]}\n"
        "{:index 3, :time 3, :type :info, :process 8, :f :write, :value [\"k\" \"\"]}\n"
        "{:index 4, :time 4, :type :invoke, :process 7, :f :read, :value [\"k\" nil]}\n"
        "{:index 5, :time 9, :type :ok, :process 7, :f :read, :value [\"k\" -12]}\n";
    struct history history;
    struct buf text = BUF_EMPTY;
    size_t index;
    history_init(&history);
    struct history_op op = {.client = 7,
                            .kind = MODEL_REDIS_INCRBY,
                            .key = slice_make("a\"b\0", 4),
                            .arguments = {slice_from_text("5")},
                            .invoked = 1};
    assert_int_equal(history_invoke(&history, &op, &index), STATUS_OK);
    assert_int_equal(history_return(&history, index, 2, HISTORY_ERROR, slice_from_text("ERR no")), STATUS_OK);
    op = (struct history_op){.client = 8, .kind = MODEL_REDIS_SET, .key = slice_from_text("k"), .invoked = 3};
    assert_int_equal(history_invoke(&history, &op, &index), STATUS_OK);
    op = (struct history_op){.client = 7, .kind = MODEL_REDIS_GET, .key = slice_from_text("k"), .invoked = 4};
    assert_int_equal(history_invoke(&history, &op, &index), STATUS_OK);
    assert_int_equal(history_return(&history, index, 9, HISTORY_TEXT, slice_from_text("-12")), STATUS_OK);
    write_all(&model_redis_string, &history, &text);
    assert_int_equal(buf_append_byte(&text, 0), STATUS_OK);
    assert_string_equal((const char *)text.data, expected);
    buf_deinit(&text);
    history_deinit(&history);
}

/* ---- What is wrong ----------------------------------------------------------------------------------------------- */

static void what_is_wrong_is_refused_with_its_line(void **state) {
    (void)state;
    static const char *const inputs[] = {
        "{:type :ok, :process 0, :f :read, :value 1}",            /* answers nothing */
        "{:type :invoke, :process 9, :f :read, :value nil}",      /* asks while it waits */
        "{:type :invoke, :process 0, :f :jump, :value nil}",      /* unknown */
        "{:type :invoke, :f :read, :value nil}",                  /* nobody's */
        "{:type :later, :process 0, :f :read, :value nil}",       /* no type */
        "{:type :invoke, :process -1, :f :read, :value nil}",     /* no client */
        "{:type :invoke, :process 0, :f :write, :value nil [1]",  /* not closed */
        "{:type :invoke, :process 0, :f :write, :value [1 2)}",   /* closed by another bracket */
        "{:type :invoke, :process 0, :f :write, :value \"1}",     /* a string without an end */
        "{:type :invoke, :process 0, :f :write, :value \"\\q\"}", /* no escape */
        "{:type :invoke, :process 0, :f :write, :value [1 2 3]}", /* no tuple */
        "{:type :invoke, :process 0, :f :cas, :value 1}",         /* an argument too few */
        "{:type :invoke, :process 0, :f :read, :value}",
        "17",
        "}",
    };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        char text[256];
        struct history history;
        struct error error = {0};
        const struct linearize_model *model;
        snprintf(text, sizeof text, "{:type :invoke, :process 9, :f :read, :value nil}\n%s", inputs[i]);
        history_init(&history);
        if (history_read(&history, slice_from_text(text), &model, &error) != STATUS_SYNTAX)
            fail_msg("taken: %s", inputs[i]);
        if (!strstr(error.text, "line 2:")) fail_msg("%s: %s", inputs[i], error.text);
        history_deinit(&history);
    }
}

static void words_of_no_one_model_are_refused(void **state) {
    (void)state;
    struct history history;
    struct error error = {0};
    const struct linearize_model *model;
    history_init(&history);
    const char *const text = "{:type :invoke, :process 1, :f :cas, :value [1 2]}{:type :invoke, :process 2, :f :del}";
    assert_int_equal(history_read(&history, slice_from_text(text), &model, &error), STATUS_SYNTAX);
    history_deinit(&history);
    history_init(&history);
    const char *const silent = "{:type :invoke, :process 1, :f :del, :value [1 nil]}\n"
                               "{:type :ok, :process 1, :f :del, :value [1 nil]}";
    assert_int_equal(history_read(&history, slice_from_text(silent), &model, &error), STATUS_SYNTAX);
    assert_non_null(strstr(error.text, "line 2: an answer without the :reply"));
    history_deinit(&history);
}

static void deep_nesting_is_refused(void **state) {
    (void)state;
    char text[4096];
    struct history history;
    struct error error = {0};
    const struct linearize_model *model;
    memset(text, '[', sizeof text);
    history_init(&history);
    assert_int_equal(history_read(&history, slice_make(text, sizeof text), &model, &error), STATUS_SYNTAX);
    history_deinit(&history);
}

static void running_out_of_memory_is_reported(void **state) {
    (void)state;
    const char *const text = "{:type :invoke, :process 1, :f :write, :value [\"a\\n\" \"b\\n\"]}"
                             "{:type :ok, :process 1, :f :write, :value [\"a\\n\" \"b\\n\"]}";
    uint64_t points = 0;
    for (uint64_t nth = 1;; nth++) {
        struct history history;
        struct error error = {0};
        const struct linearize_model *model;
        history_init(&history);
        alloc_fault_at(nth);
        const enum status status = history_read(&history, slice_from_text(text), &model, &error);
        const bool met = alloc_fault_clear();
        assert_int_equal(status, met ? STATUS_NO_MEMORY : STATUS_OK);
        history_deinit(&history);
        if (!met) break;
        points++;
    }
    assert_true(points >= 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vector_of_tagged_maps_with_comments_is_read),
        cmocka_unit_test(keys_come_as_tuples_or_by_themselves),
        cmocka_unit_test(a_failed_swap_counts_only_if_its_answer_is_known),
        cmocka_unit_test(the_order_of_lines_is_the_order_in_time),
        cmocka_unit_test(what_is_written_comes_back_with_the_same_verdict),
        cmocka_unit_test(an_event_is_written_as_the_format_says),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(words_of_no_one_model_are_refused),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(running_out_of_memory_is_reported),
    };
    return cmocka_run_group_tests_name("history_file", tests, NULL, NULL);
}

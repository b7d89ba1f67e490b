/*
 * The linearizability checker, judged: by recorded histories with known verdicts, by histories of a real object (with
 * and without a lie), and by a checker that tries every order.
 */
#include <errno.h>
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
#include "tools/judge/linearize.h"
#include "tools/judge/models.h"

static const struct linearize_model *const models[] = {&model_text, &model_register, &model_redis_string};
enum { MODELS = sizeof models / sizeof *models };

static const char *histories_folder(void) {
    static char folder[512];
    const char *data = getenv("LOAM_DATA");
    snprintf(folder, sizeof folder, "%s/histories", data ? data : "../shared/data");
    return folder;
}

static enum status read_file(const char *path, struct buf *content) {
    FILE *file = fopen(path, "rb");
    if (!file) return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
    char block[65536];
    size_t size;
    while ((size = fread(block, 1, sizeof block, file)) > 0)
        assert_int_equal(buf_append(content, block, size), STATUS_OK);
    assert_false(ferror(file));
    (void)fclose(file);
    return STATUS_OK;
}

static void read_or_skip(const char *name, struct buf *content) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", histories_folder(), name);
    enum status status = read_file(path, content);
    if (status == STATUS_NOT_FOUND) {
        print_message("SKIP: no recorded histories at %s (LOAM_DATA names their folder)\n", histories_folder());
        skip();
    }
    assert_int_equal(status, STATUS_OK);
}

static enum linearize_verdict judge(const struct linearize_model *model, const struct history *history) {
    struct linearize_report report;
    assert_int_equal(linearize(model, history, NULL, &report), STATUS_OK);
    enum linearize_verdict verdict = report.verdict;
    assert_true((verdict == LINEARIZE_YES) == (report.text.size == 0));
    linearize_report_deinit(&report);
    return verdict;
}

static void assert_recorded(const struct linearize_model *model, const char *name, enum linearize_verdict expected) {
    struct buf content = BUF_EMPTY;
    struct history history;
    struct error error;
    read_or_skip(name, &content);
    history_init(&history);
    const struct linearize_model *found = NULL;
    enum status status = history_read(&history, buf_slice(&content), &found, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", name, error.text);
    assert_ptr_equal(found, model);
    assert_true(history.count > 0);
    enum linearize_verdict verdict = judge(model, &history);
    if (verdict != expected) {
        fail_msg("%s: judged %s, known to be %s", name, linearize_verdict_name(verdict),
                 linearize_verdict_name(expected));
    }
    history_deinit(&history);
    buf_deinit(&content);
}

static void recorded_texts_are_judged_right(void **state) {
    (void)state;
    static const char *const sizes[] = {"01", "10", "50"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char name[64];
        snprintf(name, sizeof name, "kv/c%s-ok.txt", sizes[i]);
        assert_recorded(&model_text, name, LINEARIZE_YES);
        snprintf(name, sizeof name, "kv/c%s-bad.txt", sizes[i]);
        assert_recorded(&model_text, name, LINEARIZE_NO);
    }
}

/* VERDICTS has a line for each file: its name and linearizable or not-linearizable. */
static void recorded_registers_are_judged_right(void **state) {
    (void)state;
    struct buf verdicts = BUF_EMPTY;
    int judged = 0;
    read_or_skip("etcd/VERDICTS", &verdicts);
    assert_int_equal(buf_append_byte(&verdicts, 0), STATUS_OK);
    char *rest = NULL;
    for (char *line = strtok_r((char *)verdicts.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char file[64];
        char word[64];
        char name[128];
        assert_int_equal(sscanf(line, "%63s %63s", file, word), 2);
        snprintf(name, sizeof name, "etcd/%s", file);
        bool is_good = strcmp(word, "linearizable") == 0;
        assert_true(is_good || strcmp(word, "not-linearizable") == 0);
        assert_recorded(&model_register, name, is_good ? LINEARIZE_YES : LINEARIZE_NO);
        judged++;
    }
    assert_true(judged > 0);
    print_message("%d histories of a register\n", judged);
    buf_deinit(&verdicts);
}

static struct history_plan random_plan(struct prng *prng, const struct linearize_model *model) {
    return (struct history_plan){
        .model = model,
        .clients = (uint32_t)prng_between(prng, 1, 12),
        .keys = (uint32_t)prng_between(prng, 1, 3),
        .operations = (uint32_t)prng_between(prng, 1, 150),
        .values = prng_chance(prng, 1, 2) ? 0 : (uint32_t)prng_between(prng, 1, 20),
        .crash_percent = (uint32_t)prng_below(prng, 12),
    };
}

/* On failure: what was made, and how to make it again. */
static void fail_for_seed(uint64_t seed, const struct linearize_report *report, const char *expected) {
    fail_msg("seed %llu: %s, expected %s\n%.*sreplay: LOAM_TEST_SEED=%llu %s/tests/property/linearize_test",
             (unsigned long long)seed, linearize_verdict_name(report->verdict), expected, (int)report->text.size,
             (const char *)report->text.data, (unsigned long long)seed, test_build_dir());
}

static void make_and_judge(uint64_t seed, enum history_lie lie, struct linearize_report *report) {
    struct prng prng;
    struct history history;
    prng_init(&prng, seed * HISTORY_LIES + lie);
    struct history_plan plan = random_plan(&prng, models[seed % MODELS]);
    plan.lie = lie;
    if (lie != HISTORY_HONEST) plan.values = 0;
    history_init(&history);
    assert_int_equal(history_make(&history, &plan, &prng), STATUS_OK);
    static const struct linearize_options bounds = {.max_steps = 300000};
    assert_int_equal(linearize(plan.model, &history, &bounds, report), STATUS_OK);
    history_deinit(&history);
}

static void what_a_real_object_does_is_linearizable(void **state) {
    (void)state;
    uint64_t first = test_seed(1);
    uint64_t undecided = 0;
    uint64_t seeds = test_scaled(3000);
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct linearize_report report;
        make_and_judge(seed, HISTORY_HONEST, &report);
        if (report.verdict == LINEARIZE_NO) fail_for_seed(seed, &report, "linearizable");
        undecided += report.verdict == LINEARIZE_UNDECIDED;
        linearize_report_deinit(&report);
    }
    print_message("%llu histories, %llu undecided\n", (unsigned long long)seeds, (unsigned long long)undecided);
    assert_true(undecided * 100 <= seeds);
}

static void assert_lie_is_found(enum history_lie lie) {
    uint64_t first = test_seed(1);
    uint64_t undecided = 0;
    uint64_t seeds = test_scaled(600);
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct linearize_report report;
        make_and_judge(seed, lie, &report);
        if (report.verdict == LINEARIZE_YES) fail_for_seed(seed, &report, "not linearizable");
        undecided += report.verdict == LINEARIZE_UNDECIDED;
        linearize_report_deinit(&report);
    }
    print_message("%llu histories, %llu undecided\n", (unsigned long long)seeds, (unsigned long long)undecided);
    assert_true(undecided * 20 <= seeds);
}

static void a_stale_read_is_found(void **state) {
    (void)state;
    assert_lie_is_found(HISTORY_STALE_READ);
}

static void a_read_of_what_is_not_written_yet_is_found(void **state) {
    (void)state;
    assert_lie_is_found(HISTORY_FUTURE_READ);
}

static void a_write_applied_twice_is_found(void **state) {
    (void)state;
    assert_lie_is_found(HISTORY_APPLIED_TWICE);
}

static void a_refused_write_that_shows_is_found(void **state) {
    (void)state;
    assert_lie_is_found(HISTORY_REFUSED_SEEN);
}

/* --- every order, tried one by one
 * ------------------------------------------------------------------------------------------- */

enum { TINY = 7 };

static bool may_come_next(const struct history *history, const bool *placed, size_t index) {
    for (size_t i = 0; i < history->count; i++) {
        const struct history_op *op = &history->ops[i];
        if (!placed[i] && op->outcome == HISTORY_RETURNED && op->returned < history->ops[index].invoked) return false;
    }
    return true;
}

static bool all_returned_are_placed(const struct history *history, const bool *placed) {
    for (size_t i = 0; i < history->count; i++)
        if (!placed[i] && history->ops[i].outcome == HISTORY_RETURNED) return false;
    return true;
}

static bool brute_force(const struct linearize_model *model, const struct history *history, bool *placed,
                        struct slice state) {
    if (all_returned_are_placed(history, placed)) return true;
    bool found = false;
    for (size_t i = 0; i < history->count && !found; i++) {
        if (placed[i] || history->ops[i].outcome == HISTORY_REFUSED || !may_come_next(history, placed, i)) continue;
        struct buf next = BUF_EMPTY;
        bool possible = false;
        assert_int_equal(model->step(&history->ops[i], state, &possible, &next), STATUS_OK);
        placed[i] = true;
        found = possible && brute_force(model, history, placed, buf_slice(&next));
        placed[i] = false;
        buf_deinit(&next);
    }
    return found;
}

/* One answer becomes another one that the history or the model knows. */
static void bend(struct history *history, struct prng *prng) {
    static const char *const answers[] = {"v0.", "v1.", "v0.v1.", "0", "1", "2", "ok", "fail", "OK", ""};
    struct history_op *op = &history->ops[prng_below(prng, history->count)];
    const struct history_op *other = &history->ops[prng_below(prng, history->count)];
    if (op->outcome != HISTORY_RETURNED) return;
    op->result_type = other->result_type;
    op->result = other->result;
    if (other->outcome == HISTORY_RETURNED && prng_chance(prng, 2, 3)) return;
    op->result_type = prng_chance(prng, 1, 4) ? HISTORY_NIL : HISTORY_TEXT;
    op->result = op->result_type == HISTORY_NIL
                     ? slice_make(NULL, 0)
                     : slice_from_text(answers[prng_below(prng, sizeof answers / sizeof *answers)]);
}

static bool agree_on_tiny(uint64_t seed) {
    struct prng prng;
    struct history history;
    bool placed[TINY] = {false};
    prng_init(&prng, seed);
    struct history_plan plan = {
        .model = models[seed % MODELS], .clients = (uint32_t)prng_between(&prng, 2, 5), .keys = 1, .values = 2};
    plan.operations = (uint32_t)prng_between(&prng, 2, TINY);
    plan.crash_percent = (uint32_t)prng_below(&prng, 60);
    history_init(&history);
    assert_int_equal(history_make(&history, &plan, &prng), STATUS_OK);
    for (uint64_t left = prng_below(&prng, 3); left > 0; left--) bend(&history, &prng);
    bool expected = brute_force(plan.model, &history, placed, plan.model->initial);
    struct linearize_report report;
    assert_int_equal(linearize(plan.model, &history, NULL, &report), STATUS_OK);
    if ((report.verdict == LINEARIZE_YES) != expected) {
        fail_for_seed(seed, &report,
                      expected ? "linearizable (by trying every order)" : "not linearizable (by trying every order)");
    }
    linearize_report_deinit(&report);
    history_deinit(&history);
    return expected;
}

static void tiny_histories_agree_with_trying_every_order(void **state) {
    (void)state;
    uint64_t first = test_seed(1);
    uint64_t runs = test_scaled(20000);
    uint64_t good = 0;
    for (uint64_t seed = first; seed < first + runs; seed++) good += agree_on_tiny(seed);
    print_message("%llu of %llu were linearizable\n", (unsigned long long)good, (unsigned long long)runs);
    assert_in_range(good * 100 / runs, 20, 90);
}

/* --- single facts
 * -------------------------------------------------------------------------------------------------------------- */

static size_t ask(struct history *history, uint32_t client, uint32_t kind, const char *value, uint64_t time) {
    size_t index;
    struct history_op op = {.client = client, .kind = kind, .key = slice_from_text("k"), .invoked = time};
    if (value) op.arguments[0] = slice_from_text(value);
    assert_int_equal(history_invoke(history, &op, &index), STATUS_OK);
    return index;
}

static void tell(struct history *history, size_t index, uint64_t time, const char *result) {
    enum history_result type = result ? HISTORY_TEXT : HISTORY_NIL;
    assert_int_equal(history_return(history, index, time, type, slice_from_text(result ? result : "")), STATUS_OK);
}

/* A SET without an answer, then what a second client reads at 10, 20, ... */
static enum linearize_verdict judge_reads(bool refused, const char *const *reads, size_t count) {
    struct history history;
    history_init(&history);
    size_t open = ask(&history, 1, MODEL_REDIS_SET, "x", 1);
    if (refused) history_refuse(&history, open);
    for (size_t i = 0; i < count; i++) {
        uint64_t time = 10 * (i + 1);
        tell(&history, ask(&history, 2, MODEL_REDIS_GET, NULL, time), time + 5, reads[i]);
    }
    enum linearize_verdict verdict = judge(&model_redis_string, &history);
    history_deinit(&history);
    return verdict;
}

static void an_open_write_may_show_late_but_not_vanish(void **state) {
    (void)state;
    const char *const late[] = {NULL, NULL, "x", "x"};
    const char *const never[] = {NULL, NULL, NULL};
    const char *const vanishing[] = {NULL, "x", NULL};
    assert_int_equal(judge_reads(false, late, 4), LINEARIZE_YES);
    assert_int_equal(judge_reads(false, never, 3), LINEARIZE_YES);
    assert_int_equal(judge_reads(false, vanishing, 3), LINEARIZE_NO);
}

static void a_refused_write_may_not_show(void **state) {
    (void)state;
    const char *const shows[] = {NULL, "x"};
    const char *const hidden[] = {NULL, NULL};
    assert_int_equal(judge_reads(true, shows, 2), LINEARIZE_NO);
    assert_int_equal(judge_reads(true, hidden, 2), LINEARIZE_YES);
}

static void keys_are_judged_apart(void **state) {
    (void)state;
    struct history history;
    history_init(&history);
    size_t index;
    struct history_op on_other_key = {
        .client = 2, .kind = MODEL_REDIS_GET, .key = slice_from_text("other"), .invoked = 3};
    tell(&history, ask(&history, 1, MODEL_REDIS_SET, "x", 1), 2, "OK");
    assert_int_equal(history_invoke(&history, &on_other_key, &index), STATUS_OK);
    tell(&history, index, 4, NULL);
    assert_int_equal(judge(&model_redis_string, &history), LINEARIZE_YES);
    history.ops[index].key = slice_from_text("k");
    assert_int_equal(judge(&model_redis_string, &history), LINEARIZE_NO);
    history_deinit(&history);
}

static void equal_times_are_concurrent(void **state) {
    (void)state;
    for (uint64_t gap = 0; gap < 2; gap++) {
        struct history history;
        history_init(&history);
        tell(&history, ask(&history, 1, MODEL_REDIS_SET, "x", 1), 5, "OK");
        tell(&history, ask(&history, 2, MODEL_REDIS_GET, NULL, 5 + gap), 9, NULL);
        assert_int_equal(judge(&model_redis_string, &history), gap == 0 ? LINEARIZE_YES : LINEARIZE_NO);
        history_deinit(&history);
    }
}

static void an_explanation_names_the_operation_that_has_no_place(void **state) {
    (void)state;
    struct history history;
    struct linearize_report report;
    history_init(&history);
    tell(&history, ask(&history, 1, MODEL_REDIS_SET, "old", 1), 2, "OK");
    tell(&history, ask(&history, 1, MODEL_REDIS_SET, "new", 3), 4, "OK");
    tell(&history, ask(&history, 2, MODEL_REDIS_GET, NULL, 5), 6, "old");
    tell(&history, ask(&history, 1, MODEL_REDIS_SET, "newer", 7), 8, "OK");
    assert_int_equal(linearize(&model_redis_string, &history, NULL, &report), STATUS_OK);
    assert_int_equal(report.verdict, LINEARIZE_NO);
    assert_int_equal(buf_append_byte(&report.text, 0), STATUS_OK);
    const char *text = (const char *)report.text.data;
    assert_non_null(strstr(text, "key \"k\""));
    assert_non_null(strstr(text, "none once this one returned:\n    [5, 6] client 2: GET -> \"old\""));
    assert_non_null(strstr(text, "places 2 operations"));
    assert_non_null(strstr(text, "state behind them: \"=new\""));
    assert_null(strstr(text, "newer"));
    linearize_report_deinit(&report);
    history_deinit(&history);
}

/* Many writes at once and a length that no order gives: every order has to be tried. */
static void make_hard(struct history *history) {
    enum { WRITERS = 12 };
    size_t open[WRITERS];
    history_init(history);
    for (uint32_t i = 0; i < WRITERS; i++) {
        char value[16];
        snprintf(value, sizeof value, "v%u", i);
        open[i] = ask(history, i, MODEL_REDIS_SET, value, i);
    }
    for (uint32_t i = 0; i < WRITERS; i++) tell(history, open[i], 100 + i, "OK");
    tell(history, ask(history, 1, MODEL_REDIS_STRLEN, NULL, 300), 301, "1000");
}

static void a_bound_makes_the_verdict_undecided(void **state) {
    (void)state;
    static const struct linearize_options bounds[] = {{.max_steps = 5000}, {.max_bytes = 300000}};
    for (size_t i = 0; i < 2; i++) {
        struct history history;
        struct linearize_report report;
        make_hard(&history);
        assert_int_equal(linearize(&model_redis_string, &history, &bounds[i], &report), STATUS_OK);
        assert_int_equal(report.verdict, LINEARIZE_UNDECIDED);
        assert_int_equal(report.undecided_keys, 1);
        assert_true(bounds[i].max_steps == 0 || report.steps == bounds[i].max_steps);
        assert_int_equal(buf_append_byte(&report.text, 0), STATUS_OK);
        assert_non_null(strstr((const char *)report.text.data, "undecided"));
        linearize_report_deinit(&report);
        history_deinit(&history);
    }
}

static void tell_length(struct history *history, const char *value, size_t length, uint64_t time) {
    char number[24];
    snprintf(number, sizeof number, "%zu", length);
    tell(history, ask(history, 1, MODEL_REDIS_APPEND, value, time), time + 1, number);
}

/* Texts that grow, with appends that never got an answer and never show: each might stand in any place, and in none. */
static void open_appends_that_never_show_are_soon_left_out(void **state) {
    (void)state;
    enum { OPEN = 12, ROUNDS = 200, LENGTH = 5 };
    static const struct linearize_options bounds = {.max_steps = 20000};
    struct history history;
    struct linearize_report report;
    char text[LENGTH * ROUNDS + 1] = "", value[LENGTH + 1];
    history_init(&history);
    for (unsigned i = 0; i < ROUNDS; i++) {
        const uint64_t time = 10 * (uint64_t)i + 10;
        snprintf(value, sizeof value, "o%03u.", i);
        if (i % (ROUNDS / OPEN) == 0) ask(&history, 100 + i, MODEL_REDIS_APPEND, value, time);
        value[0] = 'v';
        memcpy(text + (size_t)i * LENGTH, value, LENGTH + 1);
        tell_length(&history, value, (size_t)(i + 1) * LENGTH, time + 1);
        if (i % 7 == 6) tell(&history, ask(&history, 2, MODEL_REDIS_GET, NULL, time + 4), time + 5, text);
    }
    assert_int_equal(linearize(&model_redis_string, &history, &bounds, &report), STATUS_OK);
    assert_int_equal(report.verdict, LINEARIZE_YES);
    linearize_report_deinit(&report);
    history_deinit(&history);
}

static void an_unknown_kind_is_refused(void **state) {
    (void)state;
    struct history history;
    struct linearize_report report;
    history_init(&history);
    ask(&history, 1, 99, NULL, 1);
    assert_int_equal(linearize(&model_text, &history, NULL, &report), STATUS_INVALID);
    history_deinit(&history);
}

static void running_out_of_memory_is_reported(void **state) {
    (void)state;
    struct prng prng;
    struct history history;
    struct history_plan plan = {
        .model = &model_redis_string, .lie = HISTORY_STALE_READ, .clients = 4, .keys = 2, .operations = 40};
    prng_init(&prng, 7);
    history_init(&history);
    assert_int_equal(history_make(&history, &plan, &prng), STATUS_OK);
    uint64_t points = 0;
    for (uint64_t nth = 1;; nth++) {
        struct linearize_report report;
        alloc_fault_at(nth);
        enum status status = linearize(plan.model, &history, NULL, &report);
        if (!alloc_fault_clear()) {
            assert_int_equal(status, STATUS_OK);
            assert_int_equal(report.verdict, LINEARIZE_NO);
            linearize_report_deinit(&report);
            break;
        }
        assert_int_equal(status, STATUS_NO_MEMORY);
        points++;
    }
    assert_true(points > 10);
    history_deinit(&history);
}

static void damaged_recordings_are_refused_with_their_line(void **state) {
    (void)state;
    static const char *const inputs[] = {
        "{:process 0, :type :ok, :f :get, :key \"0\", :value \"\"}",
        "{:process 0, :type :invoke, :f :jump, :key \"0\", :value nil}",
        "{:process x, :type :invoke, :f :get, :key \"0\", :value nil}",
        "{:process 0, :type :invoke, :f :get, :key \"0}",
    };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        char text[256];
        struct history history;
        struct error error;
        snprintf(text, sizeof text, "{:process 9, :type :invoke, :f :get, :key \"0\", :value nil}\n%s\n", inputs[i]);
        history_init(&history);
        const struct linearize_model *model;
        assert_int_equal(history_read(&history, slice_from_text(text), &model, &error), STATUS_SYNTAX);
        assert_non_null(strstr(error.text, "line 2:"));
        history_deinit(&history);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_texts_are_judged_right),
        cmocka_unit_test(recorded_registers_are_judged_right),
        cmocka_unit_test(what_a_real_object_does_is_linearizable),
        cmocka_unit_test(a_stale_read_is_found),
        cmocka_unit_test(a_read_of_what_is_not_written_yet_is_found),
        cmocka_unit_test(a_write_applied_twice_is_found),
        cmocka_unit_test(a_refused_write_that_shows_is_found),
        cmocka_unit_test(tiny_histories_agree_with_trying_every_order),
        cmocka_unit_test(an_open_write_may_show_late_but_not_vanish),
        cmocka_unit_test(a_refused_write_may_not_show),
        cmocka_unit_test(keys_are_judged_apart),
        cmocka_unit_test(equal_times_are_concurrent),
        cmocka_unit_test(an_explanation_names_the_operation_that_has_no_place),
        cmocka_unit_test(a_bound_makes_the_verdict_undecided),
        cmocka_unit_test(open_appends_that_never_show_are_soon_left_out),
        cmocka_unit_test(an_unknown_kind_is_refused),
        cmocka_unit_test(running_out_of_memory_is_reported),
        cmocka_unit_test(damaged_recordings_are_refused_with_their_line),
    };
    return cmocka_run_group_tests_name("linearize", tests, NULL, NULL);
}

/*
 * record: what a run tells is there again, within bounds, and changes nothing of the run; the page that is made of it
 * holds all text as text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/toy_node.h"
#include "tools/loam/trace/trace_page.h"
#include "tools/loam/trace/trace_strings.h"

enum { MS = 1000000 };

/* ---- What is given out ------------------------------------------------------------------------------------------- */

struct seen {
    uint64_t events[4], gaps, left_out, last_ns, gap_end_ns;
    bool wants_states; /* behind a gap every node has to show itself before anything else */
    unsigned states_due;
    uint64_t times[12000];
    size_t count;
    char words[200];
};

static void take_gap(void *context, uint64_t from_ns, uint64_t to_ns, uint64_t events) {
    struct seen *seen = context;
    assert_true(from_ns <= to_ns && events > 0);
    seen->gaps++;
    seen->left_out += events;
    seen->gap_end_ns = to_ns;
    seen->states_due = seen->wants_states ? 2 : 0;
}

static void take_event(void *context, const struct record_event *event) {
    struct seen *seen = context;
    if (seen->states_due > 0) {
        assert_int_equal(event->kind, RECORD_STATE);
        assert_int_equal(event->begin_ns, seen->gap_end_ns);
        seen->states_due--;
    }
    seen->events[event->kind]++;
    if (event->end_ns > seen->last_ns) seen->last_ns = event->end_ns;
    snprintf(seen->words, sizeof seen->words, "%s", event->words);
    if (event->kind == RECORD_NOTE && seen->count < 12000) seen->times[seen->count++] = event->begin_ns;
}

static void look_at(const struct record *record, struct seen *seen) {
    const struct record_visitor visitor = {.gap = take_gap, .event = take_event, .context = seen};
    record_visit(record, &visitor);
}

static struct record_state state_of(uint64_t term) {
    return (struct record_state){
        .condition = "up", .role = "follower", .term = term, .terms = "1:1", .configuration = "voters=(1 2)"};
}

static void what_is_told_is_there_again(void **state) {
    (void)state;
    struct record *record = record_create(&(struct record_options){.nodes = 2});
    struct record_message message = {
        .from = 0, .to = 1, .sent_ns = 5, .ended_ns = 9, .fate = RECORD_ARRIVED, .bytes = slice_from_text("x")};
    struct seen seen = {0};
    record_message(record, &message);
    record_disk(record, 1, "sync", "/node/log", 0, 0, 3, 10, STATUS_IO);
    record_state(record, 11, 0,
                 &(struct record_state){.condition = "down", .role = "", .terms = "", .configuration = ""});
    record_note(record, 12, 0, "something");
    record_end(record, 20);
    look_at(record, &seen);
    for (int kind = RECORD_MESSAGE; kind <= RECORD_NOTE; kind++) assert_int_equal(seen.events[kind], 1);
    assert_string_equal(seen.words, "something");
    assert_int_equal(record_event_count(record), 4);
    assert_int_equal(record_left_out(record), 0);
    assert_int_equal(record_end_ns(record), 20);
    record_destroy(record);
}

static void a_state_is_kept_when_it_differs(void **state) {
    (void)state;
    struct record *record = record_create(&(struct record_options){.nodes = 2});
    struct record_state one = state_of(1), other = state_of(1);
    struct seen seen = {0};
    record_state(record, 1, 0, &one);
    record_state(record, 2, 0, &one);
    record_state(record, 3, 1, &one); /* another node */
    other.terms = "1:1,2:2";
    record_state(record, 4, 0, &other);
    other.unsynced = 1;
    record_state(record, 5, 0, &other);
    record_state(record, 6, 0, &other);
    look_at(record, &seen);
    assert_int_equal(seen.events[RECORD_STATE], 4);
    record_destroy(record);
}

/* Ten chunks may stay of forty; a mark lies in the middle of the time. */
static void the_end_and_what_is_near_a_mark_are_kept(void **state) {
    (void)state;
    const uint64_t chunks = 40, step_ns = MS, marked_ns = 5000 * (uint64_t)MS;
    struct record *record = record_create(&(struct record_options){.nodes = 2, .chunk_limit = 10});
    struct seen seen = {.wants_states = true};
    struct record_state one = state_of(1);
    record_mark(record, marked_ns);
    record_state(record, 0, 0, &one);
    record_state(record, 0, 1, &one);
    for (uint64_t i = 0; i < chunks * RECORD_CHUNK_EVENTS; i++) record_note(record, i * step_ns, 0, "tick");
    look_at(record, &seen);
    const uint64_t end_ns = (chunks * RECORD_CHUNK_EVENTS - 1) * step_ns;
    assert_int_equal(seen.last_ns, end_ns);
    assert_int_equal(seen.left_out, record_left_out(record));
    assert_true(seen.left_out > 29 * RECORD_CHUNK_EVENTS && seen.gaps >= 2);
    bool is_marked_there = false;
    for (size_t i = 0; i < seen.count; i++) is_marked_there |= seen.times[i] == marked_ns;
    assert_true(is_marked_there);
    assert_true(seen.events[RECORD_NOTE] >= 8 * RECORD_CHUNK_EVENTS);
    record_destroy(record);
}

static void a_fault_too_many_is_a_note(void **state) {
    (void)state;
    struct record *record = record_create(&(struct record_options){.nodes = 1});
    struct record_fault fault = {.from_ns = 7, .kind = "kill", .words = "kill it"};
    struct seen seen = {0};
    for (size_t i = 0; i < RECORD_FAULTS_MAX; i++) assert_int_equal(record_fault_begin(record, &fault), i);
    assert_int_equal(record_fault_begin(record, &fault), SIZE_MAX);
    record_fault_end(record, 3, 9);
    record_fault_end(record, SIZE_MAX, 9);
    assert_int_equal(record_fault_count(record), RECORD_FAULTS_MAX);
    assert_int_equal(record_fault_at(record, 3)->to_ns, 9);
    assert_int_equal(record_fault_at(record, 4)->to_ns, UINT64_MAX);
    look_at(record, &seen);
    assert_string_equal(seen.words, "kill it");
    record_destroy(record);
}

/* ---- A run ------------------------------------------------------------------------------------------------------- */

static void run_toy(uint64_t seed, enum toy_bug bug, struct record *record, struct world_report *report) {
    struct fault_plan plan;
    struct world_node_kind kind = toy_node_kind(&bug);
    struct world_options options = {.plan = &plan, .nodes = &kind, .record = record};
    fault_plan_draw(&plan, seed, 1);
    world_run(&options, report);
}

static void a_recorded_run_is_the_same_run(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct record *record = record_create(&(struct record_options){.nodes = 1, .chunk_limit = 4});
        struct world_report plain, recorded;
        struct seen seen = {0};
        run_toy(seed, TOY_SOUND, NULL, &plain);
        run_toy(seed, TOY_SOUND, record, &recorded);
        assert_int_equal(plain.trace_hash, recorded.trace_hash);
        assert_int_equal(plain.events, recorded.events);
        assert_int_equal(recorded.faults, record_fault_count(record));
        assert_int_equal(record_end_ns(record) / MS, recorded.virtual_ms);
        look_at(record, &seen);
        assert_true(seen.events[RECORD_STATE] > 100 && seen.events[RECORD_DISK] > 100);
        record_destroy(record);
    }
}

/* ---- The page ---------------------------------------------------------------------------------------------------- */

static char *find(const struct buf *text, const char *what) {
    return memmem(text->data, text->size, what, strlen(what));
}

static void text_of_a_run_is_never_markup(void **state) {
    (void)state;
    static const char hostile[] = "</script><script>alert(1)</script>\"\\ \n \x80\xff & <!--";
    struct record *record = record_create(&(struct record_options){.nodes = 1});
    struct fault_plan plan = {.seed = 18446744073709551615U, .nodes = 1, .clients = 1};
    struct world_report report = {.verdict = WORLD_BROKEN, .promise = "p"};
    struct world_operation items[1] = {{.action = WORLD_APPEND}};
    struct trace_operations operations = {.items = items, .told = 1};
    struct buf page = BUF_EMPTY;
    snprintf(report.text, sizeof report.text, "%s", hostile);
    record_note(record, 1, 0, hostile);
    record_disk(record, 0, "write", hostile, 0, 1, 1, 2, STATUS_OK);
    record_end(record, 3);
    const struct trace_run run = {.plan = &plan, .report = &report, .record = record, .operations = &operations};
    assert_int_equal(trace_page_make(&page, &run), STATUS_OK);
    const char *data = find(&page, "id=\"run\">");
    assert_non_null(data);
    data += strlen("id=\"run\">");
    const char *end = strstr(data, "</script>");
    assert_non_null(end);
    for (const char *at = data; at < end; at++) assert_true(*at != '<' && *at != '>' && (*at >= ' ' || *at == '\n'));
    assert_non_null(find(&page, "\"seed\":\"18446744073709551615\""));
    assert_null(find(&page, "innerHTML"));
    assert_null(find(&page, "http:"));
    assert_null(find(&page, "https:"));
    for (size_t i = 0; i < page.size; i++) assert_true(page.data[i] < 0x80);
    buf_deinit(&page);
    record_destroy(record);
}

static void texts_are_numbered_once(void **state) {
    (void)state;
    struct trace_strings strings = {0};
    struct buf json = BUF_EMPTY;
    uint32_t number = 0;
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 3000; i++) {
            char text[16];
            snprintf(text, sizeof text, "t%u", i);
            assert_int_equal(trace_strings_add(&strings, text, &number), STATUS_OK);
            assert_int_equal(number, i + 1);
        }
    }
    assert_int_equal(trace_strings_add(&strings, "", &number), STATUS_OK);
    assert_int_equal(number, 0);
    assert_int_equal(strings.count, 3001);
    assert_int_equal(trace_strings_print(&json, &strings), STATUS_OK);
    assert_memory_equal(json.data, "[\"\",\"t0\",\"t1\",", 14);
    buf_deinit(&json);
    trace_strings_deinit(&strings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_is_there_again),
        cmocka_unit_test(a_state_is_kept_when_it_differs),
        cmocka_unit_test(the_end_and_what_is_near_a_mark_are_kept),
        cmocka_unit_test(a_fault_too_many_is_a_note),
        cmocka_unit_test(a_recorded_run_is_the_same_run),
        cmocka_unit_test(text_of_a_run_is_never_markup),
        cmocka_unit_test(texts_are_numbered_once),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}

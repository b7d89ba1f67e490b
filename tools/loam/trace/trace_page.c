#include "tools/loam/trace/trace_page.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/status.h"
#include "tools/loam/trace/trace_assets.h"
#include "tools/loam/trace/trace_strings.h"
#include "tools/loam/web_page.h"
#include "tools/sim/world_action.h"
#include "tools/sim/world_batch.h"

enum { NS_PER_US = 1000 };

/* The data under construction; the first status that is not OK ends it. */
struct writer {
    struct buf *to;
    struct trace_strings strings;
    enum record_kind wanted; /* events of this kind are rows now */
    bool is_first;           /* of a list */
    enum status status;
};

/* ---- Pieces ------------------------------------------------------------------------------------------------------ */

static void put(struct writer *writer, const char *text) {
    if (writer->status == STATUS_OK) writer->status = buf_append(writer->to, text, strlen(text));
}

/* A number and a comma. */
static void put_number(struct writer *writer, uint64_t number) {
    if (writer->status == STATUS_OK) writer->status = buf_append_format(writer->to, "%" PRIu64 ",", number);
}

static void put_signed(struct writer *writer, int64_t number) {
    if (writer->status == STATUS_OK) writer->status = buf_append_format(writer->to, "%" PRId64 ",", number);
}

/* The place of the text among the strings, and a comma. */
static void put_text(struct writer *writer, const char *text) {
    uint32_t number = 0;
    if (writer->status == STATUS_OK) writer->status = trace_strings_add(&writer->strings, text, &number);
    put_number(writer, number);
}

static void begin_list(struct writer *writer, const char *name) {
    put(writer, "\"");
    put(writer, name);
    put(writer, "\":[");
    writer->is_first = true;
}

static void begin_row(struct writer *writer) {
    put(writer, writer->is_first ? "\n[" : ",\n[");
    writer->is_first = false;
}

/* Instead of the last comma. */
static void end_row(struct writer *writer) {
    if (writer->status == STATUS_OK) writer->to->data[writer->to->size - 1] = ']';
}

static void put_field(struct writer *writer, const char *name, uint64_t number) {
    if (writer->status == STATUS_OK)
        writer->status = buf_append_format(writer->to, "\"%s\":%" PRIu64 ",", name, number);
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

static const char *fate_name(enum record_fate fate) {
    static const char *const names[] = {"arrived", "dropped", "lost", "under way"};
    return names[fate];
}

static void put_message(struct writer *writer, const struct record_event *event) {
    put_number(writer, event->begin_ns / NS_PER_US);
    put_number(writer, event->end_ns / NS_PER_US);
    put_signed(writer, event->node);
    put_signed(writer, event->message.to);
    put_text(writer, event->message.kind);
    put_number(writer, event->message.term);
    put_text(writer, fate_name(event->message.fate));
    put_number(writer, event->message.marks);
    put_text(writer, event->words);
}

static void put_disk(struct writer *writer, const struct record_event *event) {
    put_number(writer, event->begin_ns / NS_PER_US);
    put_number(writer, event->end_ns / NS_PER_US);
    put_signed(writer, event->node);
    put_text(writer, event->disk.what);
    put_text(writer, event->words);
    put_number(writer, event->disk.offset);
    put_number(writer, event->disk.size);
    put_text(writer, status_name(event->disk.status));
}

static void put_state(struct writer *writer, const struct record_event *event) {
    const struct record_state *state = &event->state;
    put_number(writer, event->begin_ns / NS_PER_US);
    put_signed(writer, event->node);
    put_text(writer, state->condition);
    put_text(writer, state->role);
    put_number(writer, state->term);
    put_number(writer, state->vote);
    put_number(writer, state->leader);
    put_number(writer, state->commit);
    put_number(writer, state->applied);
    put_number(writer, state->stable);
    put_number(writer, state->first);
    put_number(writer, state->last);
    put_number(writer, state->unsynced);
    put_text(writer, state->terms);
    put_text(writer, state->configuration);
}

static void put_note(struct writer *writer, const struct record_event *event) {
    put_number(writer, event->begin_ns / NS_PER_US);
    put_signed(writer, event->node);
    put_text(writer, event->words);
}

static void take_event(void *context, const struct record_event *event) {
    struct writer *writer = context;
    if (event->kind != writer->wanted) return;
    begin_row(writer);
    switch (event->kind) {
    case RECORD_MESSAGE: put_message(writer, event); break;
    case RECORD_DISK: put_disk(writer, event); break;
    case RECORD_STATE: put_state(writer, event); break;
    case RECORD_NOTE: put_note(writer, event); break;
    }
    end_row(writer);
}

static void put_events(struct writer *writer, const struct record *record, const char *name, enum record_kind kind) {
    const struct record_visitor visitor = {.event = take_event, .context = writer};
    writer->wanted = kind;
    begin_list(writer, name);
    record_visit(record, &visitor);
    put(writer, "],\n");
}

static void take_gap(void *context, uint64_t from_ns, uint64_t to_ns, uint64_t events) {
    struct writer *writer = context;
    begin_row(writer);
    put_number(writer, from_ns / NS_PER_US);
    put_number(writer, to_ns / NS_PER_US);
    put_number(writer, events);
    end_row(writer);
}

static void pass_by(void *context, const struct record_event *event) {
    (void)context;
    (void)event;
}

static void put_gaps(struct writer *writer, const struct record *record) {
    const struct record_visitor visitor = {.gap = take_gap, .event = pass_by, .context = writer};
    begin_list(writer, "gaps");
    record_visit(record, &visitor);
    put(writer, "],\n");
}

/* ---- Faults and commands ----------------------------------------------------------------------------------------- */

static void put_faults(struct writer *writer, const struct record *record) {
    begin_list(writer, "faults");
    for (size_t i = 0; i < record_fault_count(record); i++) {
        const struct record_fault *fault = record_fault_at(record, i);
        begin_row(writer);
        put_number(writer, fault->from_ns / NS_PER_US);
        put_signed(writer, fault->to_ns == UINT64_MAX ? -1 : (int64_t)(fault->to_ns / NS_PER_US));
        put_text(writer, fault->kind);
        put_number(writer, fault->nodes);
        put_number(writer, fault->others);
        put_number(writer, fault->cuts);
        put_number(writer, fault->is_one_way);
        put_text(writer, fault->words);
        end_row(writer);
    }
    put(writer, "],\n");
}

void trace_operations_take(void *context, const struct world_operation *operation) {
    struct trace_operations *operations = context;
    struct world_operation *kept = &operations->items[operations->told++ % TRACE_OPERATIONS_MAX];
    *kept = *operation;
    kept->tokens = NULL;
    kept->token_count = 0;
}

static void put_operation(struct writer *writer, const struct world_operation *operation) {
    static const char *const outcomes[] = {"no answer", "done", "refused", "outcome unknown"};
    begin_row(writer);
    put_number(writer, operation->invoked_ns / NS_PER_US);
    put_signed(writer, operation->outcome == WORLD_PENDING ? -1 : (int64_t)(operation->returned_ns / NS_PER_US));
    put_number(writer, operation->client);
    put_text(writer, world_action_row(operation->action)->name);
    put_number(writer, operation->key);
    put_number(writer, operation->token);
    put_signed(writer, operation->number);
    put_text(writer, outcomes[operation->outcome]);
    end_row(writer);
}

static void put_operations(struct writer *writer, const struct trace_operations *operations) {
    const uint64_t told = operations->told;
    const uint64_t first = told > TRACE_OPERATIONS_MAX ? told - TRACE_OPERATIONS_MAX : 0;
    put_field(writer, "operationsLeftOut", first);
    begin_list(writer, "operations");
    for (uint64_t i = first; i < told; i++) put_operation(writer, &operations->items[i % TRACE_OPERATIONS_MAX]);
    put(writer, "],\n");
}

/* ---- The page ---------------------------------------------------------------------------------------------------- */

static void put_head(struct writer *writer, const struct trace_run *run) {
    put(writer, "{");
    if (writer->status == STATUS_OK) /* a string: a number of JavaScript has 53 bits */
        writer->status = buf_append_format(writer->to, "\"seed\":\"%" PRIu64 "\",", run->plan->seed);
    put_field(writer, "nodes", run->plan->nodes);
    put_field(writer, "clients", run->plan->clients);
    put_field(writer, "end", record_end_ns(run->record) / NS_PER_US);
    put_field(writer, "told", record_event_count(run->record));
    put_field(writer, "leftOut", record_left_out(run->record));
    put_field(writer, "broken", record_end_ns(run->record) / NS_PER_US); /* the run ends where a promise is broken */
    if (writer->status == STATUS_OK)
        writer->status = buf_append_format(writer->to, "\"verdict\":\"%s\",\"hash\":\"%016" PRIx64 "\",\"text\":",
                                           world_verdict_name(run->report->verdict), run->report->trace_hash);
    if (writer->status == STATUS_OK) writer->status = trace_string_print(writer->to, run->report->text);
    put(writer, ",\n");
}

/* As --plan reads it. */
static void put_plan(struct writer *writer, const struct fault_plan *plan) {
    struct buf text = BUF_EMPTY;
    put(writer, "\"plan\":");
    if (writer->status == STATUS_OK) writer->status = fault_plan_print(&text, plan);
    if (writer->status == STATUS_OK) writer->status = buf_append_byte(&text, 0);
    if (writer->status == STATUS_OK) writer->status = trace_string_print(writer->to, (const char *)text.data);
    put(writer, ",\n");
    buf_deinit(&text);
}

static void put_data(struct writer *writer, const struct trace_run *run) {
    put_head(writer, run);
    put_plan(writer, run->plan);
    put_gaps(writer, run->record);
    put_events(writer, run->record, "messages", RECORD_MESSAGE);
    put_events(writer, run->record, "disks", RECORD_DISK);
    put_events(writer, run->record, "states", RECORD_STATE);
    put_events(writer, run->record, "notes", RECORD_NOTE);
    put_faults(writer, run->record);
    put_operations(writer, run->operations);
    put(writer, "\"strings\":");
    if (writer->status == STATUS_OK) writer->status = trace_strings_print(writer->to, &writer->strings);
    put(writer, "}");
}

static void put_asset(struct writer *writer, enum trace_asset asset) {
    if (writer->status == STATUS_OK) writer->status = buf_append_slice(writer->to, trace_asset_get(asset));
}

struct page {
    struct writer *writer;
    const struct trace_run *run;
};

static enum status put_part(void *context, struct buf *to, struct slice name) {
    const struct page *page = context;
    struct writer *writer = page->writer;
    (void)to; /* the writer's own */
    if (slice_equal(name, slice_from_text("style"))) {
        put_asset(writer, TRACE_STYLE);
    } else if (slice_equal(name, slice_from_text("data"))) {
        put_data(writer, page->run);
    } else {
        for (enum trace_asset asset = TRACE_DATA; asset <= TRACE_CONTROLS; asset++) put_asset(writer, asset);
    }
    return writer->status;
}

enum status trace_page_make(struct buf *to, const struct trace_run *run) {
    struct writer writer = {.to = to};
    struct page page = {.writer = &writer, .run = run};
    const enum status status = web_page_fill(to, trace_asset_get(TRACE_FRAME), put_part, &page);
    trace_strings_deinit(&writer.strings);
    return status;
}

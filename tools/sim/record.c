#include "tools/sim/record.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/list.h"
#include "tools/sim/sim_alloc.h"

enum {
    CHUNKS_LEAST = 4,
    MARKS_MAX = 1024,
    TEXT_FIRST_BYTES = 16384,
};
/* A fault works on behind its moment. */
#define BEFORE_MARK_NS UINT64_C(50000000)
#define AFTER_MARK_NS UINT64_C(150000000)

/* An event whose texts are places in its chunk's. */
struct kept {
    struct record_event event;
    uint32_t words, more;
};

struct chunk {
    struct list link;
    uint64_t before; /* events that were told before its first */
    uint64_t from_ns, to_ns;
    size_t count, told; /* told: without the states that it begins with */
    char *texts;        /* the first is "" */
    size_t text_size, text_capacity;
    struct kept events[RECORD_CHUNK_EVENTS + RECORD_NODES_MAX];
};

/* What a node showed last. */
struct shown {
    bool is_any;
    struct record_state state;
    char terms[RECORD_WORDS_BYTES], configuration[RECORD_WORDS_BYTES];
};

struct record {
    struct record_options options;
    struct list chunks;
    size_t chunk_count;
    struct shown shown[RECORD_NODES_MAX];
    struct record_fault faults[RECORD_FAULTS_MAX];
    size_t fault_count;
    uint64_t marks[MARKS_MAX];
    size_t mark_count;
    uint64_t told, end_ns;
};

/* ---- Life -------------------------------------------------------------------------------------------------------- */

struct record *record_create(const struct record_options *options) {
    struct record *record = sim_alloc(sizeof *record);
    check(options->nodes <= RECORD_NODES_MAX);
    record->options = *options;
    if (record->options.chunk_limit == 0) record->options.chunk_limit = RECORD_CHUNKS_DEFAULT;
    if (record->options.chunk_limit < CHUNKS_LEAST) record->options.chunk_limit = CHUNKS_LEAST;
    list_init(&record->chunks);
    return record;
}

static void chunk_destroy(struct chunk *chunk) {
    sim_free(chunk->texts);
    sim_free(chunk);
}

void record_destroy(struct record *record) {
    struct list *link;
    if (record == NULL) return;
    while ((link = list_pop_front(&record->chunks)) != NULL) chunk_destroy(list_entry(link, struct chunk, link));
    sim_free(record);
}

/* ---- Chunks ------------------------------------------------------------------------------------------------------ */

void record_mark(struct record *record, uint64_t at_ns) {
    if (record->mark_count < MARKS_MAX) record->marks[record->mark_count++] = at_ns;
}

static bool is_near_a_mark(const struct record *record, const struct chunk *chunk) {
    for (size_t i = 0; i < record->mark_count; i++) {
        const uint64_t mark = record->marks[i];
        if (chunk->from_ns <= mark + AFTER_MARK_NS && chunk->to_ns + BEFORE_MARK_NS >= mark) return true;
    }
    return false;
}

static void leave_one_out(struct record *record) {
    struct chunk *victim = list_entry(record->chunks.next, struct chunk, link);
    size_t place = 0;
    for (struct list *link = record->chunks.next; link != &record->chunks; link = link->next, place++) {
        struct chunk *chunk = list_entry(link, struct chunk, link);
        if (place >= record->chunk_count - record->options.chunk_limit / 3) break;
        if (is_near_a_mark(record, chunk)) continue;
        victim = chunk;
        break;
    }
    list_remove(&victim->link);
    chunk_destroy(victim);
    record->chunk_count--;
}

/* Where the text stands. */
static uint32_t keep_text(struct chunk *chunk, const char *text) {
    size_t size = strnlen(text, RECORD_WORDS_BYTES - 1);
    if (size == 0) return 0;
    if (chunk->text_size + size + 1 > chunk->text_capacity) {
        size_t grown = chunk->text_capacity * 2 + RECORD_WORDS_BYTES;
        chunk->texts = sim_grow(chunk->texts, chunk->text_size, grown);
        chunk->text_capacity = grown;
    }
    const uint32_t place = (uint32_t)chunk->text_size;
    memcpy(chunk->texts + place, text, size);
    chunk->texts[place + size] = '\0';
    chunk->text_size += size + 1;
    return place;
}

static void put(struct chunk *chunk, const struct record_event *event, const char *words, const char *more) {
    check(chunk->count < RECORD_CHUNK_EVENTS + RECORD_NODES_MAX);
    struct kept *kept = &chunk->events[chunk->count++];
    kept->event = *event;
    kept->words = keep_text(chunk, words);
    kept->more = keep_text(chunk, more);
    if (event->end_ns > chunk->to_ns) chunk->to_ns = event->end_ns;
}

static void put_state(struct chunk *chunk, uint64_t at_ns, int node, const struct shown *shown) {
    const struct record_event event = {
        .kind = RECORD_STATE, .node = node, .begin_ns = at_ns, .end_ns = at_ns, .state = shown->state};
    put(chunk, &event, shown->terms, shown->configuration);
}

static struct chunk *begin_chunk(struct record *record, uint64_t at_ns) {
    if (record->chunk_count == record->options.chunk_limit) leave_one_out(record);
    struct chunk *chunk = sim_alloc_dirty(sizeof *chunk);
    chunk->before = record->told;
    chunk->from_ns = chunk->to_ns = at_ns;
    chunk->count = chunk->told = 0;
    chunk->text_capacity = TEXT_FIRST_BYTES;
    chunk->texts = sim_alloc_dirty(chunk->text_capacity);
    chunk->texts[0] = '\0';
    chunk->text_size = 1;
    list_push_back(&record->chunks, &chunk->link);
    record->chunk_count++;
    for (unsigned i = 0; i < record->options.nodes; i++)
        if (record->shown[i].is_any) put_state(chunk, at_ns, (int)i, &record->shown[i]);
    return chunk;
}

/* Where the next event goes. */
static struct chunk *room(struct record *record, uint64_t at_ns) {
    struct chunk *chunk = NULL;
    if (record->chunk_count > 0) chunk = list_entry(record->chunks.prev, struct chunk, link);
    if (chunk == NULL || chunk->told == RECORD_CHUNK_EVENTS) chunk = begin_chunk(record, at_ns);
    chunk->told++;
    record->told++;
    return chunk;
}

/* ---- What is told ------------------------------------------------------------------------------------------------ */

void record_message(struct record *record, const struct record_message *message) {
    struct record_words words = {.kind = "message"};
    if (record->options.describe != NULL) record->options.describe(message->bytes, &words);
    const struct record_event event = {
        .kind = RECORD_MESSAGE,
        .node = message->from,
        .begin_ns = message->sent_ns,
        .end_ns = message->ended_ns,
        .message = {
            .to = message->to, .fate = message->fate, .marks = message->marks, .kind = words.kind, .term = words.term}};
    put(room(record, message->ended_ns), &event, words.words, "");
}

void record_disk(struct record *record, int node, const char *what, const char *path, uint64_t offset, uint64_t size,
                 uint64_t begin_ns, uint64_t end_ns, enum status status) {
    const struct record_event event = {
        .kind = RECORD_DISK,
        .node = node,
        .begin_ns = begin_ns,
        .end_ns = end_ns,
        .disk = {.what = what, .offset = offset, .size = size, .status = status},
    };
    put(room(record, end_ns), &event, path, "");
}

static bool is_same(const struct record_state *a, const struct record_state *b) {
    return strcmp(a->condition, b->condition) == 0 && strcmp(a->role, b->role) == 0 && a->term == b->term &&
           a->vote == b->vote && a->leader == b->leader && a->commit == b->commit && a->applied == b->applied &&
           a->stable == b->stable && a->first == b->first && a->last == b->last && a->unsynced == b->unsynced;
}

void record_state(struct record *record, uint64_t at_ns, int node, const struct record_state *state) {
    if (node < 0 || (unsigned)node >= record->options.nodes) return;
    struct shown *shown = &record->shown[node];
    if (shown->is_any && is_same(state, &shown->state) && strcmp(state->terms, shown->terms) == 0 &&
        strcmp(state->configuration, shown->configuration) == 0)
        return;
    struct chunk *chunk = room(record, at_ns);
    shown->is_any = true;
    shown->state = *state;
    (void)snprintf(shown->terms, sizeof shown->terms, "%s", state->terms);
    (void)snprintf(shown->configuration, sizeof shown->configuration, "%s", state->configuration);
    put_state(chunk, at_ns, node, shown);
}

void record_note(struct record *record, uint64_t at_ns, int node, const char *line) {
    const struct record_event event = {.kind = RECORD_NOTE, .node = node, .begin_ns = at_ns, .end_ns = at_ns};
    put(room(record, at_ns), &event, line, "");
}

size_t record_fault_begin(struct record *record, const struct record_fault *fault) {
    record_mark(record, fault->from_ns);
    if (record->fault_count == RECORD_FAULTS_MAX) {
        record_note(record, fault->from_ns, -1, fault->words);
        return SIZE_MAX;
    }
    struct record_fault *kept = &record->faults[record->fault_count];
    *kept = *fault;
    kept->to_ns = fault->is_moment ? fault->from_ns : UINT64_MAX;
    return record->fault_count++;
}

void record_fault_end(struct record *record, size_t number, uint64_t at_ns) {
    record_mark(record, at_ns);
    if (number < record->fault_count) record->faults[number].to_ns = at_ns;
}

void record_end(struct record *record, uint64_t at_ns) {
    record->end_ns = at_ns;
}

/* ---- What is given out ------------------------------------------------------------------------------------------- */

uint64_t record_end_ns(const struct record *record) {
    return record->end_ns;
}

uint64_t record_event_count(const struct record *record) {
    return record->told;
}

uint64_t record_left_out(const struct record *record) {
    uint64_t there = 0;
    for (struct list *link = record->chunks.next; link != &record->chunks; link = link->next)
        there += list_entry(link, struct chunk, link)->told;
    return record->told - there;
}

size_t record_fault_count(const struct record *record) {
    return record->fault_count;
}

const struct record_fault *record_fault_at(const struct record *record, size_t number) {
    return &record->faults[number];
}

static void visit_chunk(const struct chunk *chunk, const struct record_visitor *visitor) {
    for (size_t i = 0; i < chunk->count; i++) {
        struct record_event event = chunk->events[i].event;
        event.words = chunk->texts + chunk->events[i].words;
        if (event.kind == RECORD_STATE) {
            event.state.terms = event.words;
            event.state.configuration = chunk->texts + chunk->events[i].more;
        }
        visitor->event(visitor->context, &event);
    }
}

void record_visit(const struct record *record, const struct record_visitor *visitor) {
    uint64_t told = 0, until_ns = 0;
    for (struct list *link = record->chunks.next; link != &record->chunks; link = link->next) {
        const struct chunk *chunk = list_entry(link, struct chunk, link);
        if (chunk->before > told && visitor->gap != NULL)
            visitor->gap(visitor->context, until_ns, chunk->from_ns, chunk->before - told);
        visit_chunk(chunk, visitor);
        told = chunk->before + chunk->told;
        until_ns = chunk->to_ns;
    }
}

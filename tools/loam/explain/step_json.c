/* step_json: see step_json.h. */
#include "tools/loam/explain/step_json.h"

#include <stdio.h>

#include "tools/loam/explain/damage.h"
#include "tools/loam/explain/step_text.h"
#include "tools/loam/terminal.h"

void step_json_subject(struct json *json, const struct subject *subject, const char *what) {
    char room[32];
    json_text(json, "explain", what);
    json_text(json, "dir", subject->dir);
    json_text(json, "store", subject->where);
    json_text(json, "tree", subject_tree_name(subject, room));
    json_number(json, "tree_id", subject->tree_id);
    if (subject->is_open) json_number(json, "index", engine_applied(subject->store.engine).index);
}

static const char *kind_name(enum engine_step_kind kind) {
    static const char *const names[] = {"memtable", "level",   "file",    "open",  "cover", "filter", "index",
                                        "block",    "stretch", "version", "entry", "value", "fold"};
    return names[kind];
}

static void add_file(struct json *json, const struct steps *steps, const struct told_step *told) {
    const struct engine_step *step = &told->step;
    json_number(json, "level", step->level);
    json_number(json, "file", step->file);
    json_text(json, "answer", step_answer_name(step->answer));
    json_number(json, "entries", step->entries);
    json_number(json, "file_bytes", step->file_bytes);
    json_number(json, "first_sequence", step->first_sequence);
    json_number(json, "last_sequence", step->last_sequence);
    json_text(json, "keys", steps_words(steps, told->key));
}

static void add_read(struct json *json, const struct engine_step *step) {
    json_number(json, "file", step->file);
    if (step->kind == ENGINE_STEP_BLOCK) {
        json_number(json, "at", step->at);
        json_number(json, "count", step->count);
    }
    json_number(json, "offset", step->offset);
    json_number(json, "bytes", step->bytes);
    json_number(json, "ns", step->ns);
    if (step->kind != ENGINE_STEP_STRETCH) json_text(json, "from", step_from_name(step->from));
    json_text(json, "status", status_text(step->status));
}

static void add_version(struct json *json, const struct steps *steps, const struct told_step *told) {
    const struct engine_step *step = &told->step;
    if (step->kind == ENGINE_STEP_ENTRY) {
        json_text(json, "key", steps_words(steps, told->key));
        if (step->memtable == ENGINE_MEMTABLE_NONE)
            json_number(json, "file", step->file);
        else
            json_number(json, "memtable", step->memtable);
    }
    json_number(json, "sequence", step->sequence);
    json_text(json, "entry", step_entry_name(step->entry));
    json_text(json, "effect", step_effect_name(step->effect));
    json_bool(json, "apart", step->apart);
    json_number(json, "value_bytes", told->value_bytes);
    json_text(json, "value", steps_words(steps, told->value));
}

static void add_members(struct json *json, const struct steps *steps, const struct told_step *told) {
    const struct engine_step *step = &told->step;
    switch (step->kind) {
    case ENGINE_STEP_MEMTABLE:
        json_number(json, "memtable", step->memtable);
        json_number(json, "entries", step->entries);
        json_bool(json, "hit", step->hit);
        break;
    case ENGINE_STEP_LEVEL:
        json_number(json, "level", step->level);
        json_number(json, "count", step->count);
        json_bool(json, "hit", step->hit);
        break;
    case ENGINE_STEP_FILE: add_file(json, steps, told); break;
    case ENGINE_STEP_OPEN:
        json_number(json, "file", step->file);
        json_bool(json, "apart", step->apart);
        json_number(json, "ns", step->ns);
        json_text(json, "status", status_text(step->status));
        break;
    case ENGINE_STEP_COVER: json_number(json, "sequence", step->sequence); break;
    case ENGINE_STEP_FILTER:
        json_number(json, "bits", step->count);
        json_bool(json, "hit", step->hit);
        break;
    case ENGINE_STEP_INDEX:
        json_number(json, "at", step->at);
        json_number(json, "count", step->count);
        break;
    case ENGINE_STEP_BLOCK:
    case ENGINE_STEP_STRETCH:
    case ENGINE_STEP_VALUE: add_read(json, step); break;
    case ENGINE_STEP_VERSION:
    case ENGINE_STEP_ENTRY: add_version(json, steps, told); break;
    case ENGINE_STEP_FOLD:
        json_number(json, "count", step->count);
        json_text(json, "status", status_text(step->status));
        break;
    }
}

void step_json_steps(struct json *json, const struct steps *steps) {
    json_open_array(json, "steps");
    for (size_t i = 0; i < steps->count; i++) {
        const struct told_step *told = &steps->items[i];
        json_open_object(json, NULL);
        json_text(json, "step", told->is_row ? "row" : kind_name(told->step.kind));
        if (told->is_row) {
            json_text(json, "key", steps_words(steps, told->key));
            json_number(json, "value_bytes", told->value_bytes);
            json_text(json, "value", steps_words(steps, told->value));
        } else {
            add_members(json, steps, told);
        }
        json_close_object(json);
    }
    json_close_array(json);
    json_number(json, "steps_left_out", steps->left_out);
}

void step_json_cost(struct json *json, const struct steps *steps) {
    struct steps_cost cost;
    steps_sum(steps, &cost);
    json_open_object(json, "cost");
    json_number(json, "memtables", cost.memtables);
    json_number(json, "files_asked", cost.files_asked);
    json_number(json, "files_passed", cost.files_passed);
    json_number(json, "filters", cost.filters);
    json_number(json, "filters_negative", cost.filters_negative);
    json_number(json, "filters_wrong", cost.filters_wrong);
    json_number(json, "blocks_read", cost.blocks_read);
    json_number(json, "blocks_cached", cost.blocks_cached);
    json_number(json, "blocks_ahead", cost.blocks_ahead);
    json_number(json, "values_read", cost.values_read);
    json_number(json, "entries", cost.entries);
    json_number(json, "bytes_read", cost.bytes_read);
    json_number(json, "read_ns", cost.read_ns);
    json_close_object(json);
}

void step_json_failure(const struct subject *subject, enum status status) {
    struct buf lines = BUF_EMPTY, text = BUF_EMPTY;
    const char *why = subject->error.text[0] ? subject->error.text : status_text(status);
    enum status made = STATUS_OK;
    if (subject_is_damage(status) && !subject->is_open) made = damage_add_closed(&lines, subject);
    if (made == STATUS_OK && subject->json) {
        struct json json;
        json_begin(&json, &text);
        json_text(&json, "dir", subject->dir);
        json_text(&json, "status", status_text(status));
        json_text(&json, "error", why);
        json_lines(&json, "damage", &lines);
        made = json_end(&json);
        terminal_print(buf_slice(&text));
    } else if (lines.size) {
        terminal_print(buf_slice(&lines));
    }
    (void)fprintf(stderr, "loam explain: %s\n", made == STATUS_OK ? why : status_text(made));
    buf_deinit(&lines);
    buf_deinit(&text);
}

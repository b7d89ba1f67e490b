/* shape_json: the shape for programs; the members are listed in tools/loam/README.md. Keys are told as hexadecimal
 * digits, which lose nothing, and in words. */
#include <inttypes.h>

#include "tools/loam/inspect/shape/key_words.h"
#include "tools/loam/inspect/shape/shape.h"

void shape_json_sums(struct out *out, const struct state_sums *sums) {
    out_print(out,
              "\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"entries\":%" PRIu64 ",\"deletes\":%" PRIu64
              ",\"operands\":%" PRIu64 ",\"range_deletes\":%" PRIu64 ",\"hidden\":%" PRIu64
              ",\"tombstone_thousandths\":%" PRIu32 ",\"oldest_ms\":",
              sums->files, sums->bytes, sums->entries, sums->deletes, sums->operands, sums->range_deletes, sums->hidden,
              state_tombstone_thousandths(sums));
    if (sums->files)
        out_print(out, "%" PRId64, sums->oldest_ms);
    else
        out_print(out, "null");
}

static void put_text(struct out *out, const char *name, const char *text) {
    out_print(out, ",\"%s\":", name);
    out_json(out, text);
}

void shape_json_findings(struct out *out, const struct findings *findings) {
    out_print(out, "\"findings\":[");
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        out_print(out, "%s\n  {\"weight\":\"%s\",\"offset\":", i ? "," : "", finding_weight_name(finding->weight));
        if (finding->has_offset)
            out_print(out, "%" PRIu64, finding->offset);
        else
            out_print(out, "null");
        put_text(out, "file", finding->file);
        put_text(out, "what", finding->what);
        put_text(out, "affected", finding->lost);
        put_text(out, "to_do", finding->advice);
        out_print(out, "}");
    }
    out_print(out, "],\"notes\":%" PRIu64 ",\"torn\":%" PRIu64 ",\"corrupt\":%" PRIu64, findings->counts[FINDING_NOTE],
              findings->counts[FINDING_TORN], findings->counts[FINDING_CORRUPT]);
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static void put_key(struct out *out, const char *name, struct slice key) {
    out_print(out, ",\"%s_hex\":\"", name);
    for (size_t i = 0; i < key.size; i++) out_print(out, "%02x", key.data[i]);
    out_print(out, "\"");
}

static void put_time(struct out *out, const char *name, int64_t time_ms, bool is_never) {
    if (is_never)
        out_print(out, ",\"%s\":null", name);
    else
        out_print(out, ",\"%s\":%" PRId64, name, time_ms);
}

void shape_json_file(struct out *out, const struct shape_history *history, const struct edit_file *file) {
    const struct shape_history_tree *tree = shape_history_find_tree(history, file->instance);
    struct state_sums sums = {.files = 0};
    char words[KEY_WORDS_BYTES];
    state_sums_add(&sums, file);
    out_print(out,
              "\"file\":%" PRIu64 ",\"store\":\"%016" PRIx64 "\",\"built_as\":%" PRIu64 ",\"tree\":%" PRIu32
              ",\"instance\":%" PRIu32 ",\"level\":%" PRIu32 ",",
              file->number, file->store, edit_file_identity(file), tree ? tree->tree.tree : 0, file->instance,
              file->level);
    out_print(out,
              "\"bytes\":%" PRIu64 ",\"entries\":%" PRIu64 ",\"deletes\":%" PRIu64 ",\"operands\":%" PRIu64
              ",\"range_deletes\":%" PRIu64 ",\"hidden\":%" PRIu64 ",\"tombstone_thousandths\":%" PRIu32,
              file->bytes, file->entries, file->deletes, file->operands, file->range_deletes, file->hidden,
              state_tombstone_thousandths(&sums));
    key_words(history, file->instance, file->first, words);
    put_text(out, "first", words);
    put_key(out, "first", file->first);
    if (file->has_last) {
        key_words(history, file->instance, file->last, words);
        put_text(out, "last", words);
        put_key(out, "last", file->last);
    } else {
        out_print(out, ",\"last\":null,\"last_hex\":null");
    }
    out_print(out, ",\"last_exclusive\":%s,\"first_sequence\":%" PRIu64 ",\"last_sequence\":%" PRIu64,
              file->last_exclusive ? "true" : "false", file->first_sequence, file->last_sequence);
    put_time(out, "created_ms", file->created_ms, false);
    put_time(out, "oldest_ms", file->oldest_ms, false);
    put_time(out, "droppable_ms", file->droppable_ms, file->droppable_ms == INT64_MAX);
}

static void put_overlap(struct out *out, const struct state_row *row) {
    out_print(out, ",\"beside_files\":%" PRIu32 ",\"beside_bytes\":%" PRIu64 ",\"below_level\":", row->beside.files,
              row->beside.bytes);
    if (row->below_level < ENGINE_LEVELS)
        out_print(out, "%" PRIu32, row->below_level);
    else
        out_print(out, "null");
    out_print(out, ",\"below_files\":%" PRIu32 ",\"below_bytes\":%" PRIu64, row->below.files, row->below.bytes);
}

static void put_files(struct out *out, const struct shape *shape) {
    const struct state *state = &shape->state;
    const struct shape_history *history = state->history;
    out_print(out, "\"files\":[");
    for (size_t i = 0; i < state->count; i++) {
        const struct shape_history_file *file = state_file(state, i);
        out_print(out, "%s\n  {", i ? "," : "");
        shape_json_file(out, history, &file->meta);
        put_overlap(out, &state->rows[i]);
        out_print(out, ",\"added_by\":%" PRIu64 ",\"removed_by\":", history->edits[file->born].number);
        if (file->gone == HISTORY_STAYS)
            out_print(out, "null");
        else
            out_print(out, "%" PRIu64, history->edits[file->gone].number);
        put_text(out, "cause", shape_cause_name(shape, state->rows[i].file));
        put_text(out, "state", judged_name(shape_judged(shape, state->rows[i].file)));
        out_print(out, "}");
    }
    out_print(out, "]");
}

/* ---- Levels and trees -------------------------------------------------------------------------------------------- */

static void put_levels(struct out *out, const struct state_sums levels[ENGINE_LEVELS]) {
    out_print(out, "\"levels\":[");
    for (unsigned i = 0; i < ENGINE_LEVELS; i++) {
        out_print(out, "%s{\"level\":%u,", i ? "," : "", i);
        shape_json_sums(out, &levels[i]);
        out_print(out, "}");
    }
    out_print(out, "]");
}

static void put_trees(struct out *out, const struct state *state) {
    char name[TREE_WORDS_BYTES];
    out_print(out, "\"trees\":[");
    for (size_t i = 0; i < state->tree_count; i++) {
        const struct shape_history_tree *tree = shape_history_find_tree(state->history, state->trees[i].instance);
        tree_words(state->history, state->trees[i].instance, name);
        out_print(out, "%s\n  {\"tree\":%" PRIu32 ",\"instance\":%" PRIu32 ",\"kind\":%" PRIu32, i ? "," : "",
                  tree->tree.tree, tree->tree.instance, tree->tree.kind);
        put_text(out, "name", name);
        out_print(out, ",");
        shape_json_sums(out, &state->trees[i].sums);
        out_print(out, ",");
        put_levels(out, state->trees[i].levels);
        out_print(out, "}");
    }
    out_print(out, "]");
}

static void put_values(struct out *out, const struct state *state) {
    out_print(out,
              "\"values\":{\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"records\":%" PRIu64 ",\"used_bytes\":%" PRIu64
              ",\"used_records\":%" PRIu64 "}",
              state->value_files, state->value_bytes, state->value_records, state->used_value_bytes,
              state->used_value_records);
}

/* ---- Edits ------------------------------------------------------------------------------------------------------- */

static void put_edit(struct out *out, const struct shape_history_edit *edit) {
    out_print(out,
              "{\"edit\":%" PRIu64 ",\"cause\":\"%s\",\"job\":%" PRIu64 ",\"time_ms\":%" PRId64 ",\"offset\":%" PRIu64
              ",\"mark\":",
              edit->number, edit_cause_name(edit->cause), edit->job, edit->time_ms, edit->offset);
    if (edit->has_mark)
        out_print(out, "{\"index\":%" PRIu64 ",\"term\":%" PRIu64 ",\"sequence\":%" PRIu64 "}", edit->mark.index,
                  edit->mark.term, edit->last_sequence);
    else
        out_print(out, "null");
    out_print(out,
              ",\"added_files\":%" PRIu32 ",\"removed_files\":%" PRIu32 ",\"created_trees\":%" PRIu32
              ",\"dropped_trees\":%" PRIu32,
              edit->added, edit->removed, edit->created, edit->dropped);
}

static void put_change(struct out *out, const struct edit_file *file, bool is_first) {
    out_print(out, "%s{\"file\":%" PRIu64 ",\"instance\":%" PRIu32 ",\"level\":%" PRIu32 ",\"bytes\":%" PRIu64 "}",
              is_first ? "" : ",", file->number, file->instance, file->level, file->bytes);
}

static void put_shown(struct out *out, const struct shape *shape) {
    const struct shape_history *history = &shape->source.history;
    const struct shape_history_edit *edit = &history->edits[shape->state.at];
    out_print(out, "\"shown\":");
    put_edit(out, edit);
    out_print(out, ",\"added\":[");
    for (uint32_t i = 0; i < edit->added; i++) put_change(out, &history->files[edit->added_at + i].meta, i == 0);
    out_print(out, "],\"removed\":[");
    for (uint32_t i = 0; i < edit->removed; i++)
        put_change(out, &history->files[history->removed[edit->removed_at + i]].meta, i == 0);
    out_print(out,
              "]},\n \"index\":%" PRIu64 ",\"term\":%" PRIu64 ",\"sequence\":%" PRIu64 ",\"format_level\":%" PRIu32,
              shape->state.mark.index, shape->state.mark.term, shape->state.last_sequence, shape->state.format_level);
}

static void put_history(struct out *out, const struct shape_history *history) {
    out_print(out, ",\n \"history\":[");
    for (size_t i = 0; i < history->edit_count; i++) {
        out_print(out, "%s\n  ", i ? "," : "");
        put_edit(out, &history->edits[i]);
        out_print(out, "}");
    }
    out_print(out, "]");
}

void shape_json_orphans(struct out *out, const struct judgement *judgement) {
    out_print(out, "\"orphans\":[");
    for (size_t i = 0; i < judgement->orphan_count; i++) {
        const struct judged_orphan *orphan = &judgement->orphans[i];
        out_print(out, "%s{\"file\":%" PRIu64 ",\"kind\":\"%s\",\"bytes\":%" PRIu64, i ? "," : "", orphan->number,
                  orphan->is_values ? "values" : "sst", orphan->bytes);
        put_text(out, "own_word", orphan->what);
        out_print(out, "}");
    }
    out_print(out, "]");
}

static void put_manifest(struct out *out, const struct shape *shape) {
    const struct shape_history *history = &shape->source.history;
    out_print(out, "\"manifest\":");
    if (history->edit_count == 0) {
        out_print(out, "null");
        return;
    }
    out_print(out, "{\"number\":%" PRIu64 ",\"store\":\"%016" PRIx64 "\",\"generation\":%" PRIu64 ",\"bytes\":%" PRIu64,
              history->id.number, history->id.store, history->id.generation, history->bytes);
    put_text(out, "file", shape->source.manifest_name);
    out_print(out, ",\"first_edit\":%" PRIu64 ",\"last_edit\":%" PRIu64 "}", history->edits[0].number,
              history->edits[history->edit_count - 1].number);
}

void shape_json(struct out *out, const struct shape *shape, bool edits) {
    const struct state *state = &shape->state;
    out_print(out, "{\"schema\":1,\"path\":");
    out_json(out, shape->given);
    put_text(out, "directory", shape->source.dir);
    put_text(out, "verdict", findings_verdict(&shape->findings));
    out_print(out, ",\n ");
    put_manifest(out, shape);
    out_print(out, ",\n ");
    shape_json_findings(out, &shape->findings);
    out_print(out, ",\n ");
    shape_json_orphans(out, &shape->judgement);
    if (shape->has_state) {
        out_print(out, ",\n ");
        put_shown(out, shape);
        out_print(out, ",\n \"all\":{");
        shape_json_sums(out, &state->all);
        out_print(out, "},\n ");
        put_levels(out, state->levels);
        out_print(out, ",\n ");
        put_trees(out, state);
        out_print(out, ",\n ");
        put_values(out, state);
        out_print(out, ",\n ");
        put_files(out, shape);
        if (edits) put_history(out, &shape->source.history);
    }
    out_print(out, "}\n");
}

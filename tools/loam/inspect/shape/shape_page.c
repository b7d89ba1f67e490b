/*
 * shape_page: the page for a browser. It gets each edit and each file once, the file with the edits that added it and
 * took it away, as differences to the one before; what stood at an edit it finds by itself. Where that would be more
 * than a browser likes, the oldest edits are left out, and the page says so.
 */
#include <inttypes.h>

#include "tools/loam/inspect/shape/key_words.h"
#include "tools/loam/inspect/shape/page_keys.h"
#include "tools/loam/inspect/shape/shape.h"
#include "tools/loam/web_page.h"

EMBED(shape_frame, "tools/loam/inspect/shape/shape.html");
EMBED(shape_style, "tools/loam/inspect/shape/shape.css");
EMBED(shape_script, "tools/loam/inspect/shape/shape.js");

enum { PAGE_EDITS_MAX = 100000, PAGE_DATA_MAX_BYTES = 48 << 20, PAGE_KEY_BYTES = 72 };

static void put_text(struct out *out, const char *name, const char *text) {
    out_print(out, ",\"%s\":", name);
    out_json(out, text);
}

static void put_head(struct out *out, const struct shape *shape, uint32_t from) {
    const struct shape_history *history = &shape->source.history;
    out_print(out, "{\"schema\":1,\"path\":");
    out_json(out, shape->given);
    put_text(out, "manifest", shape->source.manifest_name);
    put_text(out, "verdict", findings_verdict(&shape->findings));
    out_print(out,
              ",\"store\":\"%016" PRIx64 "\",\"generation\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"first\":%" PRIu64
              ",\"left_out\":%" PRIu32 ",\"shown\":%" PRIu32 ",\"judged\":%s,\n",
              history->id.store, history->id.generation, history->bytes,
              history->edit_count ? history->edits[from].number : 0, from,
              shape->has_state && shape->state.at > from ? shape->state.at - from : 0,
              shape->source.dir[0] ? "true" : "false");
    shape_json_findings(out, &shape->findings);
    out_print(out, ",\n");
    shape_json_orphans(out, &shape->judgement);
    out_print(out, ",\n\"causes\":[\"\"");
    for (unsigned cause = 1; cause <= EDIT_UPGRADE; cause++) out_print(out, ",\"%s\"", edit_cause_name((uint8_t)cause));
    out_print(out, "],\"states\":[");
    for (enum judged judged = JUDGED_NOT; judged <= JUDGED_UNREADABLE; judged++)
        out_print(out, "%s\"%s\"", judged ? "," : "", judged_name(judged));
    out_print(out, "]");
}

/* [cause, job, time since the edit before, place in the manifest in pages, trees made, trees dropped, index, term,
 * sequence]; the last three only where there is a mark. */
static void put_edits(struct out *out, const struct shape_history *history, uint32_t from) {
    int64_t time_ms = 0;
    out_print(out, ",\n\"edits\":[");
    for (size_t i = from; i < history->edit_count; i++) {
        const struct shape_history_edit *edit = &history->edits[i];
        out_print(out, "%s[%u,%" PRIu64 ",%" PRId64 ",%" PRIu64 ",%" PRIu32 ",%" PRIu32, i > from ? "," : "",
                  edit->cause, edit->job, (int64_t)((uint64_t)edit->time_ms - (uint64_t)time_ms),
                  edit->offset / IO_PAGE_BYTES, edit->created, edit->dropped);
        if (edit->has_mark)
            out_print(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, edit->mark.index, edit->mark.term, edit->last_sequence);
        out_print(out, "]");
        time_ms = edit->time_ms;
    }
    out_print(out, "]");
}

/* [instance, name, where its keys begin] */
static void put_trees(struct out *out, const struct shape_history *history, const struct page_keys *keys) {
    char name[TREE_WORDS_BYTES];
    size_t key = 0;
    out_print(out, ",\n\"trees\":[");
    for (size_t i = 0; i < history->tree_count; i++) {
        const uint32_t instance = history->trees[i].tree.instance;
        while (key < keys->count && keys->items[key].instance < instance) key++;
        tree_words(history, instance, name);
        out_print(out, "%s[%" PRIu32 ",", i ? "," : "", instance);
        out_json(out, name);
        out_print(out, ",%zu]", key);
    }
    out_print(out, "]");
}

static void put_keys(struct out *out, const struct shape_history *history, const struct page_keys *keys) {
    char words[KEY_WORDS_BYTES];
    out_print(out, ",\n\"keys\":[");
    for (size_t i = 0; i < keys->count; i++) {
        key_words(history, keys->items[i].instance, keys->items[i].key, words);
        if (strlen(words) > PAGE_KEY_BYTES) memcpy(words + PAGE_KEY_BYTES - 2, "..", 3);
        out_print(out, "%s", i ? "," : "");
        out_json(out, words);
    }
    out_print(out, "]");
}

/*
 * [edits since the file before, edits that it stayed (0 = to the end), number since the file before, instance, level,
 * bytes, entries, deletes, range deletes, hidden, first key, keys to the last (-1 = to the end of the tree), 1 if the
 * last is not in it, age of its oldest data at its edit, state]
 */
static void put_files(struct out *out, const struct shape *shape, const struct page_keys *keys, uint32_t from) {
    const struct shape_history *history = &shape->source.history;
    uint64_t number = 0;
    uint32_t born = 0;
    bool is_first = true;
    out_print(out, ",\n\"files\":[");
    for (size_t i = 0; i < history->file_count; i++) {
        const struct shape_history_file *file = &history->files[i];
        const struct edit_file *meta = &file->meta;
        if (file->gone <= from) continue;
        const uint32_t at = file->born > from ? file->born - from : 0;
        const size_t first = page_keys_find(keys, meta->instance, meta->first);
        const size_t last = meta->has_last ? page_keys_find(keys, meta->instance, meta->last) : 0;
        out_print(out, "%s[%" PRIu32 ",%" PRIu32 ",%" PRId64 ",%" PRIu32 ",%" PRIu32 ",%" PRIu64, is_first ? "" : ",",
                  at - born, file->gone == HISTORY_STAYS ? 0 : file->gone - from - at, (int64_t)(meta->number - number),
                  meta->instance, meta->level, meta->bytes);
        out_print(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%zu,%" PRId64 ",%u,%" PRId64 ",%u]",
                  meta->entries, meta->deletes, meta->range_deletes, meta->hidden, first,
                  meta->has_last ? (int64_t)last - (int64_t)first : -1, meta->has_last && meta->last_exclusive,
                  (int64_t)((uint64_t)history->edits[file->born].time_ms - (uint64_t)meta->oldest_ms),
                  (unsigned)shape_judged(shape, (uint32_t)i));
        is_first = false;
        number = meta->number;
        born = at;
    }
    out_print(out, "]");
}

static enum status put_object(struct out *out, const struct shape *shape, uint32_t from) {
    const struct shape_history *history = &shape->source.history;
    struct page_keys keys;
    const enum status status = page_keys_make(&keys, history, from);
    if (status == STATUS_OK) {
        put_head(out, shape, from);
        put_edits(out, history, from);
        put_trees(out, history, &keys);
        put_keys(out, history, &keys);
        put_files(out, shape, &keys, from);
        out_print(out, "}\n");
    }
    page_keys_deinit(&keys);
    return status;
}

/* With as many of the last edits as fit. */
static void make_object(struct out *object, const struct shape *shape) {
    const uint32_t count = (uint32_t)shape->source.history.edit_count;
    for (uint32_t kept = count < PAGE_EDITS_MAX ? count : PAGE_EDITS_MAX;; kept = (kept + 1) / 2) {
        buf_clear(&object->text);
        const enum status status = put_object(object, shape, count - kept);
        if (object->status == STATUS_OK) object->status = status;
        if (object->status != STATUS_OK || object->text.size <= PAGE_DATA_MAX_BYTES || kept <= 1) return;
    }
}

static enum status put_part(void *context, struct buf *to, struct slice name) {
    const struct out *object = context;
    if (slice_equal(name, slice_from_text("style"))) return buf_append_slice(to, EMBEDDED(shape_style));
    if (slice_equal(name, slice_from_text("script"))) return buf_append_slice(to, EMBEDDED(shape_script));
    return web_page_put_json(to, buf_slice(&object->text));
}

void shape_page(struct out *out, const struct shape *shape) {
    struct out object = {.status = STATUS_OK};
    make_object(&object, shape);
    if (object.status == STATUS_OK) object.status = web_page_fill(&out->text, EMBEDDED(shape_frame), put_part, &object);
    if (out->status == STATUS_OK) out->status = object.status;
    buf_deinit(&object.text);
}

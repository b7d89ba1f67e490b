/*
 * step_text: see step_text.h. A get looks for files that may hold the key before it asks any (their filters are fetched
 * together); here each stands where it is asked.
 */
#include "tools/loam/explain/step_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WAYS = 6 };

const char *step_entry_name(enum engine_step_entry entry) {
    static const char *const names[] = {"delete", "put", "merge operand", "append"};
    return names[entry];
}

const char *step_effect_name(enum engine_step_effect effect) {
    static const char *const names[] = {"shown", "operand", "deleted", "covered", "older", "newer", "expired"};
    return names[effect];
}

const char *step_from_name(enum engine_step_from from) {
    static const char *const names[] = {"cache", "file", "stretch"};
    return names[from];
}

const char *step_answer_name(enum engine_step_answer answer) {
    static const char *const names[] = {"candidate", "asked", "outside", "newer", "prefix", "hidden"};
    return names[answer];
}

/* ---- One step ---------------------------------------------------------------------------------------------------- */

static enum status add_time(struct buf *to, uint64_t ns) {
    return buf_append_format(to, "%" PRIu64 ".%" PRIu64 " us", ns / 1000, ns / 100 % 10);
}

static enum status add_status(struct buf *to, enum status failed) {
    return failed == STATUS_OK ? STATUS_OK : buf_append_format(to, ": %s", status_text(failed));
}

static enum status add_block(struct buf *to, const struct engine_step *step) {
    enum status status =
        buf_append_format(to, "block %" PRIu32 " of %" PRIu32 " at offset %" PRIu64 ", %" PRIu64 " bytes, %s, ",
                          step->at, step->count, step->offset, step->bytes,
                          step->from == ENGINE_FROM_FILE    ? "read from the file"
                          : step->from == ENGINE_FROM_CACHE ? "in the cache"
                                                            : "read ahead");
    if (status == STATUS_OK) status = add_time(to, step->ns);
    return status == STATUS_OK ? add_status(to, step->status) : status;
}

static enum status add_value_step(struct buf *to, const struct engine_step *step) {
    enum status status = buf_append_format(
        to, "value kept apart: file of values %" PRIu64 ", offset %" PRIu64 ", %" PRIu64 " bytes, %s, ", step->file,
        step->offset, step->bytes, step->from == ENGINE_FROM_FILE ? "read from the file" : "in the cache");
    if (status == STATUS_OK) status = add_time(to, step->ns);
    return status == STATUS_OK ? add_status(to, step->status) : status;
}

static enum status add_open(struct buf *to, const struct engine_step *step) {
    enum status status = buf_append_format(to, "%s %" PRIu64 " %s", step->apart ? "file of values" : "file", step->file,
                                           step->status == STATUS_OK ? "is opened" : "can't be opened");
    return status == STATUS_OK ? add_status(to, step->status) : status;
}

static const char *effect_words(const struct engine_step *step) {
    switch (step->effect) {
    case ENGINE_EFFECT_SHOWN: return "it counts, nothing older is looked for";
    case ENGINE_EFFECT_OPERAND: return "an operand: what it is folded onto is older";
    case ENGINE_EFFECT_DELETED: return "nothing older is to be seen";
    case ENGINE_EFFECT_COVERED: return "hidden by a newer range delete";
    default: return step_effect_name(step->effect);
    }
}

static enum status add_version(struct buf *to, const struct steps *steps, const struct told_step *told) {
    const struct engine_step *step = &told->step;
    enum status status = buf_append_format(to, "%s of sequence %" PRIu64, step_entry_name(step->entry), step->sequence);
    if (status == STATUS_OK && step->apart)
        status = buf_append_format(to, ", its value is kept apart");
    else if (status == STATUS_OK && step->entry != ENGINE_ENTRY_DELETE)
        status = buf_append_format(to, ", %zu bytes, %s", told->value_bytes, steps_words(steps, told->value));
    return status == STATUS_OK ? buf_append_format(to, ": %s", effect_words(step)) : status;
}

static enum status add_filter(struct buf *to, const struct engine_step *step) {
    if (step->count == 0) return buf_append_format(to, "it has no filter");
    return buf_append_format(to, "filter of %" PRIu32 " bits a key: %s", step->count,
                             step->hit ? "may have it" : "has it not");
}

static enum status add_index(struct buf *to, const struct engine_step *step) {
    if (step->at == step->count) return buf_append_format(to, "index: behind its last entry");
    return buf_append_format(to, "index: block %" PRIu32 " of %" PRIu32 " is the one", step->at, step->count);
}

static enum status add_memtable(struct buf *to, const struct engine_step *step, const char *miss) {
    enum status status = step->memtable == 0 ? buf_append_format(to, "memtable, %" PRIu64 " entries", step->entries)
                                             : buf_append_format(to, "sealed memtable %" PRIu32 ", %" PRIu64 " entries",
                                                                 step->memtable, step->entries);
    if (status == STATUS_OK && step->entries > 0)
        status =
            buf_append_format(to, ", sequences %" PRIu64 " to %" PRIu64, step->first_sequence, step->last_sequence);
    return status == STATUS_OK && !step->hit ? buf_append_format(to, ": %s", miss) : status;
}

static enum status add_step(struct buf *to, const struct steps *steps, const struct told_step *told) {
    const struct engine_step *step = &told->step;
    switch (step->kind) {
    case ENGINE_STEP_OPEN: return add_open(to, step);
    case ENGINE_STEP_COVER:
        return buf_append_format(to, "a range delete of sequence %" PRIu64 " covers the key", step->sequence);
    case ENGINE_STEP_FILTER: return add_filter(to, step);
    case ENGINE_STEP_INDEX: return add_index(to, step);
    case ENGINE_STEP_BLOCK: return add_block(to, step);
    case ENGINE_STEP_VERSION: return add_version(to, steps, told);
    case ENGINE_STEP_VALUE: return add_value_step(to, step);
    case ENGINE_STEP_FOLD:
        return buf_append_format(to, "%" PRIu32 " operands are folded: %s", step->count, status_text(step->status));
    default: return STATUS_OK;
    }
}

static enum status add_line(struct buf *to, const struct steps *steps, const struct told_step *told, int indent) {
    enum status status = buf_append_format(to, "%*s", indent, "");
    if (status == STATUS_OK) status = add_step(to, steps, told);
    return status == STATUS_OK ? buf_append_byte(to, '\n') : status;
}

/* ---- A get ------------------------------------------------------------------------------------------------------- */

static bool is_search(const struct engine_step *step) {
    return step->kind == ENGINE_STEP_LEVEL || (step->kind == ENGINE_STEP_FILE && step->answer != ENGINE_FILE_ASKED);
}

/* The value behind a reference, and folding, come once all versions were met. */
static bool is_end(const struct engine_step *step) {
    return step->kind == ENGINE_STEP_VALUE || step->kind == ENGINE_STEP_FOLD ||
           (step->kind == ENGINE_STEP_OPEN && step->apart);
}

static enum status add_memtables(struct buf *to, const struct steps *steps) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < steps->count && status == STATUS_OK; i++) {
        const struct told_step *told = &steps->items[i];
        if (is_search(&told->step)) continue;
        if (told->step.kind == ENGINE_STEP_FILE) break;
        if (is_end(&told->step)) continue;
        if (told->step.kind != ENGINE_STEP_MEMTABLE) {
            status = add_line(to, steps, told, 4);
            continue;
        }
        status = add_memtable(to, &told->step, "its filter says it has not the key");
        if (status == STATUS_OK) status = buf_append_byte(to, '\n');
    }
    return status;
}

/* What a file that was asked said; false: it was not asked. */
static bool add_asked(struct buf *to, const struct steps *steps, uint64_t file, enum status *status) {
    size_t at = 0;
    while (at < steps->count &&
           !(steps->items[at].step.kind == ENGINE_STEP_FILE && steps->items[at].step.answer == ENGINE_FILE_ASKED &&
             steps->items[at].step.file == file))
        at++;
    if (at == steps->count) return false;
    bool found = false, passed = false;
    for (at++; at < steps->count && *status == STATUS_OK; at++) {
        const struct told_step *told = &steps->items[at];
        if (is_search(&told->step)) continue;
        if (told->step.kind == ENGINE_STEP_FILE || is_end(&told->step)) break;
        *status = add_line(to, steps, told, 8);
        found |= told->step.kind == ENGINE_STEP_VERSION || told->step.status != STATUS_OK;
        passed |= told->step.kind == ENGINE_STEP_FILTER && told->step.hit;
    }
    if (passed && !found && *status == STATUS_OK) *status = buf_append_format(to, "        it is not there\n");
    return true;
}

static enum status add_file(struct buf *to, const struct steps *steps, const struct told_step *told) {
    static const char *const ways[WAYS] = {"",
                                           "",
                                           "the key is outside of it",
                                           "all of it is newer than what is read",
                                           "its filter says that no key of it begins so",
                                           "a newer range delete hides all of it"};
    const struct engine_step *step = &told->step;
    enum status status =
        buf_append_format(to,
                          "    file %" PRIu64 ", %" PRIu64 " entries in %" PRIu64 " bytes, sequences %" PRIu64
                          " to %" PRIu64 ", keys %s%s%s\n",
                          step->file, step->entries, step->file_bytes, step->first_sequence, step->last_sequence,
                          steps_words(steps, told->key), *ways[step->answer] ? ": " : "", ways[step->answer]);
    if (status != STATUS_OK || step->answer != ENGINE_FILE_CANDIDATE) return status;
    if (add_asked(to, steps, step->file, &status)) return status;
    return buf_append_format(to, "        not asked: the answer was there before\n");
}

static enum status add_levels(struct buf *to, const struct steps *steps) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < steps->count && status == STATUS_OK; i++) {
        const struct told_step *told = &steps->items[i];
        if (told->step.kind == ENGINE_STEP_LEVEL)
            status = buf_append_format(to, "level %" PRIu32 ", %" PRIu32 " file%s%s\n", told->step.level,
                                       told->step.count, told->step.count == 1 ? "" : "s",
                                       told->step.hit ? "" : ": all of their keys are smaller");
        else if (told->step.kind == ENGINE_STEP_FILE && told->step.answer != ENGINE_FILE_ASKED)
            status = add_file(to, steps, told);
    }
    return status;
}

enum status step_text_get(struct buf *to, const struct steps *steps) {
    enum status status = add_memtables(to, steps);
    if (status == STATUS_OK) status = add_levels(to, steps);
    for (size_t i = 0; i < steps->count && status == STATUS_OK; i++)
        if (is_end(&steps->items[i].step)) status = add_line(to, steps, &steps->items[i], 0);
    return status;
}

/* ---- Why, and for how much --------------------------------------------------------------------------------------- */

enum status step_text_why(struct buf *to, const struct steps *steps) {
    const struct told_step *failed = steps_failed(steps);
    uint64_t file = 0, cover = 0;
    const struct engine_step *last = NULL;
    if (failed) return buf_append_format(to, "a read failed: what is older was not asked, as it might be wrong");
    for (size_t i = 0; i < steps->count; i++) {
        const struct engine_step *step = &steps->items[i].step;
        if (step->kind == ENGINE_STEP_FILE && step->answer == ENGINE_FILE_ASKED) file = step->file;
        if (step->kind == ENGINE_STEP_COVER) cover = step->sequence;
        if (step->kind == ENGINE_STEP_VERSION) last = step;
    }
    char place[64] = "the memtable";
    if (file) (void)snprintf(place, sizeof place, "file %" PRIu64, file);
    if (last && last->effect == ENGINE_EFFECT_SHOWN)
        return buf_append_format(to, "the put of sequence %" PRIu64 " in %s decides", last->sequence, place);
    if (last && last->effect == ENGINE_EFFECT_DELETED)
        return buf_append_format(to, "the delete of sequence %" PRIu64 " in %s decides", last->sequence, place);
    if (cover)
        return buf_append_format(
            to, "the range delete of sequence %" PRIu64 " in %s decides: all that is older is deleted", cover, place);
    return buf_append_format(to, "nothing older is left: everything that may have the key was asked");
}

enum status step_text_cost(struct buf *to, const struct steps *steps) {
    struct steps_cost cost;
    steps_sum(steps, &cost);
    enum status status =
        buf_append_format(to, "cost: %" PRIu64 " memtables, %" PRIu64 " files asked", cost.memtables, cost.files_asked);
    if (status == STATUS_OK && cost.filters)
        status = buf_append_format(to, ", %" PRIu64 " filters (%" PRIu64 " said no, %" PRIu64 " were wrong)",
                                   cost.filters, cost.filters_negative, cost.filters_wrong);
    if (status == STATUS_OK)
        status = buf_append_format(to, ", %" PRIu64 " blocks read, %" PRIu64 " in the cache", cost.blocks_read,
                                   cost.blocks_cached);
    if (status == STATUS_OK && cost.blocks_ahead)
        status = buf_append_format(to, ", %" PRIu64 " read ahead", cost.blocks_ahead);
    if (status == STATUS_OK && cost.values_read + cost.values_cached)
        status = buf_append_format(to, ", %" PRIu64 " values read, %" PRIu64 " in the cache", cost.values_read,
                                   cost.values_cached);
    if (status == STATUS_OK) status = buf_append_format(to, "; %" PRIu64 " bytes from files in ", cost.bytes_read);
    if (status == STATUS_OK) status = add_time(to, cost.read_ns);
    return status == STATUS_OK ? buf_append_byte(to, '\n') : status;
}

/* ---- A scan ------------------------------------------------------------------------------------------------------ */

/* Entries that were passed one behind the other, of one fate. */
struct passed {
    uint64_t counts[ENGINE_EFFECT_EXPIRED + 1];
    uint64_t all;
};

static enum status end_passed(struct buf *to, struct passed *passed) {
    static const char *const words[] = {"",
                                        "operands to be folded",
                                        "deletes",
                                        "hidden by a newer range delete",
                                        "older versions of a key that was decided",
                                        "newer than what is read",
                                        "whose time is over"};
    enum status status = STATUS_OK;
    if (passed->all == 0) return status;
    status = buf_append_format(to, "    %" PRIu64 " entries passed:", passed->all);
    bool goes_on = false;
    for (size_t i = 1; i < sizeof words / sizeof words[0] && status == STATUS_OK; i++) {
        if (passed->counts[i] == 0) continue;
        status = buf_append_format(to, "%s %" PRIu64 " %s", goes_on ? "," : "", passed->counts[i], words[i]);
        goes_on = true;
    }
    *passed = (struct passed){.all = 0};
    return status == STATUS_OK ? buf_append_byte(to, '\n') : status;
}

static enum status add_stretch(struct buf *to, const struct engine_step *step) {
    enum status status = buf_append_format(to, "file %" PRIu64 ": %" PRIu64 " bytes read ahead at offset %" PRIu64 ", ",
                                           step->file, step->bytes, step->offset);
    if (status == STATUS_OK) status = add_time(to, step->ns);
    return status == STATUS_OK ? add_status(to, step->status) : status;
}

/* Where operands were folded without a base, the walk stands at the next key already: the entry is not the row's. */
static bool is_of_row(const struct steps *steps, const struct told_step *entry, const struct told_step *row) {
    return entry && strcmp(steps_words(steps, entry->key), steps_words(steps, row->key)) == 0;
}

static enum status add_row(struct buf *to, const struct steps *steps, const struct told_step *told,
                           const struct told_step **pending) {
    enum status status =
        buf_append_format(to, "row %s -> %s", steps_words(steps, told->key), steps_words(steps, told->value));
    if (status != STATUS_OK || !is_of_row(steps, *pending, told)) return status;
    const struct engine_step *entry = &(*pending)->step;
    *pending = NULL;
    status = buf_append_format(to, " (%s of sequence %" PRIu64 ", ", step_entry_name(entry->entry), entry->sequence);
    if (status != STATUS_OK) return status;
    return entry->memtable == ENGINE_MEMTABLE_NONE ? buf_append_format(to, "file %" PRIu64 ")", entry->file)
                                                   : buf_append_format(to, "memtable)");
}

/* One step of the walk; *pending is the entry that a row may be of. */
static enum status add_walk(struct buf *to, const struct steps *steps, const struct told_step *told,
                            const struct told_step **pending, struct passed *passed) {
    const struct engine_step *step = &told->step;
    if (!told->is_row && step->kind == ENGINE_STEP_ENTRY) {
        if (step->effect == ENGINE_EFFECT_SHOWN) {
            *pending = told;
            return STATUS_OK;
        }
        passed->counts[step->effect]++;
        passed->all++;
        return STATUS_OK;
    }
    enum status status = end_passed(to, passed);
    if (status == STATUS_OK && told->is_row) {
        status = add_row(to, steps, told, pending);
    } else if (status == STATUS_OK && step->kind == ENGINE_STEP_FILE) {
        status = buf_append_format(to, "    file %" PRIu64 " is entered", step->file);
    } else if (status == STATUS_OK && step->kind == ENGINE_STEP_BLOCK) {
        status = buf_append_format(to, "    file %" PRIu64 ": ", step->file);
        if (status == STATUS_OK) status = add_block(to, step);
    } else if (status == STATUS_OK) {
        status = buf_append_format(to, "    ");
        if (status == STATUS_OK)
            status = step->kind == ENGINE_STEP_STRETCH ? add_stretch(to, step) : add_step(to, steps, told);
    }
    return status == STATUS_OK ? buf_append_byte(to, '\n') : status;
}

/* Memtables, levels and files, as the scan takes them in before its first move. */
static enum status add_taken(struct buf *to, const struct steps *steps, const struct told_step *told) {
    static const char *const ways[WAYS] = {"may hold rows of it",
                                           "is in the merge",
                                           "is outside",
                                           "is newer than what is read",
                                           "has no key that begins so, by its filter",
                                           "is hidden by a newer range delete"};
    const struct engine_step *step = &told->step;
    enum status status = STATUS_OK;
    switch (step->kind) {
    case ENGINE_STEP_MEMTABLE: status = add_memtable(to, step, "nothing of the tree"); break;
    case ENGINE_STEP_LEVEL:
        status = buf_append_format(to, "level %" PRIu32 ", %" PRIu32 " file%s%s", step->level, step->count,
                                   step->count == 1 ? "" : "s", step->hit ? "" : ": outside");
        break;
    case ENGINE_STEP_FILE:
        status = buf_append_format(to, "    file %" PRIu64 ", %" PRIu64 " entries, keys %s: %s", step->file,
                                   step->entries, steps_words(steps, told->key), ways[step->answer]);
        break;
    default:
        status = buf_append_format(to, "    ");
        if (status == STATUS_OK) status = add_step(to, steps, told);
    }
    return status == STATUS_OK ? buf_append_byte(to, '\n') : status;
}

static bool begins_walk(const struct told_step *told) {
    if (told->is_row || told->step.kind == ENGINE_STEP_BLOCK || told->step.kind == ENGINE_STEP_ENTRY) return true;
    return told->step.kind == ENGINE_STEP_FILE && told->step.answer == ENGINE_FILE_ASKED && told->step.level > 0;
}

enum status step_text_scan(struct buf *to, const struct steps *steps) {
    struct passed passed = {.all = 0};
    const struct told_step *pending = NULL;
    enum status status = STATUS_OK;
    size_t i = 0;
    for (; i < steps->count && status == STATUS_OK && !begins_walk(&steps->items[i]); i++)
        status = add_taken(to, steps, &steps->items[i]);
    if (status == STATUS_OK && i < steps->count) status = buf_append_format(to, "the walk\n");
    for (; i < steps->count && status == STATUS_OK; i++)
        status = add_walk(to, steps, &steps->items[i], &pending, &passed);
    if (status == STATUS_OK) status = end_passed(to, &passed);
    if (status != STATUS_OK || steps->left_out == 0) return status;
    return buf_append_format(to, "%" PRIu64 " steps more are left out\n", steps->left_out);
}

/*
 * edit: encodes and decodes edits. Invariant: decode(encode(e)) = e, and encode(decode(b)) = b for bytes of this
 * version. Bytes: FORMAT.md, "edit".
 */
#include "engine/lsm/edit.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/coding.h"
#include "engine/lsm/edit_format.h"
#include "engine/lsm/format_level.h"

enum { EDIT_VERSION = 1 };

enum file_flag { FILE_HAS_LAST = 1, FILE_LAST_EXCLUSIVE = 2 };

const char *edit_cause_name(uint8_t cause) {
    switch (cause) {
#define X(number, name, text)                                                                                          \
    case number: return text;
        EDIT_CAUSE_LIST(X)
#undef X
    default: return "unknown";
    }
}

void edit_init(struct edit *edit, enum edit_cause cause) {
    *edit = (struct edit){.cause = (uint8_t)cause};
}

void edit_deinit(struct edit *edit) {
    free(edit->kinds);
    free(edit->created);
    free(edit->dropped);
    free(edit->added);
    free(edit->removed);
    free(edit->value_files);
    edit_init(edit, EDIT_CREATE);
}

/* Room for one more; returns the array, moved or not, or NULL. */
static void *grow(void *items, size_t count, size_t *capacity, size_t item_bytes) {
    if (count < *capacity) return items;
    const size_t more = *capacity ? *capacity * 2 : 4;
    void *grown = realloc(items, more * item_bytes);
    if (grown) *capacity = more;
    return grown;
}

enum status edit_add_kind(struct edit *edit, const struct edit_kind *kind) {
    void *grown = grow(edit->kinds, edit->kind_count, &edit->kind_capacity, sizeof *kind);
    if (!grown) return STATUS_NO_MEMORY;
    edit->kinds = grown;
    edit->kinds[edit->kind_count++] = *kind;
    return STATUS_OK;
}

enum status edit_create_tree(struct edit *edit, const struct edit_tree *tree) {
    void *grown = grow(edit->created, edit->created_count, &edit->created_capacity, sizeof *tree);
    if (!grown) return STATUS_NO_MEMORY;
    edit->created = grown;
    edit->created[edit->created_count++] = *tree;
    return STATUS_OK;
}

enum status edit_drop_tree(struct edit *edit, uint32_t instance) {
    void *grown = grow(edit->dropped, edit->dropped_count, &edit->dropped_capacity, sizeof instance);
    if (!grown) return STATUS_NO_MEMORY;
    edit->dropped = grown;
    edit->dropped[edit->dropped_count++] = instance;
    return STATUS_OK;
}

enum status edit_add_file(struct edit *edit, const struct edit_file *file) {
    void *grown = grow(edit->added, edit->added_count, &edit->added_capacity, sizeof *file);
    if (!grown) return STATUS_NO_MEMORY;
    edit->added = grown;
    edit->added[edit->added_count++] = *file;
    return STATUS_OK;
}

enum status edit_add_value_file(struct edit *edit, const struct edit_value_file *file) {
    void *grown = grow(edit->value_files, edit->value_file_count, &edit->value_file_capacity, sizeof *file);
    if (!grown) return STATUS_NO_MEMORY;
    edit->value_files = grown;
    edit->value_files[edit->value_file_count++] = *file;
    return STATUS_OK;
}

enum status edit_remove_file(struct edit *edit, const struct edit_removed *removed) {
    void *grown = grow(edit->removed, edit->removed_count, &edit->removed_capacity, sizeof *removed);
    if (!grown) return STATUS_NO_MEMORY;
    edit->removed = grown;
    edit->removed[edit->removed_count++] = *removed;
    return STATUS_OK;
}

/* ---- Encoding ---------------------------------------------------------------------------------------------------- */

/* Gathers a field's body, so that its length can stand before it; remembers the first failure. */
struct field_writer {
    struct buf *to;
    struct buf body;
    enum status status;
};

static void put_number(struct field_writer *writer, uint64_t value) {
    if (writer->status == STATUS_OK) writer->status = encode_varint(&writer->body, value);
}

static void put_time(struct field_writer *writer, int64_t time_ms) {
    put_number(writer, coding_zigzag(time_ms));
}

static void put_text(struct field_writer *writer, struct slice text) {
    if (writer->status == STATUS_OK) writer->status = encode_string(&writer->body, text);
}

/* Every field of this version is required: a reader that does not know it must not go on. */
static void end_field(struct field_writer *writer, enum edit_field field) {
    if (writer->status == STATUS_OK) writer->status = encode_varint(writer->to, (uint64_t)field << 1 | 1);
    if (writer->status == STATUS_OK) writer->status = encode_string(writer->to, buf_slice(&writer->body));
    buf_clear(&writer->body);
}

static void put_number_attribute(struct field_writer *writer, enum edit_attribute attribute, uint64_t value) {
    uint8_t bytes[VARINT64_MAX_BYTES];
    put_number(writer, attribute);
    put_text(writer, slice_make(bytes, coding_put_varint(bytes, value)));
}

/* False: it has none, and older versions can read what stands there. */
static bool put_attributes(struct field_writer *writer, const struct edit_file *file) {
    if (file->sequence) put_number_attribute(writer, ATTRIBUTE_SEQUENCE, file->sequence);
    if (file->built_as) put_number_attribute(writer, ATTRIBUTE_BUILT_AS, file->built_as);
    if (file->values.size) {
        put_number(writer, ATTRIBUTE_VALUES);
        put_text(writer, file->values);
    }
    if (file->hidden) put_number_attribute(writer, ATTRIBUTE_HIDDEN, file->hidden);
    return file->sequence || file->built_as || file->values.size || file->hidden;
}

static void put_file(struct field_writer *writer, const struct edit_file *file) {
    const uint64_t flags = (file->has_last ? FILE_HAS_LAST : 0u) | (file->last_exclusive ? FILE_LAST_EXCLUSIVE : 0u);
    put_number(writer, file->number);
    put_number(writer, file->store);
    put_number(writer, file->instance);
    put_number(writer, file->level);
    put_number(writer, file->bytes);
    put_number(writer, flags);
    put_text(writer, file->first);
    put_text(writer, file->last);
    put_number(writer, file->codec);
    put_number(writer, file->entries);
    put_number(writer, file->deletes);
    put_number(writer, file->operands);
    put_number(writer, file->range_deletes);
    put_number(writer, file->first_sequence);
    put_number(writer, file->last_sequence);
    put_time(writer, file->created_ms);
    put_time(writer, file->oldest_ms);
    put_time(writer, file->droppable_ms);
    end_field(writer, put_attributes(writer, file) ? FIELD_FILE_EXTENDED : FIELD_FILE_ADDED);
}

static void put_kinds_and_trees(struct field_writer *writer, const struct edit *edit) {
    for (size_t i = 0; i < edit->kind_count; i++) {
        put_number(writer, edit->kinds[i].id);
        put_text(writer, edit->kinds[i].name);
        put_text(writer, edit->kinds[i].merge);
        put_text(writer, edit->kinds[i].filter);
        end_field(writer, FIELD_KIND);
    }
    for (size_t i = 0; i < edit->created_count; i++) {
        put_number(writer, edit->created[i].instance);
        put_number(writer, edit->created[i].tree);
        put_number(writer, edit->created[i].kind);
        end_field(writer, FIELD_TREE_CREATED);
    }
    for (size_t i = 0; i < edit->dropped_count; i++) {
        put_number(writer, edit->dropped[i]);
        end_field(writer, FIELD_TREE_DROPPED);
    }
}

static void put_files(struct field_writer *writer, const struct edit *edit) {
    for (size_t i = 0; i < edit->removed_count; i++) {
        put_number(writer, edit->removed[i].number);
        put_number(writer, edit->removed[i].instance);
        put_number(writer, edit->removed[i].level);
        end_field(writer, FIELD_FILE_REMOVED);
    }
    for (size_t i = 0; i < edit->value_file_count; i++) {
        put_number(writer, edit->value_files[i].number);
        put_number(writer, edit->value_files[i].store);
        put_number(writer, edit->value_files[i].instance);
        put_number(writer, edit->value_files[i].bytes);
        put_number(writer, edit->value_files[i].records);
        end_field(writer, FIELD_VALUE_FILE);
    }
    for (size_t i = 0; i < edit->added_count; i++) put_file(writer, &edit->added[i]);
}

static void put_head(struct field_writer *writer, const struct edit *edit) {
    if (writer->status == STATUS_OK) writer->status = encode_u8(writer->to, EDIT_VERSION);
    if (writer->status == STATUS_OK) writer->status = encode_varint(writer->to, edit->number);
    if (writer->status == STATUS_OK) writer->status = encode_u8(writer->to, edit->cause);
    if (writer->status == STATUS_OK) writer->status = encode_varint(writer->to, edit->job);
    if (writer->status == STATUS_OK) writer->status = encode_varint(writer->to, coding_zigzag(edit->time_ms));
}

/* First of all fields: a reader that does not know the level shall say so, before it stumbles over anything else. */
static void put_level(struct field_writer *writer, uint32_t level) {
    char name[FORMAT_NAME_BYTES];
    if (level <= FORMAT_LEVEL_FIRST) return;
    put_text(writer, slice_make(name, format_level_name(level, name)));
    end_field(writer, FIELD_FEATURE);
}

enum status edit_encode(const struct edit *edit, struct buf *to) {
    struct field_writer writer = {.to = to, .body = BUF_EMPTY, .status = STATUS_OK};
    put_head(&writer, edit);
    put_level(&writer, edit->format_level);
    if (edit->has_mark) {
        put_number(&writer, edit->mark.index);
        put_number(&writer, edit->mark.term);
        put_time(&writer, edit->mark.time_ms);
        put_number(&writer, edit->last_sequence);
        end_field(&writer, FIELD_MARK);
    }
    if (edit->next_file || edit->next_instance) {
        put_number(&writer, edit->next_file);
        put_number(&writer, edit->next_instance);
        end_field(&writer, FIELD_COUNTERS);
    }
    put_kinds_and_trees(&writer, edit);
    put_files(&writer, edit);
    buf_deinit(&writer.body);
    return writer.status;
}

/* ---- Decoding ---------------------------------------------------------------------------------------------------- */

static uint32_t get_u32(struct decoder *body) {
    const uint64_t value = decode_varint(body);
    if (value > UINT32_MAX) body->failed = true;
    return (uint32_t)value;
}

static int64_t get_time(struct decoder *body) {
    return coding_unzigzag(decode_varint(body));
}

static struct slice get_key(struct decoder *body) {
    const struct slice key = decode_string(body);
    if (key.size > ENGINE_KEY_MAX_BYTES) body->failed = true;
    return key;
}

static enum status get_attribute(struct decoder *body, struct edit_file *file, struct error *error) {
    const uint64_t attribute = decode_varint(body);
    const struct slice bytes = decode_string(body);
    struct decoder value = decoder_make(bytes);
    if (body->failed) return STATUS_CORRUPT;
    switch (attribute) {
    case ATTRIBUTE_VALUES: file->values = bytes; return bytes.size ? STATUS_OK : STATUS_CORRUPT;
    case ATTRIBUTE_SEQUENCE: file->sequence = decode_varint(&value); break;
    case ATTRIBUTE_BUILT_AS: file->built_as = decode_varint(&value); break;
    case ATTRIBUTE_HIDDEN: file->hidden = decode_varint(&value); break;
    default:
        return error_set(error, STATUS_VERSION,
                         "file %" PRIu64 " has the attribute %" PRIu64 ", which this version does not know",
                         file->number, attribute);
    }
    return decoder_finished(&value) ? STATUS_OK : STATUS_CORRUPT;
}

static enum status get_file(struct decoder *body, bool extended, struct edit *edit, struct error *error) {
    struct edit_file file = {.number = decode_varint(body)};
    file.store = decode_varint(body);
    file.instance = get_u32(body);
    file.level = get_u32(body);
    file.bytes = decode_varint(body);
    const uint64_t flags = decode_varint(body);
    file.has_last = flags & FILE_HAS_LAST;
    file.last_exclusive = flags & FILE_LAST_EXCLUSIVE;
    file.first = get_key(body);
    file.last = get_key(body);
    file.codec = get_u32(body);
    file.entries = decode_varint(body);
    file.deletes = decode_varint(body);
    file.operands = decode_varint(body);
    file.range_deletes = decode_varint(body);
    file.first_sequence = decode_varint(body);
    file.last_sequence = decode_varint(body);
    file.created_ms = get_time(body);
    file.oldest_ms = get_time(body);
    file.droppable_ms = get_time(body);
    if (body->failed || flags > (FILE_HAS_LAST | FILE_LAST_EXCLUSIVE) || file.level >= ENGINE_LEVELS)
        return STATUS_CORRUPT;
    if (!file.has_last && (file.last.size || file.last_exclusive)) return STATUS_CORRUPT;
    while (extended && decoder_left(body) > 0) {
        const enum status status = get_attribute(body, &file, error);
        if (status != STATUS_OK) return status;
    }
    if (file.sequence && (file.first_sequence != file.sequence || file.last_sequence != file.sequence))
        return STATUS_CORRUPT;
    return edit_add_file(edit, &file);
}

/* The only features there are, so far, are levels. */
static enum status get_feature(struct decoder *body, struct edit *edit, struct error *error) {
    const struct slice name = decode_string(body);
    if (body->failed) return STATUS_CORRUPT;
    const uint32_t level = format_level_parse(name);
    if (level > FORMAT_LEVEL_FIRST && level <= FORMAT_LEVEL_LATEST) {
        if (edit->format_level) return STATUS_CORRUPT;
        edit->format_level = level;
        return STATUS_OK;
    }
    return error_set(error, STATUS_VERSION, "needs the feature \"%.*s\", which this version does not have",
                     (int)name.size, (const char *)name.data);
}

static enum status get_field(uint64_t field, struct decoder *body, struct edit *edit, struct error *error) {
    switch (field) {
    case FIELD_FEATURE: return get_feature(body, edit, error);
    case FIELD_MARK:
        edit->has_mark = true;
        edit->mark.index = decode_varint(body);
        edit->mark.term = decode_varint(body);
        edit->mark.time_ms = get_time(body);
        edit->last_sequence = decode_varint(body);
        return STATUS_OK;
    case FIELD_COUNTERS:
        edit->next_file = decode_varint(body);
        edit->next_instance = get_u32(body);
        return STATUS_OK;
    case FIELD_KIND: {
        struct edit_kind kind = {.id = get_u32(body)};
        kind.name = decode_string(body);
        kind.merge = decode_string(body);
        kind.filter = decode_string(body);
        return edit_add_kind(edit, &kind);
    }
    case FIELD_TREE_CREATED: {
        struct edit_tree tree = {.instance = get_u32(body)};
        tree.tree = get_u32(body);
        tree.kind = get_u32(body);
        return edit_create_tree(edit, &tree);
    }
    case FIELD_TREE_DROPPED: return edit_drop_tree(edit, get_u32(body));
    case FIELD_FILE_REMOVED: {
        struct edit_removed removed = {.number = decode_varint(body)};
        removed.instance = get_u32(body);
        removed.level = get_u32(body);
        return edit_remove_file(edit, &removed);
    }
    case FIELD_VALUE_FILE: {
        struct edit_value_file file = {.number = decode_varint(body)};
        file.store = decode_varint(body);
        file.instance = get_u32(body);
        file.bytes = decode_varint(body);
        file.records = decode_varint(body);
        return edit_add_value_file(edit, &file);
    }
    default: return get_file(body, field == FIELD_FILE_EXTENDED, edit, error);
    }
}

enum status edit_decode(struct slice bytes, struct edit *edit, struct error *error) {
    struct decoder decoder = decoder_make(bytes);
    const uint8_t version = decode_u8(&decoder);
    if (!decoder.failed && version != EDIT_VERSION)
        return error_set(error, STATUS_VERSION, "edit of version %u; this one reads %u", version, EDIT_VERSION);
    edit->number = decode_varint(&decoder);
    edit->cause = decode_u8(&decoder);
    edit->job = decode_varint(&decoder);
    edit->time_ms = get_time(&decoder);
    while (decoder_left(&decoder) > 0) {
        const uint64_t tag = decode_varint(&decoder);
        struct decoder body = decoder_make(decode_string(&decoder));
        if (decoder.failed) break;
        const uint64_t field = tag >> 1;
        if (field < FIELD_FEATURE || field > FIELD_VALUE_FILE) {
            if ((tag & 1) == 0) continue;
            return error_set(error, STATUS_VERSION,
                             "edit %" PRIu64 " has the required field %" PRIu64 ", which this version does not know",
                             edit->number, field);
        }
        const enum status status = get_field(field, &body, edit, error);
        if (status == STATUS_VERSION || status == STATUS_NO_MEMORY) return status;
        if (status != STATUS_OK || !decoder_finished(&body))
            return error_set(error, STATUS_CORRUPT, "edit %" PRIu64 ": malformed field %" PRIu64, edit->number, field);
    }
    if (!decoder_finished(&decoder))
        return error_set(error, STATUS_CORRUPT, "edit %" PRIu64 ": malformed", edit->number);
    return STATUS_OK;
}

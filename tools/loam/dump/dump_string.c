/* dump_string: see dump_items.h. A string of more than a megabyte comes in parts; its expiry, then, last. */
#include "tools/loam/dump/dump_items.h"
#include "tools/loam/reply_text.h"

enum status dump_expiry(struct dump_source *source, const struct dump_name *name) {
    if (name->expire_ms == 0) return STATUS_OK;
    dump_begin(source->writer, "PEXPIREAT", dump_name_slice(name));
    dump_args_number(dump_arguments(source->writer), (uint64_t)name->expire_ms);
    return dump_end(source->writer);
}

enum status dump_damaged(struct dump_source *source, const struct dump_name *name, enum status status,
                         const char *where) {
    enum { SHOWN_BYTES = 200 };
    struct buf quoted = BUF_EMPTY;
    if (source->writer->status != STATUS_OK) return status; /* it has said what is wrong */
    const size_t shown = name->size < SHOWN_BYTES ? name->size : SHOWN_BYTES;
    const enum status quoting = reply_text_quote(&quoted, slice_make(name->text, shown));
    const bool passed = dump_damage_pass(source->damage, status, source->error, "%.*s%s",
                                         quoting == STATUS_OK ? (int)quoted.size : 0, (const char *)quoted.data, where);
    buf_deinit(&quoted);
    return passed ? STATUS_OK : status;
}

static enum status put_parts(struct dump_source *source, const struct dump_name *name, struct slice value) {
    struct dump_writer *writer = source->writer;
    const bool is_whole = value.size <= DUMP_PART_BYTES;
    dump_begin(writer, "SET", dump_name_slice(name));
    dump_args_put(dump_arguments(writer), slice_make(value.data, is_whole ? value.size : DUMP_PART_BYTES));
    if (is_whole && name->expire_ms != 0) {
        dump_args_word(dump_arguments(writer), "PXAT");
        dump_args_number(dump_arguments(writer), (uint64_t)name->expire_ms);
    }
    enum status status = dump_end(writer);
    for (size_t at = DUMP_PART_BYTES; status == STATUS_OK && at < value.size; at += DUMP_PART_BYTES) {
        const size_t size = value.size - at < DUMP_PART_BYTES ? value.size - at : DUMP_PART_BYTES;
        dump_begin(writer, "SETRANGE", dump_name_slice(name));
        dump_args_number(dump_arguments(writer), at);
        dump_args_put(dump_arguments(writer), slice_make(value.data + at, size));
        status = dump_end(writer);
    }
    return status == STATUS_OK && !is_whole ? dump_expiry(source, name) : status;
}

enum status dump_string(struct dump_source *source, const struct dump_name *name) {
    struct name_row row;
    struct engine_value value;
    enum status status = names_get(source->view, dump_name_slice(name), &row, &value);
    if (status != STATUS_OK)
        return dump_damaged(source, name, status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status, "");
    status = put_parts(source, name, row.value);
    engine_value_release(&value);
    if (status == STATUS_OK) source->writer->counts.strings++;
    return status;
}

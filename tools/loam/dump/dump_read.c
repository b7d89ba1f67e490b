/* dump_read: see dump_read.h. What a command may be is judged in dump_check.c. */
#include "tools/loam/dump/dump_read.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/dump/dump_check.h"

enum { READ_BYTES = 256 << 10, HEADER_BYTES = 32 };

enum status dump_reader_open(struct dump_reader *reader, struct error *error) {
    resp_parser_init(&reader->parser, DUMP_COMMAND_MAX_BYTES);
    reader->hash = hash_stream_create(0);
    return reader->hash ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "%s", status_text(STATUS_NO_MEMORY));
}

void dump_reader_close(struct dump_reader *reader) {
    resp_parser_deinit(&reader->parser);
    hash_stream_destroy(reader->hash);
    buf_deinit(&reader->in);
    buf_deinit(&reader->name);
}

static enum status fault(const struct dump_reader *reader, enum status status, struct error *error, const char *why) {
    return error_set(error, status, "%s: offset %" PRIu64 ": %s", reader->path, reader->offset, why);
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

static enum status read_more(struct dump_reader *reader, struct error *error) {
    size_t got = 0;
    enum status status = buf_reserve(&reader->in, READ_BYTES);
    if (status == STATUS_OK)
        status = reader->read(reader->context, reader->in.data + reader->in.size, READ_BYTES, &got);
    if (status != STATUS_OK) return fault(reader, status, error, status_text(status));
    reader->in.size += got;
    if (got > 0) return STATUS_OK;
    if (reader->has_end && reader->in.size == 0) return STATUS_END;
    if (reader->has_end) return fault(reader, STATUS_CORRUPT, error, "bytes stand behind the end mark");
    return fault(reader, STATUS_TORN, error,
                 reader->has_head ? "the stream ends here, before its end mark: it was cut, or is not complete yet"
                                  : "the stream ends here, before its head");
}

static bool take_text(struct slice *bytes, const char *text, size_t size) {
    if (bytes->size < size || memcmp(bytes->data, text, size) != 0) return false;
    *bytes = slice_from(*bytes, size);
    return true;
}

static bool take_header(struct slice *bytes, char kind, size_t number) {
    char text[HEADER_BYTES];
    return take_text(bytes, text, (size_t)snprintf(text, sizeof text, "%c%zu\r\n", kind, number));
}

/* Redis passes over much that a dump does not write: its bytes are exactly these. */
static bool is_as_written(struct slice bytes, const struct slice *args, size_t count) {
    bool good = take_header(&bytes, '*', count);
    for (size_t i = 0; good && i < count; i++) {
        good = take_header(&bytes, '$', args[i].size) && bytes.size >= args[i].size;
        if (good) bytes = slice_from(bytes, args[i].size); /* the argument itself */
        good = good && take_text(&bytes, "\r\n", 2);
    }
    return good && bytes.size == 0;
}

static const char not_as_written[] = "this is no command as a dump has them";

/* Drops the last command, and parses the next: bytes[0, taken). */
static enum status parse(struct dump_reader *reader, struct error *error) {
    buf_consume(&reader->in, reader->taken);
    reader->offset += reader->taken;
    reader->taken = 0;
    for (;;) {
        const enum status parsed = resp_parser_next(&reader->parser, buf_slice(&reader->in));
        if (parsed == STATUS_SYNTAX || (parsed == STATUS_END && reader->parser.consumed > 0))
            return fault(reader, STATUS_CORRUPT, error, not_as_written);
        if (parsed == STATUS_OK) break;
        if (parsed != STATUS_END) return fault(reader, parsed, error, status_text(parsed));
        if (reader->in.size > DUMP_COMMAND_MAX_BYTES)
            return fault(reader, STATUS_TOO_LARGE, error, "the command is longer than 64 MiB");
        const enum status status = read_more(reader, error);
        if (status != STATUS_OK) return status;
    }
    reader->taken = reader->parser.consumed;
    const struct slice bytes = slice_make(reader->in.data, reader->taken);
    if (is_as_written(bytes, reader->parser.args, reader->parser.arg_count)) return STATUS_OK;
    return fault(reader, STATUS_CORRUPT, error, not_as_written);
}

/* ---- Marks ------------------------------------------------------------------------------------------------------- */

static enum status compare(const struct dump_reader *reader, const struct dump_counts *told, struct error *error) {
    struct dump_counts found = reader->counts;
    found.hash = hash_stream_value(reader->hash);
    found.missing = told->missing;
    if (found.bytes != told->bytes || found.hash != told->hash)
        return fault(reader, STATUS_CORRUPT, error,
                     "the commands before this end mark are not those that it was written for: their check is wrong");
    if (memcmp(&found, told, sizeof found) != 0)
        return fault(reader, STATUS_CORRUPT, error, "the end mark counts other things than there are");
    return STATUS_OK;
}

/* OK: it was a mark, and is taken. NOT_FOUND: it is none. */
static enum status take_mark(struct dump_reader *reader, struct error *error) {
    const struct resp_parser *parser = &reader->parser;
    struct dump_counts told;
    struct dump_head head;
    enum dump_mark mark = DUMP_NO_MARK;
    if (parser->arg_count == 2 && slice_equal(parser->args[0], slice_from_text("ECHO")))
        mark = dump_mark_parse(parser->args[1], &head, &told);
    if (mark == DUMP_LATER_VERSION) return fault(reader, STATUS_VERSION, error, "a later version's dump");
    if (mark == DUMP_BROKEN_MARK) return fault(reader, STATUS_CORRUPT, error, "the mark's check is wrong");
    if (!reader->has_head && mark != DUMP_HEAD)
        return fault(reader, STATUS_INVALID, error, "this is no dump: it does not begin with ECHO \"loam-dump ..\"");
    if (mark == DUMP_NO_MARK) return STATUS_NOT_FOUND;
    if (reader->has_head && mark == DUMP_HEAD) return fault(reader, STATUS_CORRUPT, error, "a second head");
    if (mark == DUMP_HEAD) reader->head = head;
    reader->has_head = true;
    reader->has_end = mark == DUMP_END;
    if (mark == DUMP_HEAD) return STATUS_OK;
    const enum status status = compare(reader, &told, error);
    reader->counts.missing = told.missing;
    return status;
}

enum status dump_reader_next(struct dump_reader *reader, struct dump_command *command, struct error *error) {
    enum status status;
    do {
        status = parse(reader, error);
        if (status != STATUS_OK) return status;
        if (reader->has_end) return fault(reader, STATUS_CORRUPT, error, "a command stands behind the end mark");
        status = take_mark(reader, error);
    } while (status == STATUS_OK);
    if (status != STATUS_NOT_FOUND) return status;
    hash_stream_update(reader->hash, slice_make(reader->in.data, reader->taken));
    reader->counts.bytes += reader->taken;
    reader->counts.commands++;
    *command = (struct dump_command){
        .args = reader->parser.args, .arg_count = reader->parser.arg_count, .offset = reader->offset};
    const char *why = NULL;
    status = dump_check_command(reader, command, &why);
    if (status == STATUS_INVALID) return fault(reader, STATUS_CORRUPT, error, why);
    return status == STATUS_OK ? STATUS_OK : fault(reader, status, error, status_text(status));
}

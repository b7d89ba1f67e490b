/* dump_write: see dump_write.h. */
#include "tools/loam/dump/dump_write.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/resp/resp_write.h"

enum { FLUSH_BYTES = 256 << 10 };

static enum status flush(struct dump_writer *writer, size_t above) {
    if (writer->status != STATUS_OK || writer->text.size <= above) return writer->status;
    writer->status = output_write(&writer->output, buf_slice(&writer->text), writer->error);
    buf_clear(&writer->text);
    return writer->status;
}

static void note(struct dump_writer *writer, enum status status) {
    if (writer->status != STATUS_OK || status == STATUS_OK) return;
    writer->status = error_set(writer->error, status, "%s", status_text(status));
}

void dump_args_clear(struct dump_args *args) {
    buf_clear(&args->bytes);
    args->count = 0;
}

void dump_args_put(struct dump_args *args, struct slice argument) {
    struct resp_writer resp = resp_writer_make(&args->bytes, 2);
    resp_write_bulk(&resp, argument);
    if (args->status == STATUS_OK) args->status = resp.status;
    args->count++;
}

void dump_args_word(struct dump_args *args, const char *word) {
    dump_args_put(args, slice_from_text(word));
}

void dump_args_number(struct dump_args *args, uint64_t number) {
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    dump_args_word(args, text);
}

void dump_begin(struct dump_writer *writer, const char *command, struct slice key) {
    dump_args_clear(&writer->arguments);
    dump_args_word(&writer->arguments, command);
    dump_args_put(&writer->arguments, key);
}

void dump_append(struct dump_writer *writer, const struct dump_args *args) {
    note(writer, args->status);
    note(writer, buf_append_slice(&writer->arguments.bytes, buf_slice(&args->bytes)));
    writer->arguments.count += args->count;
}

/* The command goes to the text. */
static size_t put_command(struct dump_writer *writer) {
    struct resp_writer resp = resp_writer_make(&writer->text, 2);
    const size_t before = writer->text.size;
    resp_write_array(&resp, writer->arguments.count);
    note(writer, writer->arguments.status);
    note(writer, resp.status);
    note(writer, buf_append_slice(&writer->text, buf_slice(&writer->arguments.bytes)));
    return before;
}

enum status dump_end(struct dump_writer *writer) {
    const size_t before = put_command(writer);
    if (writer->status != STATUS_OK) return writer->status;
    const struct slice command = slice_from(buf_slice(&writer->text), before);
    hash_stream_update(writer->hash, command);
    writer->counts.bytes += command.size;
    writer->counts.commands++;
    return flush(writer, FLUSH_BYTES);
}

static enum status put_mark(struct dump_writer *writer, const char *mark) {
    dump_begin(writer, "ECHO", slice_from_text(mark));
    (void)put_command(writer);
    return writer->status;
}

enum status dump_writer_open(struct dump_writer *writer, const struct dump_head *head) {
    char mark[DUMP_MARK_BYTES];
    writer->hash = hash_stream_create(0);
    if (writer->hash == NULL) note(writer, STATUS_NO_MEMORY);
    if (writer->status == STATUS_OK) writer->status = output_open(&writer->output, writer->error);
    (void)dump_head_format(head, mark);
    return put_mark(writer, mark);
}

enum status dump_writer_close(struct dump_writer *writer, enum status status) {
    char mark[DUMP_MARK_BYTES];
    if (status == STATUS_OK && writer->status == STATUS_OK) {
        writer->counts.hash = hash_stream_value(writer->hash);
        (void)dump_end_format(&writer->counts, mark);
        status = put_mark(writer, mark);
    }
    if (status == STATUS_OK) status = flush(writer, 0);
    status = output_close(&writer->output, status, writer->error);
    hash_stream_destroy(writer->hash);
    buf_deinit(&writer->arguments.bytes);
    buf_deinit(&writer->text);
    return status;
}

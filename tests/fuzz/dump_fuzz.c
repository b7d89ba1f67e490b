/*
 * dump_fuzz: what `loam load` reads, on arbitrary bytes: as they come, and as the commands between marks that are right
 * for them. Judged: how the input was cut into pieces changes nothing; commands are written as they were read, stand at
 * their offsets, and their names ascend; a stream is refused with words, or counted as its end mark says; forms of
 * GRAPH.RESTORE are read within their arguments; floats come back bit for bit.
 */
#include <stdint.h>

#include "engine/base/check.h"
#include "tools/loam/dump/dump_read.h"
#include "tools/loamd/restore_args.h"
#include "tools/resp/resp_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    struct slice bytes;
    size_t at, piece;
};

struct seen {
    enum status status;
    uint64_t commands, hash, offset;
};

static void must(enum status status) {
    check(status == STATUS_OK);
}

static enum status read_piece(void *context, void *to, size_t room, size_t *got) {
    struct input *input = context;
    const size_t left = input->bytes.size - input->at;
    *got = left < room ? left : room;
    if (input->piece && *got > input->piece) *got = input->piece;
    if (*got) memcpy(to, input->bytes.data + input->at, *got);
    input->at += *got;
    return STATUS_OK;
}

static void check_restore(const struct dump_command *command) {
    struct restore_command restore;
    const char *why = NULL;
    check(restore_command_read(command->args, command->arg_count, &restore, &why)); /* it was let through */
    check(restore.rows.at <= restore.rows.count && restore.rows.count == command->arg_count);
}

static void check_command(const struct dump_command *command, struct slice bytes, struct buf *last) {
    struct buf again = BUF_EMPTY;
    struct resp_writer writer = resp_writer_make(&again, 2);
    resp_write_command(&writer, command->args, command->arg_count);
    must(writer.status);
    check(command->offset <= bytes.size && again.size <= bytes.size - command->offset);
    check(memcmp(bytes.data + command->offset, again.data, again.size) == 0);
    const int order = slice_compare(command->args[1], buf_slice(last));
    check(command->begins ? order > 0 || last->size == 0 : order == 0);
    if (command->kind == DUMP_ROWS || command->kind == DUMP_GRAPH) check_restore(command);
    must(buf_assign(last, command->args[1]));
    buf_deinit(&again);
}

static struct seen read_all(struct slice bytes, size_t piece) {
    struct input input = {.bytes = bytes, .piece = piece};
    struct dump_reader reader = {.read = read_piece, .context = &input, .path = "input"};
    struct dump_command command;
    struct error error = {.text = ""};
    struct seen seen = {.status = STATUS_OK};
    struct buf last = BUF_EMPTY;
    must(dump_reader_open(&reader, &error));
    while ((seen.status = dump_reader_next(&reader, &command, &error)) == STATUS_OK) {
        check_command(&command, bytes, &last);
        seen.commands++;
    }
    check(seen.status == STATUS_END || error.text[0] != '\0');
    check(seen.status != STATUS_END || reader.counts.commands == seen.commands);
    seen.offset = reader.offset;
    seen.hash = hash64(slice_from_text(error.text), 0);
    dump_reader_close(&reader);
    buf_deinit(&last);
    return seen;
}

static void check_stream(struct slice bytes) {
    const struct seen whole = read_all(bytes, 0);
    for (size_t piece = 1; piece <= 64; piece *= 8) {
        const struct seen other = read_all(bytes, piece);
        check(other.status == whole.status && other.commands == whole.commands && other.offset == whole.offset &&
              other.hash == whole.hash);
    }
}

static void put_mark(struct buf *to, const char *mark) {
    struct resp_writer writer = resp_writer_make(to, 2);
    const struct slice args[] = {slice_from_text("ECHO"), slice_from_text(mark)};
    resp_write_command(&writer, args, 2);
    must(writer.status);
}

/* With a check that is right, so that what stands behind it is met; its counts are right for some inputs only. */
static void check_between_marks(struct slice bytes) {
    struct buf stream = BUF_EMPTY;
    char mark[DUMP_MARK_BYTES];
    const struct dump_head head = {.cluster_id = 1, .entry = 2, .time_ms = 3};
    const struct dump_counts counts = {.bytes = bytes.size, .hash = hash64(bytes, 0), .commands = bytes.size ? 1 : 0};
    (void)dump_head_format(&head, mark);
    put_mark(&stream, mark);
    must(buf_append_slice(&stream, bytes));
    (void)dump_end_format(&counts, mark);
    put_mark(&stream, mark);
    check_stream(buf_slice(&stream));
    buf_deinit(&stream);
}

static void check_float(struct slice text) {
    char again[EXACT_DOUBLE_BYTES];
    double value = 0, second = 0;
    if (!exact_double_parse(text, &value)) return;
    const size_t size = exact_double_format(value, again);
    check(exact_double_parse(slice_make(again, size), &second));
    check(memcmp(&value, &second, sizeof value) == 0);
}

static void check_float_bits(const uint8_t *data) {
    char text[EXACT_DOUBLE_BYTES];
    double value, again = 0;
    memcpy(&value, data, sizeof value);
    const size_t size = exact_double_format(value, text);
    check(size < sizeof text && exact_double_parse(slice_make(text, size), &again));
    check(memcmp(&value, &again, sizeof value) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct slice bytes = slice_make(data, size);
    struct dump_head head;
    struct dump_counts counts;
    check_stream(bytes);
    check_between_marks(bytes);
    check_float(bytes);
    (void)dump_mark_parse(bytes, &head, &counts);
    if (size >= sizeof(double)) check_float_bits(data);
    return 0;
}

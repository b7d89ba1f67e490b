/*
 * write_trace_fuzz: any bytes as a write trace. An input is taken twice: as it is, and with all checks made right
 * again, so that what stands behind them is reached too. What is read is within the limits, and is read alike twice;
 * what can be counted as lost is no more than there is.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/engine.h"
#include "tools/loam/simulate/write_trace.h"
#include "tools/sim/sim_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 20, CHECKED_BYTES = TRACE_HEADER_BYTES - 8 };

static const char path[] = "/fuzz.writes";

static void judge(const struct write_op *op) {
    check(op->kind >= WRITE_PUT && op->kind <= WRITE_DROP_TREE && op->time_ms >= 0);
    check(op->key.size <= ENGINE_KEY_MAX_BYTES && op->end.size <= ENGINE_KEY_MAX_BYTES);
    check(op->value_bytes <= ENGINE_VALUE_MAX_BYTES);
}

static uint64_t read_all(struct trace_reader *reader, uint64_t *hash) {
    struct write_op op;
    uint64_t count = 0;
    enum status status;
    *hash = 0;
    trace_reader_rewind(reader);
    while ((status = trace_reader_next(reader, &op)) == STATUS_OK) {
        judge(&op);
        *hash = hash_mix(*hash, hash64(op.key, hash64(op.end, op.value_bytes + ((uint64_t)op.tree << 32))));
        count++;
    }
    check(status == STATUS_END);
    return count;
}

static void use_file(struct slice bytes) {
    struct io *io = sim_io_create_alone(1);
    struct trace_reader *reader = NULL;
    struct io_file *file;
    struct error error = {.status = STATUS_OK};
    uint64_t first, second;
    check(io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE, &file) == STATUS_OK);
    check(bytes.size == 0 || io_file_write(file, 0, bytes.data, bytes.size) == STATUS_OK);
    io_file_close(file);
    const enum status status = trace_reader_open(io, path, NULL, NULL, &reader, &error);
    check(status == STATUS_OK || error.text[0] != 0);
    if (status == STATUS_OK) {
        struct trace_damage damage;
        const uint64_t count = read_all(reader, &first);
        trace_reader_get_damage(reader, &damage);
        check(read_all(reader, &second) == count && first == second);
        check(!damage.torn || damage.places == 0);
    }
    trace_reader_close(reader);
    io_destroy(io);
}

/* Each page that begins like a frame gets the checks that its content asks for. */
static void mend(uint8_t *bytes, size_t size) {
    for (size_t at = 0; at + TRACE_HEADER_BYTES <= size; at += TRACE_PAGE_BYTES) {
        struct trace_frame frame = {.id = coding_get_u64(bytes + at + 16),
                                    .number = coding_get_u64(bytes + at + 24),
                                    .payload_bytes = coding_get_u32(bytes + at + 40)};
        const uint64_t whole = trace_frame_bytes(&frame);
        if (whole <= size - at)
            coding_put_u64(bytes + at + 48,
                           trace_payload_check(&frame, slice_make(bytes + at + TRACE_HEADER_BYTES,
                                                                  (size_t)whole - TRACE_HEADER_BYTES)));
        coding_put_u64(bytes + at + 56, hash64(slice_make(bytes + at, CHECKED_BYTES), at));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > INPUT_MAX) return 0;
    use_file(slice_make(data, size));
    uint8_t *bytes = malloc(size + 1);
    check(bytes != NULL);
    for (size_t i = 0; i < size; i++) bytes[i] = data[i];
    mend(bytes, size);
    use_file(slice_make(bytes, size));
    free(bytes);
    return 0;
}

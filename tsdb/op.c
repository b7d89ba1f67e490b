/* op: an operation as bytes; encoder and decoder stand together. tsdb/FORMAT.md, "Operation", is the specification. */
#include "tsdb/codec/settings.h"

enum { OP_VERSION = 1 };

static const char *const kind_names[] = {
    [TSDB_OP_CREATE] = "create",
    [TSDB_OP_ALTER] = "alter",
    [TSDB_OP_ADD] = "add",
    [TSDB_OP_MADD] = "madd",
    [TSDB_OP_DELETE_RANGE] = "delete_range",
};
enum { KIND_COUNT = sizeof kind_names / sizeof kind_names[0] };

/* The first byte of a sample: flags, and its fault, after which neither time nor value follows. */
enum { SAMPLE_NAMED = 1, SAMPLE_NOW = 2, SAMPLE_FAULT_SHIFT = 2, SAMPLE_HEAD_MAX = 15 };

const char *tsdb_op_kind_name(enum tsdb_op_kind kind) {
    return (unsigned)kind < KIND_COUNT && kind_names[kind] ? kind_names[kind] : "unknown";
}

static bool has_name(enum tsdb_op_kind kind) {
    return kind == TSDB_OP_CREATE || kind == TSDB_OP_ALTER || kind == TSDB_OP_DELETE_RANGE;
}

static bool has_settings(enum tsdb_op_kind kind) {
    return kind == TSDB_OP_CREATE || kind == TSDB_OP_ALTER || kind == TSDB_OP_ADD;
}

static bool has_samples(enum tsdb_op_kind kind) {
    return kind == TSDB_OP_ADD || kind == TSDB_OP_MADD;
}

/* ---- encoding ---------------------------------------------------------------------------------------------------- */

static enum status encode_sample(struct buf *to, const struct tsdb_add *sample, bool named, int64_t *last_ms) {
    unsigned head = (named ? SAMPLE_NAMED : 0u) | (sample->now ? SAMPLE_NOW : 0u);
    head |= (unsigned)sample->fault << SAMPLE_FAULT_SHIFT;
    enum status status = encode_u8(to, (uint8_t)head);
    if (status == STATUS_OK && named) status = encode_string(to, sample->name);
    if (status || sample->fault) return status;
    uint64_t difference = (uint64_t)sample->time_ms - (uint64_t)*last_ms;
    *last_ms = sample->time_ms;
    status = encode_varint(to, coding_zigzag((int64_t)difference));
    uint64_t bits;
    memcpy(&bits, &sample->value, sizeof bits);
    return status ? status : encode_u64(to, bits);
}

static enum status encode_samples(struct buf *to, const struct tsdb_op *op) {
    int64_t last_ms = 0;
    enum status status = encode_varint(to, op->sample_count);
    for (size_t i = 0; status == STATUS_OK && i < op->sample_count; i++) {
        const struct tsdb_add *sample = &op->samples[i];
        bool named = i == 0 || !slice_equal(sample->name, op->samples[i - 1].name);
        if ((unsigned)sample->fault > TSDB_SAMPLE_NEGATIVE_TIME) return STATUS_INVALID;
        status = encode_sample(to, sample, named, &last_ms);
    }
    return status;
}

static enum status check_op(const struct tsdb_op *op) {
    if (op->sample_count > TSDB_SAMPLES_MAX) return STATUS_TOO_LARGE;
    if (op->kind == TSDB_OP_ADD && (op->sample_count != 1 || op->samples[0].fault)) return STATUS_INVALID;
    if ((unsigned)op->on_duplicate > TSDB_POLICY_SUM) return STATUS_INVALID;
    return has_settings(op->kind) ? settings_check(&op->settings) : STATUS_OK;
}

enum status tsdb_op_encode(struct buf *to, const struct tsdb_op *op) {
    enum status status = check_op(op);
    if (status == STATUS_OK) status = encode_u8(to, OP_VERSION);
    if (status == STATUS_OK) status = encode_u8(to, (uint8_t)op->kind);
    if (status == STATUS_OK && has_name(op->kind)) status = encode_string(to, op->name);
    if (status == STATUS_OK && has_settings(op->kind)) status = settings_encode(to, &op->settings);
    if (status == STATUS_OK && op->kind == TSDB_OP_ADD) status = encode_u8(to, (uint8_t)op->on_duplicate);
    if (op->kind == TSDB_OP_DELETE_RANGE) {
        if (status == STATUS_OK) status = encode_varint(to, coding_zigzag(op->from_ms));
        if (status == STATUS_OK) status = encode_varint(to, coding_zigzag(op->to_ms));
    }
    if (status == STATUS_OK && has_samples(op->kind)) status = encode_samples(to, op);
    return status;
}

/* ---- decoding ---------------------------------------------------------------------------------------------------- */

static struct tsdb_add decode_sample(struct decoder *decoder, struct slice *last_name, int64_t *last_time_ms) {
    struct tsdb_add sample = {0};
    uint8_t head = decode_u8(decoder);
    if (head > SAMPLE_HEAD_MAX) decoder->failed = true;
    if (head & SAMPLE_NAMED) *last_name = decode_string(decoder);
    sample.name = *last_name;
    sample.now = head & SAMPLE_NOW;
    sample.fault = (enum tsdb_sample_fault)(head >> SAMPLE_FAULT_SHIFT);
    if (sample.fault) return sample;
    *last_time_ms = (int64_t)((uint64_t)*last_time_ms + (uint64_t)coding_unzigzag(decode_varint(decoder)));
    sample.time_ms = *last_time_ms;
    uint64_t bits = decode_u64(decoder);
    memcpy(&sample.value, &bits, sizeof bits);
    return sample;
}

static void check_samples(struct decoder *decoder, struct tsdb_op_reader *reader) {
    uint64_t count = decode_varint(decoder);
    if (count > TSDB_SAMPLES_MAX || (reader->op.kind == TSDB_OP_ADD && count != 1)) decoder->failed = true;
    reader->op.sample_count = (size_t)count;
    reader->samples = *decoder;
    if (decoder_left(decoder) && !(*decoder->cursor & SAMPLE_NAMED)) decoder->failed = true;
    struct slice last_name = {0};
    int64_t last_time_ms = 0;
    for (uint64_t i = 0; i < count && !decoder->failed; i++) {
        struct tsdb_add sample = decode_sample(decoder, &last_name, &last_time_ms);
        if (sample.fault && reader->op.kind == TSDB_OP_ADD) decoder->failed = true;
    }
}

enum status tsdb_op_decode(struct slice operation, struct tsdb_op_reader *reader) {
    struct decoder decoder = decoder_make(operation);
    *reader = (struct tsdb_op_reader){0};
    struct tsdb_op *op = &reader->op;
    uint8_t version = decode_u8(&decoder);
    uint8_t kind = decode_u8(&decoder);
    if (decoder.failed) return STATUS_SYNTAX;
    if (version != OP_VERSION || kind >= KIND_COUNT || !kind_names[kind]) return STATUS_UNSUPPORTED;
    op->kind = (enum tsdb_op_kind)kind;
    if (has_name(op->kind)) op->name = decode_string(&decoder);
    if (has_settings(op->kind)) settings_decode(&decoder, &op->settings, &reader->labels);
    if (op->kind == TSDB_OP_ADD) op->on_duplicate = (enum tsdb_policy)decode_u8(&decoder);
    if ((unsigned)op->on_duplicate > TSDB_POLICY_SUM) return STATUS_SYNTAX;
    if (op->kind == TSDB_OP_DELETE_RANGE) {
        op->from_ms = coding_unzigzag(decode_varint(&decoder));
        op->to_ms = coding_unzigzag(decode_varint(&decoder));
    }
    if (has_samples(op->kind)) check_samples(&decoder, reader);
    return decoder_finished(&decoder) ? STATUS_OK : STATUS_SYNTAX;
}

struct tsdb_label tsdb_op_next_label(struct tsdb_op_reader *reader) {
    struct tsdb_label label;
    label.name = decode_string(&reader->labels);
    label.value = decode_string(&reader->labels);
    return label;
}

struct tsdb_add tsdb_op_next_sample(struct tsdb_op_reader *reader) {
    return decode_sample(&reader->samples, &reader->last_name, &reader->last_time_ms);
}

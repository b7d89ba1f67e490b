/*
 * command_series: TS.* commands that write. Arguments are checked as RedisTimeSeries does and become one tsdb
 * operation; what depends on the series is for apply to answer.
 *
 * Options are read from left to right and an unknown word is an error: an option that is passed over in silence would
 * be a promise that nobody keeps. LABELS takes all that follows.
 */
#include "tools/loamd/command_series.h"
#include "engine/base/decimal.h"

struct options {
    struct tsdb_settings settings;
    enum tsdb_policy on_duplicate;
    struct tsdb_label labels[TSDB_LABELS_MAX];
};

enum series_command { SERIES_CREATE, SERIES_ALTER, SERIES_ADD };

/* ---- Options ----------------------------------------------------------------------------------------------------- */

enum status series_error(struct call *call, const char *text) {
    return reply_error(&call->reply, "ERR TSDB: %s", text);
}

enum status series_unknown(struct call *call, size_t i) {
    const size_t shown = call->args[i].size < 64 ? call->args[i].size : 64;
    return reply_error(&call->reply, "ERR TSDB: unknown argument '%.*s'", (int)shown, (const char *)call->args[i].data);
}

/* An option's argument that stands behind i; false: it is missing. */
static bool has_next(const struct call *call, size_t i) {
    return i + 1 < call->arg_count;
}

/* Each take_ function reads the option at *i and moves *i to its last argument; true, or *status is that of having
 * answered what is wrong. */
static bool take_retention(struct call *call, size_t *i, struct options *options, enum status *status) {
    int64_t retention = 0;
    if (!has_next(call, *i) || !decimal_parse(call->args[*i + 1], &retention))
        *status = series_error(call, "Couldn't parse RETENTION");
    else if (retention < 0)
        *status = reply_error(&call->reply, "TSDB: Couldn't parse RETENTION"); /* no code word there either */
    else {
        options->settings.retention_ms = (uint64_t)retention;
        options->settings.given |= TSDB_RETENTION;
        (*i)++;
        return true;
    }
    return false;
}

static bool take_chunk_size(struct call *call, size_t *i, struct options *options, enum status *status) {
    int64_t bytes = 0;
    if (!has_next(call, *i) || !decimal_parse(call->args[*i + 1], &bytes))
        *status = series_error(call, "Couldn't parse CHUNK_SIZE");
    else if (bytes < TSDB_CHUNK_MIN_BYTES || bytes > TSDB_CHUNK_MAX_BYTES || bytes % 8 != 0)
        *status =
            reply_error(&call->reply, "ERR TSDB: CHUNK_SIZE value must be a multiple of 8 in the range [%d .. %d]",
                        TSDB_CHUNK_MIN_BYTES, TSDB_CHUNK_MAX_BYTES);
    else {
        options->settings.chunk_bytes = (uint32_t)bytes;
        options->settings.given |= TSDB_CHUNK_SIZE;
        (*i)++;
        return true;
    }
    return false;
}

static bool take_policy(struct call *call, size_t *i, enum tsdb_policy *policy, enum status *status) {
    if (!has_next(call, *i))
        *status = series_error(call, "Couldn't parse DUPLICATE_POLICY");
    else if (!tsdb_policy_parse(call->args[*i + 1], policy))
        *status = series_error(call, "Unknown DUPLICATE_POLICY");
    else
        return ++*i, true;
    return false;
}

/* All chunks are compressed: COMPRESSED says what is so anyway. */
static bool take_encoding(struct call *call, size_t *i, enum status *status) {
    if (!has_next(call, *i))
        *status = reply_error(&call->reply, "ERR wrong number of arguments for '%s' command", call->command->name);
    else if (call_arg_is(call, *i + 1, "uncompressed"))
        *status = series_error(call, "ENCODING UNCOMPRESSED is not supported");
    else if (!call_arg_is(call, *i + 1, "compressed"))
        *status = series_error(call, "unknown ENCODING parameter");
    else
        return ++*i, true;
    return false;
}

/* In a FILTER these bytes part values, so that a value must be without. */
static bool is_label_value(struct slice value) {
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] == '(' || value.data[i] == ')' || value.data[i] == ',') return false;
    return value.size > 0 && value.size <= TSDB_LABEL_MAX_BYTES;
}

/* RedisTimeSeries has no limits to name. */
static enum status labels_error(struct call *call, size_t count) {
    bool too_long = false;
    for (size_t i = 1; i <= 2 * count; i++) too_long |= call->args[call->arg_count - i].size > TSDB_LABEL_MAX_BYTES;
    if (too_long || count > TSDB_LABELS_MAX)
        return reply_error(&call->reply, "ERR TSDB: a series has at most %d labels, of names and values up to %d bytes",
                           TSDB_LABELS_MAX, TSDB_LABEL_MAX_BYTES);
    return series_error(call, "Couldn't parse LABELS");
}

static bool take_labels(struct call *call, size_t *i, struct options *options, enum status *status) {
    const size_t words = call->arg_count - *i - 1;
    struct tsdb_settings *settings = &options->settings;
    bool good = words % 2 == 0 && words / 2 <= TSDB_LABELS_MAX;
    settings->label_count = 0;
    for (size_t at = *i + 1; good && at < call->arg_count; at += 2) {
        const struct tsdb_label label = {.name = call->args[at], .value = call->args[at + 1]};
        good = label.name.size > 0 && label.name.size <= TSDB_LABEL_MAX_BYTES && is_label_value(label.value);
        options->labels[settings->label_count++] = label;
    }
    if (!good) {
        *status = labels_error(call, words / 2);
        return false;
    }
    settings->labels = options->labels;
    settings->given |= TSDB_LABELS;
    *i = call->arg_count - 1;
    return true;
}

static bool take_option(struct call *call, size_t *i, enum series_command command, struct options *options,
                        enum status *status) {
    if (call_arg_is(call, *i, "labels")) return take_labels(call, i, options, status);
    if (call_arg_is(call, *i, "retention")) return take_retention(call, i, options, status);
    if (call_arg_is(call, *i, "chunk_size")) return take_chunk_size(call, i, options, status);
    if (call_arg_is(call, *i, "duplicate_policy")) {
        options->settings.given |= TSDB_DUPLICATE_POLICY;
        return take_policy(call, i, &options->settings.policy, status);
    }
    if (command == SERIES_ADD && call_arg_is(call, *i, "on_duplicate"))
        return take_policy(call, i, &options->on_duplicate, status);
    if (command != SERIES_ALTER && call_arg_is(call, *i, "encoding")) return take_encoding(call, i, status);
    if (command != SERIES_ALTER && call_arg_is(call, *i, "compressed")) return true; /* of old */
    *status = series_unknown(call, *i);
    return false;
}

static bool parse_options(struct call *call, size_t first, enum series_command command, struct options *options,
                          enum status *status) {
    options->settings = (struct tsdb_settings){0};
    options->on_duplicate = TSDB_POLICY_NONE;
    for (size_t i = first; i < call->arg_count; i++)
        if (!take_option(call, &i, command, options, status)) return false;
    return true;
}

/* ---- Operations -------------------------------------------------------------------------------------------------- */

static enum status encode(struct call *call, const struct tsdb_op *op) {
    return tsdb_op_encode(&call->operation, op);
}

static enum status create_or_alter(struct call *call, enum series_command command, enum tsdb_op_kind kind) {
    struct options options;
    enum status status = STATUS_OK;
    if (!parse_options(call, 2, command, &options, &status)) return status;
    return encode(call, &(struct tsdb_op){.kind = kind, .name = call->args[1], .settings = options.settings});
}

enum status cmd_ts_create(struct call *call) {
    return create_or_alter(call, SERIES_CREATE, TSDB_OP_CREATE);
}

enum status cmd_ts_alter(struct call *call) {
    return create_or_alter(call, SERIES_ALTER, TSDB_OP_ALTER);
}

/* Reads name, time and value from argument i on. */
static struct tsdb_add read_sample(const struct call *call, size_t i) {
    struct tsdb_add sample = {.name = call->args[i]};
    if (!tsdb_parse_value(call->args[i + 2], &sample.value)) {
        sample.fault = TSDB_SAMPLE_BAD_VALUE;
    } else if (slice_equal(call->args[i + 1], slice_from_text("*"))) {
        sample.now = true;
    } else if (!decimal_parse(call->args[i + 1], &sample.time_ms)) {
        sample.fault = TSDB_SAMPLE_BAD_TIME;
    } else if (sample.time_ms < 0) {
        sample.fault = TSDB_SAMPLE_NEGATIVE_TIME;
    }
    return sample;
}

enum status cmd_ts_add(struct call *call) {
    static const char *const faults[] = {
        [TSDB_SAMPLE_BAD_VALUE] = "invalid value",
        [TSDB_SAMPLE_BAD_TIME] = "invalid timestamp",
        [TSDB_SAMPLE_NEGATIVE_TIME] = "invalid timestamp, must be a nonnegative integer",
    };
    struct options options;
    enum status status = STATUS_OK;
    const struct tsdb_add sample = read_sample(call, 1);
    if (sample.fault != TSDB_SAMPLE_SOUND) return series_error(call, faults[sample.fault]);
    if (!parse_options(call, 4, SERIES_ADD, &options, &status)) return status;
    return encode(call, &(struct tsdb_op){.kind = TSDB_OP_ADD,
                                          .settings = options.settings,
                                          .on_duplicate = options.on_duplicate,
                                          .samples = &sample,
                                          .sample_count = 1});
}

enum status cmd_ts_madd(struct call *call) {
    if ((call->arg_count - 1) % 3 != 0)
        return reply_error(&call->reply, "ERR wrong number of arguments for '%s' command", call->command->name);
    const size_t count = (call->arg_count - 1) / 3;
    buf_clear(&call->copy); /* a WRITE keeps no arguments: its room holds the samples */
    enum status status = buf_reserve(&call->copy, count * sizeof(struct tsdb_add));
    if (status != STATUS_OK) return status;
    struct tsdb_add *samples = (struct tsdb_add *)(void *)call->copy.data;
    for (size_t i = 0; i < count; i++) samples[i] = read_sample(call, 1 + 3 * i);
    return encode(call, &(struct tsdb_op){.kind = TSDB_OP_MADD, .samples = samples, .sample_count = count});
}

enum status cmd_ts_del(struct call *call) {
    struct tsdb_op op = {.kind = TSDB_OP_DELETE_RANGE, .name = call->args[1]};
    enum status status = STATUS_OK;
    if (!series_span(call, 2, &op.from_ms, &op.to_ms, &status)) return status;
    return encode(call, &op);
}

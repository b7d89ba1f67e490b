/* apply_samples: TS.ADD and TS.MADD. */
#include "tsdb/reply_text.h"
#include "tsdb/write/apply.h"

static int64_t time_of(const struct apply *apply, const struct tsdb_add *sample) {
    return sample->now ? apply->view->log_time_ms : sample->time_ms;
}

/* Adds it and answers: the time, or why not. */
static enum status add_sample(struct apply *apply, struct series_edit *edit, const struct tsdb_add *sample,
                              enum tsdb_policy policy) {
    static const char *const faults[] = {
        [TSDB_SAMPLE_BAD_VALUE] = TSDB_TEXT_BAD_VALUE,
        [TSDB_SAMPLE_BAD_TIME] = TSDB_TEXT_BAD_TIME,
        [TSDB_SAMPLE_NEGATIVE_TIME] = TSDB_TEXT_NEGATIVE_TIME,
    };
    if (sample->fault) return reply_error(apply->reply, "%s", faults[sample->fault]);
    int64_t time_ms = time_of(apply, sample);
    enum status status = series_edit_add(edit, time_ms, sample->value, policy);
    if (status == STATUS_OK) return reply_integer(apply->reply, time_ms);
    if (status == STATUS_EXISTS) return reply_error(apply->reply, TSDB_TEXT_BLOCKED);
    if (status == STATUS_INVALID) return reply_error(apply->reply, TSDB_TEXT_TOO_OLD);
    return status;
}

enum status apply_add(struct apply *apply) {
    struct tsdb_op_reader samples = apply->reader; /* labels are read from the other one */
    struct tsdb_add sample = tsdb_op_next_sample(&samples);
    struct series_edit *edit = NULL;
    uint64_t series = 0;
    enum status status = apply_find_series(apply, sample.name, &series);
    if (status == STATUS_WRONG_TYPE) return reply_error(apply->reply, TSDB_TEXT_NOT_SERIES);
    if (status == STATUS_NOT_FOUND)
        status = apply_make_series(apply, sample.name, &edit);
    else if (status == STATUS_OK)
        status = apply_edit_series(apply, series, &edit);
    return status ? status : add_sample(apply, edit, &sample, apply->reader.op.on_duplicate);
}

/* What the name of the last sample led to; most commands bring many samples of one series. */
struct resolved {
    struct slice name;
    enum status found;
    uint64_t series;
};

static enum status resolve(struct apply *apply, struct slice name, struct resolved *last) {
    if (last->name.data == name.data && last->name.size == name.size && name.data) return last->found;
    last->name = name;
    last->found = apply_find_series(apply, name, &last->series);
    return last->found;
}

enum status apply_madd(struct apply *apply) {
    struct resolved last = {.found = STATUS_NOT_FOUND};
    size_t count = apply->reader.op.sample_count;
    enum status status = reply_array(apply->reply, count);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        struct tsdb_add sample = tsdb_op_next_sample(&apply->reader);
        struct series_edit *edit = NULL;
        status = resolve(apply, sample.name, &last);
        if (status == STATUS_NOT_FOUND) {
            status = reply_error(apply->reply, TSDB_TEXT_NO_KEY);
        } else if (status == STATUS_WRONG_TYPE) {
            status = reply_error(apply->reply, TSDB_TEXT_NOT_SERIES);
        } else if (status == STATUS_OK) {
            status = apply_edit_series(apply, last.series, &edit);
            if (status == STATUS_OK) status = add_sample(apply, edit, &sample, TSDB_POLICY_NONE);
        }
    }
    return status;
}

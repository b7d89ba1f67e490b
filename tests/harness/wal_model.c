/*
 * wal_model: see the header.
 */
#include "tests/harness/wal_model.h"

#include "engine/base/check.h"
#include "engine/base/coding.h"
#include "engine/base/prng.h"

void wal_model_init(struct wal_model *model, uint64_t seed, size_t size_limit) {
    *model = (struct wal_model){.seed = seed, .size_limit = size_limit, .payload = BUF_EMPTY};
    check(buf_reserve(&model->payload, size_limit) == STATUS_OK); /* once: later allocations are the log's alone */
}

void wal_model_deinit(struct wal_model *model) {
    buf_deinit(&model->payload);
}

struct slice wal_model_record(struct wal_model *model, uint64_t number, uint8_t *type) {
    struct prng prng;
    prng_init(&prng, model->seed ^ (number * 0x9e3779b97f4a7c15u));
    size_t span = prng_chance(&prng, 3, 4) ? 200 : model->size_limit;
    if (span > model->size_limit) span = model->size_limit;
    size_t size = 8 + prng_below(&prng, span - 7);
    *type = (uint8_t)(1 + prng_below(&prng, WAL_MODEL_TYPES));
    buf_clear(&model->payload);
    prng_fill(&prng, model->payload.data, size);
    coding_put_u64(model->payload.data, number);
    if (prng_chance(&prng, 1, 4))
        memset(model->payload.data + 8, 0, size - 8); /* zeros must not be taken for padding */
    return slice_make(model->payload.data, size);
}

static enum status write_next(struct wal_model *model, struct wal *wal, uint64_t *lsn,
                              enum status (*write)(struct wal *, uint8_t, const struct slice *, unsigned, uint64_t *)) {
    uint8_t type;
    struct slice payload = wal_model_record(model, model->next, &type);
    size_t half = payload.size / 2;
    struct slice parts[2] = {slice_make(payload.data, half), slice_from(payload, half)};
    enum status status = write(wal, type, parts, 2, lsn);
    if (status == STATUS_OK) model->next++;
    return status;
}

enum status wal_model_append(struct wal_model *model, struct wal *wal, uint64_t *lsn) {
    return write_next(model, wal, lsn, wal_append);
}

enum status wal_model_put(struct wal_model *model, struct wal *wal, uint64_t *lsn) {
    const enum status status = write_next(model, wal, lsn, wal_put);
    if (status == STATUS_IO) model->next++; /* all of it may have been written */
    return status;
}

static enum status visit(void *context, const struct wal_record *record) {
    struct wal_model *model = context;
    uint64_t number = record->payload.size >= 8 ? coding_get_u64(record->payload.data) : UINT64_MAX;
    if (model->last_lsn != 0 && record->lsn <= model->last_lsn) model->wrong = "positions do not grow";
    model->last_lsn = record->lsn;
    if (model->seen_next == 0 && model->seen_first == 0) model->seen_first = model->seen_next = number;
    if (number != model->seen_next) model->wrong = "a record is missing, repeated or out of order";
    model->seen_next = number + 1;
    uint8_t type;
    struct slice expected = wal_model_record(model, number, &type);
    if (number >= model->next)
        model->wrong = "a record that was never appended";
    else if (record->type != type || !slice_equal(expected, record->payload))
        model->wrong = "a record's content is wrong";
    return STATUS_OK;
}

enum status wal_model_open(struct wal_model *model, struct io *io, const char *dir, const struct wal_options *options,
                           struct wal **wal, struct wal_recovery *recovery, struct error *error) {
    model->seen_first = model->seen_next = model->last_lsn = 0;
    model->wrong = NULL;
    return wal_open(io, dir, options, visit, model, wal, recovery, error);
}

const char *wal_model_judge(const struct wal_model *model) {
    if (model->wrong != NULL) return model->wrong;
    bool none = model->seen_next == model->seen_first;
    if (none) return model->durable > model->dropped ? "durable records are gone" : NULL;
    if (model->seen_next < model->durable) return "the newest durable records are gone";
    if (model->seen_first > model->dropped) return "the oldest records are gone, and nobody dropped them";
    return NULL;
}

void wal_model_adopt(struct wal_model *model) {
    if (model->seen_next > model->seen_first)
        model->next = model->seen_next;
    else
        model->dropped = model->next = model->durable;
    model->durable = model->next;
}

void wal_machine_init(struct wal_machine *machine, uint64_t seed) {
    machine->sim = sim_create(seed);
    machine->disk = sim_disk_create(seed);
    machine->io = sim_io_create(machine->sim, machine->disk, NULL);
}

void wal_machine_deinit(struct wal_machine *machine) {
    io_destroy(machine->io);
    sim_disk_destroy(machine->disk);
    sim_destroy(machine->sim);
}

void wal_machine_boot(struct wal_machine *machine) {
    io_destroy(machine->io);
    machine->io = sim_io_create(machine->sim, machine->disk, NULL);
}

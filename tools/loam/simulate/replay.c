/* replay: see replay.h. Invariant: what is looked at on the way changes neither the store's time nor its files. */
#include "tools/loam/simulate/replay.h"

enum { LOOK_WRITES = 64, PROGRESS_WRITES = 4096, NS_PER_MS = 1000000 };
#define NS_PER_SECOND 1000000000.0

struct replay {
    const struct replay_plan *plan;
    const struct write_progress *progress;
    struct replay_result *result;
    struct sim_store store;
    struct read_probe probe;
    uint64_t begun_ns, writes;
};

/* ---- Looking ----------------------------------------------------------------------------------------------------- */

static uint64_t count_files(const struct engine_stats *stats) {
    uint64_t files = stats->value_files;
    for (unsigned i = 0; i < ENGINE_LEVELS; i++) files += stats->levels[i].files;
    return files;
}

static void note_most(struct replay *replay) {
    struct replay_result *result = replay->result;
    struct engine_stats stats;
    const uint64_t disk = sim_disk_used_bytes(replay->store.disk);
    engine_get_stats(replay->store.engine, &stats);
    if (disk > result->disk_most) result->disk_most = disk;
    if (count_files(&stats) > result->files_most) result->files_most = count_files(&stats);
}

static enum status look(struct replay *replay, struct replay_point *point) {
    struct replay_result *result = replay->result;
    struct engine_stats stats;
    engine_get_stats(replay->store.engine, &stats);
    *point = (struct replay_point){
        .at_ns = sim_store_now_ns(&replay->store) - replay->begun_ns,
        .bytes = result->bytes,
        .written_bytes = stats.flushed_bytes + stats.compacted_written_bytes + stats.value_written_bytes,
        .disk_bytes = stats.disk_bytes,
        .files = count_files(&stats),
        .waited_ns = result->waited_ns,
        .stalls = result->stalls,
    };
    return read_probe_look(&replay->probe, &replay->store, &point->reads);
}

static enum status look_if_due(struct replay *replay) {
    struct replay_result *result = replay->result;
    const struct write_totals *totals = replay->plan->totals;
    if (replay->progress && replay->writes % PROGRESS_WRITES == 0)
        replay->progress->tell(replay->progress->context, replay->writes, totals->writes);
    if (result->point_count == totals->points || replay->writes != totals->at[result->point_count]) return STATUS_OK;
    return look(replay, &result->points[result->point_count++]);
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* When it is to come, in the store's time; a source without times: at once. */
static uint64_t due_ns(const struct replay *replay, const struct write_op *op) {
    const struct replay_plan *plan = replay->plan;
    uint64_t after = 0;
    if (plan->pace == REPLAY_RECORDED && op->time_ms > plan->totals->first_ms)
        after = (uint64_t)(op->time_ms - plan->totals->first_ms) * NS_PER_MS;
    if (plan->pace == REPLAY_RATE) after = (uint64_t)((double)replay->writes * NS_PER_SECOND / (double)plan->rate);
    return replay->begun_ns + after;
}

static void note_waiting(struct replay *replay, uint64_t waited_ns) {
    struct replay_result *result = replay->result;
    if (waited_ns == 0) return;
    result->waits++;
    result->waited_ns += waited_ns;
    if (waited_ns > result->stall_longest_ns) result->stall_longest_ns = waited_ns;
    if (waited_ns > REPLAY_STALL_NS) result->stalls++;
    note_most(replay);
}

static void come_on_time(struct replay *replay, const struct write_op *op) {
    struct replay_result *result = replay->result;
    if (replay->plan->pace == REPLAY_FULL) return;
    const uint64_t due = due_ns(replay, op), now = sim_store_now_ns(&replay->store);
    if (now > due && now - due > result->late_most_ns) result->late_most_ns = now - due;
    sim_store_run_until(&replay->store, due);
}

static enum status write_one(struct replay *replay, const struct write_op *op) {
    uint64_t waited_ns = 0;
    come_on_time(replay, op);
    enum status status = read_probe_note(&replay->probe, op);
    if (status == STATUS_OK) status = sim_store_write_waiting(&replay->store, op, &waited_ns);
    if (status != STATUS_OK) return status;
    replay->writes++;
    replay->result->bytes += write_op_bytes(op);
    note_waiting(replay, waited_ns);
    if (replay->writes % LOOK_WRITES == 0) note_most(replay);
    return look_if_due(replay);
}

static enum status write_all(struct replay *replay) {
    struct write_source *source = replay->plan->source;
    struct write_op op;
    enum status status;
    source->rewind(source);
    while ((status = source->next(source, &op)) == STATUS_OK) {
        status = write_one(replay, &op);
        if (status != STATUS_OK) return status;
    }
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status come_to_rest(struct replay *replay) {
    struct replay_result *result = replay->result;
    result->took_ns = sim_store_now_ns(&replay->store) - replay->begun_ns;
    note_most(replay);
    enum status status = sim_store_rest(&replay->store);
    if (status != STATUS_OK) return status;
    result->rest_ns = sim_store_now_ns(&replay->store) - replay->begun_ns - result->took_ns;
    note_most(replay);
    return look(replay, &result->rest);
}

/* ---- Reckoning --------------------------------------------------------------------------------------------------- */

static void add_up(struct replay *replay) {
    struct replay_result *result = replay->result;
    struct probe_figures *mean = &result->mean;
    struct engine_stats stats;
    engine_get_stats(replay->store.engine, &stats);
    result->flushed_bytes = stats.flushed_bytes;
    result->compacted_bytes = stats.compacted_written_bytes;
    result->compacted_read_bytes = stats.compacted_read_bytes;
    result->value_bytes = stats.value_written_bytes;
    result->flushes = stats.flushes;
    result->compactions = stats.compactions;
    result->moves = stats.trivial_moves;
    for (unsigned i = 0; i < result->point_count; i++) {
        const struct probe_figures *reads = &result->points[i].reads;
        if (reads->asked == 0) continue;
        mean->asked++;
        mean->get_blocks += reads->get_blocks;
        mean->absent_blocks += reads->absent_blocks;
        mean->seek_runs += reads->seek_runs;
    }
    if (mean->asked == 0) return;
    mean->get_blocks /= mean->asked;
    mean->absent_blocks /= mean->asked;
    mean->seek_runs /= mean->asked;
}

void replay_run(const struct replay_plan *plan, const struct configuration *configuration,
                const struct write_progress *progress, struct replay_result *result) {
    struct replay replay = {.plan = plan, .progress = progress, .result = result};
    struct sim_store_options options = {
        .device = plan->device, .capacity_bytes = plan->capacity_bytes, .value_most = plan->totals->value_most};
    *result = (struct replay_result){.status = STATUS_OK};
    configuration_apply(configuration, &options.engine, &options.kind);
    read_probe_init(&replay.probe);
    enum status status = sim_store_open(&replay.store, &options);
    if (status == STATUS_OK) {
        (void)sim_io_take_lead_ns(replay.store.io); /* opening is no part of it */
        replay.begun_ns = sim_store_now_ns(&replay.store);
        status = write_all(&replay);
    }
    if (status == STATUS_OK) status = come_to_rest(&replay);
    if (status == STATUS_OK) add_up(&replay);
    result->status = status;
    if (status != STATUS_OK)
        (void)error_set(&result->error, status, "%s",
                        replay.store.error.status == STATUS_OK ? status_text(status) : replay.store.error.text);
    sim_store_close(&replay.store);
    read_probe_deinit(&replay.probe);
}

static double over(uint64_t a, uint64_t b) {
    return b == 0 ? 0 : (double)a / (double)b;
}

double replay_write_amplification(const struct replay_result *result) {
    return over(result->flushed_bytes + result->compacted_bytes + result->value_bytes, result->bytes);
}

double replay_point_amplification(const struct replay_point *point) {
    return over(point->written_bytes, point->bytes);
}

static uint64_t alive_at_end(const struct write_totals *totals) {
    return totals->points == 0 ? 0 : totals->alive[totals->points - 1];
}

double replay_space_amplification(const struct replay_result *result, const struct write_totals *totals) {
    return over(result->rest.disk_bytes, alive_at_end(totals));
}

double replay_space_most(const struct replay_result *result, const struct write_totals *totals) {
    return over(result->disk_most, totals->alive_most);
}

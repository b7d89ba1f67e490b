#include "engine/lsm/store.h"
enum io_job_state compaction_step(struct io_job *job) {
    struct engine *engine = job->context;
    return store_job_end(engine, &engine->compact_job) ? IO_JOB_DONE : IO_JOB_MORE;
}
void compaction_abandon(struct engine *engine) {
    (void)engine;
}

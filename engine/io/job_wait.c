#include "engine/io/job_wait.h"

void io_job_wait_while(struct io *io, const bool *busy, struct mutex *mutex, struct condition *changed) {
    while (*busy) {
        mutex_unlock(mutex);
        const bool assisted = io_job_assist(io);
        mutex_lock(mutex);
        if (!assisted && *busy) condition_wait(changed, mutex);
    }
}

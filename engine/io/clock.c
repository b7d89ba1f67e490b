/*
 * clock: time, chance and sleep of a real machine.
 */
#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "engine/io/machine.h"

uint64_t machine_now_ns(struct io *io) {
    (void)io;
    struct timespec now;
    check(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t machine_clock_ms(struct io *io) {
    (void)io;
    struct timespec now;
    check(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void machine_entropy(struct io *io, void *to, size_t size) {
    (void)io;
    uint8_t *cursor = to;
    while (size > 0) {
        ssize_t got = getrandom(cursor, size, 0);
        check(got > 0 || errno == EINTR);
        if (got <= 0) continue;
        cursor += got;
        size -= (size_t)got;
    }
}

void machine_sleep(struct io *io, uint64_t ns) {
    const uint64_t until = machine_now_ns(io) + ns;
    const struct timespec deadline = {.tv_sec = (time_t)(until / 1000000000u), .tv_nsec = (long)(until % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR) {}
}

void machine_wait(struct io *io, struct condition *condition, struct mutex *mutex, uint64_t ns) {
    (void)io;
    (void)condition_wait_for(condition, mutex, ns); /* the caller looks what has changed */
}

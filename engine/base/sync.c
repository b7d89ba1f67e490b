/*
 * sync: pthreads under our names. A failure of a lock or a condition is a fault of ours (a misuse), hence check(); only
 * starting a thread can fail for want of resources.
 */
#include "engine/base/sync.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/check.h"

enum { NANOSECONDS_PER_SECOND = 1000000000 };

void mutex_init(struct mutex *mutex) {
    check(pthread_mutex_init(&mutex->native, NULL) == 0);
}

void mutex_deinit(struct mutex *mutex) {
    check(pthread_mutex_destroy(&mutex->native) == 0);
}

void mutex_lock(struct mutex *mutex) {
    check(pthread_mutex_lock(&mutex->native) == 0);
}

void mutex_unlock(struct mutex *mutex) {
    check(pthread_mutex_unlock(&mutex->native) == 0);
}

void condition_init(struct condition *condition) {
    pthread_condattr_t attributes;
    check(pthread_condattr_init(&attributes) == 0);
    check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_cond_init(&condition->native, &attributes) == 0);
    check(pthread_condattr_destroy(&attributes) == 0);
}

void condition_deinit(struct condition *condition) {
    check(pthread_cond_destroy(&condition->native) == 0);
}

void condition_wait(struct condition *condition, struct mutex *mutex) {
    check(pthread_cond_wait(&condition->native, &mutex->native) == 0);
}

/* The monotonic clock `timeout_ns` from now, or as far as time_t goes. The clock is read here because pthreads take
 * deadlines only. */
static struct timespec deadline_after(uint64_t timeout_ns) {
    struct timespec deadline;
    check(clock_gettime(CLOCK_MONOTONIC, &deadline) == 0);
    uint64_t nanoseconds = (uint64_t)deadline.tv_nsec + timeout_ns % NANOSECONDS_PER_SECOND;
    deadline.tv_sec += (time_t)(timeout_ns / NANOSECONDS_PER_SECOND + nanoseconds / NANOSECONDS_PER_SECOND);
    deadline.tv_nsec = (long)(nanoseconds % NANOSECONDS_PER_SECOND);
    return deadline;
}

bool condition_wait_for(struct condition *condition, struct mutex *mutex, uint64_t timeout_ns) {
    struct timespec deadline = deadline_after(timeout_ns);
    int result = pthread_cond_timedwait(&condition->native, &mutex->native, &deadline);
    check(result == 0 || result == ETIMEDOUT);
    return result == 0;
}

void condition_signal(struct condition *condition) {
    check(pthread_cond_signal(&condition->native) == 0);
}

void condition_broadcast(struct condition *condition) {
    check(pthread_cond_broadcast(&condition->native) == 0);
}

void semaphore_init(struct semaphore *semaphore) {
    check(sem_init(&semaphore->native, 0, 0) == 0);
}

void semaphore_deinit(struct semaphore *semaphore) {
    check(sem_destroy(&semaphore->native) == 0);
}

void semaphore_post(struct semaphore *semaphore) {
    check(sem_post(&semaphore->native) == 0);
}

void semaphore_wait(struct semaphore *semaphore) {
    int result;
    do result = sem_wait(&semaphore->native);
    while (result != 0 && errno == EINTR);
    check(result == 0);
}

void thread_yield(void) {
    (void)sched_yield(); /* never fails on Linux */
}

/* What the new thread is told; it frees it. */
struct thread_start {
    const char *name;
    void (*run)(void *context);
    void *context;
};

static void *thread_main(void *argument) {
    struct thread_start start = *(struct thread_start *)argument;
    free(argument);
    (void)pthread_setname_np(pthread_self(), start.name); /* a name is a help, not a need */
    start.run(start.context);
    return NULL;
}

void signals_block(sigset_t *before) {
    sigset_t all;
    check(sigfillset(&all) == 0);
    check(pthread_sigmask(SIG_SETMASK, &all, before) == 0);
}

void signals_restore(const sigset_t *before) {
    check(pthread_sigmask(SIG_SETMASK, before, NULL) == 0);
}

enum status thread_start(struct thread *thread, const char *name, void (*run)(void *context), void *context) {
    struct thread_start *start = malloc(sizeof *start);
    if (!start) return STATUS_NO_MEMORY;
    *start = (struct thread_start){.name = name, .run = run, .context = context};

    sigset_t before;
    signals_block(&before);
    int result = pthread_create(&thread->native, NULL, thread_main, start);
    signals_restore(&before);
    if (result == 0) return STATUS_OK;
    free(start);
    return STATUS_NO_MEMORY;
}

void thread_join(struct thread *thread) {
    check(pthread_join(thread->native, NULL) == 0);
}

struct thread thread_current(void) {
    return (struct thread){.native = pthread_self()};
}

bool thread_is_current(struct thread thread) {
    return pthread_equal(thread.native, pthread_self()) != 0;
}

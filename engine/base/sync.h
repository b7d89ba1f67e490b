/*
 * sync: the only home of mutexes, conditions and threads. Everything else is a step function that somebody drives
 * (DESIGN R5).
 */
#ifndef ENGINE_BASE_SYNC_H
#define ENGINE_BASE_SYNC_H

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"

#pragma GCC visibility push(default)

struct mutex {
    pthread_mutex_t native;
};
struct condition {
    pthread_cond_t native; /* on the monotonic clock */
};
struct semaphore {
    sem_t native;
};
struct thread {
    pthread_t native;
};

void mutex_init(struct mutex *mutex);
void mutex_deinit(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

void condition_init(struct condition *condition);
void condition_deinit(struct condition *condition);
void condition_wait(struct condition *condition, struct mutex *mutex);
/* False when `timeout_ns` passed first. */
bool condition_wait_for(struct condition *condition, struct mutex *mutex, uint64_t timeout_ns);
void condition_signal(struct condition *condition);
void condition_broadcast(struct condition *condition);

/*
 * For a thread that waits for another one alone: it needs no mutex when it wakes up. At 0 when made. What was posted
 * before the wait counts, and everything before the post is seen after it. Once the waiter can go on, the post touches
 * nothing any more: it may deinit at once.
 */
void semaphore_init(struct semaphore *semaphore);
void semaphore_deinit(struct semaphore *semaphore);
void semaphore_post(struct semaphore *semaphore);
void semaphore_wait(struct semaphore *semaphore);

/* Lets other threads that are ready run on this processor, if there are any. */
void thread_yield(void);

/* `name` (at most 15 bytes, static) shows in debuggers. NO_MEMORY when the system has no thread left. All signals
 * are blocked in it: they belong to the threads of the program around us. */
MUST_CHECK enum status thread_start(struct thread *thread, const char *name, void (*run)(void *context), void *context);
void thread_join(struct thread *thread);

/* The thread that calls, and whether the one that calls is `thread`. */
struct thread thread_current(void);
bool thread_is_current(struct thread thread);

/* For threads that a library starts: those made between the two have all signals blocked, like ours. */
void signals_block(sigset_t *before);
void signals_restore(const sigset_t *before);

#pragma GCC visibility pop

#endif

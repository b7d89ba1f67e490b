/*
 * sync: locks exclude, conditions and semaphores wake, a wait ends in time, threads run and are joined.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>

#include "engine/base/sync.h"
#include "tests/harness/alloc_fault.h"

struct shared {
    struct mutex mutex;
    struct condition changed;
    uint64_t count;
    uint64_t waiting;
    bool go;
    bool signals_blocked;
    struct thread starter;
    bool is_starter;
};

enum { THREADS = 4, ROUNDS = 20000 };

static void shared_init(struct shared *shared) {
    *shared = (struct shared){0};
    mutex_init(&shared->mutex);
    condition_init(&shared->changed);
}

static void shared_deinit(struct shared *shared) {
    condition_deinit(&shared->changed);
    mutex_deinit(&shared->mutex);
}

static void add_rounds(void *context) {
    struct shared *shared = context;
    for (int i = 0; i < ROUNDS; i++) {
        mutex_lock(&shared->mutex);
        shared->count++;
        mutex_unlock(&shared->mutex);
    }
}

static void a_mutex_lets_one_thread_in_at_a_time(void **state) {
    (void)state;
    struct shared shared;
    shared_init(&shared);
    struct thread threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&threads[i], "adder", add_rounds, &shared), STATUS_OK);
    for (int i = 0; i < THREADS; i++) thread_join(&threads[i]);
    assert_true(shared.count == (uint64_t)THREADS * ROUNDS);
    shared_deinit(&shared);
}

static void wait_for_go(void *context) {
    struct shared *shared = context;
    mutex_lock(&shared->mutex);
    shared->waiting++;
    condition_broadcast(&shared->changed);
    while (!shared->go) condition_wait(&shared->changed, &shared->mutex);
    shared->count++;
    mutex_unlock(&shared->mutex);
}

static void a_broadcast_wakes_all_that_wait(void **state) {
    (void)state;
    struct shared shared;
    shared_init(&shared);
    struct thread threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&threads[i], "waiter", wait_for_go, &shared), STATUS_OK);
    mutex_lock(&shared.mutex);
    while (shared.waiting < THREADS) condition_wait(&shared.changed, &shared.mutex);
    assert_true(shared.count == 0);
    shared.go = true;
    condition_broadcast(&shared.changed);
    mutex_unlock(&shared.mutex);
    for (int i = 0; i < THREADS; i++) thread_join(&threads[i]);
    assert_true(shared.count == THREADS);
    shared_deinit(&shared);
}

static void a_wait_that_nobody_ends_times_out(void **state) {
    (void)state;
    struct shared shared;
    shared_init(&shared);
    mutex_lock(&shared.mutex);
    while (condition_wait_for(&shared.changed, &shared.mutex, 1000000)) {
        /* a spurious wake-up: legal, wait again */
    }
    mutex_unlock(&shared.mutex);
    shared_deinit(&shared);
}

static void signal_go(void *context) {
    struct shared *shared = context;
    mutex_lock(&shared->mutex);
    shared->go = true;
    condition_signal(&shared->changed);
    mutex_unlock(&shared->mutex);
}

static void a_timed_wait_is_woken_by_a_signal(void **state) {
    (void)state;
    struct shared shared;
    shared_init(&shared);
    struct thread thread;
    mutex_lock(&shared.mutex);
    assert_int_equal(thread_start(&thread, "signaller", signal_go, &shared), STATUS_OK);
    while (!shared.go) assert_true(condition_wait_for(&shared.changed, &shared.mutex, UINT64_MAX));
    mutex_unlock(&shared.mutex);
    thread_join(&thread);
    shared_deinit(&shared);
}

/* One who waits, and lets go of what it waited on as soon as it may. */
struct guest {
    struct semaphore wake;
    uint64_t told;
};

struct table {
    struct mutex mutex;
    struct condition changed;
    struct guest *guest; /* NULL: the next may sit down */
    uint64_t sum;        /* of what the guests were told */
};

static void come_and_go(void *context) {
    struct table *table = context;
    for (int i = 0; i < ROUNDS / 10; i++) {
        struct guest *guest = calloc(1, sizeof *guest);
        semaphore_init(&guest->wake);
        mutex_lock(&table->mutex);
        table->guest = guest;
        condition_signal(&table->changed);
        mutex_unlock(&table->mutex);
        semaphore_wait(&guest->wake);
        table->sum += guest->told;
        semaphore_deinit(&guest->wake);
        free(guest);
    }
}

static void who_is_woken_by_a_semaphore_sees_what_was_done_and_may_free_it(void **state) {
    (void)state;
    struct table table = {.sum = 0};
    mutex_init(&table.mutex);
    condition_init(&table.changed);
    struct thread thread;
    assert_int_equal(thread_start(&thread, "guest", come_and_go, &table), STATUS_OK);
    uint64_t sum = 0;
    for (int i = 0; i < ROUNDS / 10; i++) {
        mutex_lock(&table.mutex);
        while (!table.guest) condition_wait(&table.changed, &table.mutex);
        struct guest *guest = table.guest;
        table.guest = NULL;
        mutex_unlock(&table.mutex);
        guest->told = (uint64_t)i;
        sum += (uint64_t)i;
        semaphore_post(&guest->wake);
    }
    thread_join(&thread);
    assert_true(table.sum == sum);
    condition_deinit(&table.changed);
    mutex_deinit(&table.mutex);
}

static void a_post_before_the_wait_counts(void **state) {
    (void)state;
    struct semaphore semaphore;
    semaphore_init(&semaphore);
    semaphore_post(&semaphore);
    semaphore_wait(&semaphore); /* comes back: else the test hangs */
    semaphore_deinit(&semaphore);
}

static void look_at_thread(void *context) {
    struct shared *shared = context;
    shared->is_starter = thread_is_current(shared->starter);
}

static void a_thread_knows_itself(void **state) {
    (void)state;
    struct shared shared;
    shared_init(&shared);
    shared.starter = thread_current();
    shared.is_starter = true;
    assert_true(thread_is_current(shared.starter));
    struct thread thread;
    assert_int_equal(thread_start(&thread, "looker", look_at_thread, &shared), STATUS_OK);
    thread_join(&thread);
    assert_false(shared.is_starter);
    shared_deinit(&shared);
}

static void look_at_signals(void *context) {
    struct shared *shared = context;
    sigset_t blocked;
    shared->signals_blocked = pthread_sigmask(SIG_BLOCK, NULL, &blocked) == 0 && sigismember(&blocked, SIGTERM) == 1;
}

static void signals_stay_with_the_threads_of_the_program(void **state) {
    (void)state;
    struct shared shared;
    shared_init(&shared);
    struct thread thread;
    assert_int_equal(thread_start(&thread, "looker", look_at_signals, &shared), STATUS_OK);
    thread_join(&thread);
    assert_true(shared.signals_blocked);
    sigset_t blocked;
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &blocked), 0);
    assert_int_equal(sigismember(&blocked, SIGTERM), 0);
    shared_deinit(&shared);
}

static void a_thread_without_memory_does_not_start(void **state) {
    (void)state;
    struct shared shared;
    shared_init(&shared);
    struct thread thread;
    alloc_fault_at(1);
    assert_int_equal(thread_start(&thread, "never", signal_go, &shared), STATUS_NO_MEMORY);
    assert_true(alloc_fault_clear());
    assert_false(shared.go);
    shared_deinit(&shared);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mutex_lets_one_thread_in_at_a_time),
        cmocka_unit_test(a_broadcast_wakes_all_that_wait),
        cmocka_unit_test(a_wait_that_nobody_ends_times_out),
        cmocka_unit_test(a_timed_wait_is_woken_by_a_signal),
        cmocka_unit_test(who_is_woken_by_a_semaphore_sees_what_was_done_and_may_free_it),
        cmocka_unit_test(a_post_before_the_wait_counts),
        cmocka_unit_test(a_thread_knows_itself),
        cmocka_unit_test(signals_stay_with_the_threads_of_the_program),
        cmocka_unit_test(a_thread_without_memory_does_not_start),
    };
    return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}

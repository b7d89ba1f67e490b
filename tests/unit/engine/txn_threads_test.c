/*
 * Transactions of several threads on a real machine: money is moved between accounts whose sum stays, each success
 * also counted under one key, so that an update that was lost is missed; beside single writes that flush and compact.
 * Meant to run under the thread sanitizer too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/base/sync.h"
#include "engine/txn.h"
#include "tests/harness/engine_lab.h"
#include "tests/harness/temp_dir.h"
#include "tests/harness/test_env.h"

enum { BANK = 1, NOISE = 2, TELLERS = 4, ACCOUNTS = 6, EACH = 100, MOVES = 800 };

struct bank {
    struct engine *engine;
    uint64_t moves; /* of each teller */
    _Atomic unsigned at_work;
    _Atomic uint64_t conflicts, audits;
    _Atomic unsigned faults;
};

struct member {
    struct bank *bank;
    unsigned number;
    struct thread thread;
};

static struct slice account_name(unsigned account, char to[16]) {
    snprintf(to, 16, "account-%02u", account);
    return slice_from_text(to);
}

static long long number_of(struct slice text) {
    char digits[32] = {0};
    memcpy(digits, text.data, text.size < sizeof digits - 1 ? text.size : sizeof digits - 1);
    return strtoll(digits, NULL, 10);
}

static enum status add(struct engine_txn *txn, struct slice key, long long more) {
    struct engine_value value;
    char text[32];
    enum status status = engine_txn_get(txn, BANK, key, &value);
    if (status != STATUS_OK) return status;
    snprintf(text, sizeof text, "%lld", number_of(value.data) + more);
    engine_value_release(&value);
    return engine_txn_put(txn, BANK, key, slice_from_text(text));
}

static enum status move(struct engine_txn *txn, unsigned from, unsigned to, long long amount, bool sync) {
    char name[16];
    enum status status = add(txn, account_name(from, name), -amount);
    if (status == STATUS_OK) status = add(txn, account_name(to, name), amount);
    if (status == STATUS_OK) status = add(txn, slice_from_text("moves"), 1);
    return status == STATUS_OK ? engine_txn_commit(txn, &(struct engine_write_options){.sync = sync}) : status;
}

static void run_teller(void *context) {
    struct member *member = context;
    struct bank *bank = member->bank;
    struct engine_txn *txn = NULL;
    struct prng prng;
    prng_init(&prng, member->number);
    enum status status = engine_txn_begin(bank->engine, NULL, &txn);
    for (uint64_t i = 0; i < bank->moves && status == STATUS_OK; i++) {
        const unsigned from = (unsigned)prng_below(&prng, ACCOUNTS);
        const unsigned to = (from + 1 + (unsigned)prng_below(&prng, ACCOUNTS - 1)) % ACCOUNTS;
        while ((status = move(txn, from, to, (long long)prng_below(&prng, 9), i % 32 == 0)) == STATUS_CONFLICT) {
            atomic_fetch_add(&bank->conflicts, 1);
            if (engine_txn_restart(txn) != STATUS_OK) break;
        }
        if (status == STATUS_OK) status = engine_txn_restart(txn);
    }
    if (status != STATUS_OK) atomic_fetch_add(&bank->faults, 1);
    engine_txn_end(txn);
    atomic_fetch_sub(&bank->at_work, 1);
}

/* Writes that fill memtables, so that what a transaction asks for lies in files too. */
static void run_noise(void *context) {
    struct member *member = context;
    struct bank *bank = member->bank;
    char key[16], value[200];
    memset(value, 'n', sizeof value);
    for (uint64_t i = 0; atomic_load(&bank->at_work) > 0; i++) {
        struct engine_batch batch;
        engine_batch_init(&batch);
        snprintf(key, sizeof key, "noise-%03u", (unsigned)(i % 500));
        enum status status = engine_batch_put(&batch, NOISE, slice_from_text(key), slice_make(value, sizeof value));
        if (status == STATUS_OK) status = engine_write(bank->engine, &batch, NULL);
        if (status != STATUS_OK) atomic_fetch_add(&bank->faults, 1);
        engine_batch_deinit(&batch);
    }
}

static long long sum_seen(struct engine_txn *txn) {
    struct engine_iterator *iterator;
    const struct engine_iterator_options options = {.prefix = slice_from_text("account-")};
    long long sum = 0;
    if (engine_txn_iterator_open(txn, BANK, &options, &iterator) != STATUS_OK) return -1;
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator))
        sum += number_of(engine_iterator_value(iterator));
    engine_iterator_close(iterator);
    return sum;
}

static void run_auditor(void *context) {
    struct member *member = context;
    struct bank *bank = member->bank;
    while (atomic_load(&bank->at_work) > 0) {
        struct engine_txn *txn = NULL;
        if (engine_txn_begin(bank->engine, NULL, &txn) != STATUS_OK || sum_seen(txn) != ACCOUNTS * EACH)
            atomic_fetch_add(&bank->faults, 1);
        engine_txn_end(txn);
        atomic_fetch_add(&bank->audits, 1);
    }
}

static void money_is_moved_by_many_and_none_is_lost(void **state) {
    (void)state;
    char path[TEMP_DIR_BYTES], dir[TEMP_DIR_BYTES + 8], name[16];
    struct io *io = NULL;
    temp_dir_make(path, "txn");
    snprintf(dir, sizeof dir, "%s/db", path);
    assert_int_equal(io_create(&(struct io_options){.backend = IO_BACKEND_POSIX}, &io, NULL), STATUS_OK);
    const struct engine_options options = lab_options();
    struct bank bank = {.engine = lab_open(io, dir, &options), .moves = test_scaled(MOVES), .at_work = TELLERS};
    lab_create_tree(bank.engine, BANK, LAB_PLAIN);
    lab_create_tree(bank.engine, NOISE, LAB_PLAIN);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        (void)account_name(i, name);
        lab_put(bank.engine, BANK, name, "100");
    }
    lab_put(bank.engine, BANK, "moves", "0");
    struct member members[TELLERS + 2];
    for (unsigned i = 0; i < TELLERS + 2; i++) {
        members[i] = (struct member){.bank = &bank, .number = i};
        void (*const run)(void *) = i < TELLERS ? run_teller : i == TELLERS ? run_noise : run_auditor;
        assert_int_equal(thread_start(&members[i].thread, "bank", run, &members[i]), STATUS_OK);
    }
    for (unsigned i = 0; i < TELLERS + 2; i++) thread_join(&members[i].thread);
    assert_int_equal(atomic_load(&bank.faults), 0);
    char moves[32];
    snprintf(moves, sizeof moves, "%llu", (unsigned long long)(TELLERS * bank.moves));
    lab_expect(bank.engine, NULL, BANK, "moves", moves);
    struct engine_txn *txn;
    assert_int_equal(engine_txn_begin(bank.engine, NULL, &txn), STATUS_OK);
    assert_int_equal(sum_seen(txn), ACCOUNTS * EACH);
    engine_txn_end(txn);
    printf("%llu conflicts, %llu audits\n", (unsigned long long)atomic_load(&bank.conflicts),
           (unsigned long long)atomic_load(&bank.audits));
    engine_close(bank.engine);
    temp_dir_remove(io, path);
    io_destroy(io);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(money_is_moved_by_many_and_none_is_lost)};
    return cmocka_run_group_tests_name("txn_threads", tests, NULL, NULL);
}

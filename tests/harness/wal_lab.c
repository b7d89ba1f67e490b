/* wal_lab: see wal_lab.h. */
#include "tests/harness/wal_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { RECORD_LIMIT = 3000 };

struct wal_lab *wal_lab_create(uint64_t seed) {
    struct wal_lab *lab = calloc(1, sizeof *lab);
    if (lab == NULL) return NULL;
    wal_machine_init(&lab->machine, seed);
    wal_model_init(&lab->model, seed, RECORD_LIMIT);
    lab->options = (struct wal_options){.owner = 42, .segment_bytes = WAL_LAB_SEGMENT};
    return lab;
}

int wal_lab_set_up_loose(void **state) {
    struct wal_lab *lab = wal_lab_create(3);
    if (lab == NULL) return -1;
    lab->options.compact = lab->options.loose = true;
    *state = lab;
    return 0;
}

int wal_lab_tear_down(void **state) {
    struct wal_lab *lab = *state;
    wal_close(lab->wal);
    wal_model_deinit(&lab->model);
    wal_machine_deinit(&lab->machine);
    free(lab);
    return 0;
}

enum status wal_lab_try_open(struct wal_lab *lab) {
    return wal_model_open(&lab->model, lab->machine.io, WAL_LAB_DIR, &lab->options, &lab->wal, &lab->recovery,
                          &lab->error);
}

void wal_lab_open(struct wal_lab *lab) {
    const enum status status = wal_lab_try_open(lab);
    if (status != STATUS_OK) fail_msg("open: %s: %s", status_name(status), lab->error.text);
    const char *wrong = wal_model_judge(&lab->model);
    if (wrong != NULL) fail_msg("%s", wrong);
    wal_model_adopt(&lab->model);
}

void wal_lab_close(struct wal_lab *lab) {
    wal_close(lab->wal);
    lab->wal = NULL;
}

void wal_lab_fill_to(struct wal_lab *lab, uint32_t until) {
    uint64_t lsn = 0;
    while ((uint32_t)(lsn >> 32) < until) assert_int_equal(wal_model_put(&lab->model, lab->wal, &lsn), STATUS_OK);
}

void wal_lab_commit(struct wal_lab *lab) {
    assert_int_equal(wal_commit(lab->wal, true), STATUS_OK);
    lab->model.durable = lab->model.next;
}

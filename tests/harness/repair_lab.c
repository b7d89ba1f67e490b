/*
 * repair_lab: see the header.
 */
#include "tests/harness/repair_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum status repair_lab_verify(const struct lab_store *lab, uint64_t *findings) {
    const struct care_verify_options options = {.visit = NULL};
    struct care_verify_report report;
    struct error error;
    const enum status status = engine_care_verify(lab->io, "db", &options, &report, &error);
    if (status != STATUS_OK && status != STATUS_CORRUPT)
        fail_msg("seed %llu: verify: %s", (unsigned long long)lab->seed, error.text);
    if (findings) *findings = report.findings;
    return status;
}

static void keep_line(void *context, const char *line) {
    assert_int_equal(buf_append_format(context, "%s\n", line), STATUS_OK);
}

struct care_repair_report repair_lab_repair(const struct lab_store *lab, unsigned how, struct buf *lines) {
    const struct care_repair_options options = {.dry_run = (how & REPAIR_DRY) != 0,
                                                .unreadable_as_lost = (how & REPAIR_UNREADABLE_AS_LOST) != 0,
                                                .say = keep_line,
                                                .context = lines};
    struct care_repair_report report;
    struct error error;
    buf_clear(lines);
    const enum status status = engine_care_repair(lab->io, "db", &options, &report, &error);
    if (status != STATUS_OK) fail_msg("seed %llu: repair: %s", (unsigned long long)lab->seed, error.text);
    assert_int_equal(buf_append_byte(lines, 0), STATUS_OK);
    return report;
}

void repair_lab_mend(const struct lab_store *lab, unsigned how, struct buf *lines) {
    struct buf dry = BUF_EMPTY;
    const uint64_t before = sim_disk_hash(lab->disk);
    repair_lab_repair(lab, how | REPAIR_DRY, &dry);
    assert_int_equal(sim_disk_hash(lab->disk), before);
    assert_true(repair_lab_repair(lab, how, lines).needed);
    assert_true(strncmp((const char *)dry.data, (const char *)lines->data, dry.size - 1) == 0);
    if (repair_lab_verify(lab, NULL) != STATUS_OK)
        fail_msg("seed %llu: it does not verify\n%s", (unsigned long long)lab->seed, (const char *)lines->data);
    buf_deinit(&dry);
}

struct search {
    const char *ending;
    unsigned skip;
    struct repair_lab_file found;
};

static void match(void *context, const char *path, uint64_t size) {
    struct search *search = context;
    const size_t length = strlen(path), ending = strlen(search->ending);
    if (length < ending || strcmp(path + length - ending, search->ending) != 0) return;
    if (search->found.count++ != search->skip) return;
    snprintf(search->found.path, sizeof search->found.path, "%s", path);
    search->found.size = size;
}

static struct repair_lab_file search(const struct lab_store *lab, const char *ending, unsigned skip) {
    struct search search = {.ending = ending, .skip = skip};
    sim_disk_walk(lab->disk, match, &search);
    return search.found;
}

struct repair_lab_file repair_lab_find(const struct lab_store *lab, const char *ending, unsigned skip) {
    const struct repair_lab_file found = search(lab, ending, skip);
    assert_true(found.count > 0);
    return found;
}

unsigned repair_lab_count(const struct lab_store *lab, const char *ending) {
    return search(lab, ending, 0).count;
}

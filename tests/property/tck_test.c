/*
 * tck_test: the openCypher TCK's scenarios (those that are at hand in the folder of outside data) against the library.
 *
 * Prints per folder how many pass, how many say that something is not supported yet, and how many are wrong. Fails if
 * any is wrong, or if a folder passes fewer than it once did. LOAM_TCK=text runs and shows only scenarios whose file or
 * name holds the text.
 */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "graph/query.h"
#include "tests/harness/datadriven.h"
#include "tests/harness/tck_runner.h"

enum { FILES_MAX = 512, FOLDERS_MAX = 64, PATH_BYTES = 512, REASON_BYTES = 512 };

struct tally {
    char folder[PATH_BYTES];
    unsigned verdicts[TCK_WRONG + 1];
};

struct tck_run {
    struct tck_subject subject;
    struct tck_runner runner;
    char features[PATH_BYTES];
    char graphs[PATH_BYTES];
    struct tally folders[FOLDERS_MAX];
    size_t folder_count;
    const char *only;
};

/* What each folder passes at least. */
static const struct {
    const char *folder;
    unsigned least;
} floors[] = {
#include "tests/property/tck_floors.def"
};

/* nftw() takes no context. */
static char files[FILES_MAX][PATH_BYTES];
static size_t file_count;

static int note_file(const char *path, const struct stat *info, int type, struct FTW *position) {
    (void)info, (void)position;
    const size_t size = strlen(path);
    if (type != FTW_F || size < 8 || strcmp(path + size - 8, ".feature") != 0) return 0;
    assert_in_range(size, 1, PATH_BYTES - 1);
    assert_in_range(file_count, 0, FILES_MAX - 1);
    memcpy(files[file_count++], path, size + 1);
    return 0;
}

static int by_path(const void *a, const void *b) {
    return strcmp(a, b);
}

static struct tally *folder_of(struct tck_run *run, const char *file) {
    const char *relative = file + strlen(run->features) + 1;
    const char *slash = strrchr(relative, '/');
    const int size = slash ? (int)(slash - relative) : 0;
    for (size_t i = 0; i < run->folder_count; i++)
        if (strncmp(run->folders[i].folder, relative, (size_t)size) == 0 && run->folders[i].folder[size] == '\0')
            return &run->folders[i];
    assert_in_range(run->folder_count, 0, FOLDERS_MAX - 1);
    struct tally *tally = &run->folders[run->folder_count++];
    snprintf(tally->folder, sizeof tally->folder, "%.*s", size, relative);
    return tally;
}

static bool is_wanted(const struct tck_run *run, const char *file, struct slice name) {
    if (!run->only) return true;
    return strstr(file, run->only) || memmem(name.data, name.size, run->only, strlen(run->only));
}

static void judge(struct tck_run *run, const char *file, const struct tck_scenario *scenario) {
    static const char *const words[] = {"passed", "unsupported", "wrong"};
    char reason[REASON_BYTES];
    if (!is_wanted(run, file, scenario->name)) return;
    const enum tck_verdict verdict = tck_judge(&run->subject, scenario, run->graphs, reason, sizeof reason);
    folder_of(run, file)->verdicts[verdict]++;
    if (verdict != TCK_WRONG && !run->only) return;
    print_message("%s: %s %.*s: %s\n", words[verdict], file + strlen(run->features) + 1, (int)scenario->name.size,
                  (const char *)scenario->name.data, reason);
}

static void judge_file(struct tck_run *run, const char *file) {
    struct buf content = BUF_EMPTY;
    struct arena arena;
    struct tck_scenario *scenario;
    char part[4096];
    size_t size;
    FILE *stream = fopen(file, "rb");
    if (!stream) fail_msg("cannot open %s", file);
    while ((size = fread(part, 1, sizeof part, stream)) > 0)
        assert_int_equal(buf_append(&content, part, size), STATUS_OK);
    fclose(stream);
    arena_init(&arena, 1 << 16);
    if (tck_feature_parse(&arena, buf_slice(&content), &scenario) != STATUS_OK) fail_msg("%s is no feature file", file);
    for (; scenario; scenario = scenario->next) judge(run, file, scenario);
    arena_deinit(&arena);
    buf_deinit(&content);
}

static unsigned report(const struct tck_run *run) {
    unsigned total[TCK_WRONG + 1] = {0};
    print_message("%-40s %7s %11s %5s\n", "folder", "passed", "unsupported", "wrong");
    for (size_t i = 0; i < run->folder_count; i++) {
        const unsigned *counts = run->folders[i].verdicts;
        print_message("%-40s %7u %11u %5u\n", run->folders[i].folder, counts[0], counts[1], counts[2]);
        for (size_t j = 0; j <= TCK_WRONG; j++) total[j] += counts[j];
    }
    print_message("%-40s %7u %11u %5u\n", "all", total[0], total[1], total[2]);
    return total[TCK_WRONG];
}

static unsigned below_floors(const struct tck_run *run) {
    unsigned below = 0;
    for (size_t i = 0; i < sizeof floors / sizeof floors[0] && !run->only; i++) {
        unsigned passed = 0;
        for (size_t j = 0; j < run->folder_count; j++)
            if (strcmp(run->folders[j].folder, floors[i].folder) == 0) passed = run->folders[j].verdicts[TCK_PASSED];
        if (passed >= floors[i].least) continue;
        print_message("%s: %u pass, at least %u once did\n", floors[i].folder, passed, floors[i].least);
        below++;
    }
    return below;
}

/* All files, in steps of so much work. */
static void run_all(struct tck_run *run, uint64_t step_work) {
    if (access(run->features, R_OK) != 0) {
        print_message("SKIP: no scenarios at %s (LOAM_DATA names the folder of outside data)\n", run->features);
        skip();
    }
    run->folder_count = file_count = 0;
    memset(run->folders, 0, sizeof run->folders);
    tck_runner_init(&run->runner);
    run->runner.step_work = step_work;
    run->subject = tck_runner_subject(&run->runner);
    assert_int_equal(nftw(run->features, note_file, 16, FTW_PHYS), 0);
    qsort(files, file_count, sizeof files[0], by_path);
    for (size_t i = 0; i < file_count; i++) judge_file(run, files[i]);
    graph_lab_expect_whole(&run->runner.lab);
    tck_runner_deinit(&run->runner);
    const unsigned wrong = report(run);
    assert_int_equal(below_floors(run), 0);
    assert_int_equal(wrong, 0);
}

static void no_scenario_is_answered_wrongly(void **state) {
    run_all(*state, QUERY_STEP_WORK);
}

static void steps_of_the_least_work_change_no_answer(void **state) {
    run_all(*state, 1);
}

int main(void) {
    static struct tck_run run;
    run.only = getenv("LOAM_TCK");
    snprintf(run.features, sizeof run.features, "%s/opencypher-tck/features", datadriven_folder());
    snprintf(run.graphs, sizeof run.graphs, "%s/opencypher-tck/graphs", datadriven_folder());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(no_scenario_is_answered_wrongly, &run),
        cmocka_unit_test_prestate(steps_of_the_least_work_change_no_answer, &run),
    };
    const int failed = cmocka_run_group_tests_name("tck", tests, NULL, NULL);
    return failed;
}

/*
 * tidy: each rule objects to what it should, at the right line, and to nothing else. Trees are made up in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/tidy/rules.h"

struct world {
    struct tree tree;
    struct findings findings;
};

static int world_init(void **state) {
    *state = test_calloc(1, sizeof(struct world));
    return *state ? 0 : -1;
}

static int world_deinit(void **state) {
    struct world *world = *state;
    findings_deinit(&world->findings);
    tree_deinit(&world->tree);
    test_free(world);
    return 0;
}

static void add(struct world *world, const char *path, const char *text) {
    tree_add(&world->tree, path, text, strlen(text));
}

/* The findings of a rule whose text has `part` in it; any when NULL. */
static size_t count_of(const struct world *world, const char *rule, const char *part) {
    size_t count = 0;
    for (size_t i = 0; i < world->findings.count; i++) {
        const struct finding *finding = &world->findings.items[i];
        count += strcmp(finding->rule, rule) == 0 && (!part || strstr(finding->text, part));
    }
    return count;
}

static void expect_only(struct world *world, const char *path, size_t line, const char *rule, const char *part) {
    if (world->findings.count != 1) findings_print(&world->findings, stdout);
    assert_int_equal(world->findings.count, 1);
    const struct finding *finding = &world->findings.items[0];
    assert_string_equal(finding->path, path);
    assert_int_equal(finding->line, line);
    assert_string_equal(finding->rule, rule);
    assert_non_null(strstr(finding->text, part));
}

static void expect_none(struct world *world) {
    if (world->findings.count) findings_print(&world->findings, stdout);
    assert_int_equal(world->findings.count, 0);
}

/* A tree in which all headers exist. */
static void add_house(struct world *world) {
    static const char *const paths[] = {
        "engine/engine.h",
        "engine/io.h",
        "engine/base/buf.h",
        "engine/base/log.h",
        "engine/base/sync.h",
        "engine/lsm/version.h",
        "engine/sst/sst_format.h",
        "raft/raft.h",
        "raft/core/progress.h",
        "raft/state_machine.h",
        "raft/driver.h",
        "kv/kv.h",
        "kv/op.h",
        "tsdb/tsdb.h",
        "tools/sim/sim.h",
        "tools/resp/resp_parse.h",
        "tests/harness/model.h",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) add(world, paths[i], "/* a header */\n");
}

static void include(struct world *world, const char *from, const char *line) {
    add(world, from, line);
    rule_includes(&world->tree, &world->findings);
}

static void includes_that_point_down_are_fine(void **state) {
    struct world *world = *state;
    add_house(world);
    add(world, "engine/lsm/get.c",
        "#include <stdint.h>\n#include \"engine/lsm/version.h\"\n#include \"engine/base/buf.h\"\n");
    add(world, "kv/state_machine.c", "#include \"raft/state_machine.h\"\n#include \"kv/kv.h\"\n");
    add(world, "raft/core/commit.c",
        "#include <string.h>\n#include \"raft/core/progress.h\"\n#include \"engine/base/buf.h\"\n");
    add(world, "tools/loam/main.c",
        "#include \"tools/sim/sim.h\"\n#include \"kv/kv.h\"\n#include \"engine/engine.h\"\n");
    add(world, "tools/loam/inspect/sst.c", "#include \"engine/sst/sst_format.h\"\n");
    add(world, "tests/unit/engine/get_test.c", "#include \"engine/lsm/version.h\"\n#include <pthread.h>\n");
    rule_includes(&world->tree, &world->findings);
    expect_none(world);
}

static void an_include_that_points_up_is_found(void **state) {
    struct world *world = *state;
    add_house(world);
    include(world, "engine/lsm/write.c", "#include <stdint.h>\n\n#include \"raft/raft.h\"\n");
    expect_only(world, "engine/lsm/write.c", 3, "R1", "floor above");
}

static void product_code_that_includes_tests_is_found(void **state) {
    struct world *world = *state;
    add_house(world);
    include(world, "tools/sim/checkers.c", "#include \"tests/harness/model.h\"\n");
    assert_int_equal(count_of(world, "R1", "floor above"), 1);
}

static void stores_that_know_each_other_are_found(void **state) {
    struct world *world = *state;
    add_house(world);
    include(world, "tsdb/head.c", "#include \"kv/kv.h\"\n");
    expect_only(world, "tsdb/head.c", 1, "R1", "stores do not know each other");
}

static void a_private_header_of_another_layer_is_found(void **state) {
    struct world *world = *state;
    add_house(world);
    include(world, "tools/loam/get.c", "#include \"engine/lsm/version.h\"\n");
    expect_only(world, "tools/loam/get.c", 1, "R1", "private to its layer");
}

static void formats_are_for_the_inspector_not_for_the_server(void **state) {
    struct world *world = *state;
    add_house(world);
    include(world, "tools/loamd/main.c", "#include \"engine/sst/sst_format.h\"\n");
    expect_only(world, "tools/loamd/main.c", 1, "R1", "private to its layer");
}

static void a_public_header_that_includes_a_private_one_is_found(void **state) {
    struct world *world = *state;
    add_house(world);
    include(world, "engine/verify.h", "#include \"engine/lsm/version.h\"\n");
    expect_only(world, "engine/verify.h", 1, "R1", "public headers only");
}

static void base_that_knows_the_engine_is_found(void **state) {
    struct world *world = *state;
    add_house(world);
    include(world, "engine/base/hist.c", "#include \"engine/io.h\"\n");
    expect_only(world, "engine/base/hist.c", 1, "R1", "engine/base knows nothing");
}

static void an_include_relative_to_the_file_is_found(void **state) {
    struct world *world = *state;
    add_house(world);
    include(world, "engine/lsm/get.c", "#include \"version.h\"\n");
    expect_only(world, "engine/lsm/get.c", 1, "R1", "no file under the root");
}

static void an_include_in_a_comment_is_none(void **state) {
    struct world *world = *state;
    include(world, "engine/lsm/get.c", "/*\n#include \"raft/raft.h\"\n*/\n");
    expect_none(world);
}

static void libraries_with_a_door_are_found_outside_of_it(void **state) {
    struct world *world = *state;
    add(world, "engine/io/io_uring.c", "#include <liburing.h>\n");
    add(world, "engine/codec/zstd_codec.c", "#include <zstd.h>\n#include <zdict.h>\n");
    add(world, "engine/base/sync.h", "#include <pthread.h>\n");
    add(world, "tools/loamd/http.c", "#include <microhttpd.h>\n");
    rule_includes(&world->tree, &world->findings);
    expect_none(world);
    include(world, "engine/sst/block.c",
            "#include <liburing.h>\n#include <lz4.h>\n#include <pthread.h>\n#include <microhttpd.h>\n");
    assert_int_equal(count_of(world, "R2", NULL), 4);
}

static void the_core_that_sees_io_is_found(void **state) {
    struct world *world = *state;
    add_house(world);
    include(world, "raft/core/election.c",
            "#include \"engine/io.h\"\n#include <stdio.h>\n#include <time.h>\n#include "
            "\"engine/base/sync.h\"\n#include \"raft/driver.h\"\n");
    assert_int_equal(count_of(world, "R3", NULL), 5);
}

static void only_one_file_of_a_store_knows_raft(void **state) {
    struct world *world = *state;
    add_house(world);
    include(world, "kv/apply.c", "#include \"raft/state_machine.h\"\n");
    expect_only(world, "kv/apply.c", 1, "R4", "state_machine");
}

static void calls(struct world *world, const char *path, const char *text) {
    add(world, path, text);
    rule_calls(&world->tree, &world->findings);
}

static void a_banned_call_is_found_everywhere(void **state) {
    struct world *world = *state;
    add(world, "tests/unit/kv/a_test.c", "    strcpy(a, b);\n");
    add(world, "tools/loam/a.c", "    x = atoi(b);\n");
    calls(world, "engine/a.c", "    sprintf(a, b);\n    rand ();\n    r = rand();\n");
    assert_int_equal(count_of(world, "banned", NULL), 4);
}

static void a_call_has_to_be_a_whole_name_and_no_member(void **state) {
    struct world *world = *state;
    calls(world, "engine/lsm/a.c",
          "    snprintf(a, 1, b);\n    io->time(io);\n    io.read(file);\n    my_open(1);\n    list_remove(x);\n");
    expect_none(world);
}

static void a_call_in_words_is_none(void **state) {
    struct world *world = *state;
    calls(world, "engine/lsm/a.c",
          "/* strcpy(a, b) */\nconst char *text = \"open(1) \\\" read(2)\"; // time(0)\nchar c = '\"'; int d = 1;\n");
    expect_none(world);
}

static void files_sockets_clocks_and_entropy_have_one_door(void **state) {
    struct world *world = *state;
    const char *text =
        "    open(1);\n    socket(1);\n    clock_gettime(1);\n    getrandom(1);\n    io_uring_submit(r);\n";
    add(world, "engine/io/io_posix.c", text);
    add(world, "tests/crash/a_test.c", text);
    rule_calls(&world->tree, &world->findings);
    expect_none(world);
    calls(world, "raft/log/a.c", text);
    assert_int_equal(count_of(world, "R2", NULL), 5);
}

static void the_wall_clock_has_no_home_at_all(void **state) {
    struct world *world = *state;
    calls(world, "engine/io/io.c", "    now = time(NULL);\n");
    expect_only(world, "engine/io/io.c", 1, "R2", "clock of struct io");
}

static void threads_and_environment_are_kept_out(void **state) {
    struct world *world = *state;
    add(world, "engine/base/sync.c", "    pthread_mutex_lock(m);\n");
    calls(world, "engine/lsm/a.c", "    pthread_mutex_lock(m);\n    getenv(x);\n");
    assert_int_equal(count_of(world, "R2", NULL), 2);
}

static void the_core_allocates_only_when_it_is_made(void **state) {
    struct world *world = *state;
    calls(world, "raft/core/raft.c",
          "int raft_create(void) {\n    p = malloc(1);\n}\nstatic void step(int a,\n                 int b) {\n    p = "
          "malloc(1);\n}\n");
    expect_only(world, "raft/core/raft.c", 6, "R3", "malloc");
}

static void shape(struct world *world, const char *path, const char *text) {
    add(world, path, text);
    rule_shape(&world->tree, &world->findings);
}

static void repeat(char *to, size_t capacity, const char *line, size_t count) {
    size_t size = strlen(to);
    for (size_t i = 0; i < count && size + strlen(line) < capacity; i++) {
        memcpy(to + size, line, strlen(line) + 1);
        size += strlen(line);
    }
}

static void a_function_over_its_limit_is_found(void **state) {
    struct world *world = *state;
    char text[4096] = "/* x */\nint shorter(void) {\n";
    repeat(text, sizeof text, "    x();\n", 98);
    repeat(text, sizeof text, "}\nint longer(int a,\n           int b) {\n", 1);
    repeat(text, sizeof text, "    x();\n", 98);
    repeat(text, sizeof text, "}\n", 1);
    shape(world, "engine/a.c", text);
    expect_only(world, "engine/a.c", 102, "size", "longer has 101 lines");
}

static void a_file_over_its_limit_is_found(void **state) {
    struct world *world = *state;
    char text[8192] = "/* x */\n";
    repeat(text, sizeof text, "int x;\n", 999);
    shape(world, "engine/a.c", text);
    expect_none(world);
    repeat(text, sizeof text, "int x;\n", 1);
    shape(world, "engine/b.c", text);
    assert_int_equal(count_of(world, "size", "1001 lines"), 1);
}

static void a_file_without_an_opening_comment_is_found(void **state) {
    struct world *world = *state;
    add(world, "kv/b.c", "#include <stdint.h>\n");
    add(world, "kv/b.h", "/* b: what it is */\n#ifndef KV_B_H\n#endif\n");
    shape(world, "kv/a.c", "#include <stdint.h>\n");
    expect_only(world, "kv/a.c", 1, "opening", "opens with a comment");
}

static void a_guard_has_the_name_of_the_path(void **state) {
    struct world *world = *state;
    shape(world, "kv/kv.h", "/* x */\n#ifndef KV_KV_H\n#define KV_KV_H\n#endif\n");
    expect_none(world);
    shape(world, "kv/op.h", "/* x */\n#ifndef OP_H\n#define OP_H\n#endif\n");
    expect_only(world, "kv/op.h", 1, "guard", "KV_OP_H");
}

#define PUSH "#pragma GCC visibility push(default)\n"
#define POP "#pragma GCC visibility pop\n"

static void public_headers_export_and_others_do_not(void **state) {
    struct world *world = *state;
    add(world, "engine/wal.h",
        "/* x */\n#ifndef ENGINE_WAL_H\n#include <stddef.h>\n" PUSH "int wal(void);\n" POP "#endif\n");
    add(world, "engine/base/slice.h", "/* x */\n#ifndef ENGINE_BASE_SLICE_H\nstatic inline int f(void) {\n}\n#endif\n");
    add(world, "kv/number.h", "/* x */\n#ifndef KV_NUMBER_H\nint number(void);\n#endif\n");
    rule_shape(&world->tree, &world->findings);
    expect_none(world);
    add(world, "raft/raft.h", "/* x */\n#ifndef RAFT_RAFT_H\nint raft(void);\n#endif\n");
    add(world, "engine/io.h",
        "/* x */\n#ifndef ENGINE_IO_H\n" PUSH "#include <stddef.h>\nint io(void);\n" POP "#endif\n");
    add(world, "kv/kv.h", "/* x */\n#ifndef KV_KV_H\n" PUSH "int kv(void);\n#endif\n");
    add(world, "kv/op.h", "/* x */\n#ifndef KV_OP_H\n" PUSH POP "#endif\n");
    rule_shape(&world->tree, &world->findings);
    assert_int_equal(count_of(world, "export", "a public header has"), 3);
    assert_int_equal(count_of(world, "export", "only public headers"), 1);
}

static void mutable_globals_are_found_in_libraries(void **state) {
    struct world *world = *state;
    shape(world, "engine/a.c",
          "/* x */\nstatic const int fine = 1;\nstatic int function(int a);\nstatic int calls;\nvoid f(void) {\n    "
          "static int last = 0;\n}\n");
    assert_int_equal(count_of(world, "global", NULL), 2);
}

static void conditional_code_for_tests_is_found_in_product_files(void **state) {
    struct world *world = *state;
    add(world, "tests/harness/a.c", "/* x */\n#ifdef TESTING\n#endif\n");
    add(world, "tools/sim/by_hand.h", "/* x */\n#ifndef TOOLS_SIM_BY_HAND_H\n#endif\n"); /* a guard */
    shape(world, "engine/a.c", "/* x */\n#ifdef LOAM_DEBUG\n#endif\n#ifdef FUZZING_BUILD\n#endif\n");
    expect_only(world, "engine/a.c", 4, "R5", "no code for tests");
}

static void notes_to_self_are_found_in_comments(void **state) {
    struct world *world = *state;
    shape(world, "engine/a.c", "/* x */\nint a; /* TODO: more */\nconst char *t = \"TODO\";\n");
    expect_only(world, "engine/a.c", 2, "note", "TODO");
}

static void what_has_no_place_in_the_root_is_found_once(void **state) {
    struct world *world = *state;
    static const char *const fine[] = {"Makefile", "README.md",  "LICENSE", ".gitignore",
                                       ".ci/run",  "engine/a.c", "tests/x"};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) add(world, fine[i], "");
    add(world, "docs/one.md", "");
    add(world, "docs/two.md", "");
    rule_layout(&world->tree, &world->findings);
    expect_only(world, "docs/one.md", 1, "layout", "docs has no place");
}

static void a_file_name_used_twice_in_a_layer_is_found(void **state) {
    struct world *world = *state;
    static const char *const paths[] = {"engine/lsm/get.c",   "engine/lsm/get.h",  "kv/get.c",
                                        "tools/loamd/main.c", "tools/loam/main.c", "engine/sst/get.c"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) add(world, paths[i], "");
    rule_layout(&world->tree, &world->findings);
    expect_only(world, "engine/sst/get.c", 1, "layout", "engine/lsm/get.c has that name");
}

static const char walk[] = "# loam\n\n## The walk of a SET\n\n"
                           "1. `resp_parse()` in `tools/resp/resp_parse.c` cuts.\n"
                           "2. `kv_apply` in `kv/apply.c`\n   and `engine_write` in `engine/write.c` write.\n\n"
                           "## Limits\n\n`not_checked_here` stands outside.\n";

static void a_walk_whose_names_exist_is_fine(void **state) {
    struct world *world = *state;
    add(world, "README.md", walk);
    add(world, "tools/resp/resp_parse.c", "enum status resp_parse(int a) {\n}\n");
    add(world, "kv/apply.c", "int kv_apply(void) {\n}\n");
    add(world, "engine/write.c", "MUST_CHECK enum status\nengine_write(int a,\n    int b) {\n}\n");
    rule_words(&world->tree, &world->findings);
    expect_none(world);
}

static void a_walk_that_names_what_is_elsewhere_is_found(void **state) {
    struct world *world = *state;
    add(world, "README.md", walk);
    add(world, "tools/resp/resp_parse.c", "enum status resp_parse(int a) {\n}\n");
    add(world, "kv/apply.c", "int other(void) {\n    kv_apply();\n}\n");
    add(world, "engine/write.c", "int engine_write(void) {\n}\n");
    rule_words(&world->tree, &world->findings);
    expect_only(world, "README.md", 6, "words", "kv_apply");
}

static void each_walk_of_each_readme_is_checked(void **state) {
    static const char ways[] = "# tsdb\n\n## A sample's way\n\n`tsdb_apply` begins.\n\n"
                               "## The walk of an edge\n\n`no_such_thing` ends.\n\n## Limits\n\n`not_checked_here`\n";
    struct world *world = *state;
    add(world, "README.md", ways);
    add(world, "tsdb/README.md", ways);
    add(world, "tsdb/apply.c", "int tsdb_apply(void) {\n}\n");
    rule_words(&world->tree, &world->findings);
    assert_int_equal(world->findings.count, 2);
    assert_int_equal(count_of(world, "words", "the walk names no_such_thing"), 2);
}

static void a_readme_without_a_walk_or_with_lost_files_is_found(void **state) {
    struct world *world = *state;
    add(world, "README.md", "# loam\n\nSee `engine/gone.c`.\n");
    rule_words(&world->tree, &world->findings);
    assert_int_equal(world->findings.count, 2);
    assert_int_equal(count_of(world, "words", "no file engine/gone.c"), 1);
    assert_int_equal(count_of(world, "words", "walks through"), 1);
}

static void a_format_names_what_its_layer_defines(void **state) {
    struct world *world = *state;
    add(world, "engine/wal/wal_format.h", "enum { WAL_MAGIC = 1 };\nint wal_encode(int a);\n");
    add(world, "engine/wal/FORMAT.md",
        "`WAL_MAGIC`, `wal_encode()`, `wal_format.h`, a field `length` of `some_field`.\n");
    rule_words(&world->tree, &world->findings);
    expect_none(world);
    add(world, "kv/FORMAT.md", "`WAL_MAGIC`\n`kv_encode()`\n");
    rule_words(&world->tree, &world->findings);
    assert_int_equal(count_of(world, "words", "defined nowhere in this layer"), 2);
}

static const char product[] = "int commit(int a) {\n    sync(a);\n    return a;\n}\n";

static void a_mutant_that_applies_is_fine(void **state) {
    struct world *world = *state;
    add(world, "engine/wal/commit.c", product);
    add(world, "tests/mutants/no_sync.patch",
        "The sync is left out.\n--- a/engine/wal/commit.c\n+++ b/engine/wal/commit.c\n@@ -1,4 +1,3 @@\n int commit(int "
        "a) {\n-    sync(a);\n     return a;\n }\n");
    rule_mutants(&world->tree, &world->findings);
    expect_none(world);
}

static void a_mutant_that_no_longer_applies_is_found(void **state) {
    struct world *world = *state;
    add(world, "engine/wal/commit.c", product);
    add(world, "tests/mutants/no_sync.patch",
        "--- a/engine/wal/commit.c\n+++ b/engine/wal/commit.c\n@@ -1,4 +1,3 @@\n int commit(int a) {\n-    sync(b);\n  "
        "   return a;\n }\n");
    rule_mutants(&world->tree, &world->findings);
    expect_only(world, "tests/mutants/no_sync.patch", 3, "mutant", "does not apply");
}

static void a_mutant_is_small_in_the_product_and_has_a_hunk(void **state) {
    struct world *world = *state;
    add(world, "engine/wal/commit.c", product);
    add(world, "tests/harness/model.c", product);
    add(world, "tests/mutants/empty.patch", "nothing\n");
    add(world, "tests/mutants/tests.patch",
        "--- a/tests/harness/model.c\n+++ b/tests/harness/model.c\n@@ -1 +1 @@\n-int commit(int a) {\n+int commit(int "
        "b) {\n");
    char big[1024] = "--- a/engine/wal/commit.c\n+++ b/engine/wal/commit.c\n@@ -1,1 +1,12 @@\n int commit(int a) {\n";
    repeat(big, sizeof big, "+    sync(a);\n", 11);
    add(world, "tests/mutants/big.patch", big);
    rule_mutants(&world->tree, &world->findings);
    assert_int_equal(world->findings.count, 3);
    assert_int_equal(count_of(world, "mutant", "no hunk"), 1);
    assert_int_equal(count_of(world, "mutant", "no product file"), 1);
    assert_int_equal(count_of(world, "mutant", "11 changed lines"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_init, world_deinit)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(includes_that_point_down_are_fine),
        TEST(an_include_that_points_up_is_found),
        TEST(product_code_that_includes_tests_is_found),
        TEST(stores_that_know_each_other_are_found),
        TEST(a_private_header_of_another_layer_is_found),
        TEST(formats_are_for_the_inspector_not_for_the_server),
        TEST(a_public_header_that_includes_a_private_one_is_found),
        TEST(base_that_knows_the_engine_is_found),
        TEST(an_include_relative_to_the_file_is_found),
        TEST(an_include_in_a_comment_is_none),
        TEST(libraries_with_a_door_are_found_outside_of_it),
        TEST(the_core_that_sees_io_is_found),
        TEST(only_one_file_of_a_store_knows_raft),
        TEST(a_banned_call_is_found_everywhere),
        TEST(a_call_has_to_be_a_whole_name_and_no_member),
        TEST(a_call_in_words_is_none),
        TEST(files_sockets_clocks_and_entropy_have_one_door),
        TEST(the_wall_clock_has_no_home_at_all),
        TEST(threads_and_environment_are_kept_out),
        TEST(the_core_allocates_only_when_it_is_made),
        TEST(a_function_over_its_limit_is_found),
        TEST(a_file_over_its_limit_is_found),
        TEST(a_file_without_an_opening_comment_is_found),
        TEST(a_guard_has_the_name_of_the_path),
        TEST(public_headers_export_and_others_do_not),
        TEST(mutable_globals_are_found_in_libraries),
        TEST(conditional_code_for_tests_is_found_in_product_files),
        TEST(notes_to_self_are_found_in_comments),
        TEST(what_has_no_place_in_the_root_is_found_once),
        TEST(a_file_name_used_twice_in_a_layer_is_found),
        TEST(a_walk_whose_names_exist_is_fine),
        TEST(a_walk_that_names_what_is_elsewhere_is_found),
        TEST(each_walk_of_each_readme_is_checked),
        TEST(a_readme_without_a_walk_or_with_lost_files_is_found),
        TEST(a_format_names_what_its_layer_defines),
        TEST(a_mutant_that_applies_is_fine),
        TEST(a_mutant_that_no_longer_applies_is_found),
        TEST(a_mutant_is_small_in_the_product_and_has_a_hunk),
    };
    return cmocka_run_group_tests_name("tidy", tests, NULL, NULL);
}

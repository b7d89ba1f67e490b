/*
 * loamd_options: what the command line means, and which ones are refused, with words that name the option. And the
 * command table: sorted, whole, found in any case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tools/loamd/call.h"
#include "tools/loamd/options.h"

enum { ARGS_MAX = 16 };

static enum status parse(struct options *options, struct error *error, const char *const *words) {
    char *argv[ARGS_MAX] = {(char *)(uintptr_t) "loamd"};
    int argc = 1;
    for (; words[argc - 1]; argc++) argv[argc] = (char *)(uintptr_t)words[argc - 1];
    *error = (struct error){0};
    return options_parse(argc, argv, options, error);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void expect_refusal(const char *const *words, const char *named) {
    struct options options;
    struct error error;
    assert_int_not_equal(parse(&options, &error, words), STATUS_OK);
    if (!strstr(error.text, named)) fail_msg("'%s' does not name %s", error.text, named);
}

static void without_a_cluster_it_is_a_cluster_of_one(void **state) {
    (void)state;
    struct options options;
    struct error error;
    assert_int_equal(parse(&options, &error, WORDS("--dir", "d", "--listen", "127.0.0.1:7001")), STATUS_OK);
    assert_int_equal(options.server.raft.member_count, 1);
    assert_int_equal(options.server.raft.node_id, 1);
    assert_string_equal(options.server.raft.members[0].client_address, "127.0.0.1:7001");
    assert_false(options.lab);
}

static void a_cluster_list_names_peers_and_clients(void **state) {
    (void)state;
    struct options options;
    struct error error;
    const char *list = "1@127.0.0.1:7101@7001,2@127.0.0.1:7102@7002,30@[::1]:7103@7003";
    assert_int_equal(
        parse(&options, &error,
              WORDS("--dir", "d", "--listen", "127.0.0.1:7002", "--node-id", "2", "--cluster", list, "--lab")),
        STATUS_OK);
    const struct raft_driver_options *raft = &options.server.raft;
    assert_int_equal(raft->member_count, 3);
    assert_string_equal(raft->members[1].peer_address, "127.0.0.1:7102");
    assert_string_equal(raft->members[1].client_address, "127.0.0.1:7002");
    assert_int_equal(raft->members[2].id, 30);
    assert_string_equal(raft->members[2].client_address, "[::1]:7003");
    assert_true(options.lab);
}

static void sizes_take_units(void **state) {
    (void)state;
    struct options options;
    struct error error;
    assert_int_equal(parse(&options, &error,
                           WORDS("--dir", "d", "--listen", "127.0.0.1:1", "--memtable-bytes", "64k", "--cache-bytes",
                                 "2M", "--log-limit-bytes", "3g")),
                     STATUS_OK);
    assert_int_equal(options.server.raft.engine.memtable_bytes, 64 << 10);
    assert_int_equal(options.server.raft.engine.cache_bytes, 2 << 20);
    assert_true(options.server.raft.log_limit_bytes == 3ull << 30);
}

static void bad_input_is_refused_by_name(void **state) {
    (void)state;
    expect_refusal(WORDS("--listen", "127.0.0.1:1"), "--dir");
    expect_refusal(WORDS("--dir", "d"), "--listen");
    expect_refusal(WORDS("--dir", "d", "--listen"), "--listen");
    expect_refusal(WORDS("--dir", "d", "--listen", "127.0.0.1:1", "--wrong", "x"), "--wrong");
    expect_refusal(WORDS("--dir", "d", "--listen", "127.0.0.1:1", "--memtable-bytes", "lots"), "--memtable-bytes");
    expect_refusal(WORDS("--dir", "d", "--listen", "127.0.0.1:1", "--memtable-bytes", "0"), "--memtable-bytes");
    expect_refusal(WORDS("--dir", "d", "--listen", "127.0.0.1:1", "--io", "magic"), "--io");
    expect_refusal(WORDS("--dir", "d", "--listen", "127.0.0.1:1", "--cluster", "1@127.0.0.1@2"), "--cluster");
    expect_refusal(WORDS("--dir", "d", "--listen", "127.0.0.1:1", "--cluster", "1@somewhere:5@6"),
                   "has to be a number");
    expect_refusal(WORDS("--dir", "d", "--listen", "127.0.0.1:1", "--cluster", "1@127.0.0.1:5@6,1@127.0.0.1:7@8"),
                   "twice");
    expect_refusal(WORDS("--dir", "d", "--listen", "127.0.0.1:1", "--cluster", "1@127.0.0.1:5@6", "--node-id", "2"),
                   "--node-id 2");
    expect_refusal(WORDS("--dir", "d", "--listen", "127.0.0.1:1", "--cluster", "1@127.0.0.1:5@99999"), "--cluster");
}

static void an_address_beyond_loopback_needs_secrets(void **state) {
    (void)state;
    struct options options;
    struct error error;
    expect_refusal(WORDS("--dir", "d", "--listen", "0.0.0.0:7001"), "--requirepass");
    expect_refusal(WORDS("--dir", "d", "--listen", "0.0.0.0:7001", "--requirepass", "p"), "--peer-secret");
    expect_refusal(WORDS("--dir", "d", "--listen", "127.0.0.1:1", "--http-listen", "0.0.0.0:80"), "--requirepass");
    assert_int_equal(parse(&options, &error,
                           WORDS("--dir", "d", "--listen", "0.0.0.0:7001", "--requirepass", "p", "--peer-secret", "s")),
                     STATUS_OK);
}

static void the_command_table_is_sorted_and_whole(void **state) {
    (void)state;
    size_t count = 0;
    for (; command_at(count); count++) {
        const struct command *command = command_at(count);
        if (count && strcmp(command_at(count - 1)->name, command->name) >= 0)
            fail_msg("%s is out of order", command->name);
        assert_non_null(command->handler);
        assert_int_not_equal(command->arity, 0);
        assert_true(strlen(command->summary) > 0 && strlen(command->since) > 0 && strlen(command->group) > 0);
        if (command->kind == COMMAND_WRITE) assert_int_not_equal(command->store, 0);
        assert_ptr_equal(command_find(slice_from_text(command->name)), command);
    }
    assert_true(count > 50);
    assert_ptr_equal(command_find(slice_from_text("GeT")), command_find(slice_from_text("get")));
    assert_null(command_find(slice_from_text("ge")));
    assert_null(command_find(slice_from_text("gett")));
    assert_null(command_find(slice_make(NULL, 0)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_cluster_it_is_a_cluster_of_one),
        cmocka_unit_test(a_cluster_list_names_peers_and_clients),
        cmocka_unit_test(sizes_take_units),
        cmocka_unit_test(bad_input_is_refused_by_name),
        cmocka_unit_test(an_address_beyond_loopback_needs_secrets),
        cmocka_unit_test(the_command_table_is_sorted_and_whole),
    };
    return cmocka_run_group_tests_name("loamd_options", tests, NULL, NULL);
}

/*
 * loam_cluster: what `loam cluster` knows without a running server: names and ports, the plan's file, groups, INFO
 * texts, tables.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/temp_dir.h"
#include "tools/loam/cluster/cluster.h"
#include "tools/loam/info_text.h"

struct fixture {
    struct io *io;
    char directory[TEMP_DIR_BYTES];
    struct plan plan;
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const struct io_options options = {.backend = IO_BACKEND_POSIX};
    *state = fixture;
    if (!fixture || io_create(&options, &fixture->io, NULL) != STATUS_OK) return -1;
    temp_dir_make(fixture->directory, "plan");
    return plan_init(&fixture->plan, fixture->directory, NULL) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    temp_dir_remove(fixture->io, fixture->directory);
    io_destroy(fixture->io);
    free(fixture);
    return 0;
}

static const char *text_of(struct buf *buf) {
    assert_int_equal(buf_append_byte(buf, '\0'), STATUS_OK);
    return (const char *)buf->data;
}

/* ---- Plan -------------------------------------------------------------------------------------------------------- */

static void names_and_ports_follow_from_the_plan(void **state) {
    struct fixture *fixture = *state;
    struct plan plan;
    char address[IO_ADDRESS_BYTES], path[IO_PATH_BYTES];
    assert_int_equal(plan_init(&plan, "var/cluster//", NULL), STATUS_OK);
    plan_address(&plan, 2, PLAN_CLIENTS, address);
    assert_string_equal(address, "127.0.0.1:7002");
    plan_address(&plan, 2, PLAN_PEERS, address);
    assert_string_equal(address, "127.0.0.1:7102");
    plan_address(&plan, 2, PLAN_HTTP, address);
    assert_string_equal(address, "127.0.0.1:7202");
    plan_path(&plan, 3, "", path);
    assert_string_equal(path, "var/cluster/node-3");
    plan_path(&plan, 3, ".log", path);
    assert_string_equal(path, "var/cluster/node-3.log");
    struct buf members = BUF_EMPTY;
    assert_int_equal(plan_members(&plan, 1, &members), STATUS_OK);
    assert_string_equal(text_of(&members), "1@127.0.0.1:7101@7001,2@127.0.0.1:7102@7002,3@127.0.0.1:7103@7003");
    buf_deinit(&members);
    (void)fixture;
}

static void a_plan_is_kept_and_found_again(void **state) {
    struct fixture *fixture = *state;
    struct plan again;
    struct error error = {0};
    assert_int_equal(plan_load(&fixture->plan, fixture->io, &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, "loam cluster start"));
    fixture->plan.nodes = 5;
    fixture->plan.base_port = 17700;
    assert_int_equal(plan_save(&fixture->plan, fixture->io, &error), STATUS_OK);
    assert_int_equal(plan_init(&again, fixture->directory, NULL), STATUS_OK);
    assert_int_equal(plan_load(&again, fixture->io, &error), STATUS_OK);
    assert_int_equal(again.nodes, 5);
    assert_int_equal(again.base_port, 17700);
    assert_int_equal(plan_founders(&again), 5);
}

static void a_plan_remembers_who_came_and_went(void **state) {
    struct fixture *fixture = *state;
    struct plan again;
    struct buf founder = BUF_EMPTY, newcomer = BUF_EMPTY;
    unsigned group[PLAN_NODES_MAX];
    fixture->plan.nodes = 12;
    fixture->plan.founders = 3;
    for (unsigned node = 2; node <= 10; node++) fixture->plan.removed[node] = true;
    assert_int_equal(plan_save(&fixture->plan, fixture->io, NULL), STATUS_OK);
    assert_int_equal(plan_init(&again, fixture->directory, NULL), STATUS_OK);
    assert_int_equal(plan_load(&again, fixture->io, NULL), STATUS_OK);
    assert_int_equal(plan_next(&again, 0), 1);
    assert_int_equal(plan_next(&again, 1), 11);
    assert_int_equal(plan_next(&again, 12), 0);
    assert_int_equal(plan_count(&again), 3);
    assert_int_equal(plan_members(&again, 2, &founder), STATUS_OK); /* what its directory was made with */
    assert_int_equal(plan_members(&again, 11, &newcomer), STATUS_OK);
    assert_true(slice_equal(buf_slice(&founder), slice_from_text("1@127.0.0.1:7101@7001,2@127.0.0.1:7102@7002,"
                                                                 "3@127.0.0.1:7103@7003")));
    assert_true(slice_equal(buf_slice(&newcomer), slice_from_text("1@127.0.0.1:7101@7001,11@127.0.0.1:7111@7011,"
                                                                  "12@127.0.0.1:7112@7012")));
    assert_int_equal(plan_parse_groups(&again, "1,11/12", group, NULL), STATUS_OK);
    assert_int_equal(group[0], group[10]);
    assert_int_not_equal(group[0], group[11]);
    assert_int_equal(plan_parse_groups(&again, "1,11,12", group, NULL), STATUS_SYNTAX);
    assert_int_equal(plan_parse_groups(&again, "1/2", group, NULL), STATUS_SYNTAX); /* it has gone */
    buf_deinit(&founder);
    buf_deinit(&newcomer);
}

static void write_file(struct fixture *fixture, const char *name, const char *text) {
    char path[512];
    struct io_file *file;
    snprintf(path, sizeof path, "%s/%s", fixture->directory, name);
    assert_int_equal(io_file_open(fixture->io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &file),
                     STATUS_OK);
    assert_int_equal(io_file_write(file, 0, text, strlen(text)), STATUS_OK);
    io_file_close(file);
}

static void a_damaged_plan_is_refused(void **state) {
    struct fixture *fixture = *state;
    static const char *const damaged[] = {"",
                                          "nodes 3\n",
                                          "nodes 3\nbase-port 7000",
                                          "nodes 0\nbase-port 7000\n",
                                          "nodes 65\nbase-port 7000\n",
                                          "nodes 3\nbase-port 7000\nfounders 4\n",
                                          "nodes 3\nbase-port 7000\nfounders 3\nremoved 4\n",
                                          "nodes 3\nbase-port 7000\nfounders 3\nremoved 0\n",
                                          "nodes 3\nbase-port 70000\n",
                                          "nodes 3\nbase-port 7000\nmore\n",
                                          "nodes x\nbase-port 7000\n",
                                          "base-port 7000\nnodes 3\n"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct error error = {0};
        write_file(fixture, "cluster.conf", damaged[i]);
        assert_int_equal(plan_load(&fixture->plan, fixture->io, &error), STATUS_SYNTAX);
        assert_non_null(strstr(error.text, "cluster.conf"));
    }
}

static void a_pid_is_kept_and_nonsense_is_none(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(plan_read_pid(&fixture->plan, fixture->io, 1), 0);
    assert_int_equal(plan_write_pid(&fixture->plan, fixture->io, 1, 4711, NULL), STATUS_OK);
    assert_int_equal(plan_read_pid(&fixture->plan, fixture->io, 1), 4711);
    static const char *const nonsense[] = {"", "-1\n", "12x\n", "99999999999999999999999\n"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        write_file(fixture, "node-1.pid", nonsense[i]);
        assert_int_equal(plan_read_pid(&fixture->plan, fixture->io, 1), 0);
    }
}

static void groups_part_nodes(void **state) {
    struct fixture *fixture = *state;
    unsigned group[PLAN_NODES_MAX];
    fixture->plan.nodes = 5;
    assert_int_equal(plan_parse_groups(&fixture->plan, "1,2/3", group, NULL), STATUS_OK);
    assert_int_equal(group[0], group[1]);
    assert_int_not_equal(group[0], group[2]);
    assert_int_equal(group[3], group[4]); /* not named: one more group */
    assert_int_not_equal(group[3], group[0]);
    assert_int_not_equal(group[3], group[2]);
    assert_int_equal(plan_parse_groups(&fixture->plan, "4", group, NULL), STATUS_OK);
    assert_int_equal(group[0], group[4]);
    assert_int_not_equal(group[3], group[0]);
    static const char *const wrong[] = {"", "1,", "1//2", "/1", "6", "1,1", "1;2", "a", "1,2,3,4,5", "12", "1/"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error error = {0};
        assert_int_equal(plan_parse_groups(&fixture->plan, wrong[i], group, &error), STATUS_SYNTAX);
        assert_string_not_equal(error.text, "");
    }
}

/* ---- Facts ------------------------------------------------------------------------------------------------------- */

static void facts_are_read_from_info(void **state) {
    (void)state;
    const char *info = "# Raft\r\nraft_node_id:2\r\nraft_role:leader\r\nraft_term:7\r\nraft_vote:2\r\nraft_leader:2\r\n"
                       "raft_commit:1234\r\nraft_applied:1230\r\npeer_1:address=127.0.0.1:7101\r\nlast:no end";
    struct node_facts facts = {.node = 2};
    assert_true(cluster_facts_parse(&facts, slice_from_text(info)));
    assert_string_equal(facts.role, "leader");
    assert_int_equal(facts.term, 7);
    assert_int_equal(facts.leader, 2);
    assert_int_equal(facts.commit, 1234);
    assert_int_equal(facts.applied, 1230);
    assert_true(slice_equal(info_field(slice_from_text(info), "last"), slice_from_text("no end")));
    assert_int_equal(info_field(slice_from_text(info), "raft").size, 0);
    assert_false(cluster_facts_parse(&facts, slice_from_text("# Server\r\nredis_version:7.0.15\r\n")));
    assert_false(cluster_facts_parse(&facts, slice_make(NULL, 0)));
}

static void fill_facts(struct node_facts facts[3]) {
    facts[0] = (struct node_facts){.node = 1,
                                   .process = PROCESS_RUNNING,
                                   .pid = 11,
                                   .answers = true,
                                   .role = "leader",
                                   .term = 3,
                                   .commit = 100,
                                   .applied = 100,
                                   .leader = 1,
                                   .disk_bytes = 2500000};
    facts[1] = (struct node_facts){.node = 2,
                                   .process = PROCESS_RUNNING,
                                   .pid = 12,
                                   .answers = true,
                                   .role = "follower",
                                   .term = 3,
                                   .commit = 98,
                                   .applied = 90,
                                   .leader = 1};
    facts[2] = (struct node_facts){.node = 3, .role = "down"};
}

static void status_is_a_table_for_people(void **state) {
    struct fixture *fixture = *state;
    struct node_facts facts[3];
    struct buf text = BUF_EMPTY;
    fill_facts(facts);
    assert_int_equal(status_print_table(&text, &fixture->plan, facts), STATUS_OK);
    assert_string_equal(
        text_of(&text),
        "node  role       process    term     commit    applied      lag       size  clients          pid\n"
        "1     leader     running       3        100        100        0     2.5 MB  127.0.0.1:7001   11\n"
        "2     follower   running       3         98         90       10     0.0 MB  127.0.0.1:7002   12\n"
        "3     down       stopped       -          -          -        -     0.0 MB  127.0.0.1:7003   -\n");
    buf_deinit(&text);
}

static void status_is_json_for_scripts(void **state) {
    struct fixture *fixture = *state;
    struct node_facts facts[3];
    struct buf text = BUF_EMPTY;
    fill_facts(facts);
    assert_int_equal(status_print_json(&text, &fixture->plan, facts), STATUS_OK);
    assert_string_equal(
        text_of(&text),
        "{\"nodes\":["
        "{\"id\":1,\"role\":\"leader\",\"term\":3,\"commit\":100,\"applied\":100,\"lag\":0,\"leader\":1,"
        "\"size_bytes\":2500000,\"process\":\"running\",\"pid\":11,\"clients\":\"127.0.0.1:7001\"},"
        "{\"id\":2,\"role\":\"follower\",\"term\":3,\"commit\":98,\"applied\":90,\"lag\":10,\"leader\":1,"
        "\"size_bytes\":0,\"process\":\"running\",\"pid\":12,\"clients\":\"127.0.0.1:7002\"},"
        "{\"id\":3,\"role\":\"down\",\"term\":0,\"commit\":0,\"applied\":0,\"lag\":0,\"leader\":0,"
        "\"size_bytes\":0,\"process\":\"stopped\",\"pid\":0,\"clients\":\"127.0.0.1:7003\"}]}\n");
    buf_deinit(&text);
}

/* ---- Processes --------------------------------------------------------------------------------------------------- */

static void log_path(const struct fixture *fixture, char path[128]) {
    snprintf(path, 128, "%s/log", fixture->directory);
}

static void a_process_is_started_paused_resumed_and_killed(void **state) {
    struct fixture *fixture = *state;
    char log[128];
    long pid;
    int code;
    log_path(fixture, log);
    const char *const arguments[] = {"sleep", "600.25", NULL};
    assert_int_equal(process_start("/bin/sleep", arguments, log, &pid, NULL), STATUS_OK);
    assert_int_equal(process_state(fixture->io, pid, "600.25"), PROCESS_RUNNING);
    assert_int_equal(process_state(fixture->io, pid, "600"), PROCESS_GONE); /* the number, but another program */
    assert_int_equal(process_signal(pid, PROCESS_PAUSE), STATUS_OK);
    while (process_state(fixture->io, pid, "600.25") != PROCESS_PAUSED) io_sleep(fixture->io, 1000000);
    assert_int_equal(process_signal(pid, PROCESS_RESUME), STATUS_OK);
    while (process_state(fixture->io, pid, "600.25") != PROCESS_RUNNING) io_sleep(fixture->io, 1000000);
    assert_int_equal(process_signal(pid, PROCESS_KILL), STATUS_OK);
    while (process_state(fixture->io, pid, "600.25") != PROCESS_GONE) io_sleep(fixture->io, 1000000);
    assert_int_equal(process_wait(pid, &code), STATUS_OK);
    assert_int_equal(code, 128 + 9);
    assert_int_equal(process_signal(pid, PROCESS_TERMINATE), STATUS_NOT_FOUND);
    assert_int_equal(process_state(fixture->io, 0, "sleep"), PROCESS_GONE);
}

/* Between two programs of one process there is a moment without arguments. */
static void a_process_that_becomes_another_program_runs(void **state) {
    struct fixture *fixture = *state;
    char log[128];
    const char *arguments[] = {"sh",
                               "-c",
                               "[ $1 = 0 ] || exec sh -c \"$0\" \"$0\" $(($1 - 1)) mark",
                               "[ $1 = 0 ] || exec sh -c \"$0\" \"$0\" $(($1 - 1)) mark",
                               "1500",
                               "mark",
                               NULL};
    long pid = 0;
    int code = -1;
    unsigned looks = 0;
    log_path(fixture, log);
    assert_int_equal(process_start("sh", arguments, log, &pid, NULL), STATUS_OK);
    while (process_state(fixture->io, pid, "mark") == PROCESS_RUNNING) looks++;
    assert_int_equal(process_state(fixture->io, pid, "mark"), PROCESS_GONE);
    assert_int_equal(kill((pid_t)pid, SIGKILL), 0); /* if it is not gone, the code will tell */
    assert_int_equal(process_wait(pid, &code), STATUS_OK);
    assert_int_equal(code, 0);
    assert_true(looks > 100);
}

static void output_and_errors_go_to_the_log(void **state) {
    struct fixture *fixture = *state;
    char log[128], text[64] = "";
    long pid;
    int code;
    size_t got;
    struct io_file *file;
    log_path(fixture, log);
    const char *const arguments[] = {"sh", "-c", "echo out; echo err >&2; cat; exit 7", NULL};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(process_start("/bin/sh", arguments, log, &pid, NULL), STATUS_OK);
        assert_int_equal(process_wait(pid, &code), STATUS_OK);
        assert_int_equal(code, 7);
    }
    assert_int_equal(io_file_open(fixture->io, log, IO_OPEN_READ, &file), STATUS_OK);
    assert_int_equal(io_file_read(file, 0, text, sizeof text - 1, &got), STATUS_OK);
    io_file_close(file);
    assert_string_equal(text, "out\nerr\nout\nerr\n");
}

static void a_program_that_cannot_start_is_named(void **state) {
    struct fixture *fixture = *state;
    char log[128];
    long pid;
    struct error error = {0};
    log_path(fixture, log);
    const char *const arguments[] = {"none", NULL};
    assert_int_equal(process_start("/no/such/program", arguments, log, &pid, &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, "/no/such/program"));
    assert_int_equal(process_start("/bin/sleep", arguments, "/no/such/log", &pid, &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, "/no/such/log"));
}

/* A base port whose three ports for node 1 are free at the moment. */
static unsigned find_base_port(struct fixture *fixture) {
    for (int attempt = 0; attempt < 50; attempt++) {
        struct cluster cluster = {.io = fixture->io, .plan = {.nodes = 1}};
        uint16_t chance;
        io_entropy(fixture->io, &chance, sizeof chance);
        cluster.plan.base_port = 10000 + chance % 10000u;
        if (cluster_node_check_ports(&cluster, 1, NULL) == STATUS_OK) return cluster.plan.base_port;
    }
    fail_msg("no free ports found");
    return 0;
}

static void a_port_in_use_is_named(void **state) {
    struct fixture *fixture = *state;
    const unsigned base_port = find_base_port(fixture);
    const struct cluster cluster = {.io = fixture->io, .plan = {.nodes = 1, .base_port = base_port}};
    struct io_socket *other;
    struct error error = {0};
    char address[IO_ADDRESS_BYTES];
    plan_address(&cluster.plan, 1, PLAN_PEERS, address);
    assert_int_equal(io_listen(fixture->io, address, &other, &error), STATUS_OK);
    assert_int_equal(cluster_node_check_ports(&cluster, 1, &error), STATUS_BUSY);
    assert_non_null(strstr(error.text, address));
    assert_non_null(strstr(error.text, "peers of node 1"));
    io_socket_close(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(names_and_ports_follow_from_the_plan),
        TEST(a_plan_is_kept_and_found_again),
        TEST(a_plan_remembers_who_came_and_went),
        TEST(a_damaged_plan_is_refused),
        TEST(a_pid_is_kept_and_nonsense_is_none),
        TEST(groups_part_nodes),
        TEST(facts_are_read_from_info),
        TEST(status_is_a_table_for_people),
        TEST(status_is_json_for_scripts),
        TEST(a_process_is_started_paused_resumed_and_killed),
        TEST(a_process_that_becomes_another_program_runs),
        TEST(output_and_errors_go_to_the_log),
        TEST(a_program_that_cannot_start_is_named),
        TEST(a_port_in_use_is_named),
    };
    return cmocka_run_group_tests_name("loam cluster", tests, NULL, NULL);
}

/*
 * loam_top_test: what nodes say becomes a screen of any size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/harness/seeds.h"
#include "tests/harness/test_env.h"
#include "tools/loam/top/top_view.h"

static const char info[] =
    "# Server\r\nuptime_in_seconds:100\r\n# Clients\r\nconnected_clients:5\r\n# Memory\r\nmemtable_bytes:1000\r\n"
    "block_cache_bytes:2000\r\n# Persistence\r\nlog_syncs:7\r\nlog_written_bytes:512\r\nlog_bytes:4096\r\n"
    "# Stats\r\ntotal_commands_processed:1000\r\n# Latency\r\nlatency_window_ms:5000\r\n"
    "latency_reads:p50_us=12.5,p99_us=800.0,p999_us=900.0,max_us=1000.0,timed=40\r\n"
    "latency_writes:p50_us=0.0,p99_us=0.0,p999_us=0.0,max_us=0.0,timed=0\r\n"
    "# "
    "Raft\r\nraft_node_id:2\r\nraft_role:leader\r\nraft_term:9\r\nraft_leader:2\r\nraft_commit:500\r\nraft_applied:"
    "490\r\n"
    "raft_membership:member\r\nraft_witness:0\r\nraft_disk:well\r\n"
    "peer_1:address=127.0.0.1:7101,client_address=127.0.0.1:7001,connected=1,voter=1\r\n"
    "peer_4:address=127.0.0.1:7104,client_address=127.0.0.1:7004,connected=1,voter=1\r\n"
    "# Engine\r\nflushes:3\r\ncompactions:2\r\ndebt_bytes:77\r\ncache_hits:90\r\ncache_misses:10\r\n"
    "level0:files=2,bytes=3000\r\nlevel6:files=1,bytes=99000\r\n"
    "# Limits\r\nlog_bytes:use=4096,limit=8192\r\npressure:use=850,limit=1000\r\nengine_pressure:use=3,limit=1000\r\n"
    "# Keyspace\r\ndb0:keys=42\r\n";

static void a_node_s_word_becomes_numbers(void **state) {
    (void)state;
    struct top_sample sample = {.at_ns = 5};
    assert_true(top_sample_parse(&sample, slice_from_text(info)));
    assert_true(sample.answers && sample.at_ns == 5 && sample.node == 2 && sample.term == 9 && sample.applied == 490);
    assert_string_equal(sample.role, "leader");
    assert_true(sample.commands == 1000 && sample.keys == 42 && sample.clients == 5);
    assert_true(sample.log_bytes == 4096 && sample.log_limit_bytes == 8192 && sample.pressure == 850);
    assert_true(sample.reads.p50_us > 12.4 && sample.reads.p50_us < 12.6 && sample.reads.timed == 40);
    assert_true(sample.writes.timed == 0);
    assert_true(sample.levels[0].files == 2 && sample.levels[1].files == 0 && sample.levels[6].bytes == 99000);
    assert_int_equal(sample.peer_count, 2);
    assert_string_equal(sample.peers[1], "127.0.0.1:7004");
    assert_false(top_sample_parse(&sample, slice_from_text("redis_version:7.0.0\r\n")));
}

static void a_rate_is_of_one_process_only(void **state) {
    (void)state;
    struct top_sample before = {.answers = true, .at_ns = 1000000000, .uptime_s = 10}, now = before;
    now.at_ns += 500000000;
    assert_true(top_rate(&before, &now, 100, 150) > 99.9 && top_rate(&before, &now, 100, 150) < 100.1);
    assert_true(top_rate(&before, &now, 150, 100) == 0);
    assert_true(top_rate(&before, &before, 100, 150) == 0);
    now.uptime_s = 0;
    assert_true(top_rate(&before, &now, 100, 150) == 0);
    now.uptime_s = 10;
    before.answers = false;
    assert_true(top_rate(&before, &now, 100, 150) == 0);
}

static void numbers_and_times_are_short(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } numbers[] = {{0, "0"},      {7.4, "7"},        {999, "999"},  {999.6, "1.0k"}, {1234, "1.2k"},
                   {35e3, "35k"}, {999.4e3, "999k"}, {1e6, "1.0M"}, {2.5e9, "2.5G"}, {9e14, "900T"}};
    char text[12];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        top_number(text, numbers[i].value);
        assert_string_equal(text, numbers[i].text);
    }
    top_time(text, 3.25, 1);
    assert_string_equal(text, "3.2 us");
    top_time(text, 450, 1);
    assert_string_equal(text, "450 us");
    top_time(text, 12340, 1);
    assert_string_equal(text, "12.3 ms");
    top_time(text, 450, 0);
    assert_string_equal(text, "-");
}

static struct top top;
static struct top_lines lines;

static const struct top_line *line_with(const char *words) {
    for (size_t i = 0; i < lines.count; i++)
        if (strstr(lines.lines[i].text, words)) return &lines.lines[i];
    fail_msg("no line has '%s'", words);
    return NULL;
}

static void take(struct top_node *node, const char *text, uint64_t at_ns) {
    struct top_sample sample = {.at_ns = at_ns};
    assert_true(top_sample_parse(&sample, slice_from_text(text)));
    top_take(node, &sample);
}

static void who_leads_lags_or_is_down_is_seen(void **state) {
    (void)state;
    top = (struct top){.node_count = 3, .interval_ms = 1000, .clock = "10:00:00"};
    for (unsigned i = 0; i < 3; i++)
        (void)snprintf(top.nodes[i].address, sizeof top.nodes[i].address, "127.0.0.1:700%u", i + 1);
    take(&top.nodes[0], info, 1000000000);
    take(&top.nodes[0], info, 2000000000);
    char behind[sizeof info];
    memcpy(behind, info, sizeof info);
    memcpy(strstr(behind, "raft_node_id:2"), "raft_node_id:3", 14);
    memcpy(strstr(behind, "raft_role:leader"), "raft_role:learne", 16);
    memcpy(strstr(behind, "pressure:use=850"), "pressure:use=001", 16);
    take(&top.nodes[1], behind, 1000000000);
    (void)snprintf(top.nodes[2].now.why, sizeof top.nodes[2].now.why, "down: nobody listens");
    top_view_make(&top, 200, 100, &lines);
    assert_string_equal(lines.lines[0].text, "loam top  10:00:00  2 of 3 nodes answer, node 2 leads, term 9");
    assert_int_equal(line_with("127.0.0.1:7001")->look, TOP_WARN); /* its pressure */
    assert_int_equal(line_with("127.0.0.1:7003")->look, TOP_BAD);
    (void)line_with("down: nobody listens");
    (void)line_with("12 us"); /* of reads */
    (void)line_with("2 x 1.5k");
    top.nodes[0].now.pressure = 0;
    top.nodes[0].now.commit = top.nodes[0].now.applied = 5000;
    top_view_make(&top, 200, 100, &lines);
    assert_int_equal(line_with("127.0.0.1:7001")->look, TOP_LEADER);
    assert_int_equal(line_with("127.0.0.1:7002")->look, TOP_WARN); /* 4510 behind */
    (void)line_with("4.5k");
}

/* In columns, not bytes. */
static size_t columns(const char *text) {
    size_t count = 0;
    for (; *text; text++) count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static void no_screen_is_too_small(void **state) {
    (void)state;
    for (uint64_t seed = test_seed(1), last = seed + test_scaled(500); seed < last; seed++) {
        seed_starts("no_screen_is_too_small", seed);
        struct prng prng;
        prng_init(&prng, seed);
        top = (struct top){.node_count = prng_below(&prng, TOP_NODES_MAX + 1), .has_utf8 = prng_chance(&prng, 1, 2)};
        for (size_t i = 0; i < top.node_count; i++) {
            for (uint64_t k = prng_below(&prng, 2 * TOP_HISTORY); k > 0; k--) {
                struct top_sample sample = {.answers = prng_chance(&prng, 3, 4), .at_ns = k, .role = "follower"};
                sample.commands = prng_below(&prng, UINT64_MAX);
                sample.at_ns = 1000000000 * (300 - k);
                top_take(&top.nodes[i], &sample);
            }
        }
        const unsigned width = (unsigned)prng_below(&prng, 260), height = (unsigned)prng_below(&prng, 60);
        top_view_make(&top, width, height, &lines);
        assert_true(lines.count <= height);
        for (size_t i = 0; i < lines.count; i++) assert_true(columns(lines.lines[i].text) <= width);
        seed_passes();
    }
}

static void a_history_keeps_the_newest(void **state) {
    (void)state;
    static struct top_node node;
    node = (struct top_node){.rate_count = 0};
    for (uint64_t i = 1; i <= TOP_HISTORY + 10; i++) {
        const struct top_sample sample = {.answers = true, .at_ns = i * 1000000000, .commands = i * i};
        top_take(&node, &sample);
    }
    assert_int_equal(node.rate_count, TOP_HISTORY);
    const double newest = node.rates[TOP_HISTORY - 1], expected = 2.0 * (TOP_HISTORY + 10) - 1;
    assert_true(newest > expected - 0.01 && newest < expected + 0.01);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_s_word_becomes_numbers), cmocka_unit_test(a_rate_is_of_one_process_only),
        cmocka_unit_test(numbers_and_times_are_short),   cmocka_unit_test(who_leads_lags_or_is_down_is_seen),
        cmocka_unit_test(no_screen_is_too_small),        cmocka_unit_test(a_history_keeps_the_newest),
    };
    return seed_report(cmocka_run_group_tests_name("loam_top", tests, NULL, NULL),
                       "build/tests/unit/tools/loam_top_test");
}

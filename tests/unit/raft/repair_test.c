/*
 * repair_test: facts about nodes whose log, store or superblock is damaged, on three simulated nodes with a toy store
 * (tests/harness/driver_lab.h).
 */
#include "tests/harness/driver_lab.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/prng.h"
#include "raft/driver/driver_internal.h"

/* ---- Damage ---- */

struct search {
    const char *part;
    struct {
        char path[IO_PATH_BYTES];
        uint64_t size;
    } files[256];
    size_t count;
};

static void note_file(void *context, const char *path, uint64_t size) {
    struct search *search = context;
    if (strstr(path, search->part) == NULL || search->count == 256) return;
    snprintf(search->files[search->count].path, IO_PATH_BYTES, "%s", path);
    search->files[search->count++].size = size;
}

static void find_files(struct node *node, const char *part, struct search *search) {
    *search = (struct search){.part = part};
    sim_disk_walk(node->disk, note_file, search);
}

static void flip(struct node *node, const char *path, uint64_t offset) {
    assert_int_equal(sim_disk_damage(node->disk, path, offset, SIM_DAMAGE_FLIP), STATUS_OK);
}

/* A bit of each of the first sectors of the newest segment of the log that hold something. */
static void damage_log(struct node *node, unsigned sector) {
    struct search search;
    find_files(node, "/log", &search);
    assert_true(search.count > 0);
    flip(node, search.files[search.count - 1].path, IO_PAGE_BYTES + sector * IO_SECTOR_BYTES + 100);
}

/* Its files, not the directory: what a copy that was cut short leaves. */
static void lose_log(struct cluster *cluster, struct node *node) {
    struct search search;
    struct io *io = sim_io_create(cluster->sim, node->disk, &(struct sim_io_options){.node = (int)node->number - 1});
    find_files(node, "/log", &search);
    assert_true(search.count > 0);
    for (size_t i = 0; i < search.count; i++) assert_int_equal(io_remove(io, search.files[i].path), STATUS_OK);
    assert_int_equal(io_dir_sync(io, "/node/log"), STATUS_OK);
    io_destroy(io);
}

static enum status try_to_open(struct cluster *cluster, struct node *node, struct error *error) {
    struct raft_driver_options options = cluster->options;
    options.node_id = node->number;
    options.machines = &node->machine;
    options.machine_count = 1;
    struct io *io = sim_io_create(cluster->sim, node->disk, &(struct sim_io_options){.node = (int)node->number - 1});
    struct raft_driver *driver = NULL;
    enum status status = raft_driver_open(io, "/node", &options, &driver, error);
    raft_driver_close(driver);
    io_destroy(io);
    return status;
}

/* Until it votes again. */
static void wait_until_whole(struct cluster *cluster, struct node *node) {
    for (unsigned i = 0; i < 20000 && node_status(node).doubt_term != 0; i++) cluster_turn(cluster);
    assert_int_equal(node_status(node).doubt_term, 0);
}

/* What a node knows of its promises when one slot of its superblock is gone. */
static struct node_state read_without(struct cluster *cluster, struct node *node, unsigned slot) {
    struct node_state found;
    struct sim_disk *disk = node->disk;
    node->disk = sim_disk_clone(disk, slot + 1);
    flip(node, "/node/superblock", slot * IO_PAGE_BYTES + 60);
    struct io *io = sim_io_create(cluster->sim, node->disk, &(struct sim_io_options){.node = (int)node->number - 1});
    assert_int_equal(node_state_read(io, "/node", &found, NULL), STATUS_OK);
    io_destroy(io);
    sim_disk_destroy(node->disk);
    node->disk = disk;
    return found;
}

/* ---- The log ---- */

static void any_damaged_sector_of_a_log_is_had_again_from_the_others(void **state) {
    struct cluster *cluster = *state;
    unsigned repaired = 0;
    for (unsigned sector = 0; sector < 24; sector++) {
        struct node *leader = cluster_wait_for_leader(cluster);
        struct node *node = sector % 3 == 0 ? leader : cluster_another(cluster, leader);
        char prefix[16];
        snprintf(prefix, sizeof prefix, "s%u.", sector);
        cluster_must_put_many(cluster, leader, prefix, 8, 300);
        node_kill(node);
        damage_log(node, sector);
        node_start(cluster, node);
        if (node_status(node).repairs > 0) {
            repaired++;
            assert_true(node_status(node).doubt_term > 0);
            assert_true(node_status(node).set_aside_log > 0);
        }
        cluster_wait_until_equal(cluster);
        wait_until_whole(cluster, node);
        for (unsigned i = 0; i < 8; i++) {
            char key[24];
            snprintf(key, sizeof key, "%s%u", prefix, i);
            assert_int_equal(node_count(node, key), 1);
        }
        node_cut(node); /* and what it got is its own */
        node_start(cluster, node);
        assert_int_equal(node_status(node).repairs, 0);
        cluster_wait_until_equal(cluster);
        wait_until_whole(cluster, node); /* that it was may not have been durable yet */
        cluster_run(cluster, 10);
    }
    assert_true(repaired >= 16);
}

/*
 * An entry stands on two of three; the one of them whose log is damaged must not help the third, which lacks it, to
 * lead.
 */
static void a_node_in_doubt_elects_nobody_who_may_lack_what_it_acknowledged(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *damaged = cluster_another(cluster, leader), *lacks = cluster_another(cluster, damaged);
    cluster_must_put(cluster, leader, "a=1");
    cluster_wait_until_equal(cluster);
    node_kill(lacks);
    cluster_must_put(cluster, leader, "committed=1");
    node_kill(leader);
    node_kill(damaged);
    damage_log(damaged, 0);
    node_start(cluster, damaged);
    node_start(cluster, lacks);
    assert_true(node_status(damaged).doubt_term > 0);
    cluster_run(cluster, 20000);
    assert_null(cluster_leader(cluster));
    assert_true(node_status(damaged).doubt_term > 0);
    node_start(cluster, leader); /* with it come both the entry and the end of the doubt */
    cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, lacks, "b=1");
    cluster_wait_until_equal(cluster);
    wait_until_whole(cluster, damaged);
    for (size_t i = 0; i < NODES; i++) assert_int_equal(node_count(&cluster->nodes[i], "committed"), 1);
    node_kill(leader);
    cluster_must_put(cluster, damaged, "c=1"); /* its vote counts again */
}

/* Beyond the budget: nobody may lead, and nothing is invented; what is undamaged afterwards is all there is. */
static void two_damaged_nodes_of_three_elect_nobody(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    cluster_must_put_many(cluster, leader, "k", 10, 100);
    for (size_t i = 0; i < NODES; i++) node_kill(&cluster->nodes[i]);
    damage_log(cluster_another(cluster, leader), 0);
    damage_log(leader, 0);
    for (size_t i = 0; i < NODES; i++) node_start(cluster, &cluster->nodes[i]);
    cluster_run(cluster, 15000);
    assert_null(cluster_leader(cluster));
    struct call refused;
    node_put(leader, &refused, "new=1");
    cluster_wait_for(cluster, &refused);
    assert_int_equal(refused.status, STATUS_NOT_LEADER);
    assert_int_equal(node_count(leader, "new"), 0);
    assert_true(node_status(leader).doubt_term > 0 && node_status(leader).set_aside_log > 0);
}

static void a_power_cut_at_any_moment_of_a_repair_leaves_one_to_be_made(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *node = cluster_another(cluster, leader);
    cluster_must_put_many(cluster, leader, "k", 20, 200);
    cluster_wait_until_equal(cluster);
    node_kill(node);
    damage_log(node, 1);
    struct sim_disk *damaged = node->disk;
    bool finished = false;
    for (uint64_t at = 1; !finished; at++) {
        struct error error = {.status = STATUS_OK};
        node->disk = sim_disk_clone(damaged, at);
        sim_disk_cut_at(node->disk, at, SIM_CUT_RANDOM);
        finished = try_to_open(cluster, node, &error) == STATUS_OK && sim_disk_is_powered(node->disk);
        sim_disk_cut_at(node->disk, 0, SIM_CUT_NONE);
        if (sim_disk_is_powered(node->disk)) sim_disk_cut(node->disk, SIM_CUT_RANDOM);
        node_start(cluster, node);
        assert_true(node_status(node).doubt_term > 0);
        if (finished || at % 7 == 0) {
            cluster_wait_until_equal(cluster);
            wait_until_whole(cluster, node);
            assert_int_equal(node_count(node, "k7"), 1);
        }
        node_kill(node);
        if (!finished) sim_disk_destroy(node->disk);
    }
    sim_disk_destroy(damaged);
    node_start(cluster, node);
}

/* An empty log in its place would let it help to elect somebody who lacks what it acknowledged. */
static void a_log_that_is_gone_is_had_again_from_the_others(void **state) {
    struct cluster *cluster = *state;
    struct node *leader = cluster_wait_for_leader(cluster);
    struct node *node = cluster_another(cluster, leader);
    cluster_must_put_many(cluster, leader, "k", 8, 300);
    node_kill(node);
    lose_log(cluster, node);
    node_start(cluster, node);
    assert_int_equal(node_status(node).repairs, 1);
    assert_true(node_status(node).doubt_term > 0);
    cluster_wait_until_equal(cluster);
    wait_until_whole(cluster, node);
    assert_int_equal(node_count(node, "k7"), 1);
    node_kill(node); /* a log that is there again is not lost a second time */
    node_start(cluster, node);
    assert_int_equal(node_status(node).repairs, 0);
}

static void a_node_alone_refuses_and_changes_nothing(void **state) {
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    struct error error = {.status = STATUS_OK};
    cluster_must_put(cluster, node, "a=1");
    node_kill(node);
    struct sim_disk *sound = sim_disk_clone(node->disk, 7);
    damage_log(node, 0);
    assert_int_equal(try_to_open(cluster, node, &error), STATUS_FAULTY);
    assert_non_null(strstr(error.text, "may be lost"));
    assert_int_equal(try_to_open(cluster, node, &error), STATUS_FAULTY); /* again: nothing was set aside */
    sim_disk_destroy(node->disk);
    node->disk = sound;
    node_start(cluster, node);
    cluster_wait_for_leader(cluster);
    cluster_must_put(cluster, node, "b=1");
    assert_int_equal(node_count(node, "a"), 1);
}

/* ---- The store ---- */

static void a_damaged_store_is_had_again_from_the_others(void **state) {
    struct cluster *cluster = *state;
    for (unsigned round = 0; round < 6; round++) {
        struct node *leader = cluster_wait_for_leader(cluster);
        struct node *node = round % 2 ? leader : cluster_another(cluster, leader);
        char prefix[16];
        struct search search;
        snprintf(prefix, sizeof prefix, "r%u.", round);
        cluster_must_put_many(cluster, leader, prefix, 60, 1500);
        for (size_t i = 0; i < NODES; i++)
            assert_int_equal(raft_driver_flush_start(cluster->nodes[i].driver), STATUS_OK);
        cluster_run(cluster, 300);
        node_kill(node);
        find_files(node, "/engine-", &search);
        for (size_t i = 0; i < search.count; i++)
            if (strstr(search.files[i].path, ".manifest") != NULL) flip(node, search.files[i].path, 20);
        node_start(cluster, node);
        assert_true(node_status(node).repairs > 0);
        assert_true(node_status(node).set_aside_store > 0);
        cluster_wait_until_equal(cluster);
        wait_until_whole(cluster, node);
        char key[24];
        snprintf(key, sizeof key, "%s%u", prefix, 59);
        assert_int_equal(node_count(node, key), 1);
        assert_int_equal(node_count(node, "r0.0"), 1);
    }
}

/* What the store holds of many keys, none of it in the cache, goes bad; reads of all of them find it. */
static void damage_store_of(struct cluster *cluster, struct node *node) {
    struct search search;
    cluster_must_put_many(cluster, node, "k", 60, 1500);
    assert_int_equal(raft_driver_flush_start(node->driver), STATUS_OK);
    cluster_run(cluster, 300);
    node_kill(node);
    node_start(cluster, node);
    cluster_wait_until_equal(cluster);
    find_files(node, ".sst", &search);
    assert_true(search.count > 0);
    for (size_t i = 0; i < search.count; i++)
        for (uint64_t at = 100; at < search.files[i].size / 2; at += IO_PAGE_BYTES)
            flip(node, search.files[i].path, at);
}

static void read_until_damage_is_met(struct node *node) {
    struct engine_value value;
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < 60 && status != STATUS_CORRUPT; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%u", i);
        status = engine_get(raft_driver_engine(node->driver), NULL, TOY_TREE, slice_from_text(key), &value);
        if (status == STATUS_OK) engine_value_release(&value);
    }
    assert_int_equal(status, STATUS_CORRUPT);
}

static void wait_until_it_wants_reopen(struct cluster *cluster, struct node *node) {
    for (unsigned i = 0; i < 1000 && !raft_driver_wants_reopen(node->driver); i++) cluster_turn(cluster);
    assert_true(raft_driver_wants_reopen(node->driver));
}

static void wait_until_it_has_all(struct cluster *cluster, struct node *node) {
    cluster_wait_until_equal(cluster);
    wait_until_whole(cluster, node);
    assert_int_equal(node_count(node, "k59"), 1);
}

static void reopen_when_asked(struct cluster *cluster, struct node *node) {
    wait_until_it_wants_reopen(cluster, node);
    node_end(node);
    node_start(cluster, node);
    wait_until_it_has_all(cluster, node);
}

/* A read meets it while the node runs: the node leaves, sets the store aside, and comes back with another one. */
static void damage_that_a_running_node_meets_is_mended(void **state) {
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    damage_store_of(cluster, node);
    read_until_damage_is_met(node);
    wait_until_it_wants_reopen(cluster, node);
    node_end(node);
    cluster_must_put(cluster, cluster_wait_for_leader(cluster), "meanwhile=1");
    node_start(cluster, node);
    assert_true(node_status(node).doubt_term > 0);
    assert_true(node_status(node).set_aside_store > 0);
    cluster_wait_until_equal(cluster);
    wait_until_whole(cluster, node);
    assert_int_equal(node_count(node, "k59"), 1);
    assert_int_equal(node_count(node, "meanwhile"), 1);
}

/* Nor does the superblock go to disk that would set it aside: the node has failed like any other, and says so. */
static void a_repair_that_can_t_be_written_down_waits_for_a_restart(void **state) {
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    damage_store_of(cluster, node);
    read_until_damage_is_met(node);
    sim_disk_fail_at(node->disk, 1, STATUS_IO, true);
    cluster_run(cluster, 1000);
    assert_true(node_status(node).disk_failed);
    assert_false(node_status(node).repairing);
    assert_false(raft_driver_wants_reopen(node->driver));
    sim_disk_fail_at(node->disk, 0, STATUS_OK, false);
    node_kill(node);
    node_start(cluster, node);
    if (node_status(node).set_aside_store == 0) { /* nothing of it came to disk before the failure */
        read_until_damage_is_met(node);
        wait_until_it_wants_reopen(cluster, node);
        node_end(node);
        node_start(cluster, node);
    }
    wait_until_it_has_all(cluster, node);
}

/* ---- Scrub ---- */

static int set_up_scrub(void **state) {
    if (driver_lab_set_up(state) != 0) return -1;
    struct cluster *cluster = *state;
    cluster->options.scrub_interval_s = 1;
    cluster->options.scrub_rate_bytes = 1 << 20;
    for (size_t i = 0; i < NODES; i++) {
        node_kill(&cluster->nodes[i]);
        node_start(cluster, &cluster->nodes[i]);
    }
    struct node *node = cluster_wait_for_leader(cluster);
    cluster_must_put_many(cluster, node, "k", 60, 1500);
    assert_int_equal(raft_driver_flush_start(node->driver), STATUS_OK);
    cluster_must_put_many(cluster, node, "l", 20, 1500);
    cluster_run(cluster, 300);
    return 0;
}

static void run_passes(struct cluster *cluster, struct node *node, uint64_t count) {
    const uint64_t until = node_status(node).scrub_passes + count;
    for (unsigned i = 0; i < 20000 && node_status(node).scrub_passes < until; i++) {
        if (node_status(node).repairing) return;
        cluster_turn(cluster);
    }
    assert_true(node_status(node).scrub_passes >= until);
}

static void a_scrub_of_what_is_sound_finds_nothing_and_keeps_to_its_rate(void **state) {
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    run_passes(cluster, node, 1);
    const uint64_t began = sim_now_ns(cluster->sim);
    run_passes(cluster, node, 1);
    const struct raft_driver_status status = node_status(node);
    const uint64_t took_ms = (sim_now_ns(cluster->sim) - began) / MS;
    assert_true(status.scrub_bytes > 100000); /* 60 + 20 values of 1500 bytes */
    assert_true(took_ms >= 1000 + status.scrub_bytes * 800 / (1 << 20));
    assert_int_equal(status.scrub_findings, 0);
    assert_int_equal(status.repairs, 0);
    assert_true(status.scrub_ended_ms >= 0);
}

static void reopen_after_a_finding(struct cluster *cluster, struct node *node) {
    wait_until_it_wants_reopen(cluster, node);
    assert_int_equal(node_status(node).scrub_findings, 1);
    reopen_when_asked(cluster, node);
    assert_int_equal(node_count(node, "l19"), 1);
}

static void a_scrub_finds_what_nobody_reads_in_the_store(void **state) {
    struct cluster *cluster = *state;
    struct search search;
    struct node *node = cluster_wait_for_leader(cluster);
    find_files(node, ".sst", &search);
    flip(node, search.files[0].path, 100);
    run_passes(cluster, node, 2);
    reopen_after_a_finding(cluster, node);
    assert_true(node_status(node).set_aside_store > 0);
}

static void a_scrub_finds_what_nobody_reads_in_the_log(void **state) {
    struct cluster *cluster = *state;
    struct search search;
    struct node *node = cluster_wait_for_leader(cluster);
    find_files(node, "/log", &search);
    for (size_t i = 0; i < search.count; i++) /* some of them are spare */
        for (uint64_t page = 2; page < 6; page++) flip(node, search.files[i].path, page * IO_PAGE_BYTES + 700);
    run_passes(cluster, node, 2);
    reopen_after_a_finding(cluster, node);
    assert_int_equal(node_status(node).set_aside_store, 0);
    assert_true(node_status(node).set_aside_log > 0);
}

static void a_scrub_writes_a_damaged_slot_anew(void **state) {
    struct cluster *cluster = *state;
    struct node *node = cluster_wait_for_leader(cluster);
    flip(node, "/node/superblock", 60);
    run_passes(cluster, node, 2);
    assert_int_equal(node_status(node).scrub_findings, 1);
    cluster_run(cluster, 50);
    const struct raft_driver_status before = node_status(node);
    node_kill(node);
    const struct node_state found = read_without(cluster, node, 1); /* the other one: this is sound again */
    assert_int_equal(found.term, before.term);
    node_start(cluster, node);
}

/* ---- The superblock ---- */

static void a_promise_outlives_the_loss_of_either_slot(void **state) {
    struct cluster *cluster = *state;
    for (unsigned round = 0; round < 4; round++) {
        struct node *node = cluster_wait_for_leader(cluster);
        cluster_must_put(cluster, node, "a=1"); /* its vote for itself is durable */
        const struct raft_driver_status before = node_status(node);
        node_kill(node);
        for (unsigned slot = 0; slot < 2; slot++) {
            const struct node_state found = read_without(cluster, node, slot);
            assert_int_equal(found.term, before.term);
            assert_int_equal(found.vote, before.vote);
        }
        flip(node, "/node/superblock", round % 2 * IO_PAGE_BYTES + 60);
        node_start(cluster, node);
        assert_int_equal(node_status(node).term, before.term);
        assert_int_equal(node_status(node).vote, before.vote);
    }
}

static void without_either_slot_the_node_refuses(void **state) {
    struct cluster *cluster = *state;
    struct node *node = &cluster->nodes[0];
    struct error error = {.status = STATUS_OK};
    cluster_wait_for_leader(cluster);
    node_kill(node);
    for (unsigned slot = 0; slot < 2; slot++) flip(node, "/node/superblock", slot * IO_PAGE_BYTES + 60);
    assert_int_equal(try_to_open(cluster, node, &error), STATUS_CORRUPT);
    assert_non_null(strstr(error.text, "replace the node"));
}

#define T(fact) cmocka_unit_test_setup_teardown(fact, driver_lab_set_up, driver_lab_tear_down)

#define S(fact) cmocka_unit_test_setup_teardown(fact, set_up_scrub, driver_lab_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(any_damaged_sector_of_a_log_is_had_again_from_the_others),
        T(a_log_that_is_gone_is_had_again_from_the_others),
        T(a_node_in_doubt_elects_nobody_who_may_lack_what_it_acknowledged),
        T(two_damaged_nodes_of_three_elect_nobody),
        T(a_power_cut_at_any_moment_of_a_repair_leaves_one_to_be_made),
        cmocka_unit_test_setup_teardown(a_node_alone_refuses_and_changes_nothing, driver_lab_set_up_one,
                                        driver_lab_tear_down),
        T(a_damaged_store_is_had_again_from_the_others),
        T(damage_that_a_running_node_meets_is_mended),
        T(a_repair_that_can_t_be_written_down_waits_for_a_restart),
        S(a_scrub_of_what_is_sound_finds_nothing_and_keeps_to_its_rate),
        S(a_scrub_finds_what_nobody_reads_in_the_store),
        S(a_scrub_finds_what_nobody_reads_in_the_log),
        S(a_scrub_writes_a_damaged_slot_anew),
        T(a_promise_outlives_the_loss_of_either_slot),
        T(without_either_slot_the_node_refuses),
    };
    return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}

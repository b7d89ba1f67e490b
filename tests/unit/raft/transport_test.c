/*
 * transport: two nodes in one process over real sockets: messages arrive whole and in order of their lane, strangers
 * are refused, links break and come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "raft/transport.h"

enum { LIMIT_NS = 10 * 1000 * 1000 * 1000ll, BIG_BYTES = 5 << 20 };

struct node {
    struct transport *transport;
    struct raft_identity identity;
    unsigned ups, downs;
    uint64_t received_bytes;
    unsigned received;
    uint8_t order[64]; /* first byte of each message */
    enum status admits;
    struct slice secret;
    uint64_t members_hash;
    uint32_t redial_ms; /* 0 = 5 */
};

struct pair {
    struct io *io;
    struct raft_member members[2];
    struct node nodes[2];
    bool with_second;
};

static enum status admit(void *context, const struct transport_greeting *peer) {
    const struct node *node = context;
    (void)peer;
    return node->admits;
}

static void on_message(void *context, uint64_t peer, struct slice message) {
    struct node *node = context;
    assert_int_equal(peer, node->identity.node_id == 1 ? 2 : 1);
    if (node->received < sizeof node->order && message.size) node->order[node->received] = message.data[0];
    for (size_t i = 1; i < message.size; i += 4099) assert_int_equal(message.data[i], message.data[0]);
    node->received++;
    node->received_bytes += message.size;
}

static void on_link(void *context, uint64_t peer, bool up) {
    struct node *node = context;
    (void)peer;
    if (up)
        node->ups++;
    else
        node->downs++;
}

static void open_node(struct pair *pair, int i) {
    struct node *node = &pair->nodes[i];
    struct transport_options options = {.identity = node->identity,
                                        .members = pair->members,
                                        .member_count = 2,
                                        .listen = pair->members[i].peer_address,
                                        .secret = node->secret,
                                        .members_hash = node->members_hash,
                                        .redial_ms = node->redial_ms ? node->redial_ms : 5,
                                        .admit = admit,
                                        .on_message = on_message,
                                        .on_link = on_link,
                                        .context = node};
    struct error error = {0};
    if (transport_open(pair->io, &options, &node->transport, &error)) fail_msg("%s", error.text);
}

/* Two free ports: listened on for a moment. */
static void pick_addresses(struct pair *pair) {
    for (int i = 0; i < 2; i++) {
        struct io_socket *socket = NULL;
        assert_int_equal(io_listen(pair->io, "127.0.0.1:0", &socket, NULL), STATUS_OK);
        pair->members[i].id = (uint64_t)i + 1;
        io_socket_local(socket, pair->members[i].peer_address);
        io_socket_close(socket);
    }
}

static int setup(void **state) {
    struct pair *pair = calloc(1, sizeof *pair);
    assert_non_null(pair);
    assert_int_equal(io_create(&(struct io_options){0}, &pair->io, NULL), STATUS_OK);
    pick_addresses(pair);
    for (int i = 0; i < 2; i++)
        pair->nodes[i].identity =
            (struct raft_identity){.cluster_id = 77, .node_id = (uint64_t)i + 1, .incarnation = 5};
    *state = pair;
    return 0;
}

static int teardown(void **state) {
    struct pair *pair = *state;
    for (int i = 0; i < 2; i++) transport_close(pair->nodes[i].transport);
    io_destroy(pair->io);
    free(pair);
    return 0;
}

/* Turns both nodes until the condition holds or the time is over. */
static bool turn_until(struct pair *pair, bool (*over)(const struct pair *pair)) {
    uint64_t deadline_ns = io_now_ns(pair->io) + (uint64_t)LIMIT_NS;
    while (!over(pair) && io_now_ns(pair->io) < deadline_ns) {
        uint64_t next_ns = deadline_ns;
        for (int i = 0; i < 2; i++) {
            if (!pair->nodes[i].transport) continue;
            uint64_t wanted_ns = transport_turn(pair->nodes[i].transport);
            if (wanted_ns < next_ns) next_ns = wanted_ns;
        }
        (void)io_run(pair->io, next_ns);
    }
    return over(pair);
}

static bool both_up(const struct pair *pair) {
    return transport_is_up(pair->nodes[0].transport, 2) && transport_is_up(pair->nodes[1].transport, 1);
}

static void open_both(struct pair *pair) {
    open_node(pair, 0);
    open_node(pair, 1);
    assert_true(turn_until(pair, both_up));
}

static bool second_has_three(const struct pair *pair) {
    return pair->nodes[1].received >= 3;
}

static enum status send_text(struct pair *pair, enum transport_lane lane, const char *a, const char *b) {
    const struct slice parts[] = {slice_from_text(a), slice_from_text(b)};
    return transport_send(pair->nodes[0].transport, 2, lane, parts, 2);
}

static void messages_arrive_whole_and_in_the_order_of_their_lane(void **state) {
    struct pair *pair = *state;
    open_both(pair);
    assert_int_equal(send_text(pair, TRANSPORT_DATA, "aa", "aaa"), STATUS_OK);
    assert_int_equal(send_text(pair, TRANSPORT_DATA, "", "b"), STATUS_OK);
    assert_int_equal(send_text(pair, TRANSPORT_DATA, "cc", ""), STATUS_OK);
    assert_true(turn_until(pair, second_has_three));
    assert_memory_equal(pair->nodes[1].order, "abc", 3);
    assert_int_equal(pair->nodes[1].received_bytes, 8);
}

static void a_large_message_is_overtaken_by_a_small_one(void **state) {
    struct pair *pair = *state;
    open_both(pair);
    uint8_t *big = malloc(BIG_BYTES);
    assert_non_null(big);
    memset(big, 'B', BIG_BYTES);
    const struct slice parts[] = {slice_make(big, BIG_BYTES / 3), slice_make(big, BIG_BYTES - BIG_BYTES / 3)};
    assert_int_equal(transport_send(pair->nodes[0].transport, 2, TRANSPORT_BULK, parts, 2), STATUS_OK);
    assert_int_equal(send_text(pair, TRANSPORT_DATA, "d", "d"), STATUS_OK);
    (void)transport_turn(pair->nodes[0].transport);
    assert_int_equal(send_text(pair, TRANSPORT_CONTROL, "c", "c"), STATUS_OK);
    assert_true(turn_until(pair, second_has_three));
    assert_memory_equal(pair->nodes[1].order, "dcB", 3);
    assert_int_equal(pair->nodes[1].received_bytes, BIG_BYTES + 4);
    free(big);
}

static void a_full_queue_says_busy_and_a_message_over_the_limit_is_refused(void **state) {
    struct pair *pair = *state;
    open_both(pair);
    uint8_t *big = calloc(1, 17 << 20);
    assert_non_null(big);
    const struct slice over = slice_make(big, 17 << 20), fitting = slice_make(big, 16 << 20);
    assert_int_equal(transport_send(pair->nodes[0].transport, 2, TRANSPORT_DATA, &over, 1), STATUS_TOO_LARGE);
    assert_int_equal(transport_send(pair->nodes[0].transport, 2, TRANSPORT_DATA, &fitting, 1), STATUS_OK);
    assert_int_equal(transport_send(pair->nodes[0].transport, 2, TRANSPORT_DATA, &fitting, 1), STATUS_BUSY);
    assert_int_equal(transport_send(pair->nodes[0].transport, 9, TRANSPORT_DATA, &fitting, 1), STATUS_NOT_FOUND);
    free(big);
}

static bool first_saw_break(const struct pair *pair) {
    return pair->nodes[0].downs > 0;
}

static void a_broken_link_is_told_and_dialed_again(void **state) {
    struct pair *pair = *state;
    open_both(pair);
    transport_close(pair->nodes[1].transport);
    pair->nodes[1].transport = NULL;
    assert_true(turn_until(pair, first_saw_break));
    assert_int_equal(send_text(pair, TRANSPORT_DATA, "x", "x"), STATUS_BUSY);
    open_node(pair, 1);
    assert_true(turn_until(pair, both_up));
    assert_int_equal(pair->nodes[0].ups, 2);
}

static bool first_was_refused(const struct pair *pair) {
    return transport_turn(pair->nodes[0].transport) > io_now_ns(pair->io) + (uint64_t)2 * LIMIT_NS;
}

static void who_speaks_to_a_node_is_dialed_without_further_waiting(void **state) {
    struct pair *pair = *state;
    pair->nodes[0].redial_ms = 1000 * 1000;
    open_node(pair, 0);
    assert_true(turn_until(pair, first_was_refused));
    open_node(pair, 1);
    assert_true(turn_until(pair, both_up));
}

static bool second_refused_twice(const struct pair *pair) {
    struct transport_stats stats;
    transport_get_stats(pair->nodes[1].transport, &stats);
    return stats.refused_handshakes >= 2;
}

static void expect_refusal(struct pair *pair) {
    open_node(pair, 0);
    open_node(pair, 1);
    assert_true(turn_until(pair, second_refused_twice));
    assert_int_equal(pair->nodes[0].ups, 0);
    assert_false(transport_is_up(pair->nodes[0].transport, 2));
}

static void another_secret_is_refused(void **state) {
    struct pair *pair = *state;
    pair->nodes[0].secret = slice_from_text("one");
    pair->nodes[1].secret = slice_from_text("two");
    expect_refusal(pair);
}

static void another_cluster_is_refused(void **state) {
    struct pair *pair = *state;
    pair->nodes[0].identity.cluster_id = 78;
    expect_refusal(pair);
}

static void another_list_of_founders_is_refused(void **state) {
    struct pair *pair = *state;
    pair->nodes[0].members_hash = 1;
    pair->nodes[1].members_hash = 2;
    expect_refusal(pair);
}

static void a_node_that_joined_later_has_no_list_of_founders(void **state) {
    struct pair *pair = *state;
    pair->nodes[0].members_hash = 1;
    open_node(pair, 0);
    open_node(pair, 1);
    assert_true(turn_until(pair, both_up));
}

/* ---- members that come and go ---- */

static bool first_lost_second(const struct pair *pair) {
    return pair->nodes[0].downs == 1 && !transport_is_up(pair->nodes[0].transport, 2);
}

static void a_member_that_has_gone_is_heard_no_more_until_it_is_one_again(void **state) {
    struct pair *pair = *state;
    open_node(pair, 0);
    open_node(pair, 1);
    assert_true(turn_until(pair, both_up));
    assert_int_equal(transport_set_members(pair->nodes[0].transport, pair->members, 1), STATUS_OK); /* itself alone */
    assert_true(turn_until(pair, first_lost_second));
    assert_int_equal(transport_send(pair->nodes[0].transport, 2, TRANSPORT_CONTROL, &pair->nodes[0].secret, 1),
                     STATUS_NOT_FOUND);
    assert_int_equal(transport_set_members(pair->nodes[0].transport, pair->members, 2), STATUS_OK);
    assert_true(turn_until(pair, both_up));
}

static void another_incarnation_is_refused(void **state) {
    struct pair *pair = *state;
    pair->nodes[1].admits = STATUS_MISMATCH;
    expect_refusal(pair);
}

static void the_same_secret_lets_both_in(void **state) {
    struct pair *pair = *state;
    pair->nodes[0].secret = pair->nodes[1].secret = slice_from_text("one");
    open_both(pair);
}

static bool fault_dropped_two(const struct pair *pair) {
    struct transport_stats first, second;
    transport_get_stats(pair->nodes[0].transport, &first);
    transport_get_stats(pair->nodes[1].transport, &second);
    return first.dropped_by_fault + second.dropped_by_fault >= 2;
}

static void a_cut_link_drops_one_way_until_it_is_passed_again(void **state) {
    struct pair *pair = *state;
    open_both(pair);
    assert_int_equal(transport_set_link(pair->nodes[0].transport, 2, false, true), STATUS_OK);
    assert_int_equal(send_text(pair, TRANSPORT_DATA, "x", "x"), STATUS_OK);
    assert_int_equal(transport_set_link(pair->nodes[0].transport, 2, false, false), STATUS_OK);
    assert_int_equal(transport_set_link(pair->nodes[1].transport, 1, true, false), STATUS_OK);
    assert_int_equal(send_text(pair, TRANSPORT_DATA, "y", "y"), STATUS_OK);
    assert_true(turn_until(pair, fault_dropped_two));
    assert_int_equal(pair->nodes[1].received, 0);
    assert_int_equal(transport_set_link(pair->nodes[1].transport, 1, false, false), STATUS_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(send_text(pair, TRANSPORT_DATA, "z", "z"), STATUS_OK);
    assert_true(turn_until(pair, second_has_three));
    assert_memory_equal(pair->nodes[1].order, "zzz", 3);
}

static bool garbage_was_closed(const struct pair *pair) {
    return pair->with_second;
}

static void garbage_done(struct io_op *op) {
    struct pair *pair = op->context;
    if (op->kind == IO_OP_RECEIVE && op->status == STATUS_OK && op->bytes) {
        io_submit(pair->io, op); /* the challenge; then comes the end */
        return;
    }
    if (op->kind == IO_OP_RECEIVE) pair->with_second = true;
}

static void a_stranger_that_speaks_garbage_is_cut_off(void **state) {
    struct pair *pair = *state;
    open_both(pair);
    char junk[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n", room[256];
    struct io_op dial = {
        .kind = IO_OP_CONNECT, .address = pair->members[1].peer_address, .done = garbage_done, .context = pair};
    io_submit(pair->io, &dial);
    while (!dial.accepted) (void)io_run(pair->io, io_now_ns(pair->io) + 1000000);
    struct io_op send = {.kind = IO_OP_SEND,
                         .socket = dial.accepted,
                         .data = junk,
                         .size = sizeof junk - 1,
                         .done = garbage_done,
                         .context = pair};
    struct io_op receive = {.kind = IO_OP_RECEIVE,
                            .socket = dial.accepted,
                            .data = room,
                            .size = sizeof room,
                            .done = garbage_done,
                            .context = pair};
    io_submit(pair->io, &send);
    io_submit(pair->io, &receive);
    assert_true(turn_until(pair, garbage_was_closed));
    io_socket_close(dial.accepted);
    assert_true(both_up(pair));
}

int main(void) {
#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        FACT(messages_arrive_whole_and_in_the_order_of_their_lane),
        FACT(a_large_message_is_overtaken_by_a_small_one),
        FACT(a_full_queue_says_busy_and_a_message_over_the_limit_is_refused),
        FACT(a_broken_link_is_told_and_dialed_again),
        FACT(who_speaks_to_a_node_is_dialed_without_further_waiting),
        FACT(another_secret_is_refused),
        FACT(another_cluster_is_refused),
        FACT(another_list_of_founders_is_refused),
        FACT(a_node_that_joined_later_has_no_list_of_founders),
        FACT(a_member_that_has_gone_is_heard_no_more_until_it_is_one_again),
        FACT(another_incarnation_is_refused),
        FACT(the_same_secret_lets_both_in),
        FACT(a_cut_link_drops_one_way_until_it_is_passed_again),
        FACT(a_stranger_that_speaks_garbage_is_cut_off),
    };
    return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}

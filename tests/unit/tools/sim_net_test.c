/*
 * sim_net: streams between machines, and what links do to them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/coding.h"
#include "tools/sim/sim_io.h"
#include "tools/sim/sim_net.h"

enum { A = 0, B = 1, MS = 1000000 };

/* An operation and whether it has ended. */
struct call {
    struct io_op op;
    bool is_done;
};

/* Two machines and a connection from A to B. */
struct wire {
    struct sim *sim;
    struct sim_disk *disks[2];
    struct io *ios[2];
    struct io_socket *listener;
    struct io_socket *sockets[2];
};

static void note_done(struct io_op *op) {
    ((struct call *)op->context)->is_done = true;
}

static void start(struct io *io, struct call *call) {
    call->is_done = false;
    call->op.done = note_done;
    call->op.context = call;
    io_submit(io, &call->op);
    io_flush(io);
}

/* Runs the machine for so long at most. */
static bool wait_for(struct io *io, const struct call *call, uint64_t ns) {
    uint64_t end = io_now_ns(io) + ns;
    while (!call->is_done && io_now_ns(io) < end) io_run(io, end);
    return call->is_done;
}

static void boot(struct wire *wire, int node) {
    struct sim_io_options options = {.node = node};
    wire->ios[node] = sim_io_create(wire->sim, wire->disks[node], &options);
}

static void listen_and_connect(struct wire *wire) {
    struct call accept = {.op = {.kind = IO_OP_ACCEPT}};
    struct call connect = {.op = {.kind = IO_OP_CONNECT, .address = "127.0.0.1:7"}};
    assert_int_equal(io_listen(wire->ios[B], "127.0.0.1:7", &wire->listener, NULL), STATUS_OK);
    accept.op.socket = wire->listener;
    start(wire->ios[B], &accept);
    start(wire->ios[A], &connect);
    assert_true(wait_for(wire->ios[A], &connect, 1000 * MS));
    assert_true(wait_for(wire->ios[B], &accept, 1000 * MS));
    wire->sockets[A] = connect.op.accepted;
    wire->sockets[B] = accept.op.accepted;
}

static struct wire make_wire(uint64_t seed, bool is_framed) {
    struct wire wire = {.sim = sim_create(seed)};
    for (int i = 0; i < 2; i++) {
        wire.disks[i] = sim_disk_create(seed);
        boot(&wire, i);
    }
    if (is_framed) sim_net_frame_address(wire.sim, "127.0.0.1:7");
    listen_and_connect(&wire);
    return wire;
}

static void cut_wire(struct wire *wire) {
    for (int i = 0; i < 2; i++) {
        io_destroy(wire->ios[i]);
        sim_disk_destroy(wire->disks[i]);
    }
    sim_destroy(wire->sim);
}

static void send_text(struct wire *wire, int from, const char *text, size_t size) {
    struct call send = {
        .op = {.kind = IO_OP_SEND, .socket = wire->sockets[from], .data = (void *)(uintptr_t)text, .size = size}};
    start(wire->ios[from], &send);
    assert_true(wait_for(wire->ios[from], &send, 1000 * MS));
    assert_int_equal(send.op.status, STATUS_OK);
}

/* What has come within ns, at most `wanted` bytes; *status of the last receive, TIMED_OUT when it was still waiting. */
static size_t receive(struct wire *wire, int at, char *to, size_t wanted, uint64_t ns, enum status *status) {
    size_t got = 0;
    uint64_t end = io_now_ns(wire->ios[at]) + ns;
    *status = STATUS_OK;
    while (got < wanted && *status == STATUS_OK) {
        struct call call = {.op = {.kind = IO_OP_RECEIVE, .socket = wire->sockets[at], .data = to + got}};
        call.op.size = wanted - got;
        uint64_t now = io_now_ns(wire->ios[at]);
        start(wire->ios[at], &call);
        bool has_come = wait_for(wire->ios[at], &call, end > now ? end - now : 1);
        if (!has_come) io_cancel(wire->ios[at], &call.op);
        while (!call.is_done) io_run(wire->ios[at], io_now_ns(wire->ios[at]) + MS);
        *status = call.op.status == STATUS_CANCELLED ? STATUS_TIMED_OUT : call.op.status;
        got += call.op.bytes;
    }
    return got;
}

static void set_cut(struct wire *wire, int from, int to, bool is_cut) {
    struct sim_link link;
    sim_net_get_link(wire->sim, from, to, &link);
    link.is_cut = is_cut;
    sim_net_set_link(wire->sim, from, to, &link);
}

static void cut_link_stalls_and_loses_nothing(void **state) {
    (void)state;
    struct wire wire = make_wire(1, false);
    char bytes[16];
    enum status status;
    set_cut(&wire, A, B, true);
    send_text(&wire, A, "one", 3);
    send_text(&wire, A, "two", 3);
    assert_int_equal(receive(&wire, B, bytes, 6, 5000ULL * MS, &status), 0);
    assert_int_equal(status, STATUS_TIMED_OUT);
    set_cut(&wire, A, B, false);
    assert_int_equal(receive(&wire, B, bytes, 6, 1000 * MS, &status), 6);
    assert_memory_equal(bytes, "onetwo", 6);
    cut_wire(&wire);
}

static void cut_may_be_one_way(void **state) {
    (void)state;
    struct wire wire = make_wire(2, false);
    char bytes[16];
    enum status status;
    set_cut(&wire, A, B, true);
    send_text(&wire, A, "lost", 4);
    send_text(&wire, B, "heard", 5);
    assert_int_equal(receive(&wire, A, bytes, 5, 100 * MS, &status), 5);
    assert_int_equal(receive(&wire, B, bytes, 4, 1000 * MS, &status), 0);
    cut_wire(&wire);
}

static void connect_waits_for_the_link(void **state) {
    (void)state;
    struct wire wire = make_wire(3, false);
    struct call connect = {.op = {.kind = IO_OP_CONNECT, .address = "127.0.0.1:7"}};
    set_cut(&wire, B, A, true);
    start(wire.ios[A], &connect);
    assert_false(wait_for(wire.ios[A], &connect, 3000ULL * MS));
    set_cut(&wire, B, A, false);
    assert_true(wait_for(wire.ios[A], &connect, 1000 * MS));
    assert_int_equal(connect.op.status, STATUS_OK);
    cut_wire(&wire);
}

static void reset_ends_both_streams(void **state) {
    (void)state;
    struct wire wire = make_wire(4, false);
    char bytes[16];
    enum status status;
    send_text(&wire, A, "unread", 6);
    assert_int_equal(sim_net_reset(wire.sim, A, B), 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(receive(&wire, i, bytes, 6, 100 * MS, &status), 0);
        assert_int_equal(status, STATUS_CLOSED);
    }
    cut_wire(&wire);
}

static void killed_process_resets_its_peers(void **state) {
    (void)state;
    struct wire wire = make_wire(5, false);
    char byte;
    enum status status;
    sim_io_kill(wire.ios[B]);
    receive(&wire, A, &byte, 1, 100 * MS, &status);
    assert_int_equal(status, STATUS_CLOSED);
    struct call connect = {.op = {.kind = IO_OP_CONNECT, .address = "127.0.0.1:7"}};
    start(wire.ios[A], &connect);
    assert_true(wait_for(wire.ios[A], &connect, 100 * MS));
    assert_int_equal(connect.op.status, STATUS_CLOSED); /* refused */
    cut_wire(&wire);
}

static void power_cut_is_silence_until_the_reboot(void **state) {
    (void)state;
    struct wire wire = make_wire(6, false);
    char byte;
    enum status status;
    sim_disk_cut(wire.disks[B], SIM_CUT_NONE);
    send_text(&wire, A, "anyone?", 7);
    receive(&wire, A, &byte, 1, 5000ULL * MS, &status);
    assert_int_equal(status, STATUS_TIMED_OUT);
    io_destroy(wire.ios[B]);
    boot(&wire, B);
    receive(&wire, A, &byte, 1, 1000 * MS, &status); /* the new system knows no such connection */
    assert_int_equal(status, STATUS_CLOSED);
    cut_wire(&wire);
}

static void full_window_holds_the_sender(void **state) {
    (void)state;
    struct wire wire = make_wire(7, false);
    enum { LARGE = 3 << 20 };
    static char sent[LARGE], got[LARGE];
    enum status status;
    for (size_t i = 0; i < LARGE; i++) sent[i] = (char)(i * 7 + i / 1000);
    struct call send = {.op = {.kind = IO_OP_SEND, .socket = wire.sockets[A], .data = sent, .size = LARGE}};
    start(wire.ios[A], &send);
    assert_false(wait_for(wire.ios[A], &send, 2000ULL * MS));
    assert_int_equal(receive(&wire, B, got, LARGE, 2000ULL * MS, &status), LARGE);
    assert_memory_equal(sent, got, LARGE);
    assert_true(wait_for(wire.ios[A], &send, 1000 * MS));
    cut_wire(&wire);
}

/* ---- Frames ------------------------------------------------------------------------------------------------------ */

struct plan {
    enum sim_frame_fate fates[8];
    uint64_t delays_ms[8];
    unsigned seen;
};

static enum sim_frame_fate follow(void *context, struct sim_frame *frame) {
    struct plan *plan = context;
    assert_int_equal(coding_get_u32(frame->bytes.data) + 4, frame->bytes.size);
    unsigned at = plan->seen++ % 8;
    frame->delay_ns = plan->delays_ms[at] * MS;
    return plan->fates[at];
}

static void send_frames(struct wire *wire, const char *letters) {
    for (; *letters; letters++) {
        char frame[6];
        coding_put_u32((uint8_t *)frame, 2);
        frame[4] = frame[5] = *letters;
        send_text(wire, A, frame, 3); /* in two pieces */
        send_text(wire, A, frame + 3, 3);
    }
}

/* The letters that arrived within a second, in order. */
static void receive_frames(struct wire *wire, char *letters) {
    char bytes[256];
    enum status status;
    size_t got = receive(wire, B, bytes, sizeof bytes, 1000 * MS, &status);
    assert_int_equal(got % 6, 0);
    for (size_t i = 0; i < got; i += 6) {
        assert_int_equal(coding_get_u32((const uint8_t *)bytes + i), 2);
        assert_int_equal(bytes[i + 4], bytes[i + 5]);
        *letters++ = bytes[i + 4];
    }
    *letters = '\0';
}

static void frames_drop_repeat_and_overtake(void **state) {
    (void)state;
    struct wire wire = make_wire(8, true);
    struct plan plan = {.fates = {[1] = SIM_FRAME_DROP, [3] = SIM_FRAME_REPEAT}, .delays_ms = {[4] = 500}};
    char letters[64];
    sim_net_set_filter(wire.sim, follow, &plan);
    send_frames(&wire, "abcdefg");
    receive_frames(&wire, letters);
    assert_string_equal(letters, "acddfge");
    sim_net_set_filter(wire.sim, NULL, NULL);
    send_frames(&wire, "xyz");
    receive_frames(&wire, letters);
    assert_string_equal(letters, "xyz");
    cut_wire(&wire);
}

/* ---- Determinism ------------------------------------------------------------------------------------------------- */

static uint64_t talk(uint64_t seed) {
    struct wire wire = make_wire(seed, false);
    struct sim_link link = {.latency_us = 100, .jitter_us = 500, .stall_ppm = 50000};
    char bytes[64];
    enum status status;
    sim_net_set_link(wire.sim, A, B, &link);
    for (int i = 0; i < 50; i++) {
        send_text(&wire, i % 2, "a message of some length, cut into pieces", 41);
        assert_int_equal(receive(&wire, 1 - i % 2, bytes, 41, 2000ULL * MS, &status), 41);
    }
    uint64_t hash = sim_hash(wire.sim);
    cut_wire(&wire);
    return hash;
}

static void same_seed_same_trace(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        assert_int_equal(talk(seed), talk(seed));
        assert_int_not_equal(talk(seed), talk(seed + 50));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_link_stalls_and_loses_nothing),
        cmocka_unit_test(cut_may_be_one_way),
        cmocka_unit_test(connect_waits_for_the_link),
        cmocka_unit_test(reset_ends_both_streams),
        cmocka_unit_test(killed_process_resets_its_peers),
        cmocka_unit_test(power_cut_is_silence_until_the_reboot),
        cmocka_unit_test(full_window_holds_the_sender),
        cmocka_unit_test(frames_drop_repeat_and_overtake),
        cmocka_unit_test(same_seed_same_trace),
    };
    return cmocka_run_group_tests_name("sim_net", tests, NULL, NULL);
}

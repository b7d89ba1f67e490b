/*
 * message: core messages and frames survive the wire; damage is noticed, never believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "raft/describe.h"
#include "raft/message/driver_codec.h"
#include "raft/message/frame.h"
#include "raft/message/message_codec.h"

static const uint8_t format_example[] = {0x07, 0x01, 0x02, 0x03, 0x0a, 0x01, 0xe8, 0x07};

static void the_example_of_the_format_page_is_what_is_written(void **state) {
    (void)state;
    const struct raft_message message = {
        .kind = RAFT_HEARTBEAT, .from = 1, .to = 2, .term = 3, .commit = 10, .round = 1, .log_time_ms = 1000};
    struct buf bytes = BUF_EMPTY;
    assert_int_equal(message_encode(&bytes, &message, NULL), STATUS_OK);
    assert_int_equal(bytes.size, sizeof format_example);
    assert_memory_equal(bytes.data, format_example, sizeof format_example);
    struct raft_message back;
    assert_int_equal(message_decode(buf_slice(&bytes), &back, NULL, 0, NULL), STATUS_OK);
    assert_int_equal(back.kind, RAFT_HEARTBEAT);
    assert_int_equal(back.commit, 10);
    assert_int_equal(back.log_time_ms, 1000);
    buf_deinit(&bytes);
}

static void entries_travel_with_their_terms_and_kinds(void **state) {
    (void)state;
    const struct raft_entry entries[] = {{.term = 4, .kind = RAFT_ENTRY_NOOP},
                                         {.term = 5, .kind = RAFT_ENTRY_COMMAND, .bytes = slice_from_text("payload")}};
    const struct raft_message message = {
        .kind = RAFT_APPEND, .from = 1, .to = 2, .term = 5, .index = 9, .log_term = 4, .commit = 8, .entry_count = 2};
    struct buf bytes = BUF_EMPTY;
    assert_int_equal(message_encode(&bytes, &message, entries), STATUS_OK);
    struct raft_message back;
    struct raft_entry room[2];
    assert_int_equal(message_decode(buf_slice(&bytes), &back, room, 1, NULL), STATUS_TOO_LARGE);
    assert_int_equal(message_decode(buf_slice(&bytes), &back, room, 2, NULL), STATUS_OK);
    assert_int_equal(back.entry_count, 2);
    assert_int_equal(back.entries[0].term, 4);
    assert_int_equal(back.entries[0].kind, RAFT_ENTRY_NOOP);
    assert_true(slice_equal(back.entries[1].bytes, slice_from_text("payload")));
    for (size_t size = 0; size < bytes.size; size++)
        assert_int_not_equal(message_decode(slice_make(bytes.data, size), &back, room, 2, NULL), STATUS_OK);
    buf_deinit(&bytes);
}

/* As the next one: who knows of no repairs reads all other refusals. */
static void a_refusal_tells_whether_entries_were_lost(void **state) {
    (void)state;
    struct raft_message back,
        message = {.kind = RAFT_APPEND_REPLY, .from = 1, .to = 2, .term = 5, .index = 9, .reject = true};
    struct buf bytes = BUF_EMPTY;
    assert_int_equal(message_encode(&bytes, &message, NULL), STATUS_OK);
    const size_t plain = bytes.size;
    assert_int_equal(message_decode(buf_slice(&bytes), &back, NULL, 0, NULL), STATUS_OK);
    assert_false(back.lost);
    buf_clear(&bytes);
    message.lost = true;
    assert_int_equal(message_encode(&bytes, &message, NULL), STATUS_OK);
    assert_int_equal(bytes.size, plain + 1);
    assert_int_equal(message_decode(buf_slice(&bytes), &back, NULL, 0, NULL), STATUS_OK);
    assert_true(back.lost && back.reject);
    bytes.data[plain] = 2;
    assert_int_equal(message_decode(buf_slice(&bytes), &back, NULL, 0, NULL), STATUS_CORRUPT);
    buf_deinit(&bytes);
}

/* The flag stands there only when it says something: who knows no transfers reads all other votes. */
static void a_vote_tells_whether_the_leader_wished_for_it(void **state) {
    (void)state;
    static const uint8_t plain[] = {3, 1, 2, 5, 9, 4}, handed[] = {3, 1, 2, 5, 9, 4, 1},
                         other[] = {3, 1, 2, 5, 9, 4, 2};
    struct raft_message message = {.kind = RAFT_VOTE, .from = 1, .to = 2, .term = 5, .index = 9, .log_term = 4}, back;
    struct buf bytes = BUF_EMPTY;
    assert_int_equal(message_encode(&bytes, &message, NULL), STATUS_OK);
    assert_true(slice_equal(buf_slice(&bytes), slice_make(plain, sizeof plain)));
    assert_int_equal(message_decode(buf_slice(&bytes), &back, NULL, 0, NULL), STATUS_OK);
    assert_false(back.handed);
    buf_clear(&bytes);
    message.handed = true;
    assert_int_equal(message_encode(&bytes, &message, NULL), STATUS_OK);
    assert_true(slice_equal(buf_slice(&bytes), slice_make(handed, sizeof handed)));
    assert_int_equal(message_decode(buf_slice(&bytes), &back, NULL, 0, NULL), STATUS_OK);
    assert_true(back.handed);
    assert_int_equal(message_decode(slice_make(other, sizeof other), &back, NULL, 0, NULL), STATUS_CORRUPT);
    buf_deinit(&bytes);
}

static void an_unknown_kind_is_unsupported(void **state) {
    (void)state;
    static const uint8_t bytes[] = {31, 1, 2, 3};
    struct raft_message message;
    assert_int_equal(message_decode(slice_make(bytes, sizeof bytes), &message, NULL, 0, NULL), STATUS_UNSUPPORTED);
}

static void every_flipped_bit_of_a_frame_is_noticed(void **state) {
    (void)state;
    struct buf bytes = BUF_EMPTY;
    const struct frame frame = {
        .type = FRAME_DATA, .lane = 1, .last = true, .message = 7, .payload = slice_from_text("some payload")};
    assert_int_equal(frame_encode(&bytes, &frame), STATUS_OK);
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct frame back;
        size_t size = 0;
        enum status status = frame_decode(buf_slice(&bytes), &back, &size);
        assert_true(status == STATUS_CORRUPT || status == STATUS_END); /* END: a larger length, more bytes awaited */
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_deinit(&bytes);
}

static enum status join(struct frame_joiner *joiner, uint32_t message, uint32_t offset, const char *text, bool last,
                        struct slice *whole) {
    const struct frame frame = {
        .type = FRAME_DATA, .message = message, .offset = offset, .last = last, .payload = slice_from_text(text)};
    return frame_join(joiner, &frame, 100, whole);
}

static void pieces_of_different_messages_are_never_joined(void **state) {
    (void)state;
    struct frame_joiner joiner = {0};
    struct slice whole;
    assert_int_equal(join(&joiner, 1, 0, "ab", false, &whole), STATUS_END);
    assert_int_equal(join(&joiner, 1, 2, "cd", true, &whole), STATUS_OK);
    assert_true(slice_equal(whole, slice_from_text("abcd")));
    /* The middle is lost: what follows continues nothing. */
    assert_int_equal(join(&joiner, 2, 0, "ab", false, &whole), STATUS_END);
    assert_int_equal(join(&joiner, 2, 4, "ef", true, &whole), STATUS_END);
    /* The end of one and the start of the next are lost. */
    assert_int_equal(join(&joiner, 3, 0, "ab", false, &whole), STATUS_END);
    assert_int_equal(join(&joiner, 4, 2, "cd", true, &whole), STATUS_END);
    /* Repeated pieces. */
    assert_int_equal(join(&joiner, 5, 0, "ab", false, &whole), STATUS_END);
    assert_int_equal(join(&joiner, 5, 0, "ab", false, &whole), STATUS_END);
    assert_int_equal(join(&joiner, 5, 2, "cd", true, &whole), STATUS_OK);
    assert_int_equal(join(&joiner, 5, 2, "cd", true, &whole), STATUS_END);
    frame_joiner_deinit(&joiner);
}

static void a_message_over_the_limit_is_dropped(void **state) {
    (void)state;
    struct frame_joiner joiner = {0};
    struct slice whole;
    const char *forty = "0123456789012345678901234567890123456789";
    assert_int_equal(join(&joiner, 1, 0, forty, false, &whole), STATUS_END);
    assert_int_equal(join(&joiner, 1, 40, forty, false, &whole), STATUS_END);
    assert_int_equal(join(&joiner, 1, 80, forty, true, &whole), STATUS_TOO_LARGE);
    frame_joiner_deinit(&joiner);
}

static void a_proof_needs_the_secret_and_this_nonce(void **state) {
    (void)state;
    const uint8_t nonce[FRAME_NONCE_BYTES] = {1, 2, 3}, other[FRAME_NONCE_BYTES] = {3, 2, 1};
    const struct slice secret = slice_from_text("secret"), wrong = slice_from_text("Secret");
    const struct frame_hello hello = {.version_min = 1,
                                      .version_max = 2,
                                      .from = {5, 6, 7},
                                      .to = 8,
                                      .members_hash = 9,
                                      .peer_address = "10.0.0.1:7101",
                                      .client_address = "10.0.0.1:7001"};
    struct buf bytes = BUF_EMPTY;
    assert_int_equal(frame_encode_hello(&bytes, &hello, secret, nonce), STATUS_OK);
    struct frame frame;
    size_t size = 0;
    assert_int_equal(frame_decode(buf_slice(&bytes), &frame, &size), STATUS_OK);
    struct frame_hello back;
    assert_int_equal(frame_decode_hello(frame.payload, &back, secret, nonce), STATUS_OK);
    assert_int_equal(back.from.incarnation, 7);
    assert_int_equal(back.to, 8);
    assert_string_equal(back.peer_address, "10.0.0.1:7101");
    assert_string_equal(back.client_address, "10.0.0.1:7001");
    assert_int_equal(frame_decode_hello(frame.payload, &back, wrong, nonce), STATUS_DENIED);
    assert_int_equal(frame_decode_hello(frame.payload, &back, secret, other), STATUS_DENIED);
    buf_deinit(&bytes);
}

static void random_bytes_are_never_believed(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 11);
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[64];
        prng_fill(&prng, bytes, sizeof bytes);
        bytes[0] = (uint8_t)prng_below(&prng, 14);
        size_t size = prng_below(&prng, sizeof bytes + 1);
        struct raft_message message;
        struct raft_entry entries[8];
        struct raft_configuration configuration;
        if (message_decode(slice_make(bytes, size), &message, entries, 8, &configuration)) continue;
        for (unsigned i = 0; i < message.entry_count; i++) assert_true(entries[i].bytes.size <= size);
    }
}

static void expect_words(const struct buf *message, bool last, const char *kind, uint64_t term, const char *words) {
    struct buf framed = BUF_EMPTY;
    struct raft_frame_words said;
    const struct frame frame = {
        .type = FRAME_DATA, .lane = 1, .last = last, .message = 1, .payload = buf_slice(message)};
    assert_int_equal(frame_encode(&framed, &frame), STATUS_OK);
    raft_frame_describe(buf_slice(&framed), &said);
    assert_string_equal(said.kind, kind);
    assert_int_equal(said.term, term);
    assert_string_equal(said.words, words);
    framed.data[framed.size - 1] ^= 1;
    raft_frame_describe(buf_slice(&framed), &said);
    assert_string_equal(said.kind, "damaged");
    buf_deinit(&framed);
}

static void a_frame_is_told_in_words(void **state) {
    (void)state;
    struct raft_entry entries[80];
    for (unsigned i = 0; i < 80; i++) entries[i] = (struct raft_entry){.term = 5, .kind = RAFT_ENTRY_NOOP};
    struct raft_message message = {
        .kind = RAFT_APPEND, .from = 1, .to = 2, .term = 5, .index = 9, .log_term = 4, .commit = 8, .entry_count = 2};
    struct buf bytes = BUF_EMPTY;
    assert_int_equal(message_encode(&bytes, &message, entries), STATUS_OK);
    expect_words(&bytes, true, "append", 5, "after 4/9, commit 8, entries 10..11");
    expect_words(&bytes, false, "append", 0, "the first piece");
    buf_clear(&bytes);
    message.entry_count = 80;
    assert_int_equal(message_encode(&bytes, &message, entries), STATUS_OK);
    expect_words(&bytes, true, "append", 5, "after 4/9, commit 8, more than 64 entries");
    buf_clear(&bytes);
    assert_int_equal(driver_forward_encode(&bytes, 7, 12, 1), STATUS_OK);
    assert_int_equal(driver_forward_add(&bytes, 1, slice_from_text("x")), STATUS_OK);
    expect_words(&bytes, true, "forward", 0, "1 operation of session 7 from serial 12");
    buf_clear(&bytes);
    assert_int_equal(driver_about_encode(&bytes, &(struct driver_about){.guard_ms = 80, .priority = 100}), STATUS_OK);
    expect_words(&bytes, true, "about", 0, "guards for 80 ms, priority 100");
    buf_deinit(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_format_page_is_what_is_written),
        cmocka_unit_test(entries_travel_with_their_terms_and_kinds),
        cmocka_unit_test(a_refusal_tells_whether_entries_were_lost),
        cmocka_unit_test(a_vote_tells_whether_the_leader_wished_for_it),
        cmocka_unit_test(an_unknown_kind_is_unsupported),
        cmocka_unit_test(every_flipped_bit_of_a_frame_is_noticed),
        cmocka_unit_test(pieces_of_different_messages_are_never_joined),
        cmocka_unit_test(a_message_over_the_limit_is_dropped),
        cmocka_unit_test(a_proof_needs_the_secret_and_this_nonce),
        cmocka_unit_test(random_bytes_are_never_believed),
        cmocka_unit_test(a_frame_is_told_in_words),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}

/*
 * resp_fuzz: the RESP codec on arbitrary bytes. The first byte chooses: 'c' commands (server's parser), 'r' replies
 * (client's parser), 's' a line that is split into words; the second seeds how the rest is cut into pieces. Judged: any
 * cut gives the same result as one piece; what was accepted is the same after being written and read again; nothing is
 * read outside the input (each piece sits alone on the heap).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "tools/resp/resp_parse.h"
#include "tools/resp/resp_reply.h"
#include "tools/resp/resp_split.h"
#include "tools/resp/resp_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BULK_BYTES = 1 << 20, ARENA_BLOCK_BYTES = 4096 };

static void must(enum status status) {
    check(status == STATUS_OK);
}

/* The input as a connection would see it: `feed` more bytes arrive, consumed ones are dropped. */
struct stream {
    struct slice input;
    size_t begin;
    size_t end;
    uint8_t *copy; /* of exactly what is there */
};

static struct slice stream_view(struct stream *stream) {
    size_t size = stream->end - stream->begin;
    free(stream->copy);
    stream->copy = malloc(size ? size : 1);
    check(stream->copy);
    if (size) memcpy(stream->copy, stream->input.data + stream->begin, size);
    return slice_make(stream->copy, size);
}

/* How many more bytes arrive at once: mostly few. */
static void stream_feed(struct stream *stream, struct prng *prng) {
    size_t left = stream->input.size - stream->end;
    size_t most = prng_chance(prng, 1, 8) ? left : 1 + prng_below(prng, 16);
    stream->end += most < left ? most : left;
}

static void note(struct buf *record, struct slice text) {
    must(buf_append_format(record, "%zu:", text.size));
    must(buf_append_slice(record, text));
}

static void note_command(struct buf *record, const struct resp_parser *parser) {
    must(buf_append_byte(record, '['));
    for (size_t i = 0; i < parser->arg_count; i++) note(record, parser->args[i]);
    must(buf_append_byte(record, ']'));
}

/* A command that was accepted is the same command when a client sends it as multibulk. */
static void check_command_again(const struct resp_parser *parser) {
    struct buf bytes = BUF_EMPTY;
    struct resp_writer writer = resp_writer_make(&bytes, 2);
    resp_write_command(&writer, parser->args, parser->arg_count);
    must(writer.status);
    struct resp_parser again;
    resp_parser_init(&again, MAX_BULK_BYTES);
    must(resp_parser_next(&again, buf_slice(&bytes)));
    check(again.consumed == bytes.size && again.arg_count == parser->arg_count);
    for (size_t i = 0; i < again.arg_count; i++) check(slice_equal(again.args[i], parser->args[i]));
    resp_parser_deinit(&again);
    buf_deinit(&bytes);
}

/* All commands of the input, then how it ended. `prng` NULL: in one piece. */
static void record_commands(struct slice input, bool unauthenticated, struct prng *prng, struct buf *record) {
    struct stream stream = {.input = input, .end = prng ? 0 : input.size};
    struct resp_parser parser;
    enum status status;
    size_t wanted = 0;
    resp_parser_init(&parser, MAX_BULK_BYTES);
    parser.unauthenticated = unauthenticated;
    for (;;) {
        struct slice view = stream_view(&stream);
        status = resp_parser_next(&parser, view);
        check(parser.consumed <= view.size);
        check(status == STATUS_END || view.size >= wanted);
        stream.begin += parser.consumed;
        wanted = status == STATUS_END ? parser.wanted_bytes : 0;
        if (status == STATUS_OK) {
            note_command(record, &parser);
            check_command_again(&parser);
        } else if (status == STATUS_END) {
            check(wanted > stream.end - stream.begin);
            if (stream.end == input.size) break;
            stream_feed(&stream, prng);
        } else {
            check(status == STATUS_SYNTAX);
            break;
        }
    }
    note(record, parser.error);
    if (status == STATUS_END) must(buf_append_format(record, "rest %zu", stream.end - stream.begin));
    resp_parser_deinit(&parser);
    free(stream.copy);
}

static void fuzz_commands(struct slice input, uint8_t seed) {
    struct buf whole = BUF_EMPTY;
    struct buf pieces = BUF_EMPTY;
    struct prng prng;
    prng_init(&prng, seed);
    record_commands(input, seed & 1, NULL, &whole);
    record_commands(input, seed & 1, &prng, &pieces);
    check(slice_equal(buf_slice(&whole), buf_slice(&pieces)));
    buf_deinit(&whole);
    buf_deinit(&pieces);
}

static bool has_line_end(struct slice text) {
    return text.size > 0 && (memchr(text.data, '\n', text.size) || memchr(text.data, '\r', text.size));
}

static void write_text_line(struct resp_writer *writer, const char *sign, struct slice text) {
    resp_write_raw(writer, slice_from_text(sign));
    resp_write_raw(writer, text);
    resp_write_raw(writer, slice_from_text("\r\n"));
}

static void write_error(struct resp_writer *writer, struct slice text) {
    if (!has_line_end(text)) {
        resp_write_error(writer, text);
        return;
    }
    char head[32];
    snprintf(head, sizeof head, "!%zu\r\n", text.size);
    write_text_line(writer, head, text);
}

static void write_tree(struct resp_writer *writer, const struct resp_reply *reply);

static void write_head(struct resp_writer *writer, const struct resp_reply *reply) {
    switch (reply->type) {
    case RESP_SIMPLE: write_text_line(writer, "+", reply->text); break;
    case RESP_ERROR: write_error(writer, reply->text); break;
    case RESP_INTEGER: resp_write_integer(writer, reply->integer); break;
    case RESP_BULK: resp_write_bulk(writer, reply->text); break;
    case RESP_ARRAY: resp_write_array(writer, reply->count); break;
    case RESP_NULL: resp_write_null(writer); break;
    case RESP_BOOL: resp_write_bool(writer, reply->integer != 0); break;
    case RESP_DOUBLE: resp_write_double(writer, reply->number); break;
    case RESP_BIG_NUMBER: resp_write_big_number(writer, reply->text); break;
    case RESP_VERBATIM: resp_write_verbatim(writer, reply->format, reply->text); break;
    case RESP_MAP: resp_write_map(writer, reply->count / 2); break;
    case RESP_SET: resp_write_set(writer, reply->count); break;
    case RESP_PUSH: resp_write_push(writer, reply->count); break;
    }
}

static void write_tree(struct resp_writer *writer, const struct resp_reply *reply) {
    if (reply->attributes && writer->protocol == 3) {
        resp_write_attribute(writer, reply->attributes->count / 2);
        for (size_t i = 0; i < reply->attributes->count; i++) write_tree(writer, &reply->attributes->elements[i]);
    }
    write_head(writer, reply);
    for (size_t i = 0; i < reply->count; i++) write_tree(writer, &reply->elements[i]);
}

static void check_reply_again(const struct resp_reply *reply, int protocol) {
    struct buf bytes = BUF_EMPTY;
    struct arena arena;
    struct resp_reply *again;
    struct resp_reply_parser parser;
    struct resp_writer writer = resp_writer_make(&bytes, protocol);
    write_tree(&writer, reply);
    must(writer.status);
    arena_init(&arena, ARENA_BLOCK_BYTES);
    resp_reply_parser_init(&parser);
    must(resp_reply_next(&parser, buf_slice(&bytes), &arena, &again, NULL));
    check(parser.consumed == bytes.size);
    if (protocol == 3) check(resp_reply_equal(reply, again));
    arena_deinit(&arena);
    buf_deinit(&bytes);
}

static void note_reply(struct buf *record, const struct resp_reply *reply) {
    struct resp_writer writer = resp_writer_make(record, 3);
    write_tree(&writer, reply);
    must(writer.status);
    check_reply_again(reply, 3);
    check_reply_again(reply, 2);
}

static void record_replies(struct slice input, struct prng *prng, struct buf *record) {
    struct stream stream = {.input = input, .end = prng ? 0 : input.size};
    struct resp_reply_parser parser;
    struct error error = {.status = STATUS_OK};
    enum status status;
    size_t wanted = 0;
    resp_reply_parser_init(&parser);
    for (;;) {
        struct arena arena;
        struct resp_reply *reply;
        struct slice view = stream_view(&stream);
        arena_init(&arena, ARENA_BLOCK_BYTES);
        status = resp_reply_next(&parser, view, &arena, &reply, &error);
        check(status == STATUS_END || view.size >= wanted);
        wanted = status == STATUS_END ? parser.wanted_bytes : 0;
        if (status == STATUS_OK) {
            note_reply(record, reply);
            stream.begin += parser.consumed;
        }
        arena_deinit(&arena);
        if (status == STATUS_OK) continue;
        if (status != STATUS_END || stream.end == input.size) break;
        check(wanted > view.size);
        stream_feed(&stream, prng);
    }
    check(status == STATUS_END || status == STATUS_SYNTAX || status == STATUS_TOO_LARGE);
    must(buf_append_format(record, "%s", status_name(status)));
    if (status == STATUS_END) must(buf_append_format(record, "rest %zu", stream.end - stream.begin));
    free(stream.copy);
}

static void fuzz_replies(struct slice input, uint8_t seed) {
    struct buf whole = BUF_EMPTY;
    struct buf pieces = BUF_EMPTY;
    struct prng prng;
    prng_init(&prng, seed);
    record_replies(input, NULL, &whole);
    record_replies(input, &prng, &pieces);
    check(slice_equal(buf_slice(&whole), buf_slice(&pieces)));
    buf_deinit(&whole);
    buf_deinit(&pieces);
}

/* Words that were found, quoted byte by byte, are the same words. */
static void fuzz_split(struct slice line) {
    struct buf words = BUF_EMPTY;
    struct buf quoted = BUF_EMPTY;
    struct buf again = BUF_EMPTY;
    enum status status;
    size_t position = 0;
    for (size_t begin = 0; (status = resp_split_next(line, &position, &words)) == STATUS_OK; begin = words.size) {
        check(position <= line.size);
        must(buf_append_byte(&quoted, '"'));
        for (size_t i = begin; i < words.size; i++) must(buf_append_format(&quoted, "\\x%02x", words.data[i]));
        must(buf_append(&quoted, "\" ", 2));
    }
    check(status == STATUS_END || status == STATUS_SYNTAX);
    position = 0;
    while ((status = resp_split_next(buf_slice(&quoted), &position, &again)) == STATUS_OK) continue;
    check(status == STATUS_END);
    check(slice_equal(buf_slice(&words), buf_slice(&again)));
    buf_deinit(&words);
    buf_deinit(&quoted);
    buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    struct slice input = slice_make(data + 2, size - 2);
    switch (data[0]) {
    case 'c': fuzz_commands(input, data[1]); break;
    case 'r': fuzz_replies(input, data[1]); break;
    case 's': fuzz_split(input); break;
    default: break;
    }
    return 0;
}

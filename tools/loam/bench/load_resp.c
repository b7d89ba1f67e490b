/* load_resp: SET and GET over RESP. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/loam/bench/load.h"
#include "tools/resp/resp_reply.h"
#include "tools/resp/resp_write.h"

struct resp_state {
    struct resp_reply_parser parser;
    struct buf in;
    struct arena arena;
};

enum { ARENA_BLOCK_BYTES = 4096 };

static enum status resp_open(void **state, struct buf *out) {
    (void)out;
    struct resp_state *made = calloc(1, sizeof *made);
    if (!made) return STATUS_NO_MEMORY;
    resp_reply_parser_init(&made->parser);
    arena_init(&made->arena, ARENA_BLOCK_BYTES);
    *state = made;
    return STATUS_OK;
}

static void resp_close(void *state) {
    struct resp_state *resp = state;
    buf_deinit(&resp->in);
    arena_deinit(&resp->arena);
    free(resp);
}

static enum status resp_request(void *state, enum load_operation operation, struct slice key, struct slice value,
                                struct buf *out) {
    (void)state;
    struct slice args[] = {slice_from_text(operation == LOAD_SET ? "SET" : "GET"), key, value};
    struct resp_writer writer = resp_writer_make(out, 2);
    resp_write_command(&writer, args, operation == LOAD_SET ? 3 : 2);
    return writer.status;
}

static enum status resp_receive(void *state, struct slice bytes, struct buf *out, unsigned *completed, unsigned *failed,
                                char error[128]) {
    struct resp_state *resp = state;
    (void)out;
    enum status status = buf_append_slice(&resp->in, bytes);
    size_t start = 0;
    while (status == STATUS_OK) {
        struct resp_reply *reply = NULL;
        arena_reset(&resp->arena);
        status = resp_reply_next(&resp->parser, slice_from(buf_slice(&resp->in), start), &resp->arena, &reply, NULL);
        start += resp->parser.consumed;
        if (status) break;
        ++*completed;
        if (reply->type != RESP_ERROR) continue;
        ++*failed;
        (void)snprintf(error, 128, "%.*s", (int)reply->text.size, (const char *)reply->text.data);
    }
    buf_consume(&resp->in, start);
    return status == STATUS_END ? STATUS_OK : status;
}

const struct load_protocol load_resp = {
    .name = "resp", .open = resp_open, .close = resp_close, .request = resp_request, .receive = resp_receive};

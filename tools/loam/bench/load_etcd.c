/*
 * load_etcd: Put and Range of etcd's v3 API over gRPC (HTTP/2 by libnghttp2; a message is a flag byte, a big-endian
 * length, and protobuf). One stream per request.
 */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/coding.h"
#include "tools/loam/bench/load.h"

enum { WINDOW_BYTES = 1 << 20 };

struct grpc_request {
    struct buf body;
    size_t sent;
    bool failed;
};

struct etcd_state {
    nghttp2_session *session;
    unsigned completed, failed;
    char error[128];
};

static nghttp2_nv header(const char *name, const char *value) {
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value),
                        NGHTTP2_NV_FLAG_NONE};
}

static void fail_request(struct etcd_state *etcd, struct grpc_request *request, const char *what, struct slice value) {
    if (!request->failed)
        (void)snprintf(etcd->error, sizeof etcd->error, "%s %.*s", what, (int)value.size, (const char *)value.data);
    request->failed = true;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_size,
                     const uint8_t *value, size_t value_size, uint8_t flags, void *context) {
    (void)flags;
    struct grpc_request *request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    struct slice key = slice_make(name, name_size), text = slice_make(value, value_size);
    if (!request) return 0;
    if (slice_equal(key, slice_from_text(":status")) && !slice_equal(text, slice_from_text("200")))
        fail_request(context, request, "http status", text);
    if (slice_equal(key, slice_from_text("grpc-status")) && !slice_equal(text, slice_from_text("0")))
        fail_request(context, request, "grpc status", text);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code, void *context) {
    struct etcd_state *etcd = context;
    struct grpc_request *request = nghttp2_session_get_stream_user_data(session, stream);
    if (!request) return 0;
    if (code != NGHTTP2_NO_ERROR) fail_request(etcd, request, "stream", slice_from_text("reset"));
    etcd->completed++;
    etcd->failed += request->failed;
    buf_deinit(&request->body);
    free(request);
    return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t stream, uint8_t *to, size_t size, uint32_t *flags,
                         nghttp2_data_source *source, void *context) {
    (void)session;
    (void)stream;
    (void)context;
    struct grpc_request *request = source->ptr;
    size_t left = request->body.size - request->sent;
    if (size > left) size = left;
    memcpy(to, request->body.data + request->sent, size);
    request->sent += size;
    if (request->sent == request->body.size) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)size;
}

static enum status drain(struct etcd_state *etcd, struct buf *out) {
    for (;;) {
        const uint8_t *bytes = NULL;
        ssize_t size = nghttp2_session_mem_send(etcd->session, &bytes);
        if (size < 0) return STATUS_IO;
        if (size == 0) return STATUS_OK;
        enum status status = buf_append(out, bytes, (size_t)size);
        if (status) return status;
    }
}

static enum status etcd_open(void **state, struct buf *out) {
    struct etcd_state *made = calloc(1, sizeof *made);
    nghttp2_session_callbacks *callbacks = NULL;
    if (!made || nghttp2_session_callbacks_new(&callbacks)) {
        free(made);
        return STATUS_NO_MEMORY;
    }
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    int failed = nghttp2_session_client_new(&made->session, callbacks, made);
    nghttp2_session_callbacks_del(callbacks);
    if (failed) {
        free(made);
        return STATUS_NO_MEMORY;
    }
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_BYTES}};
    *state = made;
    if (nghttp2_submit_settings(made->session, NGHTTP2_FLAG_NONE, settings, 1)) return STATUS_NO_MEMORY;
    return drain(made, out);
}

static void etcd_close(void *state) {
    struct etcd_state *etcd = state;
    nghttp2_session_del(etcd->session); /* closes what is open: on_stream_close frees the requests */
    free(etcd);
}

static enum status encode_field(struct buf *to, uint8_t number, struct slice bytes) {
    enum status status = encode_u8(to, (uint8_t)(number << 3 | 2));
    return status ? status : encode_string(to, bytes);
}

static enum status encode_body(struct buf *body, enum load_operation operation, struct slice key, struct slice value) {
    enum status status = buf_append_zeros(body, 5);
    if (status == STATUS_OK) status = encode_field(body, 1, key);
    if (status == STATUS_OK && operation == LOAD_SET) status = encode_field(body, 2, value);
    if (status == STATUS_OK) coding_put_key_u32(body->data + 1, (uint32_t)(body->size - 5));
    return status;
}

static enum status etcd_request(void *state, enum load_operation operation, struct slice key, struct slice value,
                                struct buf *out) {
    struct etcd_state *etcd = state;
    struct grpc_request *request = calloc(1, sizeof *request);
    if (!request) return STATUS_NO_MEMORY;
    enum status status = encode_body(&request->body, operation, key, value);
    nghttp2_nv headers[] = {header(":method", "POST"),
                            header(":scheme", "http"),
                            header(":path", operation == LOAD_SET ? "/etcdserverpb.KV/Put" : "/etcdserverpb.KV/Range"),
                            header(":authority", "etcd"),
                            header("content-type", "application/grpc"),
                            header("te", "trailers")};
    nghttp2_data_provider body = {.source.ptr = request, .read_callback = read_body};
    if (status == STATUS_OK &&
        nghttp2_submit_request(etcd->session, NULL, headers, sizeof headers / sizeof headers[0], &body, request) < 0)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK) return drain(etcd, out);
    buf_deinit(&request->body);
    free(request);
    return status;
}

static enum status etcd_receive(void *state, struct slice bytes, struct buf *out, unsigned *completed, unsigned *failed,
                                char error[128]) {
    struct etcd_state *etcd = state;
    etcd->completed = etcd->failed = 0;
    ssize_t read = nghttp2_session_mem_recv(etcd->session, bytes.data, bytes.size);
    if (read < 0 || (size_t)read != bytes.size) return STATUS_SYNTAX;
    *completed = etcd->completed;
    *failed = etcd->failed;
    if (etcd->failed) (void)snprintf(error, 128, "%s", etcd->error);
    return drain(etcd, out);
}

const struct load_protocol load_etcd = {
    .name = "etcd", .open = etcd_open, .close = etcd_close, .request = etcd_request, .receive = etcd_receive};

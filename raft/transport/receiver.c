/* receiver: bytes that arrive become frames; the same for both kinds of connection. */
#include "raft/transport/transport_internal.h"

enum { RECEIVE_BYTES = 128 << 10, KEEP_BUFFER_BYTES = 1 << 20 };

void receiver_trim(struct buf *buf) {
    if (buf->size == 0 && buf->capacity > KEEP_BUFFER_BYTES) buf_deinit(buf);
}

enum status receiver_receive(struct io *io, struct receiver *receiver, struct io_socket *socket,
                             void (*done)(struct io_op *op), void *context) {
    receiver_trim(&receiver->in);
    enum status status = buf_reserve(&receiver->in, RECEIVE_BYTES);
    if (status) return status;
    receiver->op = (struct io_op){.kind = IO_OP_RECEIVE,
                                  .socket = socket,
                                  .data = receiver->in.data + receiver->in.size,
                                  .size = receiver->in.capacity - receiver->in.size,
                                  .done = done,
                                  .context = context};
    receiver->busy = true;
    io_submit(io, &receiver->op);
    return STATUS_OK;
}

enum status receiver_take_frames(struct receiver *receiver,
                                 enum status (*take)(void *context, const struct frame *frame), void *context) {
    size_t start = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        struct frame frame;
        size_t size = 0;
        status = frame_decode(slice_from(buf_slice(&receiver->in), start), &frame, &size);
        if (status) break;
        status = take(context, &frame);
        start += size;
    }
    buf_consume(&receiver->in, start);
    return status == STATUS_END ? STATUS_OK : status;
}

/* reply: see reply.h. The encoder and its decoder stand together; both are the format. */
#include "engine/base/reply.h"

#include <stdarg.h>
#include <stdio.h>

static enum status append_counted(struct buf *reply, enum reply_tag tag, uint64_t count) {
    enum status status = encode_u8(reply, (uint8_t)tag);
    return status ? status : encode_varint(reply, count);
}

static enum status append_text(struct buf *reply, enum reply_tag tag, struct slice text) {
    enum status status = encode_u8(reply, (uint8_t)tag);
    return status ? status : encode_string(reply, text);
}

enum status reply_null(struct buf *reply) {
    return encode_u8(reply, REPLY_NULL);
}

enum status reply_null_array(struct buf *reply) {
    return encode_u8(reply, REPLY_NULL_ARRAY);
}

enum status reply_ok(struct buf *reply) {
    return encode_u8(reply, REPLY_OK);
}

enum status reply_bool(struct buf *reply, bool value) {
    return encode_u8(reply, value ? REPLY_TRUE : REPLY_FALSE);
}

enum status reply_integer(struct buf *reply, int64_t value) {
    return append_counted(reply, REPLY_INTEGER, coding_zigzag(value));
}

enum status reply_double(struct buf *reply, double value) {
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    enum status status = encode_u8(reply, REPLY_DOUBLE);
    return status ? status : encode_u64(reply, bits);
}

enum status reply_bulk(struct buf *reply, struct slice value) {
    return append_text(reply, REPLY_BULK, value);
}

enum status reply_status(struct buf *reply, const char *text) {
    return append_text(reply, REPLY_STATUS, slice_from_text(text));
}

/* Words of any length are kept whole: what a user wrote may be quoted in them. */
enum status reply_error(struct buf *reply, const char *format, ...) {
    char text[256];
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(text, sizeof text, format, arguments);
    size_t before = reply->size;
    enum status status = size < 0 ? STATUS_INVALID : append_counted(reply, REPLY_ERROR, (uint64_t)size);
    if (status == STATUS_OK) status = buf_reserve(reply, (size_t)size + 1);
    if (status == STATUS_OK) {
        char *to = (char *)reply->data + reply->size;
        if ((size_t)size < sizeof text)
            memcpy(to, text, (size_t)size);
        else
            (void)vsnprintf(to, (size_t)size + 1, format, again);
        reply->size += (size_t)size;
    } else {
        reply->size = before;
    }
    va_end(again);
    va_end(arguments);
    return status;
}

enum status reply_array(struct buf *reply, uint64_t count) {
    return append_counted(reply, REPLY_ARRAY, count);
}

enum status reply_map(struct buf *reply, uint64_t pairs) {
    return append_counted(reply, REPLY_MAP, pairs);
}

enum status reply_set(struct buf *reply, uint64_t count) {
    return append_counted(reply, REPLY_SET, count);
}

static void decode_content(struct decoder *decoder, struct reply_value *value) {
    switch (value->tag) {
    case REPLY_INTEGER: value->integer = coding_unzigzag(decode_varint(decoder)); break;
    case REPLY_DOUBLE: {
        uint64_t bits = decode_u64(decoder);
        memcpy(&value->number, &bits, sizeof bits);
        break;
    }
    case REPLY_BULK:
    case REPLY_STATUS:
    case REPLY_ERROR: value->text = decode_string(decoder); break;
    case REPLY_ARRAY:
    case REPLY_MAP:
    case REPLY_SET:
        value->count = decode_varint(decoder);
        /* Every value is at least one byte: a larger count cannot be honest. */
        if (value->count > decoder_left(decoder)) decoder->failed = true;
        break;
    case REPLY_NULL:
    case REPLY_NULL_ARRAY:
    case REPLY_OK:
    case REPLY_TRUE:
    case REPLY_FALSE: break;
    default: decoder->failed = true;
    }
}

enum status reply_decode(struct decoder *decoder, struct reply_value *value) {
    *value = (struct reply_value){.tag = (enum reply_tag)decode_u8(decoder)};
    if (!decoder->failed) decode_content(decoder, value);
    return decoder->failed ? STATUS_SYNTAX : STATUS_OK;
}

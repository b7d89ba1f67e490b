/* frame: encoders beside their decoders; raft/message/FORMAT.md is the specification. */
#include "raft/message/frame.h"

#include "engine/base/check.h"
#include "engine/base/hash.h"

enum { LAST_FLAG = 0x80, LANE_MASK = 0x03, REFUSAL_TEXT_MAX_BYTES = 400 };

/* The header's meaning goes into the payload's checksum, so that a frame in the wrong place does not verify. */
static uint32_t checksum(const struct frame *frame, uint8_t flags) {
    uint8_t place[14];
    place[0] = (uint8_t)frame->type;
    place[1] = flags;
    coding_put_u32(place + 2, (uint32_t)frame->payload.size);
    coding_put_u32(place + 6, frame->message);
    coding_put_u32(place + 10, frame->offset);
    return hash32(frame->payload, hash64(slice_make(place, sizeof place), FRAME_MAGIC));
}

enum status frame_encode(struct buf *to, const struct frame *frame) {
    check(frame->payload.size <= FRAME_PAYLOAD_MAX_BYTES);
    uint8_t header[FRAME_HEADER_BYTES] = {0};
    uint8_t flags = (uint8_t)((frame->lane & LANE_MASK) | (frame->last ? LAST_FLAG : 0));
    coding_put_u32(header, (uint32_t)(FRAME_HEADER_BYTES - 4 + frame->payload.size));
    header[4] = (uint8_t)frame->type;
    header[5] = flags;
    coding_put_u32(header + 8, checksum(frame, flags));
    coding_put_u32(header + 12, frame->message);
    coding_put_u32(header + 16, frame->offset);
    enum status status = buf_reserve(to, sizeof header + frame->payload.size);
    if (status == STATUS_OK) status = buf_append(to, header, sizeof header);
    return status ? status : buf_append_slice(to, frame->payload);
}

enum status frame_decode(struct slice bytes, struct frame *frame, size_t *size) {
    if (bytes.size < 4) return STATUS_END;
    uint32_t rest = coding_get_u32(bytes.data);
    if (rest < FRAME_HEADER_BYTES - 4 || rest > FRAME_HEADER_BYTES - 4 + FRAME_PAYLOAD_MAX_BYTES) return STATUS_CORRUPT;
    if (bytes.size - 4 < rest) return STATUS_END;
    uint8_t type = bytes.data[4], flags = bytes.data[5];
    if (type < FRAME_CHALLENGE || type > FRAME_DATA || (flags & ~(LANE_MASK | LAST_FLAG)) != 0) return STATUS_CORRUPT;
    if (bytes.data[6] != 0 || bytes.data[7] != 0) return STATUS_CORRUPT;
    *frame = (struct frame){.type = (enum frame_type)type,
                            .lane = flags & LANE_MASK,
                            .last = (flags & LAST_FLAG) != 0,
                            .message = coding_get_u32(bytes.data + 12),
                            .offset = coding_get_u32(bytes.data + 16),
                            .payload = slice_make(bytes.data + FRAME_HEADER_BYTES, rest + 4 - FRAME_HEADER_BYTES)};
    if (coding_get_u32(bytes.data + 8) != checksum(frame, flags)) return STATUS_CORRUPT;
    *size = (size_t)rest + 4;
    return STATUS_OK;
}

/* ---- joining ---- */

enum status frame_join(struct frame_joiner *joiner, const struct frame *frame, size_t limit, struct slice *whole) {
    if (frame->offset == 0) {
        buf_clear(&joiner->bytes);
        joiner->message = frame->message;
        joiner->open = true;
        if (frame->last) { /* the usual case: nothing to put together */
            joiner->open = false;
            *whole = frame->payload;
            return frame->payload.size <= limit ? STATUS_OK : STATUS_TOO_LARGE;
        }
    }
    if (!joiner->open || frame->message != joiner->message || frame->offset != joiner->bytes.size) {
        joiner->open = false;
        return STATUS_END;
    }
    if (joiner->bytes.size + frame->payload.size > limit) {
        joiner->open = false;
        return STATUS_TOO_LARGE;
    }
    enum status status = buf_append_slice(&joiner->bytes, frame->payload);
    if (status) {
        joiner->open = false;
        return status;
    }
    if (!frame->last) return STATUS_END;
    joiner->open = false;
    *whole = buf_slice(&joiner->bytes);
    return STATUS_OK;
}

void frame_joiner_deinit(struct frame_joiner *joiner) {
    buf_deinit(&joiner->bytes);
    *joiner = (struct frame_joiner){0};
}

/* ---- handshake ---- */

static enum status encode_versions(struct buf *to, uint16_t min, uint16_t max) {
    enum status status = encode_u32(to, FRAME_MAGIC);
    if (status == STATUS_OK) status = encode_u16(to, min);
    return status ? status : encode_u16(to, max);
}

static enum status encode_identity(struct buf *to, const struct raft_identity *identity) {
    enum status status = encode_u64(to, identity->cluster_id);
    if (status == STATUS_OK) status = encode_u64(to, identity->node_id);
    return status ? status : encode_u64(to, identity->incarnation);
}

static struct raft_identity decode_identity(struct decoder *decoder) {
    struct raft_identity identity = {.cluster_id = decode_u64(decoder)};
    identity.node_id = decode_u64(decoder);
    identity.incarnation = decode_u64(decoder);
    return identity;
}

/* Wraps a handshake text into a frame and frees it. */
static enum status finish(struct buf *to, enum frame_type type, struct buf *text, enum status status) {
    struct frame frame = {.type = type, .last = true, .payload = buf_slice(text)};
    if (status == STATUS_OK) status = frame_encode(to, &frame);
    buf_deinit(text);
    return status;
}

/* mac over what this text says and the other end's nonce; the type keeps a HELLO from passing as a WELCOME. */
static enum status prove(struct slice secret, enum frame_type type, struct slice text,
                         const uint8_t nonce[FRAME_NONCE_BYTES], uint8_t mac[MAC_BYTES]) {
    memset(mac, 0, MAC_BYTES);
    if (secret.size == 0) return STATUS_OK;
    struct buf proof = BUF_EMPTY;
    enum status status = encode_u8(&proof, (uint8_t)type);
    if (status == STATUS_OK) status = buf_append(&proof, nonce, FRAME_NONCE_BYTES);
    if (status == STATUS_OK) status = buf_append_slice(&proof, text);
    if (status == STATUS_OK) status = mac_compute(secret, buf_slice(&proof), mac);
    buf_deinit(&proof);
    return status;
}

static enum status append_proof(struct buf *text, struct slice secret, enum frame_type type,
                                const uint8_t nonce[FRAME_NONCE_BYTES]) {
    uint8_t mac[MAC_BYTES];
    enum status status = prove(secret, type, buf_slice(text), nonce, mac);
    return status ? status : buf_append(text, mac, sizeof mac);
}

static enum status verify_proof(struct slice payload, struct slice secret, enum frame_type type,
                                const uint8_t nonce[FRAME_NONCE_BYTES]) {
    uint8_t mac[MAC_BYTES];
    enum status status = prove(secret, type, slice_make(payload.data, payload.size - MAC_BYTES), nonce, mac);
    if (status) return status;
    return mac_equal(mac, payload.data + payload.size - MAC_BYTES) ? STATUS_OK : STATUS_DENIED;
}

enum status frame_encode_challenge(struct buf *to, const struct frame_challenge *challenge) {
    struct buf text = BUF_EMPTY;
    enum status status = encode_versions(&text, challenge->version_min, challenge->version_max);
    if (status == STATUS_OK) status = buf_append(&text, challenge->nonce, FRAME_NONCE_BYTES);
    return finish(to, FRAME_CHALLENGE, &text, status);
}

enum status frame_encode_hello(struct buf *to, const struct frame_hello *hello, struct slice secret,
                               const uint8_t nonce[FRAME_NONCE_BYTES]) {
    struct buf text = BUF_EMPTY;
    enum status status = encode_versions(&text, hello->version_min, hello->version_max);
    if (status == STATUS_OK) status = encode_identity(&text, &hello->from);
    if (status == STATUS_OK) status = encode_u64(&text, hello->to);
    if (status == STATUS_OK) status = encode_u64(&text, hello->members_hash);
    if (status == STATUS_OK) status = encode_string(&text, slice_from_text(hello->peer_address));
    if (status == STATUS_OK) status = encode_string(&text, slice_from_text(hello->client_address));
    if (status == STATUS_OK) status = buf_append(&text, hello->nonce, FRAME_NONCE_BYTES);
    if (status == STATUS_OK) status = append_proof(&text, secret, FRAME_HELLO, nonce);
    return finish(to, FRAME_HELLO, &text, status);
}

enum status frame_encode_welcome(struct buf *to, const struct frame_welcome *welcome, struct slice secret,
                                 const uint8_t nonce[FRAME_NONCE_BYTES]) {
    struct buf text = BUF_EMPTY;
    enum status status = encode_u16(&text, welcome->version);
    if (status == STATUS_OK) status = encode_identity(&text, &welcome->from);
    if (status == STATUS_OK) status = encode_u64(&text, welcome->members_hash);
    if (status == STATUS_OK) status = append_proof(&text, secret, FRAME_WELCOME, nonce);
    return finish(to, FRAME_WELCOME, &text, status);
}

enum status frame_encode_refusal(struct buf *to, const char *words) {
    struct buf text = BUF_EMPTY;
    size_t size = strlen(words);
    if (size > REFUSAL_TEXT_MAX_BYTES) size = REFUSAL_TEXT_MAX_BYTES;
    enum status status = encode_string(&text, slice_make(words, size));
    return finish(to, FRAME_REFUSAL, &text, status);
}

enum status frame_decode_challenge(struct slice payload, struct frame_challenge *challenge) {
    struct decoder decoder = decoder_make(payload);
    uint32_t magic = decode_u32(&decoder);
    challenge->version_min = decode_u16(&decoder);
    challenge->version_max = decode_u16(&decoder);
    struct slice nonce = decode_bytes(&decoder, FRAME_NONCE_BYTES);
    if (!decoder_finished(&decoder) || magic != FRAME_MAGIC) return STATUS_CORRUPT;
    memcpy(challenge->nonce, nonce.data, FRAME_NONCE_BYTES);
    return STATUS_OK;
}

static bool decode_address(struct decoder *decoder, char address[IO_ADDRESS_BYTES]) {
    const struct slice text = decode_string(decoder);
    if (decoder->failed || text.size >= IO_ADDRESS_BYTES || (text.size > 0 && memchr(text.data, 0, text.size)))
        return false;
    if (text.size > 0) memcpy(address, text.data, text.size);
    address[text.size] = 0;
    return true;
}

enum status frame_decode_hello(struct slice payload, struct frame_hello *hello, struct slice secret,
                               const uint8_t nonce[FRAME_NONCE_BYTES]) {
    struct decoder decoder = decoder_make(payload);
    uint32_t magic = decode_u32(&decoder);
    hello->version_min = decode_u16(&decoder);
    hello->version_max = decode_u16(&decoder);
    hello->from = decode_identity(&decoder);
    hello->to = decode_u64(&decoder);
    hello->members_hash = decode_u64(&decoder);
    hello->peer_address[0] = hello->client_address[0] = 0;
    if (!decode_address(&decoder, hello->peer_address) || !decode_address(&decoder, hello->client_address))
        return STATUS_CORRUPT;
    struct slice own_nonce = decode_bytes(&decoder, FRAME_NONCE_BYTES);
    struct slice mac = decode_bytes(&decoder, MAC_BYTES);
    if (!decoder_finished(&decoder) || magic != FRAME_MAGIC) return STATUS_CORRUPT;
    memcpy(hello->nonce, own_nonce.data, FRAME_NONCE_BYTES);
    memcpy(hello->mac, mac.data, MAC_BYTES);
    return verify_proof(payload, secret, FRAME_HELLO, nonce);
}

enum status frame_decode_welcome(struct slice payload, struct frame_welcome *welcome, struct slice secret,
                                 const uint8_t nonce[FRAME_NONCE_BYTES]) {
    struct decoder decoder = decoder_make(payload);
    welcome->version = decode_u16(&decoder);
    welcome->from = decode_identity(&decoder);
    welcome->members_hash = decode_u64(&decoder);
    struct slice mac = decode_bytes(&decoder, MAC_BYTES);
    if (!decoder_finished(&decoder)) return STATUS_CORRUPT;
    memcpy(welcome->mac, mac.data, MAC_BYTES);
    return verify_proof(payload, secret, FRAME_WELCOME, nonce);
}

enum status frame_decode_refusal(struct slice payload, struct slice *text) {
    struct decoder decoder = decoder_make(payload);
    *text = decode_string(&decoder);
    return decoder_finished(&decoder) ? STATUS_OK : STATUS_CORRUPT;
}

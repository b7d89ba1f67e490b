/*
 * gorilla: encoder and decoder of one bit stream; FORMAT.md, "Gorilla stream", is the specification.
 *
 * Invariant: gorilla_count, the encoder and the decoder move struct gorilla_state by the same steps. Bits go from the
 * high end of a byte to the low; both sides work on 64-bit words, so that no bit is touched alone.
 */
#include "tsdb/codec/gorilla.h"

#include "engine/base/check.h"

enum {
    TIME_CLASSES = 6,
    LEADING_BITS = 5,
    LEADING_MAX = 31,
    SIZE_BITS = 6,
    NEW_WINDOW_BITS = 2 + LEADING_BITS + SIZE_BITS,
    REUSED_WINDOW_BITS = 2,
};

/* By the number of ones that the class' prefix begins with: its length and what follows it. */
static const uint8_t prefix_bits[TIME_CLASSES] = {1, 2, 3, 4, 5, 5};
static const uint8_t prefix_code[TIME_CLASSES] = {0, 2, 6, 14, 30, 31};
static const uint8_t payload_bits[TIME_CLASSES] = {0, 7, 9, 12, 32, 64};

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* n bits hold -(2^(n-1) - 1) .. 2^(n-1). */
static bool fits(int64_t number, unsigned bits) {
    int64_t half = (int64_t)1 << (bits - 1);
    return number > -half && number <= half;
}

static unsigned time_class(int64_t second_delta) {
    if (second_delta == 0) return 0;
    for (unsigned class = 1; class < TIME_CLASSES - 1; class ++)
        if (fits(second_delta, payload_bits[class])) return class;
    return TIME_CLASSES - 1;
}

static uint64_t low_bits(uint64_t word, unsigned count) {
    return count == 64 ? word : word & (((uint64_t)1 << count) - 1);
}

/* How the next sample is written: what is decided here, writing and counting share. */
struct plan {
    unsigned time_class;
    int64_t second_delta;
    uint64_t xor_bits;
    bool reuses_window;
    unsigned leading, size; /* of the window in which xor_bits stand */
};

static struct plan make_plan(const struct gorilla_state *state, int64_t time_ms, uint64_t value_bits) {
    struct plan plan = {.xor_bits = state->value_bits ^ value_bits};
    uint64_t delta = (uint64_t)time_ms - (uint64_t)state->time_ms;
    plan.second_delta = (int64_t)(delta - state->delta);
    plan.time_class = time_class(plan.second_delta);
    if (plan.xor_bits == 0) return plan;
    unsigned leading = (unsigned)__builtin_clzll(plan.xor_bits);
    unsigned trailing = (unsigned)__builtin_ctzll(plan.xor_bits);
    if (leading > LEADING_MAX) leading = LEADING_MAX;
    plan.leading = leading;
    plan.size = 64 - leading - trailing;
    unsigned window_trailing = 64u - state->window_leading - state->window_size;
    bool fits_window = state->window_size && leading >= state->window_leading && trailing >= window_trailing;
    /* The paper takes an old window whenever the bits fit; a new one that is cheaper reads back all the same. */
    if (fits_window && state->window_size <= (unsigned)(NEW_WINDOW_BITS - REUSED_WINDOW_BITS) + plan.size) {
        plan.reuses_window = true;
        plan.leading = state->window_leading;
        plan.size = state->window_size;
    }
    return plan;
}

static unsigned plan_bits(const struct plan *plan) {
    unsigned bits = (unsigned)prefix_bits[plan->time_class] + payload_bits[plan->time_class];
    if (plan->xor_bits == 0) return bits + 1;
    return bits + (plan->reuses_window ? REUSED_WINDOW_BITS : NEW_WINDOW_BITS) + plan->size;
}

static void advance(struct gorilla_state *state, const struct plan *plan, int64_t time_ms, uint64_t value_bits) {
    state->bit_count += plan_bits(plan);
    state->sample_count++;
    state->delta = (uint64_t)time_ms - (uint64_t)state->time_ms;
    state->time_ms = time_ms;
    state->value_bits = value_bits;
    if (plan->xor_bits == 0) return;
    state->window_leading = (uint8_t)plan->leading;
    state->window_size = (uint8_t)plan->size;
}

static void begin(struct gorilla_state *state, int64_t time_ms, uint64_t value_bits) {
    *state = (struct gorilla_state){.bit_count = 64, .sample_count = 1, .time_ms = time_ms, .value_bits = value_bits};
}

void gorilla_count(struct gorilla_state *state, int64_t time_ms, double value) {
    if (state->sample_count == 0) {
        begin(state, time_ms, bits_of(value));
        return;
    }
    struct plan plan = make_plan(state, time_ms, bits_of(value));
    advance(state, &plan, time_ms, bits_of(value));
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

struct writer {
    uint8_t *to; /* room was made before */
    uint64_t word;
    unsigned used; /* bits of word, from its high end; < 64 */
};

static void put_word(uint8_t *to, uint64_t word) {
    word = __builtin_bswap64(word);
    memcpy(to, &word, sizeof word);
}

/* count 1..64; the bits above count are 0. */
static void put_bits(struct writer *writer, uint64_t bits, unsigned count) {
    unsigned room = 64 - writer->used;
    if (count < room) {
        writer->word |= bits << (room - count);
        writer->used += count;
        return;
    }
    put_word(writer->to, writer->word | bits >> (count - room));
    writer->to += 8;
    writer->used = count - room;
    writer->word = writer->used ? bits << (64 - writer->used) : 0;
}

static size_t finish(struct writer *writer, const uint8_t *start) {
    for (unsigned bits = 0; bits < writer->used; bits += 8) *writer->to++ = (uint8_t)(writer->word >> (56 - bits));
    return (size_t)(writer->to - start);
}

static void put_sample(struct writer *writer, const struct plan *plan) {
    unsigned class = plan->time_class;
    put_bits(writer, prefix_code[class], prefix_bits[class]);
    if (class) put_bits(writer, low_bits((uint64_t)plan->second_delta, payload_bits[class]), payload_bits[class]);
    if (plan->xor_bits == 0) {
        put_bits(writer, 0, 1);
        return;
    }
    put_bits(writer, plan->reuses_window ? 2 : 3, 2);
    if (!plan->reuses_window) {
        put_bits(writer, plan->leading, LEADING_BITS);
        put_bits(writer, plan->size & 63, SIZE_BITS);
    }
    put_bits(writer, plan->xor_bits >> (64 - plan->leading - plan->size), plan->size);
}

enum status gorilla_encode(struct buf *to, const int64_t *times_ms, const double *values, size_t count) {
    check(count > 0);
    enum status status = buf_reserve(to, gorilla_size_max(count));
    if (status) return status;
    uint8_t *start = to->data + to->size;
    struct writer writer = {.to = start};
    struct gorilla_state state;
    begin(&state, times_ms[0], bits_of(values[0]));
    put_bits(&writer, state.value_bits, 64);
    for (size_t i = 1; i < count; i++) {
        uint64_t value_bits = bits_of(values[i]);
        struct plan plan = make_plan(&state, times_ms[i], value_bits);
        put_sample(&writer, &plan);
        advance(&state, &plan, times_ms[i], value_bits);
    }
    to->size += finish(&writer, start);
    check_slow(state.bit_count <= 8 * (uint64_t)(to->data + to->size - start));
    return STATUS_OK;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/*
 * `word` holds the next bits from its high end, at least `ready` of them. Behind the end of the stream come zeros;
 * `taken` tells in the end whether any of those was used.
 */
struct reader {
    const uint8_t *next, *end;
    uint64_t word;
    unsigned ready;
    uint64_t taken;
};

static uint64_t get_word(const uint8_t *from) {
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return __builtin_bswap64(word);
}

static __attribute__((noinline)) void refill_at_end(struct reader *reader) {
    while (reader->ready <= 56) {
        uint64_t byte = reader->next < reader->end ? *reader->next++ : 0;
        reader->word |= byte << (56 - reader->ready);
        reader->ready += 8;
    }
}

/* At least 56 bits are ready afterwards. Whole bytes are added: what stands in word beyond `ready` is right too. */
static inline void refill(struct reader *reader) {
    if (__builtin_expect(reader->end - reader->next < 8, 0)) {
        refill_at_end(reader);
        return;
    }
    reader->word |= get_word(reader->next) >> reader->ready;
    reader->next += (63 - reader->ready) >> 3;
    reader->ready |= 56;
}

/* count < 64, and not above what is ready. */
static inline void skip(struct reader *reader, unsigned count) {
    reader->word <<= count;
    reader->ready -= count;
    reader->taken += count;
}

/* count 1..56, ready. */
static inline uint64_t take(struct reader *reader, unsigned count) {
    uint64_t bits = reader->word >> (64 - count);
    skip(reader, count);
    return bits;
}

/* count 1..64; makes itself ready. */
static inline uint64_t take_long(struct reader *reader, unsigned count) {
    refill(reader);
    if (__builtin_expect(count <= 56, 1)) return take(reader, count);
    uint64_t high = take(reader, 32);
    refill(reader);
    return high << (count - 32) | take(reader, count - 32);
}

static inline int64_t take_second_delta(struct reader *reader) {
    refill(reader);
    if (!(reader->word >> 63)) {
        skip(reader, 1);
        return 0;
    }
    unsigned ones = (unsigned)__builtin_clzll(~reader->word | (uint64_t)1 << (64 - TIME_CLASSES));
    skip(reader, prefix_bits[ones]);
    unsigned bits = payload_bits[ones];
    if (bits == 64) return (int64_t)take_long(reader, 64);
    uint64_t payload = take(reader, bits);
    /* Above half: negative. */
    return (int64_t)(payload > (uint64_t)1 << (bits - 1) ? payload - ((uint64_t)1 << bits) : payload);
}

/* The XOR with the value before; updates the window. False: a window that was never given. */
static inline bool take_xor(struct reader *reader, unsigned *size, unsigned *shift, uint64_t *xor_bits) {
    if (__builtin_expect(reader->ready < NEW_WINDOW_BITS, 0)) refill(reader);
    uint64_t head = reader->word;
    if (!(head >> 63)) {
        skip(reader, 1);
        *xor_bits = 0;
        return true;
    }
    if (head >> 62 & 1) {
        unsigned leading = (unsigned)(head >> (64 - 2 - LEADING_BITS)) & LEADING_MAX;
        *size = (unsigned)(head >> (64 - NEW_WINDOW_BITS)) & 63;
        if (*size == 0) *size = 64;
        if (leading + *size > 64) return false;
        *shift = 64 - leading - *size;
        skip(reader, NEW_WINDOW_BITS);
    } else {
        if (*size == 0) return false;
        skip(reader, REUSED_WINDOW_BITS);
    }
    *xor_bits = take_long(reader, *size) << *shift;
    return true;
}

/* Nothing behind the last sample but the zeros that fill its byte. */
static bool ends_well(const struct reader *reader, struct slice stream) {
    if (reader->taken > 8 * (uint64_t)stream.size || 8 * (uint64_t)stream.size - reader->taken >= 8) return false;
    unsigned padding = (unsigned)(8 * (uint64_t)stream.size - reader->taken);
    return (stream.data[stream.size - 1] & ((1u << padding) - 1)) == 0;
}

struct decoding {
    struct reader reader;
    uint64_t time, delta, value_bits;
    unsigned size, shift; /* of the window */
};

/* The first sample's value; false: there is none. */
static inline bool begin_decoding(struct decoding *decoding, struct slice stream, int64_t first_ms, size_t count) {
    if (count == 0 || stream.size < 8) return false;
    *decoding = (struct decoding){.reader = {.next = stream.data, .end = stream.data + stream.size},
                                  .time = (uint64_t)first_ms};
    decoding->value_bits = take_long(&decoding->reader, 64);
    return true;
}

static inline bool take_value(struct decoding *decoding) {
    uint64_t xor_bits;
    if (!take_xor(&decoding->reader, &decoding->size, &decoding->shift, &xor_bits)) return false;
    decoding->value_bits ^= xor_bits;
    return true;
}

enum status gorilla_decode(struct slice stream, int64_t first_ms, size_t count, int64_t *times_ms, double *values) {
    struct decoding at;
    if (!begin_decoding(&at, stream, first_ms, count)) return STATUS_CORRUPT;
    times_ms[0] = first_ms;
    memcpy(&values[0], &at.value_bits, sizeof at.value_bits);
    for (size_t i = 1; i < count; i++) {
        at.delta += (uint64_t)take_second_delta(&at.reader);
        at.time += at.delta;
        if (!take_value(&at)) return STATUS_CORRUPT;
        times_ms[i] = (int64_t)at.time;
        memcpy(&values[i], &at.value_bits, sizeof at.value_bits);
    }
    return ends_well(&at.reader, stream) ? STATUS_OK : STATUS_CORRUPT;
}

/* ---- Explaining -------------------------------------------------------------------------------------------------- */

/* By the bits that it took: the three forms differ in them. */
static enum gorilla_value_form form_of(unsigned value_bits, unsigned size) {
    if (value_bits == 1) return GORILLA_SAME;
    return value_bits == REUSED_WINDOW_BITS + size ? GORILLA_OLD_WINDOW : GORILLA_NEW_WINDOW;
}

static bool explain_sample(struct decoding *at, struct gorilla_sample *sample) {
    const uint64_t before = at->value_bits;
    *sample = (struct gorilla_sample){.at = at->reader.taken};
    sample->second_delta = take_second_delta(&at->reader);
    at->delta += (uint64_t)sample->second_delta;
    at->time += at->delta;
    sample->time_bits = (unsigned)(at->reader.taken - sample->at);
    if (!take_value(at)) return false;
    sample->value_bits = (unsigned)(at->reader.taken - sample->at) - sample->time_bits;
    sample->form = form_of(sample->value_bits, at->size);
    sample->size = sample->form == GORILLA_SAME ? 0 : at->size;
    sample->leading = sample->form == GORILLA_SAME ? 0 : 64 - at->shift - at->size;
    sample->xor_bits = before ^ at->value_bits;
    sample->time_ms = (int64_t)at->time;
    memcpy(&sample->value, &at->value_bits, sizeof at->value_bits);
    return true;
}

enum status gorilla_explain(struct slice stream, int64_t first_ms, size_t count,
                            void (*visit)(void *context, const struct gorilla_sample *sample), void *context) {
    struct decoding at;
    if (!begin_decoding(&at, stream, first_ms, count)) return STATUS_CORRUPT;
    struct gorilla_sample sample = {.value_bits = 64, .xor_bits = at.value_bits, .time_ms = first_ms, .size = 64};
    memcpy(&sample.value, &at.value_bits, sizeof at.value_bits);
    visit(context, &sample);
    for (size_t i = 1; i < count; i++) {
        if (!explain_sample(&at, &sample) || at.reader.taken > 8 * (uint64_t)stream.size) return STATUS_CORRUPT;
        visit(context, &sample);
    }
    return ends_well(&at.reader, stream) ? STATUS_OK : STATUS_CORRUPT;
}

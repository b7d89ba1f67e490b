/* fold: see fold.h. Invariant: for every snapshot, and for the latest state, a read of the output with the levels below
 * gives what a read of the input gives. */
#include "engine/lsm/fold.h"

#include "engine/lsm/expiry.h"

void fold_init(struct fold *fold, const struct fold_options *options, struct source *input) {
    *fold = (struct fold){.options = *options, .input = input};
}

void fold_deinit(struct fold *fold) {
    buf_deinit(&fold->key);
    buf_deinit(&fold->base);
    buf_deinit(&fold->value);
    operands_deinit(&fold->operands);
}

size_t fold_stripe(const uint64_t *snapshots, size_t count, uint64_t sequence) {
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (snapshots[middle] < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t fold_stripe_end(const uint64_t *snapshots, size_t count, size_t stripe) {
    return stripe < count ? snapshots[stripe] : ENTRY_SEQUENCE_MAX;
}

static size_t stripe_of(const struct fold *fold, uint64_t trailer) {
    return fold_stripe(fold->options.snapshots, fold->options.snapshot_count, entry_sequence(trailer));
}

/* ---- Range deletes ----------------------------------------------------------------------------------------------- */

static bool in_stretch(const struct fold *fold, struct slice key) {
    if (!fold->has_stretch) return false;
    return !fold->stretch.has_end || slice_compare(key, fold->stretch.end) < 0; /* keys ascend: begin is behind us */
}

/* The highest range delete over the present key up to `limit`. Without snapshots there is one limit, and neighbours
 * share the answer. */
static uint64_t cover(struct fold *fold, uint64_t limit) {
    const struct fold_options *options = &fold->options;
    const struct slice key = buf_slice(&fold->key);
    if (!options->ranges || range_set_is_empty(options->ranges)) return 0;
    if (options->snapshot_count > 0) return range_set_cover(options->ranges, options->instance, key, limit);
    if (!in_stretch(fold, key)) {
        range_set_stretch(options->ranges, options->instance, key, limit, &fold->stretch);
        fold->has_stretch = true;
    }
    return fold->stretch.sequence;
}

static bool is_covered(struct fold *fold, uint64_t trailer, size_t stripe) {
    const uint64_t end = fold_stripe_end(fold->options.snapshots, fold->options.snapshot_count, stripe);
    return cover(fold, end) > entry_sequence(trailer);
}

static bool is_bottom(struct fold *fold) {
    if (!fold->options.is_bottom) return false;
    if (!fold->bottom_known) {
        fold->bottom = fold->options.is_bottom(fold->options.context, buf_slice(&fold->key));
        fold->bottom_known = true;
    }
    return fold->bottom;
}

/* ---- Output ------------------------------------------------------------------------------------------------------ */

static enum status emit(struct fold *fold, uint64_t trailer, struct slice value) {
    const enum status status =
        fold->options.add(fold->options.context, buf_slice(&fold->key), trailer, value, !fold->any_added);
    fold->any_added = true;
    return status;
}

static void hide(struct fold *fold, size_t stripe) {
    fold->hidden = true;
    fold->hidden_stripe = stripe;
}

static enum status emit_delete(struct fold *fold, uint64_t trailer, size_t stripe) {
    hide(fold, stripe);
    if (stripe == 0 && is_bottom(fold)) return STATUS_OK;
    return emit(fold, entry_trailer(entry_sequence(trailer), ENTRY_DELETE), slice_make(NULL, 0));
}

/* What a put or a reference stands for; *block is NULL where nothing had to be read. */
static enum status load_value(struct fold *fold, enum entry_kind kind, struct slice *value, struct block **block) {
    *block = NULL;
    if (kind != ENTRY_REFERENCE) return STATUS_OK;
    if (!fold->options.load) return STATUS_CORRUPT;
    return fold->options.load(fold->options.context, buf_slice(&fold->key), *value, block, value);
}

/* The filter may take the newest version of a key if no snapshot sees it. */
static enum status ask_filter(struct fold *fold, uint64_t trailer, struct slice value, bool newest, size_t stripe,
                              bool *drops) {
    const struct engine_filter *filter = expiry_kind_filter(fold->options.kind);
    struct block *block;
    *drops = false;
    if (!fold->options.filter || !filter || !newest || stripe != fold->options.snapshot_count) return STATUS_OK;
    const enum status status = load_value(fold, entry_kind(trailer), &value, &block);
    if (status != STATUS_OK) return status;
    *drops = filter->decide(filter->context, buf_slice(&fold->key), value, fold->options.mark_time_ms) == ENGINE_DROP;
    block_release(block);
    return STATUS_OK;
}

static enum status emit_put(struct fold *fold, uint64_t trailer, struct slice value, bool newest, size_t stripe) {
    const enum entry_kind kind = entry_kind(trailer);
    bool drops;
    const enum status status = ask_filter(fold, trailer, value, newest, stripe, &drops);
    if (status != STATUS_OK) return status;
    if (drops) return emit_delete(fold, trailer, stripe);
    hide(fold, stripe);
    /* Nothing older is left to be told from, and no range delete that stays may take it for older than itself. */
    const bool oldest =
        fold->options.zero_sequences && stripe == 0 && is_bottom(fold) && cover(fold, ENTRY_SEQUENCE_MAX) == 0;
    return emit(fold, oldest ? entry_trailer(0, kind) : trailer, value);
}

/* ---- Operands ---------------------------------------------------------------------------------------------------- */

static enum status emit_raw(struct fold *fold, size_t from, size_t count) {
    enum status status = STATUS_OK;
    for (size_t i = from; i < from + count && status == STATUS_OK; i++)
        status = emit(fold, fold->operands.items[i].trailer, fold->operands.items[i].value);
    return status;
}

/* Each run of one kind becomes one operand, where the operator can. What it can't fold stays as it was: reads will say
 * what is wrong. */
static enum status emit_partial(struct fold *fold) {
    for (size_t at = 0; at < fold->operands.count;) {
        size_t taken = 1;
        enum status status =
            resolve_partial(fold->options.kind, buf_slice(&fold->key), &fold->operands, at, &taken, &fold->value);
        if (status == STATUS_NO_MEMORY) return status;
        status = status == STATUS_OK ? emit(fold, fold->operands.items[at].trailer, buf_slice(&fold->value))
                                     : emit_raw(fold, at, taken);
        if (status != STATUS_OK) return status;
        at += taken;
    }
    return STATUS_OK;
}

static enum status emit_full(struct fold *fold, const struct slice *base, bool newest, size_t stripe) {
    const enum status status =
        resolve_full(fold->options.kind, buf_slice(&fold->key), base, &fold->operands, &fold->value);
    if (status == STATUS_OK)
        return emit_put(fold, entry_trailer(entry_sequence(fold->operands.items[0].trailer), ENTRY_PUT),
                        buf_slice(&fold->value), newest, stripe);
    return status == STATUS_NO_MEMORY ? status : emit_raw(fold, 0, fold->operands.count);
}

enum chain_end { CHAIN_KEY, CHAIN_STRIPE, CHAIN_PUT, CHAIN_NOTHING };

static bool at_key(const struct fold *fold) {
    return fold->input->valid && slice_equal(fold->input->key, buf_slice(&fold->key));
}

/* Gathers operands of the stripe from the present entry on; stops in front of what is none. */
static enum status gather(struct fold *fold, size_t stripe, enum chain_end *end) {
    operands_clear(&fold->operands);
    for (;;) {
        if (!at_key(fold)) {
            *end = CHAIN_KEY;
            return fold->input->status;
        }
        const uint64_t trailer = fold->input->trailer;
        const enum entry_kind kind = entry_kind(trailer);
        if (stripe_of(fold, trailer) != stripe) {
            *end = CHAIN_STRIPE;
            return STATUS_OK;
        }
        if (is_covered(fold, trailer, stripe) || kind == ENTRY_DELETE) {
            *end = CHAIN_NOTHING;
            return STATUS_OK;
        }
        if (kind == ENTRY_PUT || kind == ENTRY_REFERENCE) {
            *end = CHAIN_PUT;
            return STATUS_OK;
        }
        const enum status status = operands_add(&fold->operands, trailer, fold->input->value);
        if (status != STATUS_OK) return status;
        source_next(fold->input);
    }
}

/* The input stands at the put that the operands go onto. */
static enum status emit_on_base(struct fold *fold, bool newest, size_t stripe) {
    struct slice base = fold->input->value;
    struct block *block;
    enum status status = load_value(fold, entry_kind(fold->input->trailer), &base, &block);
    if (status != STATUS_OK) return status;
    status = emit_full(fold, &base, newest, stripe);
    block_release(block);
    return status;
}

static enum status fold_operands(struct fold *fold, bool newest, size_t stripe) {
    enum chain_end end;
    const enum status status = gather(fold, stripe, &end);
    if (status != STATUS_OK) return status;
    operands_settle(&fold->operands);
    switch (end) {
    case CHAIN_PUT: return emit_on_base(fold, newest, stripe);
    case CHAIN_NOTHING: return emit_full(fold, NULL, newest, stripe);
    case CHAIN_KEY:
        if (is_bottom(fold)) return emit_full(fold, NULL, newest, stripe);
        return emit_partial(fold);
    default: return emit_partial(fold);
    }
}

/* ---- Keys -------------------------------------------------------------------------------------------------------- */

/* Looks at the present version; afterwards the input stands behind it, or behind the operands that began with it. */
static enum status fold_version(struct fold *fold) {
    const uint64_t trailer = fold->input->trailer;
    const size_t stripe = stripe_of(fold, trailer);
    const bool newest = fold->first;
    enum status status = STATUS_OK;
    fold->first = false;
    if (fold->hidden && fold->hidden_stripe == stripe) {
        source_next(fold->input);
        return STATUS_OK;
    }
    if (is_covered(fold, trailer, stripe)) {
        hide(fold, stripe);
        source_next(fold->input);
        return STATUS_OK;
    }
    switch (entry_kind(trailer)) {
    case ENTRY_MERGE:
    case ENTRY_APPEND: return fold_operands(fold, newest, stripe);
    case ENTRY_REFERENCE:
    case ENTRY_PUT: status = emit_put(fold, trailer, fold->input->value, newest, stripe); break;
    default: status = emit_delete(fold, trailer, stripe); break;
    }
    if (status == STATUS_OK) source_next(fold->input);
    return status;
}

static enum status fold_key(struct fold *fold, size_t *bytes) {
    enum status status = buf_assign(&fold->key, fold->input->key);
    fold->any_added = fold->hidden = fold->bottom_known = false;
    fold->first = true;
    while (status == STATUS_OK && at_key(fold)) {
        *bytes += fold->input->key.size + fold->input->value.size + 16;
        status = fold_version(fold);
    }
    return status;
}

/* ---- Where nothing folds ----------------------------------------------------------------------------------------- */

/* Neither a snapshot, a range delete nor a filter can say anything about any key: the newest version of each decides
 * alone, if it is no operand. Nearly all keys of nearly all flushes and compactions go this way. */
static bool is_plain(const struct fold *fold) {
    const struct fold_options *options = &fold->options;
    return options->snapshot_count == 0 && (!options->ranges || range_set_is_empty(options->ranges)) &&
           !(options->filter && expiry_kind_filter(options->kind));
}

/* Hands the newest version on as it lies in the input, whose key then goes on in fold->key for a look at what follows.
 */
static enum status fold_plain(struct fold *fold, size_t *bytes) {
    struct source *input = fold->input;
    const struct fold_options *options = &fold->options;
    const uint64_t head = input->head, trailer = input->trailer;
    const bool is_put = entry_kind(trailer) == ENTRY_PUT || entry_kind(trailer) == ENTRY_REFERENCE;
    const bool bottom = (is_put ? options->zero_sequences : true) && options->is_bottom &&
                        options->is_bottom(options->context, input->key);
    enum status status = buf_assign(&fold->key, input->key);
    if (status == STATUS_OK && (is_put || !bottom))
        status = options->add(options->context, input->key, bottom ? entry_trailer(0, entry_kind(trailer)) : trailer,
                              is_put ? input->value : slice_make(NULL, 0), true);
    if (status != STATUS_OK) return status;
    do {
        *bytes += input->key.size + input->value.size + 16;
        source_next(input);
    } while (input->valid && input->head == head && slice_equal(input->key, buf_slice(&fold->key)));
    return STATUS_OK;
}

static bool is_operand(uint64_t trailer) {
    return entry_kind(trailer) == ENTRY_MERGE || entry_kind(trailer) == ENTRY_APPEND;
}

static bool at_end(const struct fold *fold) {
    const struct source *input = fold->input;
    const struct slice *end = fold->options.end;
    if (!input->valid || !end) return !input->valid;
    return slice_compare(input->key, *end) >= 0;
}

enum status fold_step(struct fold *fold, size_t budget_bytes, bool *done) {
    enum status status = STATUS_OK;
    size_t bytes = 0;
    fold->extra_bytes = 0;
    const bool plain = is_plain(fold);
    while (status == STATUS_OK && !at_end(fold) && bytes + fold->extra_bytes < budget_bytes)
        status = plain && !is_operand(fold->input->trailer) ? fold_plain(fold, &bytes) : fold_key(fold, &bytes);
    if (status == STATUS_OK) status = fold->input->status;
    *done = status == STATUS_OK && at_end(fold);
    return status;
}

/* load_batch: see load_batch.h. */
#include "tools/loam/dump/load_batch.h"

#include <inttypes.h>
#include <stdio.h>

void load_batch_deinit(struct load_batch *batch) {
    buf_deinit(&batch->bytes);
    buf_deinit(&batch->spans);
    buf_deinit(&batch->args);
}

static const struct resp_span *span_at(const struct load_batch *batch, size_t i) {
    return (const struct resp_span *)(const void *)batch->spans.data + i;
}

static struct slice text_of(const struct load_batch *batch, struct resp_span span) {
    return slice_make(batch->bytes.data + span.offset, span.size);
}

struct slice load_batch_name(const struct load_batch *batch, size_t item) {
    return text_of(batch, batch->items[item].name);
}

/* ---- Filling ----------------------------------------------------------------------------------------------------- */

/* The same for one name every time, so that a load that comes again finds what it left. */
static void name_stand_in(struct load_item *item, struct slice name) {
    (void)snprintf(item->stand_in, sizeof item->stand_in, "loam:load:%016" PRIx64 "%016" PRIx64, hash64(name, 0),
                   hash64(name, 1));
}

static enum status append(struct load_batch *batch, const struct dump_command *command) {
    struct load_command *made = &batch->commands[batch->command_count];
    *made = (struct load_command){.kind = command->kind,
                                  .first_arg = batch->spans.size / sizeof(struct resp_span),
                                  .arg_count = command->arg_count,
                                  .offset = command->offset};
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < command->arg_count; i++) {
        const struct resp_span span = {.offset = batch->bytes.size, .size = command->args[i].size};
        status = buf_append_slice(&batch->bytes, command->args[i]);
        if (status == STATUS_OK) status = buf_append(&batch->spans, &span, sizeof span);
    }
    if (status != STATUS_OK) return status;
    if (command->begins) {
        struct load_item *item = &batch->items[batch->item_count++];
        *item =
            (struct load_item){.name = *span_at(batch, made->first_arg + 1), .offset = command->offset, .begins = true};
        item->is_direct = command->kind == DUMP_SET;
        name_stand_in(item, command->args[1]);
    }
    made->item = batch->item_count - 1;
    struct load_item *item = &batch->items[made->item];
    item->is_direct &= command->kind == DUMP_SET;
    item->expires |= command->kind == DUMP_EXPIRY;
    batch->command_count++;
    return STATUS_OK;
}

/* A name that goes on from the last batch is the first of this one. */
static enum status restart(struct load_batch *batch) {
    struct buf name = BUF_EMPTY;
    const bool goes_on = batch->item_count > 0 && !batch->items[batch->item_count - 1].ends;
    enum status status = STATUS_OK;
    if (goes_on) {
        batch->items[0] = batch->items[batch->item_count - 1];
        batch->items[0].begins = false;
        status = buf_assign(&name, text_of(batch, batch->items[0].name));
    }
    buf_clear(&batch->bytes);
    buf_clear(&batch->spans);
    batch->item_count = goes_on;
    batch->command_count = 0;
    if (goes_on && status == STATUS_OK) {
        batch->items[0].name.offset = 0;
        status = buf_assign(&batch->bytes, buf_slice(&name));
    }
    buf_deinit(&name);
    return status;
}

static bool is_full(const struct load_batch *batch) {
    return batch->command_count == LOAD_BATCH_COMMANDS || batch->bytes.size >= LOAD_BATCH_BYTES;
}

/* What follows is known: whether the last name is complete, and whether one SET was all of it. */
static void note_next(struct load_batch *batch, bool begins) {
    if (batch->item_count == 0) return;
    struct load_item *item = &batch->items[batch->item_count - 1];
    item->ends = begins;
    if (!begins) item->is_direct = false;
}

enum status load_batch_fill(struct load_batch *batch, struct dump_reader *reader, struct error *error) {
    enum status status = restart(batch);
    if (status == STATUS_OK && batch->has_pending) {
        note_next(batch, batch->pending.begins);
        status = append(batch, &batch->pending);
        batch->has_pending = false;
    }
    if (status != STATUS_OK) return error_set(error, status, "%s", status_text(status));
    for (;;) {
        struct dump_command command;
        status = dump_reader_next(reader, &command, error);
        if (status == STATUS_END) {
            note_next(batch, true);
            return batch->command_count > 0 ? STATUS_OK : STATUS_END;
        }
        if (status != STATUS_OK) return status;
        note_next(batch, command.begins);
        if (is_full(batch)) {
            batch->pending = command;
            batch->has_pending = true;
            return STATUS_OK;
        }
        status = append(batch, &command);
        if (status != STATUS_OK) return error_set(error, status, "%s", status_text(status));
    }
}

/* ---- Arguments --------------------------------------------------------------------------------------------------- */

const struct slice *load_batch_args(struct load_batch *batch, const struct load_command *command) {
    const struct load_item *item = &batch->items[command->item];
    buf_clear(&batch->args);
    if (buf_reserve(&batch->args, command->arg_count * sizeof(struct slice)) != STATUS_OK) return NULL;
    struct slice *args = (struct slice *)(void *)batch->args.data;
    for (size_t i = 0; i < command->arg_count; i++) {
        const bool is_name = i == 1 || (command->kind == DUMP_SAMPLES && i % 3 == 1);
        args[i] = is_name && !item->is_direct ? slice_from_text(item->stand_in)
                                              : text_of(batch, *span_at(batch, command->first_arg + i));
    }
    return args;
}

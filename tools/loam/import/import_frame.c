/* import_frame: see import_frame.h. */
#include "tools/loam/import/import_frame.h"

#include <inttypes.h>
#include <stdio.h>

enum { TIMEOUT_MS = 30000, BAR_WIDTH = 40, REDRAW_NS = 50 * 1000 * 1000, REFILL = IMPORT_WINDOW / 2 };

/* ---- Progress ---------------------------------------------------------------------------------------------------- */

static void draw(struct import_frame *frame, bool last) {
    const uint64_t now_ns = io_now_ns(frame->io);
    if (!frame->draws || (!last && now_ns - frame->drawn_ns < REDRAW_NS)) return;
    frame->drawn_ns = now_ns;
    uint64_t done = 0, total = 0;
    frame->source->progress(frame->source, &done, &total);
    const double part = total ? (double)done / (double)total : 0;
    const double seconds = (double)(now_ns - frame->start_ns) / 1e9;
    char bar[BAR_WIDTH + 1];
    for (size_t i = 0; i < BAR_WIDTH; i++) bar[i] = (double)i < part * BAR_WIDTH ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    (void)fprintf(stderr, "\r  [%s] %3.0f %%  %" PRIu64 " %s  %.0f/s ", bar, part * 100, frame->tally->items,
                  frame->source->items, seconds > 0 ? (double)frame->tally->items / seconds : 0);
    if (last) (void)fputc('\n', stderr);
    (void)fflush(stderr);
}

/* ---- The pipeline ------------------------------------------------------------------------------------------------ */

struct pipeline {
    unsigned in_flight;
    unsigned next_slot, oldest_slot;
    bool ended; /* the source has no more */
};

static enum status fill(struct import_frame *frame, struct pipeline *pipeline, struct error *error) {
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !pipeline->ended && pipeline->in_flight < IMPORT_WINDOW) {
        struct import_command command = {.slot = pipeline->next_slot};
        status = frame->source->next(frame->source, &command, error);
        if (status == STATUS_END) {
            pipeline->ended = true;
            return STATUS_OK;
        }
        if (status != STATUS_OK) break;
        status = client_queue(frame->client, command.args, command.arg_count);
        pipeline->next_slot = (pipeline->next_slot + 1) % IMPORT_WINDOW;
        pipeline->in_flight++;
    }
    return status;
}

static enum status drain(struct import_frame *frame, struct pipeline *pipeline, unsigned down_to, struct error *error) {
    enum status status = STATUS_OK;
    while (status == STATUS_OK && pipeline->in_flight > down_to) {
        const struct resp_reply *reply;
        status = client_receive(frame->client, &reply, error);
        if (status != STATUS_OK) break;
        status = frame->source->judge(frame->source, pipeline->oldest_slot, reply, error);
        pipeline->oldest_slot = (pipeline->oldest_slot + 1) % IMPORT_WINDOW;
        pipeline->in_flight--;
        draw(frame, false);
    }
    return status;
}

/* Half of the window is on its way while the other half is made. */
static enum status transfer(struct import_frame *frame, struct error *error) {
    struct pipeline pipeline = {0};
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !(pipeline.ended && pipeline.in_flight == 0)) {
        status = fill(frame, &pipeline, error);
        if (status == STATUS_OK) status = client_flush(frame->client, error);
        if (status == STATUS_OK) status = drain(frame, &pipeline, pipeline.ended ? 0 : REFILL, error);
    }
    return status;
}

enum status import_frame_run(struct import_frame *frame, struct error *error) {
    enum status status = client_open(frame->io, frame->address, TIMEOUT_MS, &frame->client, error);
    if (status == STATUS_OK) status = client_authenticate(frame->client, frame->password, error);
    frame->start_ns = io_now_ns(frame->io);
    if (status == STATUS_OK) {
        status = transfer(frame, error);
        draw(frame, true);
    }
    frame->end_ns = io_now_ns(frame->io);
    if (status == STATUS_OK && frame->source->finish)
        status = frame->source->finish(frame->source, frame->client, error);
    client_close(frame->client);
    frame->client = NULL;
    return status;
}

void import_frame_report(const struct import_frame *frame, bool check) {
    const struct import_tally *tally = frame->tally;
    const double seconds = (double)(frame->end_ns - frame->start_ns) / 1e9;
    const char *verb = check ? "read back from" : "acknowledged by";
    (void)printf("  %" PRIu64 " %s, %.1f MB, %s %s in %.2f s (%.0f/s)\n", tally->items, frame->source->items,
                 (double)tally->bytes / 1e6, verb, frame->address, seconds,
                 seconds > 0 ? (double)tally->items / seconds : 0);
    bad_lines_print(&tally->bad, stdout);
    if (tally->wrong > 0) (void)printf("  %" PRIu64 " %s are missing or differ\n", tally->wrong, frame->source->items);
}

/* scan: `loam explain scan`. The steps are those of an iterator that shows the rows. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/commands.h"
#include "tools/loam/explain/damage.h"
#include "tools/loam/explain/explain.h"
#include "tools/loam/explain/step_json.h"
#include "tools/loam/explain/step_text.h"
#include "tools/loam/terminal.h"

struct scanning {
    struct subject *subject;
    const char *from_typed, *to_typed;
    uint64_t count, shown;
    struct steps steps;
    struct buf from, to, text, damage;
    enum status status; /* of the scan */
    const char *why;    /* it stopped */
};

static enum status walk(struct scanning *scanning, struct engine_iterator *iterator) {
    scanning->why = scanning->to.size ? "the next row is not before TO" : "behind the last row";
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator)) {
        const struct slice key = engine_iterator_key(iterator), value = engine_iterator_value(iterator);
        if (!engine_iterator_valid(iterator)) break; /* the value could not be read */
        steps_add_row(&scanning->steps, key, value);
        if (++scanning->shown < scanning->count) continue;
        scanning->why = "as many rows as were asked for are shown (--count)";
        break;
    }
    return engine_iterator_status(iterator);
}

static enum status ask(struct scanning *scanning) {
    struct subject *subject = scanning->subject;
    struct engine *engine = subject->store.engine;
    const struct engine_iterator_options options = {
        .lower = buf_slice(&scanning->from), .upper = buf_slice(&scanning->to), .no_fill = false};
    struct engine_iterator *iterator = NULL;
    steps_init(&scanning->steps, subject->rows);
    engine_explain(engine, &scanning->steps.watch);
    scanning->status = engine_iterator_open(engine, subject->tree_id, &options, &iterator);
    if (scanning->status == STATUS_OK) scanning->status = walk(scanning, iterator);
    engine_iterator_close(iterator);
    engine_explain(engine, NULL);
    if (scanning->status != STATUS_OK) scanning->why = "a read failed: rows behind it were not looked at";
    return scanning->steps.status;
}

static enum status find_damage(struct scanning *scanning) {
    if (!subject_is_damage(scanning->status) && scanning->status != STATUS_IO) return STATUS_OK;
    return damage_add_of_read(&scanning->damage, scanning->subject, &scanning->steps, scanning->status);
}

static enum status tell(struct scanning *scanning) {
    const struct subject *subject = scanning->subject;
    char room[32];
    struct buf *to = &scanning->text;
    const struct engine_mark mark = engine_applied(subject->store.engine);
    enum status status = buf_append_format(to, "scan of tree %s (%" PRIu32 "), as of entry %" PRIu64 "\n",
                                           subject_tree_name(subject, room), subject->tree_id, mark.index);
    if (status == STATUS_OK) status = step_text_scan(to, &scanning->steps);
    if (status == STATUS_OK)
        status = buf_append_format(to, "stopped: %s\n%" PRIu64 " rows\n", scanning->why, scanning->shown);
    if (status == STATUS_OK) status = step_text_cost(to, &scanning->steps);
    return status == STATUS_OK ? buf_append_slice(to, buf_slice(&scanning->damage)) : status;
}

static enum status tell_json(struct scanning *scanning) {
    struct json json;
    json_begin(&json, &scanning->text);
    step_json_subject(&json, scanning->subject, "scan");
    json_text(&json, "status", status_text(scanning->status));
    json_number(&json, "rows", scanning->shown);
    step_json_steps(&json, &scanning->steps);
    json_text(&json, "stopped", scanning->why);
    step_json_cost(&json, &scanning->steps);
    json_lines(&json, "damage", &scanning->damage);
    return json_end(&json);
}

static enum status run(struct scanning *scanning) {
    struct subject *subject = scanning->subject;
    enum status status = subject_open(subject);
    if (status == STATUS_OK && scanning->from_typed)
        status = subject_key(subject, scanning->from_typed, &scanning->from);
    if (status == STATUS_OK && scanning->to_typed) status = subject_key(subject, scanning->to_typed, &scanning->to);
    if (status == STATUS_OK) status = damage_add_of_opening(&scanning->damage, subject);
    if (status == STATUS_OK) status = ask(scanning);
    if (status == STATUS_OK) status = find_damage(scanning);
    if (status == STATUS_OK) status = subject->json ? tell_json(scanning) : tell(scanning);
    return status;
}

int explain_scan(struct subject *subject, const char *from, const char *to, uint64_t count) {
    struct scanning scanning = {.subject = subject, .from_typed = from, .to_typed = to, .count = count};
    const enum status status = run(&scanning);
    if (status == STATUS_OK)
        terminal_print(buf_slice(&scanning.text));
    else
        step_json_failure(subject, status);
    const bool damaged = scanning.damage.size > 0 || subject_is_damage(status);
    steps_deinit(&scanning.steps);
    buf_deinit(&scanning.from);
    buf_deinit(&scanning.to);
    buf_deinit(&scanning.text);
    buf_deinit(&scanning.damage);
    subject_close(subject);
    return damaged ? EXIT_CORRUPT : status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}

/* get: `loam explain get`. The steps are those of the get that is answered; names are then judged as `loam get` does.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/commands.h"
#include "tools/loam/explain/damage.h"
#include "tools/loam/explain/explain.h"
#include "tools/loam/explain/step_json.h"
#include "tools/loam/explain/step_text.h"
#include "tools/loam/inspect/row_text.h"
#include "tools/loam/terminal.h"

struct getting {
    struct subject *subject;
    const char *typed;
    struct steps steps;
    struct buf key, text, answer, damage;
    enum status status; /* of the get */
    bool due;           /* a name whose time is over */
};

/* A name that expires is there until its time has come. */
static enum status judge_name(struct getting *getting) {
    struct subject *subject = getting->subject;
    struct name_row row;
    struct engine_value value;
    if (subject->tree || !subject->store.has_seed || getting->status != STATUS_OK) return STATUS_OK;
    const enum status status = names_get(&subject->store.view, slice_from_text(getting->typed), &row, &value);
    getting->due = status == STATUS_NOT_FOUND;
    if (status == STATUS_OK) engine_value_release(&value);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) getting->status = status;
    return STATUS_OK;
}

static enum status ask(struct getting *getting) {
    struct subject *subject = getting->subject;
    struct engine_value value;
    const char *fault = NULL;
    steps_init(&getting->steps, subject->rows);
    getting->steps.wanted = buf_slice(&getting->key);
    engine_explain(subject->store.engine, &getting->steps.watch);
    getting->status = engine_explain_get(subject->store.engine, subject->tree_id, buf_slice(&getting->key), &value);
    engine_explain(subject->store.engine, NULL);
    if (getting->status != STATUS_OK) return getting->steps.status;
    enum status status =
        row_text_append(&getting->answer, subject->rows, buf_slice(&getting->key), value.data, ROW_VALUE, &fault);
    if (status == STATUS_OK && fault) {
        status = buf_append_format(&getting->answer, " (malformed: %s)", fault);
        getting->status = STATUS_CORRUPT;
    }
    engine_value_release(&value);
    if (status == STATUS_OK) status = judge_name(getting);
    return status == STATUS_OK ? getting->steps.status : status;
}

static enum status find_damage(struct getting *getting) {
    if (!subject_is_damage(getting->status) && getting->status != STATUS_IO) return STATUS_OK;
    return damage_add_of_read(&getting->damage, getting->subject, &getting->steps, getting->status);
}

/* ---- For people -------------------------------------------------------------------------------------------------- */

static enum status add_head(struct getting *getting) {
    const struct subject *subject = getting->subject;
    char room[32];
    struct buf *to = &getting->text;
    enum status status = buf_append_format(to, "get of ");
    if (status == STATUS_OK) status = key_text_append(to, subject->rows, buf_slice(&getting->key), NULL);
    const struct engine_mark mark = engine_applied(subject->store.engine);
    if (status != STATUS_OK) return status;
    return buf_append_format(to, ", tree %s (%" PRIu32 "), as of entry %" PRIu64 "\n", subject_tree_name(subject, room),
                             subject->tree_id, mark.index);
}

static enum status add_answer(struct getting *getting) {
    struct buf *to = &getting->text;
    if (getting->due)
        return buf_append_format(to, "answer: nothing: its time is over at log time %" PRId64 "\n",
                                 getting->subject->store.view.log_time_ms);
    if (getting->status == STATUS_NOT_FOUND)
        return buf_append_format(to, "answer: nothing%s\n",
                                 getting->subject->store.whole.status != STATUS_OK
                                     ? ", of the store alone, without what the node's log holds"
                                     : "");
    if (getting->status != STATUS_OK) return buf_append_format(to, "answer: none: %s\n", status_text(getting->status));
    const bool alone = getting->subject->store.whole.status != STATUS_OK;
    enum status status =
        buf_append_format(to, "answer%s: ", alone ? ", of the store alone, without what the node's log holds" : "");
    if (status == STATUS_OK) status = buf_append_slice(to, buf_slice(&getting->answer));
    return status == STATUS_OK ? buf_append_byte(to, '\n') : status;
}

static enum status tell(struct getting *getting) {
    struct buf *to = &getting->text;
    enum status status = add_head(getting);
    if (status == STATUS_OK) status = step_text_get(to, &getting->steps);
    if (status == STATUS_OK) status = buf_append_format(to, "stopped: ");
    if (status == STATUS_OK) status = step_text_why(to, &getting->steps);
    if (status == STATUS_OK) status = buf_append_byte(to, '\n');
    if (status == STATUS_OK) status = add_answer(getting);
    if (status == STATUS_OK) status = step_text_cost(to, &getting->steps);
    return status == STATUS_OK ? buf_append_slice(to, buf_slice(&getting->damage)) : status;
}

/* ---- For scripts ------------------------------------------------------------------------------------------------- */

static enum status tell_json(struct getting *getting) {
    struct json json;
    json_begin(&json, &getting->text);
    step_json_subject(&json, getting->subject, "get");
    json_slice(&json, "key", buf_slice(&getting->key), getting->subject->rows);
    json_text(&json, "status", getting->due ? status_text(STATUS_NOT_FOUND) : status_text(getting->status));
    if (getting->status == STATUS_OK && !getting->due) json_buf(&json, "answer", &getting->answer);
    step_json_steps(&json, &getting->steps);
    struct buf why = BUF_EMPTY;
    json_note(&json, step_text_why(&why, &getting->steps));
    json_buf(&json, "stopped", &why);
    buf_deinit(&why);
    step_json_cost(&json, &getting->steps);
    json_lines(&json, "damage", &getting->damage);
    return json_end(&json);
}

/* ---- The command ------------------------------------------------------------------------------------------------- */

static enum status run(struct getting *getting) {
    struct subject *subject = getting->subject;
    enum status status = subject_open(subject);
    if (status != STATUS_OK) return status;
    status = subject_key(subject, getting->typed, &getting->key);
    if (status == STATUS_OK) status = damage_add_of_opening(&getting->damage, subject);
    if (status == STATUS_OK) status = ask(getting);
    if (status == STATUS_OK) status = find_damage(getting);
    if (status == STATUS_OK) status = subject->json ? tell_json(getting) : tell(getting);
    return status;
}

int explain_get(struct subject *subject, const char *key) {
    struct getting getting = {.subject = subject, .typed = key};
    enum status status = run(&getting);
    if (status == STATUS_OK)
        terminal_print(buf_slice(&getting.text));
    else
        step_json_failure(subject, status);
    const bool damaged = getting.damage.size > 0 || subject_is_damage(status);
    steps_deinit(&getting.steps);
    buf_deinit(&getting.key);
    buf_deinit(&getting.text);
    buf_deinit(&getting.answer);
    buf_deinit(&getting.damage);
    subject_close(subject);
    return damaged ? EXIT_CORRUPT : status == STATUS_OK ? EXIT_CLEAN : EXIT_FAILED;
}

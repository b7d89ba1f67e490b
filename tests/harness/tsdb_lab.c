#include "tests/harness/tsdb_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/resp/resp_write.h"
#include "tools/sim/sim_io.h"

enum { LABELS_MAX = 8, SEED = 5 };

static void expect(enum status status) {
    if (status) fail_msg("%s", status_name(status));
}

static void open_engine(struct tsdb_lab *lab) {
    struct error error;
    if (engine_open(lab->io, "db", &lab->options, &lab->engine, &error)) fail_msg("%s", error.text);
}

static void write_batch(struct tsdb_lab *lab) {
    expect(engine_write(lab->engine, &lab->batch, NULL));
    engine_batch_clear(&lab->batch);
    lab->index++;
}

void tsdb_lab_open(struct tsdb_lab *lab) {
    *lab = (struct tsdb_lab){.io = sim_io_create_alone(SEED), .owns_io = true, .now_ms = 1000000};
    size_t count = 0;
    for (size_t i = 0; i < names_kind_count; i++) lab->kinds[count++] = names_kinds[i];
    for (size_t i = 0; i < tsdb_kind_count; i++) lab->kinds[count++] = tsdb_kinds[i];
    lab->options = (struct engine_options){.kinds = lab->kinds, .kind_count = count, .disk_reserve_bytes = 1};
    open_engine(lab);
    lab->owners[0] = kv_string_owner;
    expect(tsdb_create(lab->owners, 2, &lab->tsdb));
    lab->owners[1] = tsdb_owner(lab->tsdb);
    expect(kv_create(lab->owners, 2, &lab->kv));
    engine_batch_init(&lab->batch);
    static const uint32_t trees[] = {TREE_NAMES,  TREE_NAMES_EXPIRY, TREE_NAMES_META,
                                     TREE_SERIES, TREE_CHUNKS,       TREE_LABELS};
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++)
        expect(engine_batch_create_tree(&lab->batch, trees[i], trees[i]));
    write_batch(lab);
}

void tsdb_lab_close(struct tsdb_lab *lab) {
    kv_destroy(lab->kv);
    tsdb_destroy(lab->tsdb);
    engine_batch_deinit(&lab->batch);
    buf_deinit(&lab->operation);
    buf_deinit(&lab->reply);
    buf_deinit(&lab->text);
    engine_close(lab->engine);
    if (lab->owns_io) io_destroy(lab->io);
}

void tsdb_lab_reopen(struct tsdb_lab *lab) {
    expect(engine_flush(lab->engine));
    engine_close(lab->engine);
    open_engine(lab);
    tsdb_forget(lab->tsdb);
}

struct names_view tsdb_lab_view(const struct tsdb_lab *lab) {
    return (struct names_view){.engine = lab->engine, .seed = SEED, .log_time_ms = lab->now_ms};
}

const char *tsdb_lab_text(struct tsdb_lab *lab, unsigned protocol) {
    buf_clear(&lab->text);
    struct resp_writer writer = {.out = &lab->text, .protocol = (int)protocol};
    expect(resp_write_reply(&writer, buf_slice(&lab->reply)));
    size_t size = 0;
    for (size_t i = 0; i < lab->text.size; i++) {
        if (lab->text.data[i] == '\r') continue;
        lab->text.data[size++] = lab->text.data[i] == '\n' ? ' ' : lab->text.data[i];
    }
    lab->text.size = size > 0 ? size - 1 : 0; /* the last line's end */
    expect(buf_append_byte(&lab->text, 0));
    return (const char *)lab->text.data;
}

const char *tsdb_lab_apply(struct tsdb_lab *lab, const struct tsdb_op *op) {
    struct names_view view = tsdb_lab_view(lab);
    buf_clear(&lab->operation);
    buf_clear(&lab->reply);
    expect(tsdb_op_encode(&lab->operation, op));
    expect(tsdb_apply(lab->tsdb, &view, lab->index + 1, buf_slice(&lab->operation), &lab->batch, &lab->reply));
    write_batch(lab);
    return tsdb_lab_text(lab, 2);
}

const char *tsdb_lab_apply_kv(struct tsdb_lab *lab, enum kv_op_kind kind, const char *first, const char *second) {
    struct names_view view = tsdb_lab_view(lab);
    struct slice arguments[] = {slice_from_text(first ? first : ""), slice_from_text(second ? second : "")};
    struct kv_op op = {.kind = kind, .arguments = arguments, .argument_count = second ? 2 : first ? 1 : 0};
    buf_clear(&lab->operation);
    buf_clear(&lab->reply);
    expect(kv_op_encode(&lab->operation, &op));
    expect(kv_apply(lab->kv, &view, buf_slice(&lab->operation), &lab->batch, &lab->reply));
    write_batch(lab);
    return tsdb_lab_text(lab, 2);
}

size_t tsdb_lab_labels(const char *text, struct tsdb_label *labels, size_t most) {
    size_t count = 0;
    while (text && *text) {
        size_t size = strcspn(text, " "), name = strcspn(text, "=");
        assert_true(name < size && count < most);
        labels[count].name = slice_make(text, name);
        labels[count++].value = slice_make(text + name + 1, size - name - 1);
        text += size + (text[size] == ' ');
    }
    return count;
}

const char *tsdb_lab_create(struct tsdb_lab *lab, const char *name, const char *labels) {
    struct tsdb_label list[LABELS_MAX];
    struct tsdb_op op = {.kind = TSDB_OP_CREATE, .name = slice_from_text(name)};
    op.settings.labels = list;
    op.settings.label_count = tsdb_lab_labels(labels, list, LABELS_MAX);
    if (op.settings.label_count) op.settings.given = TSDB_LABELS;
    return tsdb_lab_apply(lab, &op);
}

const char *tsdb_lab_add(struct tsdb_lab *lab, const char *name, int64_t time_ms, double value) {
    struct tsdb_add sample = {.name = slice_from_text(name), .time_ms = time_ms, .value = value};
    struct tsdb_op op = {.kind = TSDB_OP_ADD, .samples = &sample, .sample_count = 1};
    return tsdb_lab_apply(lab, &op);
}

/*
 * foreign_object_test: names whose object belongs to another store, under kv's commands: the owner hears of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/reply.h"
#include "kv/kv.h"
#include "tools/sim/sim_io.h"

enum { FOREIGN = 9 };

struct fixture {
    struct io *io;
    struct engine *engine;
    struct name_owner owners[2];
    struct kv *kv;
    struct engine_batch batch;
    struct buf reply;
    uint64_t deleted, renamed, prefetched; /* the object of the last call */
    char new_name[16];
    enum status answer;
};

static enum status note_delete(void *context, const struct names_view *view, struct engine_batch *batch,
                               uint64_t object) {
    struct fixture *f = context;
    assert_ptr_equal(view->engine, f->engine);
    assert_ptr_equal(batch, &f->batch);
    f->deleted = object;
    return f->answer;
}

static enum status note_rename(void *context, const struct names_view *view, struct engine_batch *batch,
                               uint64_t object, struct slice new_name) {
    struct fixture *f = context;
    assert_ptr_equal(view->engine, f->engine);
    assert_ptr_equal(batch, &f->batch);
    assert_true(new_name.size < sizeof f->new_name);
    memcpy(f->new_name, new_name.data, new_name.size);
    f->new_name[new_name.size] = '\0';
    f->renamed = object;
    return f->answer;
}

static enum status note_prefetch(void *context, const struct names_view *view, uint64_t object) {
    struct fixture *f = context;
    assert_false(view->memory_only);
    f->prefetched = object;
    return STATUS_OK;
}

static struct names_view view_of(const struct fixture *f) {
    return (struct names_view){.engine = f->engine, .seed = 3, .log_time_ms = 1000};
}

static void write_batch(struct fixture *f) {
    assert_int_equal(engine_write(f->engine, &f->batch, NULL), STATUS_OK);
    engine_batch_clear(&f->batch);
}

/* The name of a foreign object, as its store would have put it. */
static void put_foreign(struct fixture *f, const char *name, uint64_t object) {
    struct names_edit *edit;
    struct names_view view = view_of(f);
    struct name_row row = {.type = FOREIGN, .object = object};
    assert_int_equal(names_edit_create(f->owners, 2, &edit), STATUS_OK);
    names_edit_begin(edit, &view, &f->batch);
    assert_int_equal(names_edit_put(edit, slice_from_text(name), &row), STATUS_OK);
    assert_int_equal(names_edit_finish(edit), STATUS_OK);
    names_edit_destroy(edit);
    write_batch(f);
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->io = sim_io_create_alone(1);
    f->owners[0] = kv_string_owner;
    f->owners[1] = (struct name_owner){.type = FOREIGN,
                                       .name = "foreign",
                                       .delete_object = note_delete,
                                       .rename_object = note_rename,
                                       .prefetch_object = note_prefetch,
                                       .context = f};
    struct engine_options options = {.kinds = names_kinds, .kind_count = names_kind_count, .disk_reserve_bytes = 1};
    struct error error;
    if (engine_open(f->io, "db", &options, &f->engine, &error) != STATUS_OK) fail_msg("%s", error.text);
    assert_int_equal(kv_create(f->owners, 2, &f->kv), STATUS_OK);
    engine_batch_init(&f->batch);
    static const uint32_t trees[][2] = {
        {TREE_NAMES, KIND_NAMES}, {TREE_NAMES_EXPIRY, KIND_NAMES_EXPIRY}, {TREE_NAMES_META, KIND_NAMES_META}};
    for (int i = 0; i < 3; i++)
        assert_int_equal(engine_batch_create_tree(&f->batch, trees[i][0], trees[i][1]), STATUS_OK);
    write_batch(f);
    put_foreign(f, "a", 41);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    kv_destroy(f->kv);
    engine_batch_deinit(&f->batch);
    buf_deinit(&f->reply);
    engine_close(f->engine);
    io_destroy(f->io);
    free(f);
    return 0;
}

static enum status apply(struct fixture *f, enum kv_op_kind kind, const char *first, const char *second) {
    struct slice arguments[] = {slice_from_text(first), slice_from_text(second ? second : "")};
    struct kv_op op = {.kind = kind, .arguments = arguments, .argument_count = second ? 2 : 1};
    struct buf operation = BUF_EMPTY;
    struct names_view view = view_of(f);
    assert_int_equal(kv_op_encode(&operation, &op), STATUS_OK);
    assert_int_equal(kv_prefetch(f->kv, &view, buf_slice(&operation)), STATUS_OK);
    buf_clear(&f->reply);
    engine_batch_clear(&f->batch);
    enum status status = kv_apply(f->kv, &view, buf_slice(&operation), &f->batch, &f->reply);
    buf_deinit(&operation);
    return status;
}

static void expect_error(struct fixture *f, const char *text) {
    struct decoder decoder = decoder_make(buf_slice(&f->reply));
    struct reply_value value;
    assert_int_equal(reply_decode(&decoder, &value), STATUS_OK);
    assert_int_equal(value.tag, REPLY_ERROR);
    assert_true(slice_equal(value.text, slice_from_text(text)));
}

static void rename_tells_the_owner_the_new_name_and_deletes_nothing(void **state) {
    struct fixture *f = *state;
    assert_int_equal(apply(f, KV_OP_RENAME, "a", "b"), STATUS_OK);
    assert_int_equal(f->renamed, 41);
    assert_string_equal(f->new_name, "b");
    assert_int_equal(f->deleted, 0);
    assert_int_equal(f->prefetched, 41);
}

static void rename_onto_an_object_deletes_that_one(void **state) {
    struct fixture *f = *state;
    put_foreign(f, "b", 42);
    assert_int_equal(apply(f, KV_OP_RENAME, "a", "b"), STATUS_OK);
    assert_int_equal(f->renamed, 41);
    assert_int_equal(f->deleted, 42);
}

static void deletion_tells_the_owner(void **state) {
    struct fixture *f = *state;
    assert_int_equal(apply(f, KV_OP_DELETE, "a", NULL), STATUS_OK);
    assert_int_equal(f->deleted, 41);
    assert_int_equal(f->prefetched, 41);
}

static void what_the_owner_cannot_read_yet_makes_the_operation_wait(void **state) {
    struct fixture *f = *state;
    f->answer = STATUS_WOULD_BLOCK;
    assert_int_equal(apply(f, KV_OP_RENAME, "a", "b"), STATUS_WOULD_BLOCK);
    assert_int_equal(apply(f, KV_OP_DELETE, "a", NULL), STATUS_WOULD_BLOCK);
}

static void copy_of_a_foreign_object_is_refused_as_redis_words_it(void **state) {
    struct fixture *f = *state;
    assert_int_equal(apply(f, KV_OP_COPY, "a", "b"), STATUS_OK);
    expect_error(f, "ERR not supported for this module key");
    assert_int_equal(f->batch.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rename_tells_the_owner_the_new_name_and_deletes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rename_onto_an_object_deletes_that_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deletion_tells_the_owner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_owner_cannot_read_yet_makes_the_operation_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(copy_of_a_foreign_object_is_refused_as_redis_words_it, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("foreign_object", tests, NULL, NULL);
}

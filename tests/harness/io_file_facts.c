/*
 * io_file_facts: blocking calls on files and directories.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/io_facts.h"

enum { READ_WRITE = IO_OPEN_READ | IO_OPEN_WRITE };

static void write_text(struct io_file *file, uint64_t offset, const char *text) {
    assert_status(io_file_write(file, offset, text, strlen(text)), STATUS_OK);
}

static void assert_content(struct io_file *file, const char *expected, size_t size) {
    char content[256];
    size_t got = 0;
    assert_in_range(size, 0, sizeof content - 1);
    assert_status(io_file_read(file, 0, content, sizeof content, &got), STATUS_OK);
    assert_int_equal(got, size);
    assert_memory_equal(content, expected, size);
}

static void make_file(struct io_fixture *fixture, const char *name, const char *text) {
    struct io_file *file = fixture_open(fixture, name);
    write_text(file, 0, text);
    io_file_close(file);
}

static void assert_file(struct io_fixture *fixture, const char *name, const char *text) {
    struct io_file *file;
    assert_status(io_file_open(fixture->io, fixture_path(fixture, name), IO_OPEN_READ, &file), STATUS_OK);
    assert_content(file, text, strlen(text));
    io_file_close(file);
}

static void assert_absent(struct io_fixture *fixture, const char *name) {
    struct io_entry entry;
    assert_status(io_stat(fixture->io, fixture_path(fixture, name), &entry), STATUS_NOT_FOUND);
}

/* ---- Content ----------------------------------------------------------------------------------------------------- */

static void reads_back(void **state) {
    struct io_file *file = fixture_open(fixture_of(state), "file");
    assert_string_equal(io_file_path(file), fixture_of(state)->path);
    write_text(file, 0, "hello world");
    write_text(file, 6, "W");
    assert_status(io_file_sync(file), STATUS_OK);
    assert_content(file, "hello World", 11);

    char part[4];
    size_t got;
    assert_status(io_file_read(file, 9, part, sizeof part, &got), STATUS_OK);
    assert_int_equal(got, 2);
    assert_memory_equal(part, "ld", 2);
    assert_status(io_file_read(file, 4000, part, sizeof part, &got), STATUS_OK);
    assert_int_equal(got, 0);
    io_file_close(file);
    assert_file(fixture_of(state), "file", "hello World");
}

/* More than one group of requests; some end at the end of the file, some behind it, one is of another file. */
static void many_read_together(void **state) {
    enum { READS = 150, PART = 40 };
    struct fixture_files {
        struct io_file *first, *second;
    } files = {fixture_open(fixture_of(state), "first"), fixture_open(fixture_of(state), "second")};
    uint8_t content[PART * READS / 2];
    for (size_t i = 0; i < sizeof content; i++) content[i] = (uint8_t)(i * 7 + i / 256);
    assert_status(io_file_write(files.first, 0, content, sizeof content - 10), STATUS_OK);
    write_text(files.second, 0, "another file");

    static uint8_t parts[READS][PART];
    struct io_read reads[READS];
    for (size_t i = 0; i < READS; i++)
        reads[i] =
            (struct io_read){.file = files.first, .offset = (READS - 1 - i) * PART, .to = parts[i], .size = PART};
    reads[77].file = files.second;
    reads[77].offset = 8;
    io_file_read_many(fixture_of(state)->io, reads, READS);
    for (size_t i = 0; i < READS; i++) {
        const uint64_t size = i == 77 ? 12 : sizeof content - 10;
        const uint64_t left = reads[i].offset < size ? size - reads[i].offset : 0;
        const size_t expected = left < PART ? (size_t)left : PART;
        assert_status(reads[i].status, STATUS_OK);
        assert_int_equal(reads[i].got, expected);
        const uint8_t *from = i == 77 ? (const uint8_t *)"file" : content + (expected ? reads[i].offset : 0);
        if (expected) assert_memory_equal(parts[i], from, expected);
    }
    io_file_read_many(fixture_of(state)->io, reads, 0);
    io_file_close(files.first);
    io_file_close(files.second);
}

/* Reads and hints of mapped bytes, and that they outlive the handle. */
static void mapped_bytes_are_the_files(void **state) {
    enum { SIZE = 3 * IO_PAGE_BYTES + 100 };
    static uint8_t content[SIZE];
    struct io *io = fixture_of(state)->io;
    const uint8_t *bytes = NULL;
    for (size_t i = 0; i < SIZE; i++) content[i] = (uint8_t)(i * 7 + i / 256);
    struct io_file *file = fixture_open(fixture_of(state), "file");
    assert_status(io_file_write(file, 0, content, SIZE), STATUS_OK);
    assert_status(io_file_map(file, SIZE + 1, &bytes), STATUS_CORRUPT);
    assert_null(bytes);
    assert_status(io_file_map(file, SIZE, &bytes), STATUS_OK);
    io_map_ask(io, bytes + IO_PAGE_BYTES + 10, IO_PAGE_BYTES);
    assert_memory_equal(bytes, content, SIZE);
    io_file_close(file);
    assert_memory_equal(bytes, content, SIZE);
    io_unmap(io, bytes, SIZE);
}

static void gap_is_zero(void **state) {
    struct io_file *file = fixture_open(fixture_of(state), "file");
    write_text(file, 5, "x");
    assert_content(file, "\0\0\0\0\0x", 6);
    uint64_t size;
    assert_status(io_file_size(file, &size), STATUS_OK);
    assert_int_equal(size, 6);
    io_file_close(file);
}

static void write_sync_reads_back(void **state) {
    static _Alignas(IO_PAGE_BYTES) uint8_t page[IO_PAGE_BYTES];
    struct io_file *plain = fixture_open(fixture_of(state), "file"), *direct;
    write_text(plain, 0, "hello world");
    assert_status(io_file_write_sync(plain, 6, "W", 1), STATUS_OK);
    assert_content(plain, "hello World", 11);
    const unsigned flags = READ_WRITE | IO_OPEN_DIRECT;
    assert_status(io_file_open(fixture_io(state), fixture_of(state)->path, flags, &direct), STATUS_OK);
    memset(page, 'x', sizeof page);
    assert_status(io_file_write_sync(direct, IO_PAGE_BYTES, page, sizeof page), STATUS_OK);
    assert_status(io_file_write(direct, IO_PAGE_BYTES, "y", 1), STATUS_OK);
    page[1] = 'z';
    assert_status(io_file_write_sync(direct, 2 * IO_PAGE_BYTES, page, sizeof page), STATUS_OK);
    uint8_t got_bytes[4];
    size_t got;
    assert_status(io_file_read(plain, IO_PAGE_BYTES, got_bytes, sizeof got_bytes, &got), STATUS_OK);
    assert_memory_equal(got_bytes, "yxxx", 4);
    assert_status(io_file_read(plain, 2 * IO_PAGE_BYTES, got_bytes, sizeof got_bytes, &got), STATUS_OK);
    assert_memory_equal(got_bytes, "xzxx", 4);
    io_file_push(plain, 0, 3 * IO_PAGE_BYTES);
    io_file_close(direct);
    io_file_close(plain);
}

/* Written through a handle that asks for copies, read through another: the two must agree, whatever the ranges. */
static void mapped_writes_are_seen(void **state) {
    enum { BYTES = 5 << 20, WRITES = 4000 }; /* several windows, the last one not whole */
    struct io_file *plain = fixture_open(fixture_of(state), "file"), *mapped;
    uint8_t *model = calloc(2, BYTES), *seen = model + BYTES;
    assert_non_null(model);
    assert_status(io_file_write(plain, 0, model, BYTES), STATUS_OK);
    assert_status(io_file_sync(plain), STATUS_OK);
    const unsigned flags = READ_WRITE | IO_OPEN_MAPPED;
    assert_status(io_file_open(fixture_io(state), fixture_of(state)->path, flags, &mapped), STATUS_OK);
    uint32_t random = 1;
    for (uint32_t i = 0; i < WRITES; i++) {
        static uint8_t data[64 << 10];
        random = random * 1664525 + 1013904223;
        size_t size = ((random >> 8) % (i % 50 == 0 ? 128 : 4) + 1) * IO_SECTOR_BYTES;
        random = random * 1664525 + 1013904223;
        size_t offset = (random >> 8) % (BYTES / IO_SECTOR_BYTES) * IO_SECTOR_BYTES;
        if (i % 100 == 7) size -= 3; /* not a whole sector: the ordinary way */
        if (size > BYTES - offset) size = BYTES - offset;
        memset(data, (int)(i % 251) + 1, size);
        memcpy(model + offset, data, size);
        assert_status(io_file_write(i % 97 == 0 ? plain : mapped, offset, data, size), STATUS_OK);
        size_t got;
        assert_status(io_file_read(plain, offset, seen, size, &got), STATUS_OK);
        assert_memory_equal(seen, data, size);
    }
    assert_status(io_file_sync(mapped), STATUS_OK);
    size_t got;
    assert_status(io_file_read(plain, 0, seen, BYTES, &got), STATUS_OK);
    assert_int_equal(got, BYTES);
    assert_memory_equal(seen, model, BYTES);
    assert_status(io_file_write(mapped, BYTES, "tail", 4), STATUS_OK); /* behind what was there when it was opened */
    assert_status(io_file_read(plain, BYTES, seen, 8, &got), STATUS_OK);
    assert_int_equal(got, 4);
    io_file_close(mapped);
    io_file_close(plain);
    free(model);
}

static void truncates(void **state) {
    struct io_file *file = fixture_open(fixture_of(state), "file");
    write_text(file, 0, "abcdef");
    assert_status(io_file_truncate(file, 3), STATUS_OK);
    assert_content(file, "abc", 3);
    assert_status(io_file_truncate(file, 5), STATUS_OK);
    assert_content(file, "abc\0\0", 5);
    io_file_close(file);
}

static void large_file(void **state) {
    enum { SIZE = 5 * 1024 * 1024 + 17 };
    uint8_t *written = malloc(SIZE), *read = malloc(SIZE);
    assert_true(written && read);
    fill_pattern(written, SIZE, 1);
    struct io_file *file = fixture_open(fixture_of(state), "file");
    assert_status(io_file_write(file, 0, written, SIZE), STATUS_OK);
    size_t got;
    assert_status(io_file_read(file, 0, read, SIZE, &got), STATUS_OK);
    assert_int_equal(got, SIZE);
    assert_memory_equal(read, written, SIZE);
    io_file_close(file);
    free(written);
    free(read);
}

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

static void open_missing(void **state) {
    struct io *io = fixture_io(state);
    struct io_file *file;
    assert_status(io_file_open(io, fixture_path(fixture_of(state), "none"), READ_WRITE, &file), STATUS_NOT_FOUND);
    assert_null(file);
    const unsigned create = READ_WRITE | IO_OPEN_CREATE;
    assert_status(io_file_open(io, fixture_path(fixture_of(state), "none/file"), create, &file), STATUS_NOT_FOUND);
}

static void open_exclusive(void **state) {
    struct io *io = fixture_io(state);
    const char *path = fixture_path(fixture_of(state), "file");
    const unsigned flags = READ_WRITE | IO_OPEN_CREATE | IO_OPEN_EXCLUSIVE;
    struct io_file *file, *second;
    assert_status(io_file_open(io, path, flags, &file), STATUS_OK);
    assert_status(io_file_open(io, path, flags, &second), STATUS_EXISTS);
    assert_null(second);
    io_file_close(file);
}

static void open_keeps_or_empties(void **state) {
    struct io *io = fixture_io(state);
    make_file(fixture_of(state), "file", "content");
    io_file_close(fixture_open(fixture_of(state), "file"));
    assert_file(fixture_of(state), "file", "content");
    struct io_file *file;
    assert_status(io_file_open(io, fixture_path(fixture_of(state), "file"), IO_OPEN_WRITE | IO_OPEN_TRUNCATE, &file),
                  STATUS_OK);
    io_file_close(file);
    assert_file(fixture_of(state), "file", "");
}

static void two_handles(void **state) {
    struct io_file *a = fixture_open(fixture_of(state), "file"), *b = fixture_open(fixture_of(state), "file");
    write_text(a, 0, "one");
    write_text(b, 3, "two");
    assert_content(a, "onetwo", 6);
    io_file_close(a);
    assert_content(b, "onetwo", 6);
    io_file_close(b);
}

static void long_path(void **state) {
    struct io *io = fixture_io(state);
    char path[IO_PATH_BYTES + 1];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    struct io_file *file;
    assert_status(io_file_open(io, path, IO_OPEN_READ, &file), STATUS_INVALID);
    assert_status(io_dir_make(io, path), STATUS_INVALID);
    assert_status(io_dir_make(io, ""), STATUS_INVALID);
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

static void renames(void **state) {
    struct io *io = fixture_io(state);
    struct io_fixture *fixture = fixture_of(state);
    make_file(fixture, "from", "new");
    make_file(fixture, "to", "old");
    char from[IO_PATH_BYTES];
    snprintf(from, sizeof from, "%s", fixture_path(fixture, "from"));
    assert_status(io_rename(io, from, fixture_path(fixture, "to")), STATUS_OK);
    assert_file(fixture, "to", "new");
    assert_absent(fixture, "from");
    assert_status(io_rename(io, from, fixture_path(fixture, "to")), STATUS_NOT_FOUND);
}

static void links(void **state) {
    struct io *io = fixture_io(state);
    struct io_fixture *fixture = fixture_of(state);
    make_file(fixture, "a", "shared");
    char a[IO_PATH_BYTES];
    snprintf(a, sizeof a, "%s", fixture_path(fixture, "a"));
    assert_status(io_link(io, a, fixture_path(fixture, "b")), STATUS_OK);
    assert_status(io_link(io, a, fixture_path(fixture, "b")), STATUS_EXISTS);
    make_file(fixture, "b", "SHARED");
    assert_file(fixture, "a", "SHARED");
    assert_status(io_remove(io, a), STATUS_OK);
    assert_file(fixture, "b", "SHARED");
    assert_status(io_link(io, a, fixture_path(fixture, "c")), STATUS_NOT_FOUND);
}

static void removes(void **state) {
    struct io *io = fixture_io(state);
    struct io_fixture *fixture = fixture_of(state);
    assert_status(io_dir_make(io, fixture_path(fixture, "dir")), STATUS_OK);
    make_file(fixture, "dir/file", "x");
    assert_status(io_remove(io, fixture_path(fixture, "dir")), STATUS_EXISTS);
    assert_status(io_remove(io, fixture_path(fixture, "dir/file")), STATUS_OK);
    assert_status(io_remove(io, fixture_path(fixture, "dir/file")), STATUS_NOT_FOUND);
    assert_status(io_remove(io, fixture_path(fixture, "dir")), STATUS_OK);
    assert_absent(fixture, "dir");
}

static void makes_directories(void **state) {
    struct io *io = fixture_io(state);
    struct io_fixture *fixture = fixture_of(state);
    assert_status(io_dir_make(io, fixture_path(fixture, "a")), STATUS_OK);
    assert_status(io_dir_make(io, fixture_path(fixture, "a")), STATUS_EXISTS);
    assert_status(io_dir_make(io, fixture_path(fixture, "b/c")), STATUS_NOT_FOUND);
    assert_status(io_dir_sync(io, fixture->directory), STATUS_OK);
    assert_status(io_dir_sync(io, fixture_path(fixture, "b")), STATUS_NOT_FOUND);
}

struct listing {
    char text[512];
    const char *stop_at;
};

static enum status note_entry(void *context, const struct io_entry *entry) {
    struct listing *listing = context;
    if (listing->stop_at && strcmp(entry->name, listing->stop_at) == 0) return STATUS_CANCELLED;
    const size_t used = strlen(listing->text);
    snprintf(listing->text + used, sizeof listing->text - used, "%s %s %u; ", entry->name,
             entry->kind == IO_ENTRY_DIR ? "dir" : "file", (unsigned)entry->size);
    return STATUS_OK;
}

static void lists(void **state) {
    struct io *io = fixture_io(state);
    struct io_fixture *fixture = fixture_of(state);
    make_file(fixture, "zebra", "stripes");
    make_file(fixture, "Ant", "");
    make_file(fixture, "bee", "b");
    assert_status(io_dir_make(io, fixture_path(fixture, "mole")), STATUS_OK);
    struct listing listing = {.stop_at = NULL};
    assert_status(io_dir_list(io, fixture->directory, note_entry, &listing), STATUS_OK);
    assert_string_equal(listing.text, "Ant file 0; bee file 1; mole dir 0; zebra file 7; ");

    listing = (struct listing){.stop_at = "mole"};
    assert_status(io_dir_list(io, fixture->directory, note_entry, &listing), STATUS_CANCELLED);
    assert_string_equal(listing.text, "Ant file 0; bee file 1; ");
    assert_status(io_dir_list(io, fixture_path(fixture, "none"), note_entry, &listing), STATUS_NOT_FOUND);
}

static void stats(void **state) {
    struct io *io = fixture_io(state);
    struct io_fixture *fixture = fixture_of(state);
    make_file(fixture, "file", "12345");
    struct io_entry entry;
    assert_status(io_stat(io, fixture_path(fixture, "file"), &entry), STATUS_OK);
    assert_int_equal(entry.kind, IO_ENTRY_FILE);
    assert_int_equal(entry.size, 5);
    assert_string_equal(entry.name, "file");
    assert_status(io_stat(io, fixture->directory, &entry), STATUS_OK);
    assert_int_equal(entry.kind, IO_ENTRY_DIR);
    assert_absent(fixture, "none");
}

static void free_space(void **state) {
    struct io *io = fixture_io(state);
    uint64_t bytes;
    assert_status(io_free_space(io, fixture_of(state)->directory, &bytes), STATUS_OK);
    assert_true(bytes > 0);
    assert_status(io_free_space(io, fixture_path(fixture_of(state), "none"), &bytes), STATUS_NOT_FOUND);
}

/* ---- One owner --------------------------------------------------------------------------------------------------- */

static void locks(void **state) {
    struct io *io = fixture_io(state);
    struct io_fixture *fixture = fixture_of(state);
    struct io_lock *lock, *second;
    struct error error = {0};
    assert_status(io_dir_lock(io, fixture->directory, &lock, &error), STATUS_OK);
    assert_non_null(lock);
    assert_status(io_dir_lock(io, fixture->directory, &second, &error), STATUS_LOCKED);
    assert_null(second);
    assert_int_equal(error.status, STATUS_LOCKED);
    assert_non_null(strstr(error.text, fixture->directory));
    assert_non_null(strstr(error.text, "process "));
    assert_non_null(strstr(error.text, "program "));
    assert_status(io_dir_lock_look(io, fixture->directory, &error), STATUS_LOCKED);
    assert_non_null(strstr(error.text, "program "));
    io_unlock(lock);
    assert_status(io_dir_lock_look(io, fixture->directory, NULL), STATUS_OK);
    assert_status(io_dir_lock(io, fixture->directory, &lock, NULL), STATUS_OK);
    io_unlock(lock);
    assert_status(io_dir_lock(io, fixture_path(fixture, "none"), &lock, &error), STATUS_NOT_FOUND);
    assert_status(io_dir_lock_look(io, fixture_path(fixture, "none"), &error), STATUS_OK);
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

static void assert_read_only(struct io *io, struct io_file *file) {
    char byte = 'x';
    assert_status(io_file_write(file, 0, &byte, 1), STATUS_READ_ONLY);
    assert_status(io_file_truncate(file, 0), STATUS_READ_ONLY);
    assert_status(io_file_sync(file), STATUS_READ_ONLY);
    static const enum io_op_kind kinds[] = {IO_OP_WRITE, IO_OP_WRITE_SYNC, IO_OP_SYNC};
    for (size_t i = 0; i < 3; i++) {
        struct counted_op write = {.op = {.kind = kinds[i], .file = file, .data = &byte, .size = 1}};
        assert_status(run_op(io, &write), STATUS_READ_ONLY);
    }
}

static struct io_file *open_failing_sync(struct io_fixture *fixture) {
    if (!fixture->factory->open_failing_sync) skip();
    struct io_file *file;
    assert_status(fixture->factory->open_failing_sync(fixture->io, fixture->directory, &file), STATUS_OK);
    return file;
}

static void failed_sync_poisons(void **state) {
    struct io *io = fixture_io(state);
    struct io_file *file = open_failing_sync(fixture_of(state));
    write_text(file, 0, "x");
    assert_status(io_file_sync(file), STATUS_IO);
    assert_read_only(io, file);
    char byte;
    size_t got;
    assert_status(io_file_read(file, 0, &byte, 1, &got), STATUS_OK);
    io_file_close(file);
}

static void failed_write_sync_poisons(void **state) {
    struct io *io = fixture_io(state);
    struct io_file *file = open_failing_sync(fixture_of(state));
    assert_status(io_file_write_sync(file, 0, "x", 1), STATUS_IO);
    assert_read_only(io, file);
    assert_status(io_file_write_sync(file, 0, "x", 1), STATUS_READ_ONLY);
    io_file_close(file);
}

static void failed_operation_poisons(void **state) {
    struct io *io = fixture_io(state);
    char byte = 'x';
    static const enum io_op_kind kinds[] = {IO_OP_WRITE_SYNC, IO_OP_SYNC};
    for (size_t i = 0; i < 2; i++) {
        struct io_file *file = open_failing_sync(fixture_of(state));
        struct counted_op sync = {.op = {.kind = kinds[i], .file = file, .data = &byte, .size = 1}};
        assert_status(run_op(io, &sync), STATUS_IO);
        assert_read_only(io, file);
        io_file_close(file);
    }
}

/* The kernel reports a lost page once; the operations behind the failed one must not take its silence for success. */
static void poison_reaches_flight(void **state) {
    struct io *io = fixture_io(state);
    struct io_file *file = open_failing_sync(fixture_of(state));
    char byte = 'x';
    struct counted_op ops[4];
    for (size_t i = 0; i < 4; i++) {
        ops[i] = (struct counted_op){.op = {.kind = i < 2 ? IO_OP_WRITE_SYNC : IO_OP_SYNC,
                                            .file = file,
                                            .data = &byte,
                                            .size = 1,
                                            .done = counted_op_done}};
        io_submit(io, &ops[i].op);
    }
    unsigned failures = 0;
    for (size_t i = 0; i < 4; i++) {
        run_until(io, &ops[i].completions, 1);
        failures += ops[i].op.status == STATUS_IO;
        assert_int_not_equal(ops[i].op.status, STATUS_OK);
    }
    assert_in_range(failures, 1, 4);
    assert_read_only(io, file);
    io_file_close(file);
}

static void full_device(void **state) {
    struct io *io = fixture_io(state);
    struct io_fixture *fixture = fixture_of(state);
    if (!fixture->factory->open_full) skip();
    struct io_file *file;
    assert_status(fixture->factory->open_full(io, fixture->directory, &file), STATUS_OK);
    char byte = 'x';
    assert_status(io_file_write(file, 0, &byte, 1), STATUS_NO_SPACE);
    struct counted_op write = {.op = {.kind = IO_OP_WRITE, .file = file, .data = &byte, .size = 1}};
    assert_status(run_op(io, &write), STATUS_NO_SPACE);
    write.op.kind = IO_OP_WRITE_SYNC;
    assert_status(run_op(io, &write), STATUS_NO_SPACE);
    /* A write that failed is not a sync that failed: the file is not poisoned. */
    assert_status(io_file_write(file, 0, &byte, 1), STATUS_NO_SPACE);
    io_file_close(file);
}

static const struct io_fact facts[] = {
    {"a file reads back what was written", reads_back},
    {"many reads come back together, each with its own end", many_read_together},
    {"mapped bytes are the file's, and outlive its handle", mapped_bytes_are_the_files},
    {"a gap in a file reads as zeros", gap_is_zero},
    {"a blocking write with sync reads back, past the cache or not", write_sync_reads_back},
    {"writes that may be copies to mapped memory are seen by another handle", mapped_writes_are_seen},
    {"a truncated file ends there", truncates},
    {"a large file is written and read whole", large_file},
    {"a missing file or directory is not found", open_missing},
    {"an exclusive open refuses what exists", open_exclusive},
    {"an open keeps the content unless told to empty it", open_keeps_or_empties},
    {"two handles see each other's writes", two_handles},
    {"a path over the limit is refused", long_path},
    {"a rename replaces its target", renames},
    {"a link shares the content", links},
    {"a file and an empty directory are removed", removes},
    {"a directory is made once and synced", makes_directories},
    {"a listing is sorted and stops where told", lists},
    {"stat tells kind, size and name", stats},
    {"free space is told", free_space},
    {"a directory has one owner and a second lock names it", locks},
    {"a failed sync poisons the file for good", failed_sync_poisons},
    {"a failed sync of a blocking write with sync poisons the file for good", failed_write_sync_poisons},
    {"a failed asynchronous sync poisons the file for good", failed_operation_poisons},
    {"a failed sync fails what is in flight behind it", poison_reaches_flight},
    {"a full device is no space and no poison", full_device},
};

const struct io_fact_table io_file_facts = {facts, sizeof facts / sizeof *facts};

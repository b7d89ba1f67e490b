/*
 * io_backend: what stands behind engine/io.h; for those who write a backend (engine/io/, the simulator), for nobody
 * else.
 *
 * A backend embeds struct io, io_file, io_socket and io_lock as first members of its own structs. engine/io/io.c checks
 * arguments and the poisoned flag and passes on; a backend never sees a write, sync or truncate submitted on a poisoned
 * file. What was in flight when the file became poisoned is the backend's to fail: after a failed sync nothing that
 * changes the file may end with OK.
 */
#ifndef ENGINE_IO_BACKEND_H
#define ENGINE_IO_BACKEND_H

#include "engine/io.h"

#pragma GCC visibility push(default)

/* A backend sets vtable and name; everything else starts as zero and is io.c's. */
struct io {
    const struct io_vtable *vtable;
    const char *name;
    struct list *refused_first; /* operations on poisoned files, linked by next; done is due in io_run */
    struct list *refused_last;
    struct io_faults faults; /* read and written atomically, a member at a time */
    struct list *held_first; /* barriers that wait for their delay, linked by next, the time in backend[0] */
    struct list *held_last;
    uint64_t news; /* the loop thread's; counted by whoever calls done: io_count_news */
};

static inline void io_count_news(struct io *io, const struct io_op *op) {
    io->news += !op->is_quiet || op->status != STATUS_OK;
}

struct io_file {
    struct io *io;
    char *path;    /* owned by the file */
    bool poisoned; /* a sync failed: set by io.c and by backends on completion, never cleared; through the two functions
                      below */
};

/* Any thread: a job may sync while the loop writes. */
static inline bool io_file_is_poisoned(const struct io_file *file) {
    return __atomic_load_n(&file->poisoned, __ATOMIC_ACQUIRE);
}
static inline void io_file_poison(struct io_file *file) {
    __atomic_store_n(&file->poisoned, true, __ATOMIC_RELEASE);
}

struct io_socket {
    struct io *io;
};

struct io_lock {
    struct io *io;
};

/* The members mean what the io.h function of the same name says. */
struct io_vtable {
    void (*destroy)(struct io *io);

    enum status (*file_open)(struct io *io, const char *path, unsigned flags, struct io_file **file);
    void (*file_close)(struct io_file *file);
    enum status (*file_read)(struct io_file *file, uint64_t offset, void *to, size_t size, size_t *got);
    void (*file_read_many)(struct io *io, struct io_read *reads, size_t count);          /* NULL: one by one */
    enum status (*file_map)(struct io_file *file, uint64_t size, const uint8_t **bytes); /* NULL: UNSUPPORTED */
    void (*unmap)(const uint8_t *bytes, uint64_t size);                                  /* NULL with file_map */
    void (*map_ask)(const uint8_t *bytes, uint64_t size);                                /* NULL with file_map */
    enum status (*file_write)(struct io_file *file, uint64_t offset, const void *from, size_t size);
    enum status (*file_write_sync)(struct io_file *file, uint64_t offset, const void *from, size_t size);
    void (*file_push)(struct io_file *file, uint64_t offset, uint64_t size); /* NULL: nothing to do */
    enum status (*file_sync)(struct io_file *file);
    void (*file_write_back)(struct io_file *file, uint64_t offset, uint64_t size); /* NULL = the hint means nothing */
    enum status (*file_size)(struct io_file *file, uint64_t *size);
    enum status (*file_truncate)(struct io_file *file, uint64_t size);
    enum status (*file_allocate)(struct io_file *file, uint64_t size); /* NULL, or UNSUPPORTED: zeros are written */

    enum status (*remove)(struct io *io, const char *path);
    enum status (*rename)(struct io *io, const char *from, const char *to);
    enum status (*link)(struct io *io, const char *from, const char *to);
    enum status (*dir_make)(struct io *io, const char *path);
    enum status (*dir_sync)(struct io *io, const char *path);
    enum status (*dir_list)(struct io *io, const char *path, enum status (*visit)(void *, const struct io_entry *),
                            void *context);
    enum status (*stat)(struct io *io, const char *path, struct io_entry *entry);
    enum status (*free_space)(struct io *io, const char *path, uint64_t *bytes);
    uint64_t (*files_most)(struct io *io); /* NULL: no limit */
    enum status (*dir_lock)(struct io *io, const char *path, struct io_lock **lock, struct error *error);
    enum status (*dir_lock_look)(struct io *io, const char *path, struct error *error);
    void (*unlock)(struct io_lock *lock);

    uint64_t (*now_ns)(struct io *io);
    int64_t (*clock_ms)(struct io *io);
    void (*entropy)(struct io *io, void *to, size_t size);
    void (*sleep)(struct io *io, uint64_t ns);
    void (*wait)(struct io *io, struct condition *condition, struct mutex *mutex, uint64_t ns);

    void (*submit)(struct io *io, struct io_op *op);
    void (*flush)(struct io *io);
    void (*cancel)(struct io *io, struct io_op *op);
    size_t (*run)(struct io *io, uint64_t deadline_ns);
    void (*wake)(struct io *io);
    enum status (*listen)(struct io *io, const char *address, struct io_socket **socket, struct error *error);
    void (*socket_close)(struct io_socket *socket);
    void (*socket_local)(const struct io_socket *socket, char address[IO_ADDRESS_BYTES]);
    void (*socket_remote)(const struct io_socket *socket, char address[IO_ADDRESS_BYTES]);

    void (*job_start)(struct io *io, struct io_job *job);
    bool (*job_assist)(struct io *io);
};

#pragma GCC visibility pop

#endif

/*
 * machine: what the two backends of a real machine (POSIX, io_uring) share: blocking file calls, sockets, timers, job
 * pools and the wake-up. A backend embeds struct machine first, and adds how operations reach the kernel and come back.
 *
 * The life of an operation: io_submit -> the backend's queue -> the kernel (or a helper thread) -> machine_complete
 * puts it on `completed` -> machine_deliver calls done, always inside io_run, never from inside io_submit or io_cancel.
 */
#ifndef ENGINE_IO_MACHINE_H
#define ENGINE_IO_MACHINE_H

#include <stdatomic.h>
#include <sys/socket.h>

#include "engine/base/check.h"
#include "engine/base/sync.h"
#include "engine/io_backend.h"

/* One read or write call moves at most this much; the kernel's own limit is 2 GiB less a page. */
enum { MACHINE_TRANSFER_BYTES = 1 << 30 };

enum direct_stage {
    DIRECT_UNTRIED,
    DIRECT_IN_KERNEL, /* a WRITE_SYNC on its way past the system's cache */
    DIRECT_TRIED,     /* what is left of it goes the ordinary way */
};

/* ---- Operation state: our view of io_op.backend ------------------------------------------------------------------ */

enum op_place {
    OP_PLACE_QUEUED,    /* waits in a list of ours: a cancel takes it out */
    OP_PLACE_KERNEL,    /* the kernel or a helper thread has it: its completion will come */
    OP_PLACE_COMPLETED, /* on the completed list: a cancel comes too late */
    OP_PLACE_TIMER,     /* in the timer heap */
};

struct op_state {
    uint64_t progress;   /* bytes moved so far */
    uint32_t place;      /* enum op_place */
    uint16_t cancelled;  /* io_cancel was called: do not go on after a short transfer */
    uint16_t direct;     /* io_uring: enum direct_stage */
    struct io_op *child; /* timers.c: first child, next sibling, previous sibling or parent */
    struct io_op *next;
    struct io_op *previous;
    uint64_t sequence; /* order among timers of one deadline */
} __attribute__((may_alias));

_Static_assert(sizeof(struct op_state) <= sizeof(((struct io_op *)NULL)->backend), "op_state outgrew io_op.backend");

static inline struct op_state *op_state(struct io_op *op) {
    return (struct op_state *)(void *)op->backend;
}

/* ---- Objects ----------------------------------------------------------------------------------------------------- */

struct machine_file {
    struct io_file base;
    int fd;
    int direct_fd;                /* the same file past the system's cache, for writes that end durable; -1 = none */
    atomic_uint_least64_t writes; /* through fd, ended; a sync that began afterwards makes them durable */
    atomic_uint_least64_t synced; /* how many of them are */
    struct mutex sync_mutex;      /* one sync at a time: the kernel reports a lost page to one caller only */
    uint64_t sync_covers;         /* io_uring: `writes` when the sync in the kernel was handed over */
    struct io_op *syncing;        /* io_uring: the one WRITE_SYNC or SYNC in the kernel */
    struct list sync_queue;       /* io_uring: those that wait for it */
    uint8_t *window;              /* mapped_file.c: a part of the file in memory; NULL = none */
    uint64_t window_start;        /* where it stands in the file */
    uint64_t window_bytes;
    uint64_t mapped_bytes; /* writes below this are copies; 0 = all go the ordinary way */
    bool whole_syncs;      /* a WRITE_SYNC that goes through the cache covers the whole file: see io_file_write_sync */
    char path[];
};

struct machine_socket {
    struct io_socket base;
    int fd;
    struct list receives; /* RECEIVE in order; POSIX: the first one is active; io_uring: those behind the active one */
    struct list sends;    /* SEND, likewise */

    /* POSIX */
    bool readable;         /* a receive may succeed; false after EAGAIN until the next event */
    bool writable;         /* likewise for a send */
    bool hangup;           /* the end of the stream was seen coming: readable stays set */
    struct list accepts;   /* ACCEPT in order */
    struct io_op *connect; /* the CONNECT in progress that made it */

    /* io_uring */
    struct io_op *receiving; /* the active RECEIVE */
    struct io_op *sending;   /* the active SEND */
    uint32_t in_kernel;      /* operations the kernel holds */
    bool drained;            /* the last receive left nothing behind: wait for readiness before trying */
    bool closed;             /* io_socket_close came while cancelled operations were still in the kernel */

    struct sockaddr_storage peer; /* CONNECT: the target; must stay until the kernel has read it */
    socklen_t peer_bytes;
};

struct timers {
    struct io_op *root; /* pairing heap; earliest deadline, then earliest submission */
    uint64_t sequence;
};

struct job_pool {
    struct mutex mutex;
    struct condition work;
    struct list queue; /* by priority, then by arrival */
    bool stopping;
    bool yields; /* its threads run at a lower priority */
    struct thread *threads;
    unsigned thread_count;
    struct machine *machine;
};

struct machine {
    struct io base;
    bool direct_writes;          /* the backend makes use of IO_OPEN_DIRECT */
    atomic_bool refusal_logged;  /* that a file system refuses it is said once */
    atomic_bool unmapped_logged; /* likewise IO_OPEN_MAPPED */
    struct log *log;
    struct list completed; /* operations whose done is due */
    struct timers timers;
    int wake_fd;                       /* eventfd; its counter is never read, each write is an edge */
    atomic_bool asleep;                /* the loop is about to wait: a wake must write to wake_fd */
    atomic_bool woken;                 /* a wake came since the last turn */
    atomic_uint_least64_t turns;       /* of the loop: pools that yield look whether it works */
    _Atomic(struct io_job *) finished; /* stack of jobs whose done is due, newest first */
    struct job_pool pools[IO_POOL_COUNT];
};

static inline struct machine *machine_of(struct io *io) {
    return (struct machine *)(void *)io;
}
static inline struct machine_file *machine_file_of(struct io_file *file) {
    return (struct machine_file *)(void *)file;
}
static inline struct machine_socket *machine_socket_of(struct io_socket *socket) {
    return (struct machine_socket *)(void *)socket;
}

/* ---- machine.c: life, wake-up, delivery -------------------------------------------------------------------------- */

/* Initialises the shared part; the pools' threads run when it returns OK. On failure nothing is left. */
MUST_CHECK enum status machine_init(struct machine *machine, const struct io_vtable *vtable, const char *name,
                                    const struct io_options *options, struct error *error);
/* Ends the pools' threads after their present steps. Pending operations are the backend's business, before. */
void machine_deinit(struct machine *machine);

/* What both backends have in common, for the initializer of their tables. */
#define MACHINE_VTABLE_MEMBERS                                                                                         \
    .file_open = machine_file_open, .file_close = machine_file_close, .file_read = machine_file_read,                  \
    .file_map = machine_file_map, .unmap = machine_unmap, .map_ask = machine_map_ask,                                  \
    .file_write = machine_file_write, .file_write_sync = machine_file_write_sync, .file_push = machine_file_push,      \
    .file_sync = machine_file_sync, .file_write_back = machine_file_write_back, .file_size = machine_file_size,        \
    .file_allocate = machine_file_allocate, .file_truncate = machine_file_truncate, .remove = machine_remove,          \
    .rename = machine_rename, .link = machine_link, .dir_make = machine_dir_make, .dir_sync = machine_dir_sync,        \
    .dir_list = machine_dir_list, .stat = machine_stat, .free_space = machine_free_space,                              \
    .files_most = machine_files_most, .dir_lock = machine_dir_lock, .dir_lock_look = machine_dir_lock_look,            \
    .unlock = machine_unlock, .now_ns = machine_now_ns, .clock_ms = machine_clock_ms, .entropy = machine_entropy,      \
    .sleep = machine_sleep, .wait = machine_wait, .wake = machine_wake, .socket_local = machine_socket_local,          \
    .socket_remote = machine_socket_remote, .job_start = machine_job_start, .job_assist = machine_job_assist

void machine_wake(struct io *io);
/* False if there is no reason to sleep: a wake came. Else the loop must wait and then call machine_sleep_end. */
bool machine_sleep_begin(struct machine *machine);
void machine_sleep_end(struct machine *machine);

/* Ends the operation: its done is called by the next machine_deliver. */
static inline void machine_complete(struct machine *machine, struct io_op *op, enum status status) {
    op->status = status;
    op_state(op)->place = OP_PLACE_COMPLETED;
    list_push_back(&machine->completed, &op->link);
}
/* As above, for the end of a write or sync: on a poisoned file nothing succeeds, whatever the kernel says. */
void machine_complete_file(struct machine *machine, struct io_op *op, enum status status);

/* Calls done for due timers, completed operations and finished jobs, in this order. Those that come up meanwhile are
 * for the next turn. */
size_t machine_deliver(struct machine *machine);

/* When the loop has to be back: the earlier of deadline_ns and the first timer; 0 if something is due now. */
uint64_t machine_wait_until(struct machine *machine, uint64_t deadline_ns);

/* ---- errno_status.c ---------------------------------------------------------------------------------------------- */

enum status status_from_errno(int number);
/* Says in the log what failed where, and returns the status. */
enum status machine_fail(struct machine *machine, const char *verb, const char *path, uint64_t offset, int number);

/* A sync failed: poisons the file, says so, and returns NO_SPACE or IO. */
enum status machine_fail_sync(struct io_file *file, int number);

/* ---- file_calls.c, directories.c, directory_lock.c: blocking calls
 * ---------------------------------------------------- */

enum status machine_file_open(struct io *io, const char *path, unsigned flags, struct io_file **file);
void machine_file_close(struct io_file *file);
enum status machine_file_read(struct io_file *file, uint64_t offset, void *to, size_t size, size_t *got);
enum status machine_file_map(struct io_file *file, uint64_t size, const uint8_t **bytes);
void machine_unmap(const uint8_t *bytes, uint64_t size);
void machine_map_ask(const uint8_t *bytes, uint64_t size);
enum status machine_file_write(struct io_file *file, uint64_t offset, const void *from, size_t size);
enum status machine_file_write_sync(struct io_file *file, uint64_t offset, const void *from, size_t size);
void machine_file_push(struct io_file *file, uint64_t offset, uint64_t size);
enum status machine_file_sync(struct io_file *file);
void machine_file_write_back(struct io_file *file, uint64_t offset, uint64_t size);
enum status machine_file_allocate(struct io_file *file, uint64_t size);

/* A write through fd has ended, well or not. */
static inline void machine_note_write(struct machine_file *file) {
    atomic_fetch_add(&file->writes, 1);
}
/* The sync that began when `writes` was that has ended well. Syncs of one file take turns. */
static inline void machine_note_sync(struct machine_file *file, uint64_t writes) {
    atomic_store(&file->synced, writes);
}
static inline bool machine_file_is_clean(struct machine_file *file) {
    return atomic_load(&file->writes) == atomic_load(&file->synced);
}

/* ---- direct_file.c ----------------------------------------------------------------------------------------------- */

/* Opens direct_fd if the file system grants it; else says once in the log why not. */
void direct_file_open(struct machine_file *file);
/* From here on the file's writes go the ordinary way; number: what the kernel answered. */
void direct_file_give_up(struct machine_file *file, int number);
/* A write and its barrier as one request, if the file and the request are such; *failed_with: 0, or what the kernel
 * said. False: nothing was done, or not all, and it has to go the ordinary way. */
bool direct_file_write_sync(struct machine_file *file, uint64_t offset, const void *from, size_t size,
                            int *failed_with);

/* ---- mapped_file.c ----------------------------------------------------------------------------------------------- */

/* Has the file's writes copied from here on if its file system is one where that is safe; else says once in the log why
 * not. */
void mapped_file_open(struct machine_file *file);
void mapped_file_close(struct machine_file *file);
/* False: not for this file or not for this range; nothing was done. */
bool mapped_file_write(struct machine_file *file, uint64_t offset, const void *from, size_t size);

/* ---- file_calls.c, continued ------------------------------------------------------------------------------------- */

enum status machine_file_size(struct io_file *file, uint64_t *size);
enum status machine_file_truncate(struct io_file *file, uint64_t size);

enum status machine_remove(struct io *io, const char *path);
enum status machine_rename(struct io *io, const char *from, const char *to);
enum status machine_link(struct io *io, const char *from, const char *to);
enum status machine_dir_make(struct io *io, const char *path);
enum status machine_dir_sync(struct io *io, const char *path);
enum status machine_dir_list(struct io *io, const char *path, enum status (*visit)(void *, const struct io_entry *),
                             void *context);
enum status machine_stat(struct io *io, const char *path, struct io_entry *entry);
uint64_t machine_files_most(struct io *io);
enum status machine_free_space(struct io *io, const char *path, uint64_t *bytes);

enum status machine_dir_lock(struct io *io, const char *path, struct io_lock **lock, struct error *error);
enum status machine_dir_lock_look(struct io *io, const char *path, struct error *error);
void machine_unlock(struct io_lock *lock);

/* ---- clock.c ----------------------------------------------------------------------------------------------------- */

uint64_t machine_now_ns(struct io *io);
int64_t machine_clock_ms(struct io *io);
void machine_entropy(struct io *io, void *to, size_t size);
void machine_sleep(struct io *io, uint64_t ns);
void machine_wait(struct io *io, struct condition *condition, struct mutex *mutex, uint64_t ns);

/* ---- timers.c ---------------------------------------------------------------------------------------------------- */

void timers_add(struct timers *timers, struct io_op *op);
void timers_remove(struct timers *timers, struct io_op *op);
/* The first timer, taken out, if its deadline is at or before now_ns; else NULL. */
struct io_op *timers_pop_due(struct timers *timers, uint64_t now_ns);

/* ---- sockets.c --------------------------------------------------------------------------------------------------- */

/* type_flags: SOCK_NONBLOCK or 0. Fills in socket->peer for an address to connect to. */
MUST_CHECK enum status socket_create(struct machine *machine, int fd, struct machine_socket **socket);
void socket_destroy(struct machine_socket *socket);
/* An accept that failed with this errno concerned one connection that is gone; the next one may be fine. */
bool socket_accept_again(int number);
MUST_CHECK enum status socket_open_for(struct machine *machine, const char *address, int type_flags,
                                       struct machine_socket **socket);
MUST_CHECK enum status socket_listen(struct machine *machine, const char *address, int type_flags,
                                     struct machine_socket **socket, struct error *error);
void machine_socket_local(const struct io_socket *socket, char address[IO_ADDRESS_BYTES]);
void machine_socket_remote(const struct io_socket *socket, char address[IO_ADDRESS_BYTES]);

/* ---- jobs.c ------------------------------------------------------------------------------------------------------ */

MUST_CHECK enum status job_pool_start(struct job_pool *pool, struct machine *machine, const char *name,
                                      unsigned threads);
/* Waits for the steps in progress. Safe on a pool that was never started (all zero). */
void job_pool_stop(struct job_pool *pool);
void machine_job_start(struct io *io, struct io_job *job);
bool machine_job_assist(struct io *io);
size_t jobs_deliver(struct machine *machine);

/* ---- backends ---------------------------------------------------------------------------------------------------- */

MUST_CHECK enum status io_posix_create(const struct io_options *options, struct io **io, struct error *error);
/* UNSUPPORTED, with the reason in *error, where the kernel or a sandbox does not grant what is needed. */
MUST_CHECK enum status io_uring_create(const struct io_options *options, struct io **io, struct error *error);

#endif

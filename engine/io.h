/*
 * io: the only door to the outside. Files, sockets, clocks, entropy and threads are reached through a struct io and in
 * no other way, so that the same program runs on a machine and in a simulator (DESIGN R2, R5).
 *
 * Two kinds of calls:
 *  - Blocking calls (io_file_*, io_dir_*): for opening, recovery, tools and the steps of jobs. Any thread. Never called
 * from the loop thread once a node serves.
 *  - Operations (struct io_op): submitted by the one loop thread of this io; completions are delivered by io_run on the
 * same thread.
 *
 * What a device promises (the simulator takes back everything else):
 *  - The atomic unit is the sector of IO_SECTOR_BYTES, aligned: after a power cut a sector holds its old or its new
 * bytes.
 *  - What was written is durable once a later sync of that file has completed with OK. Until then any subset of the
 * written sectors may survive, in any order, and size and name of the file may be old or new.
 *  - A name made, renamed, linked or removed is durable once io_dir_sync of its directory has completed with OK.
 *  - After a failed sync the file's unsynced content is unknown, for good: the descriptor is poisoned, every further
 * write or sync of it answers READ_ONLY, whatever the kernel says. Open the file anew to read what is there.
 *
 * Paths are the system's, at most IO_PATH_BYTES with the end. Sizes and offsets in bytes. Times in nanoseconds unless
 * named otherwise.
 */
#ifndef ENGINE_IO_H
#define ENGINE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/list.h"
#include "engine/base/log.h"
#include "engine/base/slice.h"
#include "engine/base/status.h"

#pragma GCC visibility push(default)

enum {
    IO_SECTOR_BYTES = 512, /* atomic unit of a device */
    IO_PAGE_BYTES =
        4096, /* unit to which durable writes are padded, so that an acknowledged page is never written again */
    IO_HEAD_BYTES = 16, /* of a sector: see IO_OPEN_MAPPED */
    IO_PATH_BYTES = 1024,
    IO_ADDRESS_BYTES = 64, /* "127.0.0.1:7001" or "[::1]:7001" with the end */
};

struct io;
struct io_file;
struct io_socket;
struct io_lock;

/* ---- Life -------------------------------------------------------------------------------------------------------- */

enum io_backend_choice { IO_BACKEND_PROBE, IO_BACKEND_URING, IO_BACKEND_POSIX };

struct io_options {
    enum io_backend_choice backend; /* PROBE: io_uring where the kernel grants it, else POSIX; the choice is logged */
    unsigned compaction_threads;    /* threads of IO_POOL_COMPACTION; 0 = 1 */
    unsigned read_threads;          /* threads of IO_POOL_READ; 0 = 1 */
    unsigned long_threads;          /* threads of IO_POOL_LONG; 0 = 1 */
    struct log *log;                /* borrowed, may be NULL */
};

/*
 * The machine's own io. io_destroy waits for running jobs' present steps; started operations are cancelled without
 * their done call, their memory must stay until it returns. Files, sockets and locks are closed before. It is called by
 * the loop thread (the first one that calls io_run or io_flush) or after that thread has ended.
 */
MUST_CHECK enum status io_create(const struct io_options *options, struct io **io, struct error *error);
void io_destroy(struct io *io);
const char *io_backend_name(const struct io *io); /* "io_uring", "posix", "sim" */

/* ---- Files and directories (blocking) ---------------------------------------------------------------------------- */

enum io_open_flag {
    IO_OPEN_READ = 1,
    IO_OPEN_WRITE = 2,
    IO_OPEN_CREATE = 4,    /* made empty if absent */
    IO_OPEN_EXCLUSIVE = 8, /* with CREATE: EXISTS if present */
    IO_OPEN_TRUNCATE = 16,
    /* With WRITE, a wish: a WRITE_SYNC whose memory, offset and size are multiples of IO_PAGE_BYTES, and before which
     * nothing written through this handle waits for a sync, goes past the system's cache. It then covers itself alone,
     * not what other handles wrote, and its failure always poisons. Where it is refused all goes the ordinary way. */
    IO_OPEN_DIRECT = 32,
    /* With READ and WRITE, a wish, for a file whose blocks are all there (written or allocated) when it is opened and
     * which nobody makes shorter: a blocking write of whole sectors inside that size is a copy to memory that the
     * system's cache shares, without a system call. It outlives the process as any write does. A process that ends in
     * the midst of it leaves the sectors from some point on new, the ones before it old, and in the one between a part
     * of its bytes behind the first IO_HEAD_BYTES, which come last and as one: a sector whose head is new is new as a
     * whole. One thread at a time writes. Where it is refused all goes the ordinary way. */
    IO_OPEN_MAPPED = 64,
};

/* NOT_FOUND, EXISTS, DENIED, IO, NO_SPACE, NO_MEMORY. The file is the caller's until io_file_close. */
MUST_CHECK enum status io_file_open(struct io *io, const char *path, unsigned flags, struct io_file **file);
void io_file_close(struct io_file *file); /* NULL is allowed; does not sync */

/* Reads up to size bytes; *got < size only at the end of the file. */
MUST_CHECK enum status io_file_read(struct io_file *file, uint64_t offset, void *to, size_t size, size_t *got);
/* One of several reads: as io_file_read. Memory is the caller's. */
struct io_read {
    struct io_file *file;
    uint64_t offset;
    void *to;
    size_t size;
    size_t got;         /* out */
    enum status status; /* out */
};
/* Reads of files of this io, in any order, together where the device takes several at a time: the wait is for the
 * slowest one, not for the sum. Blocking, any thread, like io_file_read; each has its own status. */
void io_file_read_many(struct io *io, struct io_read *reads, size_t count);
/*
 * The file's first `size` bytes as memory that the system's cache shares, for reading, until io_unmap; it may outlive
 * the file's handle. What is read there shows what the file holds at that moment. A page that the device can't give, or
 * that lies behind an end which somebody moved, ends the process with SIGBUS. UNSUPPORTED: this io or kind of file has
 * none. CORRUPT: the file is shorter; NO_MEMORY, IO.
 */
MUST_CHECK enum status io_file_map(struct io_file *file, uint64_t size, const uint8_t **bytes);
void io_unmap(struct io *io, const uint8_t *bytes, uint64_t size);
/* A hint: these mapped bytes are read soon. Does not wait for them. */
void io_map_ask(struct io *io, const uint8_t *bytes, uint64_t size);
/* Writes all or fails; on failure any part may have been written. */
MUST_CHECK enum status io_file_write(struct io_file *file, uint64_t offset, const void *from, size_t size);
/* As a WRITE_SYNC: writes, and it is durable when it returns OK; what was written before may not be, and where the file
 * was opened without DIRECT it is left alone. A failure of the sync poisons. */
MUST_CHECK enum status io_file_write_sync(struct io_file *file, uint64_t offset, const void *from, size_t size);
/* A hint: what was written there should go to the device soon. Does not wait for it, promises nothing. */
void io_file_push(struct io_file *file, uint64_t offset, uint64_t size);
/* Content and size durable. See above for what a failure means. */
MUST_CHECK enum status io_file_sync(struct io_file *file);
/* A hint: what was written to [offset, offset + size) is to be on its way to the device, so that a sync to come waits
 * less. Promises nothing, waits for nothing. */
void io_file_write_back(struct io_file *file, uint64_t offset, uint64_t size);
MUST_CHECK enum status io_file_size(struct io_file *file, uint64_t *size);
MUST_CHECK enum status io_file_truncate(struct io_file *file, uint64_t size);
/* Makes an empty file `size` bytes long, all zero, with blocks on the device: writes within it find room. Where the
 * file system can, without writing them; a sync of what is written there later then has to note that it is, too. */
MUST_CHECK enum status io_file_allocate(struct io_file *file, uint64_t size);
/* The path it was opened by; borrowed from the file. */
const char *io_file_path(const struct io_file *file);

MUST_CHECK enum status io_remove(struct io *io, const char *path);                 /* file or empty directory */
MUST_CHECK enum status io_rename(struct io *io, const char *from, const char *to); /* replaces an existing file */
MUST_CHECK enum status io_link(struct io *io, const char *from, const char *to); /* hard link; EXISTS if `to` exists */
MUST_CHECK enum status io_dir_make(struct io *io, const char *path);             /* one level; EXISTS if present */
MUST_CHECK enum status io_dir_sync(struct io *io, const char *path);

enum io_entry_kind { IO_ENTRY_FILE, IO_ENTRY_DIR, IO_ENTRY_OTHER };
struct io_entry {
    const char *name; /* borrowed for the call */
    enum io_entry_kind kind;
    uint64_t size;
};
/* Calls visit for each entry but "." and "..", sorted by name; stops at the first status that is not OK and returns it.
 */
MUST_CHECK enum status io_dir_list(struct io *io, const char *path,
                                   enum status (*visit)(void *context, const struct io_entry *entry), void *context);
/* NOT_FOUND when nothing is there. */
MUST_CHECK enum status io_stat(struct io *io, const char *path, struct io_entry *entry);
/* Bytes free for us on the device that holds path. */
MUST_CHECK enum status io_free_space(struct io *io, const char *path, uint64_t *bytes);
/* Files and sockets that the process may have open at once, as things stand; UINT64_MAX = no limit is known. */
uint64_t io_files_most(struct io *io);

/* One owner per directory, until io_unlock or the end of the process. LOCKED names the holder (process id, program) in
 * *error. */
MUST_CHECK enum status io_dir_lock(struct io *io, const char *path, struct io_lock **lock, struct error *error);
/* Whether somebody is its owner now: LOCKED, with the same words; OK: nobody, also where there is nothing. Nothing is
 * made or written. */
MUST_CHECK enum status io_dir_lock_look(struct io *io, const char *path, struct error *error);
void io_unlock(struct io_lock *lock);

/* ---- Clocks and entropy (any thread) ----------------------------------------------------------------------------- */

uint64_t io_now_ns(struct io *io);  /* monotonic, from an arbitrary start */
int64_t io_clock_ms(struct io *io); /* wall clock, milliseconds since 1970 UTC; may jump */
void io_entropy(struct io *io, void *to, size_t size);
void io_sleep(struct io *io, uint64_t ns); /* blocks the calling thread; never on the loop */
/* Gives the mutex up until somebody signals the condition or `ns` have passed, and takes it again; may come back early.
 * Where this io has no threads nobody could signal, and time passes. Never on the loop. REQUIRES: mutex. */
struct condition;
struct mutex;
void io_wait(struct io *io, struct condition *condition, struct mutex *mutex, uint64_t ns);

/*
 * What a lab does to a program that runs: loamd sets it with --lab, by DEBUG. All zero: nothing. Any thread; in force
 * for what is called or submitted from then on.
 */
struct io_faults {
    bool is_full;            /* no room on any device: what makes a file longer, or needs new blocks, has NO_SPACE */
    uint64_t sync_delay_ns;  /* each barrier waits so much longer */
    int64_t clock_offset_ms; /* the wall clock shows so much more */
};
void io_set_faults(struct io *io, const struct io_faults *faults);

/* ---- Operations (loop thread only) ------------------------------------------------------------------------------- */

enum io_op_kind {
    IO_OP_READ,       /* file, offset, data, size -> bytes */
    IO_OP_WRITE,      /* file, offset, data, size: all or a failure */
    IO_OP_WRITE_SYNC, /* as WRITE, and durable when done: one barrier, not two round trips */
    IO_OP_SYNC,       /* file */
    IO_OP_ACCEPT,     /* socket (listening) -> accepted */
    IO_OP_CONNECT,    /* address -> accepted */
    IO_OP_RECEIVE,    /* socket, data, size -> bytes (at least 1); CLOSED at the end of the stream */
    IO_OP_SEND,       /* socket, data, size: all or a failure */
    IO_OP_TIMER,      /* deadline_ns on io_now_ns's clock */
};

/*
 * One operation in flight. Memory is the caller's and must stay until done was called; so must the buffer. Not movable
 * while in flight. status OK or: IO, NO_SPACE, TOO_LARGE (the file system's limit), READ_ONLY (poisoned), CLOSED (also:
 * connection refused), CANCELLED, TIMED_OUT, BUSY (no descriptor left: try later), INVALID (not an address), NO_MEMORY.
 * Order: SENDs of one socket go out, and RECEIVEs of one socket are filled, in the order of submission; syncs of one
 * file take turns; nothing else is ordered. Timers ring in the order of their deadlines, equal ones in that of
 * submission.
 */
struct io_op {
    enum io_op_kind kind;
    struct io_file *file;
    struct io_socket *socket;
    const char *address; /* CONNECT: "host:port", numeric; borrowed until done */
    void *data;          /* SEND and WRITE do not change it */
    size_t size;
    uint64_t offset;
    uint64_t deadline_ns;

    enum status status;         /* out */
    size_t bytes;               /* out: how many were read, received */
    struct io_socket *accepted; /* out: ACCEPT, CONNECT; the caller's until io_socket_close */

    void (*done)(struct io_op *op); /* on the loop thread, inside io_run; may submit this and other operations */
    void *context;                  /* the caller's */
    bool is_quiet;                  /* where it ends with OK, done does all there is to do: see io_news */

    struct list link;    /* the backend's */
    uint64_t backend[6]; /* the backend's */
};

/* Queues it; nothing reaches the system before io_run or io_flush. Never fails: what fails, fails in done. */
void io_submit(struct io *io, struct io_op *op);
/* Hands queued operations to the system without waiting. */
void io_flush(struct io *io);
/* Asks for an early end; done still comes, with CANCELLED or with the result. */
void io_cancel(struct io *io, struct io_op *op);

/*
 * Submits what is queued, waits until something completes, io_wake is called or deadline_ns passes (0 = do not wait,
 * UINT64_MAX = no deadline), and calls done for all that has completed, operations and jobs. Returns how many; may come
 * back early with 0. What done submits waits for the next call.
 */
size_t io_run(struct io *io, uint64_t deadline_ns);
/*
 * How much io_run has brought since the io was made that somebody may have to act on: all that has ended but quiet
 * operations. A loop that was brought no news has no reason to take a turn before its deadline. (io_wake brings none:
 * whoever calls it leaves word of why.)
 */
uint64_t io_news(const struct io *io);
/* Makes io_run return soon. Any thread, and safe in a signal handler. */
void io_wake(struct io *io);

/* "host:port" with a numeric host, as 127.0.0.1:7001 or [::1]:7001. */
bool io_address_is_valid(const char *text);
/* Listens; address "host:port" with a numeric host; port 0 picks one. BUSY if taken. */
MUST_CHECK enum status io_listen(struct io *io, const char *address, struct io_socket **socket, struct error *error);
/* Operations on it must have ended, or io_cancel was called for them (their done may still be due). NULL is allowed. */
void io_socket_close(struct io_socket *socket);
/* "host:port" of our end or the other's. */
void io_socket_local(const struct io_socket *socket, char address[IO_ADDRESS_BYTES]);
void io_socket_remote(const struct io_socket *socket, char address[IO_ADDRESS_BYTES]);

/* ---- Jobs -------------------------------------------------------------------------------------------------------- */

/*
 * COMPACTION: what writers wait for in the end. READ: reads that somebody waits for, of a few blocks. LONG: queries,
 * scans and exports that may take seconds; its threads yield the processor to all others (a lower priority of the
 * system's), so that they take what is left over.
 */
enum io_pool { IO_POOL_COMPACTION, IO_POOL_READ, IO_POOL_LONG, IO_POOL_COUNT };
enum io_job_state { IO_JOB_MORE, IO_JOB_DONE };

/*
 * Background work as a step function: a step does a bounded amount (about a millisecond or 256 KiB), may use blocking
 * calls, and returns. Steps of one job never overlap; a pool thread drives them on a machine, the event queue in the
 * simulator. Memory is the caller's until after done, or after the last step when done is NULL.
 */
struct io_job {
    enum io_pool pool;
    int priority; /* lower runs first; an equal one in order of start; after MORE it queues up behind its equals */
    enum io_job_state (*step)(struct io_job *job);
    void (*done)(struct io_job *job); /* on the loop thread inside io_run; may be NULL */
    void *context;                    /* the caller's */

    struct list link;    /* the backend's */
    uint64_t backend[2]; /* the backend's */
};

/* Any thread. */
void io_job_start(struct io *io, struct io_job *job);

/*
 * For a caller that must wait for background work (an embedded writer at its limit, a close): true if this io has no
 * threads and a step of some job was run right here, false if threads do the work and the caller should wait on its
 * condition.
 */
bool io_job_assist(struct io *io);

#pragma GCC visibility pop

#endif

/*
 * io_sim: a machine: its life, files and clocks. Blocking file calls pass to the disk at once and charge their time to
 * the calling thread's lead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/base/sync.h"
#include "tools/sim/disk_private.h"
#include "tools/sim/record.h"
#include "tools/sim/sim_alloc.h"
#include "tools/sim/sim_private.h"

enum { CLOCK_START_NS = 1000000000, PPM = 1000000 };

static const int64_t WALL_START_MS = 1704067200000; /* 2024-01-01 */

struct file_sim {
    struct io_file base;
    struct list link; /* io_sim.files */
    struct inode *inode;
    unsigned flags;
};

struct lock_sim {
    struct io_lock base;
    struct list link; /* sim_disk.locks */
    struct inode *dir;
    uint64_t boot;
};

static struct file_sim *file_of(struct io_file *file) {
    return (struct file_sim *)(void *)file;
}

struct inode *io_sim_inode(struct io_file *file) {
    return file_of(file)->inode;
}

/* ---- State ------------------------------------------------------------------------------------------------------- */

bool io_sim_is_on(const struct io_sim *io) {
    return io->disk->powered && io->boot == io->disk->boot;
}

bool io_sim_alive(const struct io_sim *io) {
    return !io->is_killed && io_sim_is_on(io);
}

bool sim_io_is_alive(struct io *io) {
    return io_sim_alive(io_sim_of(io));
}

uint64_t io_sim_time(const struct io_sim *io) {
    return io->sim->now_ns + io->lead_ns;
}

void io_sim_charge(struct io_sim *io, uint64_t ns) {
    io->lead_ns += ns;
}

uint64_t sim_io_take_lead_ns(struct io *base) {
    struct io_sim *io = io_sim_of(base);
    uint64_t lead = io->lead_ns;
    io->lead_ns = 0;
    return lead;
}

void io_sim_want(struct io_sim *io) {
    if (io->wanted != NULL) io->wanted(io->wanted_context);
}

void sim_io_set_owner(struct io *base, void (*wanted)(void *context), void *context) {
    struct io_sim *io = io_sim_of(base);
    io->wanted = wanted;
    io->wanted_context = context;
}

bool sim_io_is_ready(struct io *base) {
    const struct io_sim *io = io_sim_of(base);
    return io->is_woken || !list_is_empty(&io->ready) || !list_is_empty(&io->queued) || io->base.refused_first != NULL;
}

uint64_t sim_io_deadline_ns(struct io *io) {
    return io_sim_of(io)->deadline_ns;
}

uint64_t sim_io_to_sim_ns(struct io *io, uint64_t clock_ns) {
    return io_sim_clock_to_sim(io_sim_of(io), clock_ns);
}

void sim_io_set_paused(struct io *io, bool is_paused) {
    io_sim_of(io)->is_paused = is_paused;
}

void sim_io_set_disk_slowness(struct io *io, uint32_t tenths) {
    io_sim_of(io)->slowness = tenths;
}

struct sim_disk *sim_io_disk(struct io *io) {
    return io_sim_of(io)->disk;
}

size_t sim_io_open_files(struct io *base) {
    const struct io_sim *io = io_sim_of(base);
    size_t count = 0;
    for (const struct list *link = io->files.next; link != &io->files; link = link->next) count++;
    return count;
}

void sim_io_set_device(struct io *base, const struct sim_device *device) {
    struct io_sim *io = io_sim_of(base);
    check(io->has_device);
    io->device = *device;
}

/* By the stated device: what is under way there is waited for. */
static uint64_t device_cost(struct io_sim *io, enum io_op_kind kind, size_t size) {
    enum { NS_PER_SECOND = 1000000000 };
    const struct sim_device *device = &io->device;
    uint64_t latency = device->write_ns;
    if (kind == IO_OP_READ) latency = device->read_ns;
    if (kind == IO_OP_SYNC) latency = device->sync_ns;
    if (kind == IO_OP_WRITE_SYNC) latency = device->write_ns + device->sync_ns;
    if (device->bytes_per_second == 0 || size == 0) return latency;
    const uint64_t now = io_sim_time(io), transfer = size * NS_PER_SECOND / device->bytes_per_second;
    const uint64_t begin = io->device_free_ns > now ? io->device_free_ns : now;
    io->device_free_ns = begin + transfer;
    return begin - now + transfer + latency;
}

/*
 * A device that takes 20 us for a read, 15 for a write, 150 for a sync, 1 us more for each 2 KiB, and at times twenty
 * times as long.
 */
uint64_t io_sim_disk_cost(struct io_sim *io, enum io_op_kind kind, size_t size) {
    if (io->has_device) return device_cost(io, kind, size);
    uint64_t us = 20;
    if (kind == IO_OP_WRITE) us = 15;
    if (kind == IO_OP_SYNC) us = 150;
    if (kind == IO_OP_WRITE_SYNC) us = 160;
    us += size / 2048;
    uint64_t ns = us * 500 + prng_below(&io->prng, us * 1000);
    if (prng_below(&io->prng, 256) == 0) ns *= 20;
    return ns * io->slowness / 10;
}

/* ---- Clocks ------------------------------------------------------------------------------------------------------ */

/* The drift may have changed while blocking calls had carried the loop ahead: until the sim has come there the clock
 * stands. */
uint64_t io_sim_clock(const struct io_sim *io, uint64_t sim_ns) {
    if (sim_ns <= io->clock_sim_ns) return io->clock_ns;
    uint64_t passed = sim_ns - io->clock_sim_ns;
    if (io->clock_ppm == 0) return io->clock_ns + passed; /* most of the time, and asked for at every turn */
    return io->clock_ns + passed + (uint64_t)((int64_t)(passed / 1000) * io->clock_ppm / (PPM / 1000));
}

uint64_t io_sim_clock_to_sim(const struct io_sim *io, uint64_t clock_ns) {
    if (clock_ns <= io->clock_ns) return io->clock_sim_ns;
    uint64_t passed = clock_ns - io->clock_ns;
    if (passed > UINT64_MAX / 4) return UINT64_MAX / 4;
    if (io->clock_ppm == 0) return io->clock_sim_ns + passed;
    uint64_t rate = (uint64_t)(PPM + io->clock_ppm);
    uint64_t sim_ns = io->clock_sim_ns + passed / rate * PPM + passed % rate * PPM / rate;
    while (io_sim_clock(io, sim_ns) < clock_ns) sim_ns += 1000;
    return sim_ns;
}

void sim_io_set_drift(struct io *base, int32_t ppm) {
    struct io_sim *io = io_sim_of(base);
    check(ppm >= -PPM / 2 && ppm <= PPM);
    uint64_t now = io_sim_time(io);
    io->clock_ns = io_sim_clock(io, now);
    io->clock_sim_ns = now;
    io->clock_ppm = ppm;
}

void sim_io_jump_wall(struct io *io, int64_t ms) {
    io_sim_of(io)->wall_offset_ms += ms;
}

static uint64_t now_ns(struct io *base) {
    const struct io_sim *io = io_sim_of(base);
    return io_sim_clock(io, io_sim_time(io));
}

static int64_t clock_ms(struct io *base) {
    return (int64_t)(now_ns(base) / 1000000) + io_sim_of(base)->wall_offset_ms;
}

static void entropy(struct io *io, void *to, size_t size) {
    prng_fill(&io_sim_of(io)->prng, to, size);
}

static void sleep_ns(struct io *io, uint64_t ns) {
    io_sim_charge(io_sim_of(io), ns);
}

/* A node stands still while a step of a job takes its time: not for long. */
static void wait_ns(struct io *io, struct condition *condition, struct mutex *mutex, uint64_t ns) {
    enum { WAIT_MOST_NS = 5000000 };
    (void)condition;
    mutex_unlock(mutex);
    sleep_ns(io, ns < WAIT_MOST_NS ? ns : WAIT_MOST_NS);
    mutex_lock(mutex);
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

/* Writes and syncs; the rest when it fails. */
static void record_call(const struct io_sim *io, const char *what, const char *path, uint64_t offset, uint64_t size,
                        enum status status) {
    static const char *const quiet[] = {"open", "read", "stat", "dir_list", "remove"};
    const uint64_t now = io_sim_time(io);
    for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++)
        if (strcmp(what, quiet[i]) == 0 && (status == STATUS_OK || status == STATUS_NOT_FOUND)) return;
    record_disk(io->sim->record, io->node, what, path, offset, size, now, now, status);
}

static void note_file(struct io_sim *io, const char *what, const char *path, uint64_t offset, uint64_t size,
                      enum status status) {
    uint64_t number = hash_mix(hash_mix(hash64(slice_from_text(what), offset), size), (uint64_t)status);
    sim_note_text(io->sim, io->node, number, "%s %s %llu+%llu %s", what, path, (unsigned long long)offset,
                  (unsigned long long)size, status_name(status));
    if (io->sim->record != NULL) record_call(io, what, path, offset, size, status);
}

static enum status noted(struct io *base, const char *what, const char *path, enum io_op_kind cost,
                         enum status status) {
    struct io_sim *io = io_sim_of(base);
    io_sim_charge(io, io_sim_disk_cost(io, cost, 0));
    note_file(io, what, path, 0, 0, status);
    return status;
}

static enum status open_handle(struct io_sim *io, const char *path, unsigned flags, struct file_sim *file) {
    size_t size = strlen(path) + 1;
    file->base.path = malloc(size);
    if (file->base.path == NULL) return STATUS_NO_MEMORY;
    memcpy(file->base.path, path, size);
    enum status status = disk_open(io->disk, path, flags, &file->inode);
    if (status != STATUS_OK) free(file->base.path);
    return status;
}

static enum status file_open(struct io *base, const char *path, unsigned flags, struct io_file **file) {
    struct io_sim *io = io_sim_of(base);
    if (!io_sim_alive(io)) return STATUS_IO;
    struct file_sim *opened = calloc(1, sizeof *opened);
    if (opened == NULL) return STATUS_NO_MEMORY;
    enum status status = noted(base, "open", path, IO_OP_READ, open_handle(io, path, flags, opened));
    if (status != STATUS_OK) {
        free(opened);
        return status;
    }
    opened->base.io = base;
    opened->flags = flags;
    list_push_back(&io->files, &opened->link);
    *file = &opened->base;
    return STATUS_OK;
}

static void file_close(struct io_file *base) {
    struct file_sim *file = file_of(base);
    disk_close(io_sim_of(base->io)->disk, file->inode);
    list_remove(&file->link);
    free(base->path);
    free(file);
}

static enum status file_read(struct io_file *file, uint64_t offset, void *to, size_t size, size_t *got) {
    struct io_sim *io = io_sim_of(file->io);
    *got = 0;
    if (!io_sim_alive(io)) return STATUS_IO;
    if (!(file_of(file)->flags & IO_OPEN_READ)) return STATUS_DENIED;
    io_sim_charge(io, io_sim_disk_cost(io, IO_OP_READ, size));
    enum status status = disk_read(io->disk, file_of(file)->inode, file->path, offset, to, size, got);
    note_file(io, "read", file->path, offset, size, status);
    return status;
}

/* A copy: of files that are mapped nothing changes but by damage, which a page that stays in memory does not show. Of
 * the exact size, so that a step behind its end is found by those who look for such. */
static enum status file_map(struct io_file *file, uint64_t size, const uint8_t **bytes) {
    size_t got = 0;
    uint8_t *copy = malloc((size_t)size);
    if (!copy) return STATUS_NO_MEMORY;
    enum status status = file_read(file, 0, copy, (size_t)size, &got);
    if (status == STATUS_OK && got < size) status = STATUS_CORRUPT;
    if (status == STATUS_OK)
        *bytes = copy;
    else
        free(copy);
    return status;
}

static void unmap(const uint8_t *bytes, uint64_t size) {
    (void)size;
    free((void *)(uintptr_t)bytes);
}

static void map_ask(const uint8_t *bytes, uint64_t size) {
    (void)bytes;
    (void)size;
}

static enum status file_write(struct io_file *file, uint64_t offset, const void *from, size_t size) {
    struct io_sim *io = io_sim_of(file->io);
    if (!io_sim_alive(io)) return STATUS_IO;
    if (!(file_of(file)->flags & IO_OPEN_WRITE)) return STATUS_DENIED;
    io_sim_charge(io, io_sim_disk_cost(io, IO_OP_WRITE, size));
    enum status status = disk_write(io->disk, file_of(file)->inode, file->path, offset, from, size, false);
    note_file(io, "write", file->path, offset, size, status);
    return status;
}

static enum status file_write_sync(struct io_file *file, uint64_t offset, const void *from, size_t size) {
    struct io_sim *io = io_sim_of(file->io);
    if (!io_sim_alive(io)) return STATUS_IO;
    if (!(file_of(file)->flags & IO_OPEN_WRITE)) return STATUS_DENIED;
    io_sim_charge(io, io_sim_disk_cost(io, IO_OP_WRITE_SYNC, size));
    enum status status = disk_write(io->disk, file_of(file)->inode, file->path, offset, from, size, true);
    if (status == STATUS_IO) io_file_poison(file); /* write or sync: not told */
    note_file(io, "write_sync", file->path, offset, size, status);
    return status;
}

static enum status file_sync(struct io_file *file) {
    struct io_sim *io = io_sim_of(file->io);
    if (!io_sim_alive(io)) return STATUS_IO;
    return noted(file->io, "sync", file->path, IO_OP_SYNC, disk_sync(io->disk, file_of(file)->inode, file->path));
}

static enum status file_size(struct io_file *file, uint64_t *size) {
    if (!io_sim_alive(io_sim_of(file->io))) return STATUS_IO;
    *size = file_of(file)->inode->size;
    return STATUS_OK;
}

static enum status file_truncate(struct io_file *file, uint64_t size) {
    struct io_sim *io = io_sim_of(file->io);
    if (!io_sim_alive(io)) return STATUS_IO;
    if (!(file_of(file)->flags & IO_OPEN_WRITE)) return STATUS_DENIED;
    return noted(file->io, "truncate", file->path, IO_OP_WRITE,
                 disk_truncate(io->disk, file_of(file)->inode, file->path, size));
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

static enum status remove_path(struct io *io, const char *path) {
    if (!sim_io_is_alive(io)) return STATUS_IO;
    return noted(io, "remove", path, IO_OP_WRITE, disk_remove(sim_io_disk(io), path));
}

static enum status rename_path(struct io *io, const char *from, const char *to) {
    if (!sim_io_is_alive(io)) return STATUS_IO;
    return noted(io, "rename", to, IO_OP_WRITE, disk_rename(sim_io_disk(io), from, to));
}

static enum status link_path(struct io *io, const char *from, const char *to) {
    if (!sim_io_is_alive(io)) return STATUS_IO;
    return noted(io, "link", to, IO_OP_WRITE, disk_link(sim_io_disk(io), from, to));
}

static enum status dir_make(struct io *io, const char *path) {
    if (!sim_io_is_alive(io)) return STATUS_IO;
    return noted(io, "dir_make", path, IO_OP_WRITE, disk_dir_make(sim_io_disk(io), path));
}

static enum status dir_sync(struct io *io, const char *path) {
    if (!sim_io_is_alive(io)) return STATUS_IO;
    return noted(io, "dir_sync", path, IO_OP_SYNC, disk_dir_sync(sim_io_disk(io), path));
}

static enum status dir_list(struct io *io, const char *path, enum status (*visit)(void *, const struct io_entry *),
                            void *context) {
    if (!sim_io_is_alive(io)) return STATUS_IO;
    return noted(io, "dir_list", path, IO_OP_READ, disk_dir_list(sim_io_disk(io), path, visit, context));
}

static enum status stat_path(struct io *io, const char *path, struct io_entry *entry) {
    if (!sim_io_is_alive(io)) return STATUS_IO;
    return noted(io, "stat", path, IO_OP_READ, disk_stat(sim_io_disk(io), path, entry));
}

static enum status free_space(struct io *io, const char *path, uint64_t *bytes) {
    struct inode *inode;
    if (!sim_io_is_alive(io)) return STATUS_IO;
    enum status status = names_lookup(sim_io_disk(io), path, &inode);
    return status == STATUS_OK ? disk_free_space(sim_io_disk(io), bytes) : status;
}

/* ---- Locks ------------------------------------------------------------------------------------------------------- */

static struct lock_sim *find_lock(struct sim_disk *disk, const struct inode *dir) {
    for (struct list *link = disk->locks.next; link != &disk->locks; link = link->next) {
        struct lock_sim *lock = list_entry(link, struct lock_sim, link);
        if (lock->dir == dir && io_sim_alive(io_sim_of(lock->base.io))) return lock;
    }
    return NULL;
}

static enum status refuse_lock(const struct lock_sim *holder, const char *path, struct error *error) {
    return error_set(error, STATUS_LOCKED, "%s: held by process %d, program sim", path,
                     io_sim_of(holder->base.io)->node + 1);
}

static enum status dir_lock_look(struct io *base, const char *path, struct error *error) {
    struct io_sim *io = io_sim_of(base);
    struct inode *dir;
    if (!io_sim_alive(io)) return error_set(error, STATUS_IO, "%s: the machine is off", path);
    const enum status status = names_lookup(io->disk, path, &dir);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", path, status_text(status));
    const struct lock_sim *holder = find_lock(io->disk, dir);
    return holder ? refuse_lock(holder, path, error) : STATUS_OK;
}

static enum status dir_lock(struct io *base, const char *path, struct io_lock **lock, struct error *error) {
    struct io_sim *io = io_sim_of(base);
    struct inode *dir;
    if (!io_sim_alive(io)) return error_set(error, STATUS_IO, "%s: the machine is off", path);
    enum status status = names_lookup(io->disk, path, &dir);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", path, status_text(status));
    const struct lock_sim *holder = find_lock(io->disk, dir);
    if (holder != NULL) return refuse_lock(holder, path, error);
    struct lock_sim *taken = calloc(1, sizeof *taken);
    if (taken == NULL) return error_set(error, STATUS_NO_MEMORY, "%s: %s", path, status_text(STATUS_NO_MEMORY));
    taken->base.io = base;
    taken->dir = dir;
    inode_acquire(dir);
    list_push_back(&io->disk->locks, &taken->link);
    *lock = &taken->base;
    return STATUS_OK;
}

static void unlock(struct io_lock *base) {
    struct lock_sim *lock = (struct lock_sim *)(void *)base;
    inode_release(io_sim_of(base->io)->disk, lock->dir);
    list_remove(&lock->link);
    free(lock);
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static void record_line(const struct io_sim *io, const char *line) {
    if (io->sim->record != NULL) record_note(io->sim->record, io->sim->now_ns, io->node, line);
}

static void before_cut(void *context) {
    struct io_sim *io = context;
    if (io->is_killed) return;
    ops_spill(io, true);
    ops_abort(io);
    net_end_machine(io, true);
    sim_note(io->sim, io->node, "power cut", io->boot, 0);
    record_line(io, "power cut");
    io_sim_want(io);
}

void sim_io_kill(struct io *base) {
    struct io_sim *io = io_sim_of(base);
    if (!io_sim_alive(io)) return;
    ops_spill(io, false);
    ops_abort(io);
    net_end_machine(io, false);
    sim_note(io->sim, io->node, "process ends", io->boot, 0);
    record_line(io, "process ends");
    io->is_killed = true;
}

static void close_leftovers(struct io_sim *io) {
    while (!list_is_empty(&io->files)) file_close(&list_entry(io->files.next, struct file_sim, link)->base);
    for (struct list *link = io->disk->locks.next, *next; link != &io->disk->locks; link = next) {
        next = link->next;
        struct lock_sim *lock = list_entry(link, struct lock_sim, link);
        if (lock->base.io == &io->base) unlock(&lock->base);
    }
}

static void destroy(struct io *base) {
    struct io_sim *io = io_sim_of(base);
    sim_io_kill(base);
    ops_deinit(io);
    jobs_deinit(io);
    net_forget_machine(io);
    close_leftovers(io);
    if (io->disk->before_cut_context == io) io->disk->before_cut = NULL;
    list_remove(&io->link);
    if (io->owns_world) {
        sim_disk_destroy(io->disk);
        sim_destroy(io->sim);
    }
    sim_free(io);
}

static void log_line(void *context, enum log_level level, const char *text) {
    struct io_sim *io = context;
    sim_note_text(io->sim, io->node, hash64(slice_from_text(text), (uint64_t)level), "%s: %s", log_level_name(level),
                  text);
    record_line(io, text);
}

struct log *sim_io_log(struct io *io) {
    return &io_sim_of(io)->log;
}

static const struct io_vtable vtable = {
    .destroy = destroy,
    .file_open = file_open,
    .file_close = file_close,
    .file_read = file_read,
    .file_map = file_map,
    .unmap = unmap,
    .map_ask = map_ask,
    .file_write = file_write,
    .file_write_sync = file_write_sync,
    .file_sync = file_sync,
    .file_size = file_size,
    .file_truncate = file_truncate,
    .remove = remove_path,
    .rename = rename_path,
    .link = link_path,
    .dir_make = dir_make,
    .dir_sync = dir_sync,
    .dir_list = dir_list,
    .stat = stat_path,
    .free_space = free_space,
    .dir_lock = dir_lock,
    .dir_lock_look = dir_lock_look,
    .unlock = unlock,
    .now_ns = now_ns,
    .clock_ms = clock_ms,
    .entropy = entropy,
    .sleep = sleep_ns,
    .wait = wait_ns,
    .submit = op_submit,
    .flush = op_flush,
    .cancel = op_cancel,
    .run = op_run,
    .wake = op_wake,
    .listen = net_listen,
    .socket_close = net_close,
    .socket_local = net_local,
    .socket_remote = net_remote,
    .job_start = job_start,
    .job_assist = job_assist,
};

static void start_clock(struct io_sim *io, int64_t wall_ms) {
    uint64_t now = io->sim->now_ns;
    io->clock_sim_ns = now;
    io->clock_ns = CLOCK_START_NS + now;
    io->wall_offset_ms = (wall_ms != 0 ? wall_ms : WALL_START_MS) - CLOCK_START_NS / 1000000;
}

struct io *sim_io_create(struct sim *sim, struct sim_disk *disk, const struct sim_io_options *options) {
    static const struct sim_io_options defaults;
    if (options == NULL) options = &defaults;
    check(options->node >= 0 && options->node < SIM_NET_NODES);
    sim_disk_power_on(disk);
    struct io_sim *io = sim_alloc(sizeof *io);
    io->base = (struct io){.vtable = &vtable, .name = "sim"};
    io->sim = sim;
    io->disk = disk;
    io->boot = disk->boot;
    io->node = options->node;
    io->slowness = 10;
    io->has_device = options->device != NULL;
    if (io->has_device) io->device = *options->device;
    io->log = (struct log){.level = LOG_INFO, .line = log_line, .context = io};
    uint64_t seed = hash_mix(hash_mix(sim->seed, (uint64_t)options->node), ++sim->lives[options->node]);
    prng_init(&io->prng, options->entropy_seed != 0 ? options->entropy_seed : seed);
    list_init(&io->files);
    start_clock(io, options->wall_ms);
    ops_init(io);
    jobs_init(io, options);
    disk->before_cut = before_cut;
    disk->before_cut_context = io;
    list_push_back(&sim->ios, &io->link);
    sim_note(sim, io->node, "boot", io->boot, 0);
    return &io->base;
}

struct io *sim_io_create_alone(uint64_t seed) {
    struct io *io = sim_io_create(sim_create(seed), sim_disk_create(seed), NULL);
    io_sim_of(io)->owns_world = true;
    return io;
}

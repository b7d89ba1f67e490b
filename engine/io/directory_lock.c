/*
 * directory_lock: one owner per directory. The lock is on the open file description (F_OFD_SETLK), so that a second
 * open in the same process is refused too and closing some other descriptor of the file releases nothing. The file LOCK
 * names the holder; it is never removed, since removing it would let two owners lock two different files.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/io/machine.h"

enum { HOLDER_BYTES = 128 };

struct machine_lock {
    struct io_lock base;
    int fd;
};

static bool lock_exclusively(int fd) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int result;
    do result = fcntl(fd, F_OFD_SETLK, &whole);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

static void write_holder(int fd) {
    char text[HOLDER_BYTES];
    int size =
        snprintf(text, sizeof text, "process %ld, program %.64s\n", (long)getpid(), program_invocation_short_name);
    /* For people only: if the disk is full, the lock holds all the same and the message says less. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size) return;
}

static void read_holder(int fd, char text[HOLDER_BYTES]) {
    ssize_t size = pread(fd, text, HOLDER_BYTES - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (text[0] == '\0') snprintf(text, HOLDER_BYTES, "a process that has not written its name yet");
}

static enum status refuse(int fd, const char *path, const char *name, struct error *error) {
    char holder[HOLDER_BYTES];
    read_holder(fd, holder);
    return error_set(error, STATUS_LOCKED, "%s is in use by %s (lock file %s)", path, holder, name);
}

enum status machine_dir_lock_look(struct io *io, const char *path, struct error *error) {
    char name[IO_PATH_BYTES];
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd;
    (void)io;
    if (snprintf(name, sizeof name, "%s/LOCK", path) >= (int)sizeof name)
        return error_set(error, STATUS_INVALID, "the path of the directory is too long");
    do fd = open(name, O_RDONLY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    if (fd < 0 && errno == ENOENT) return STATUS_OK; /* an owner makes it */
    enum status status = STATUS_OK;
    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &whole) != 0)
        status = error_set(error, status_from_errno(errno), "%s: %s", name, strerror(errno));
    else if (whole.l_type != F_UNLCK)
        status = refuse(fd, path, name, error);
    if (fd >= 0) close(fd);
    return status;
}

enum status machine_dir_lock(struct io *io, const char *path, struct io_lock **lock, struct error *error) {
    char name[IO_PATH_BYTES];
    if (snprintf(name, sizeof name, "%s/LOCK", path) >= (int)sizeof name)
        return error_set(error, STATUS_INVALID, "the path of the directory to lock is too long");
    struct machine_lock *made = calloc(1, sizeof *made);
    if (!made) return error_set(error, STATUS_NO_MEMORY, "%s: out of memory", name);
    made->base.io = io;
    do made->fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    while (made->fd < 0 && errno == EINTR);
    enum status status = STATUS_OK;
    if (made->fd < 0) {
        status = error_set(error, status_from_errno(errno), "%s: %s", name, strerror(errno));
    } else if (lock_exclusively(made->fd)) {
        write_holder(made->fd);
        *lock = &made->base;
        return STATUS_OK;
    } else if (errno == EAGAIN || errno == EACCES) {
        status = refuse(made->fd, path, name, error);
    } else {
        status = error_set(error, status_from_errno(errno), "%s: cannot lock: %s", name, strerror(errno));
    }
    if (made->fd >= 0) close(made->fd);
    free(made);
    return status;
}

void machine_unlock(struct io_lock *lock) {
    struct machine_lock *mine = (struct machine_lock *)(void *)lock;
    if (ftruncate(mine->fd, 0) != 0) {} /* the text is for people only; closing releases the lock */
    close(mine->fd);
    free(mine);
}

/*
 * errno_status: what the kernel said, in the words of the house. One table for files, sockets and operations of both
 * backends.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine/io/machine.h"

enum status status_from_errno(int number) {
    switch (number) {
    case 0: return STATUS_OK;
    case ENOENT:
    case ENOTDIR: return STATUS_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY: return STATUS_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS: return STATUS_DENIED;
    case ENOSPC:
    case EDQUOT: return STATUS_NO_SPACE;
    case ENOMEM: return STATUS_NO_MEMORY;
    case EFBIG: return STATUS_TOO_LARGE;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case EMLINK:
    case EADDRINUSE: return STATUS_BUSY;
    case ECANCELED: return STATUS_CANCELLED;
    case ETIMEDOUT: return STATUS_TIMED_OUT;
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ECONNABORTED:
    case ENOTCONN:
    case ESHUTDOWN:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH: return STATUS_CLOSED;
    case EINVAL:
    case ENAMETOOLONG:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT: return STATUS_INVALID;
    case EOPNOTSUPP:
    case ENOSYS:
    case EXDEV: return STATUS_UNSUPPORTED;
    default: return STATUS_IO;
    }
}

enum status machine_fail(struct machine *machine, const char *verb, const char *path, uint64_t offset, int number) {
    const char *words = strerrordesc_np(number);
    log_warn(machine->log, "%s of %s at offset %" PRIu64 " failed: %s", verb, path, offset,
             words ? words : "unknown error");
    return status_from_errno(number);
}

enum status machine_fail_sync(struct io_file *file, int number) {
    io_file_poison(file);
    (void)machine_fail(machine_of(file->io), "sync", file->path, 0, number);
    return number == ENOSPC || number == EDQUOT ? STATUS_NO_SPACE : STATUS_IO;
}

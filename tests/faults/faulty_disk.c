/* Lets calls fail that a process makes below one directory, for `test_failing_disk.py`: preloaded by LD_PRELOAD.

   FAULTY_DISK_ROOT is the directory. While FAULTY_DISK_FAULTS holds a file with the name of a call, that call fails with
   the error number that the file says: `open` (to write), `write`, `sync`, `rename`, `unlink`. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define PATH_BYTES 4096

static int is_below_root(const char *path) {
    const char *root = getenv("FAULTY_DISK_ROOT");
    size_t bytes = root == NULL ? 0 : strlen(root);
    return bytes > 0 && strncmp(path, root, bytes) == 0 && (path[bytes] == '/' || path[bytes] == 0);
}

/* The error number of a call that is to fail, else 0. */
static int fault_of(const char *call) {
    char path[PATH_BYTES], text[16] = "";
    const char *faults = getenv("FAULTY_DISK_FAULTS");
    if (faults == NULL) return 0;
    snprintf(path, sizeof path, "%s/%s", faults, call);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t size = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    return size > 0 ? atoi(text) : 0;
}

static int fails(const char *call, const char *path) {
    int saved = errno, number = is_below_root(path) ? fault_of(call) : 0;
    errno = number ? number : saved;
    return number != 0;
}

static int fails_at(const char *call, int fd) {
    char link[64], path[PATH_BYTES] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    return size > 0 && fails(call, path);
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                       \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;                                                      \
        va_end(rest);                                                                                                  \
        return (flags & O_ACCMODE) != O_RDONLY && fails("open", path) ? -1 : REAL(name)(path, flags, mode);            \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                                   \
    int name(int directory, const char *path, int flags, ...) {                                                        \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;                                                      \
        va_end(rest);                                                                                                  \
        int is_to_fail = (flags & O_ACCMODE) != O_RDONLY && fails("open", path);                                       \
        return is_to_fail ? -1 : REAL(name)(directory, path, flags, mode);                                             \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *data, size_t size) {
    return fails_at("write", fd) ? -1 : syscall(SYS_write, fd, data, size);
}

ssize_t writev(int fd, const struct iovec *data, int parts) {
    return fails_at("write", fd) ? -1 : REAL(writev)(fd, data, parts);
}

#define PWRITE(name)                                                                                                   \
    ssize_t name(int fd, const void *data, size_t size, off_t at) {                                                    \
        return fails_at("write", fd) ? -1 : REAL(name)(fd, data, size, at);                                            \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

#define PWRITEV(name)                                                                                                  \
    ssize_t name(int fd, const struct iovec *data, int parts, off_t at) {                                              \
        return fails_at("write", fd) ? -1 : REAL(name)(fd, data, parts, at);                                           \
    }
PWRITEV(pwritev)
PWRITEV(pwritev64)

#define PWRITEV2(name)                                                                                                 \
    ssize_t name(int fd, const struct iovec *data, int parts, off_t at, int flags) {                                   \
        return fails_at("write", fd) ? -1 : REAL(name)(fd, data, parts, at, flags);                                    \
    }
PWRITEV2(pwritev2)
PWRITEV2(pwritev64v2)

int fsync(int fd) { return fails_at("sync", fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails_at("sync", fd) ? -1 : REAL(fdatasync)(fd); }

int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    return fails("rename", to) ? -1 : REAL(renameat)(from_directory, from, to_directory, to);
}

int rename(const char *from, const char *to) { return fails("rename", to) ? -1 : REAL(rename)(from, to); }

int unlinkat(int directory, const char *path, int flags) {
    return fails("unlink", path) ? -1 : REAL(unlinkat)(directory, path, flags);
}

int unlink(const char *path) { return fails("unlink", path) ? -1 : REAL(unlink)(path); }

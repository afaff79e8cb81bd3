/* Records what a process writes below one directory, for `power_cut.py`: preloaded into it by LD_PRELOAD.

   DISK_RECORDER_ROOT is the directory, DISK_RECORDER_LOG the file that the records are appended to. A record follows the
   call it is of, so a process that is killed between both has written more than is recorded: as if that had not reached
   the disk. A sync has a record before it as well: what is written meanwhile is not on disk when it returns.

   DISK_RECORDER_BOOT is a file that is read in the place of the kernel's boot id.

     | op: 1 | 0: 3 | thread: 4 | inode: 8 | offset: 8 | path bytes: 4 | data bytes: 4 | path | data |

   Not recorded: writing through a mapping, through a copy of a file descriptor, or by sendfile and its like. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FDS 65536
#define MAX_PARTS 1024

struct record {
    uint8_t op;
    uint8_t zero[3];
    uint32_t thread;
    uint64_t inode;
    uint64_t offset;
    uint32_t path_bytes;
    uint32_t data_bytes;
};

static const char *root;
static size_t root_bytes;
static int log_fd = -1;
static uint64_t inode_of[MAX_FDS]; /* of the files below the root that are open; 0 for all other descriptors */

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    const char *log_path = getenv("DISK_RECORDER_LOG");
    root = getenv("DISK_RECORDER_ROOT");
    if (root == NULL || log_path == NULL) return;
    root_bytes = strlen(root);
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_below_root(const char *path) {
    return log_fd >= 0 && strncmp(path, root, root_bytes) == 0 && (path[root_bytes] == '/' || path[root_bytes] == 0);
}

/* Appended by one call, so that records of threads do not mix. */
static void put(char op, uint64_t inode, uint64_t offset, const char *path, const struct iovec *data, int parts,
                size_t data_bytes) {
    struct record head = {.op = (uint8_t)op, .thread = (uint32_t)gettid(), .inode = inode, .offset = offset,
                          .path_bytes = (uint32_t)strlen(path), .data_bytes = (uint32_t)data_bytes};
    struct iovec all[MAX_PARTS + 2] = {{&head, sizeof head}, {(void *)path, head.path_bytes}};
    int count = 2;
    for (int i = 0; i < parts && data_bytes > 0; i++) {
        size_t taken = data[i].iov_len < data_bytes ? data[i].iov_len : data_bytes;
        all[count++] = (struct iovec){data[i].iov_base, taken};
        data_bytes -= taken;
    }
    if (syscall(SYS_writev, log_fd, all, count) < 0) abort();
}

static void put_path(char op, const char *path, const char *data) {
    struct iovec part = {(void *)data, strlen(data)};
    put(op, 0, 0, path, &part, 1, part.iov_len);
}

static uint64_t inode_at(const char *path) {
    struct stat found;
    return stat(path, &found) == 0 ? (uint64_t)found.st_ino : 0;
}

static uint64_t followed(int fd) { return fd >= 0 && fd < MAX_FDS ? inode_of[fd] : 0; }

static int opened(const char *path, int flags, uint64_t before, int fd) {
    struct stat found;
    if (fd < 0 || fd >= MAX_FDS || fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) return fd;
    inode_of[fd] = found.st_ino;
    if (before == 0)
        put('C', found.st_ino, 0, path, NULL, 0, 0);
    else if (flags & O_TRUNC)
        put('T', found.st_ino, 0, "", NULL, 0, 0);
    return fd;
}

/* After a power cut the machine has another boot id: read from a file where one is given. */
static const char *redirected(const char *path) {
    const char *boot = getenv("DISK_RECORDER_BOOT");
    return boot != NULL && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0 ? boot : path;
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                       \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;                                                      \
        va_end(rest);                                                                                                  \
        if (!is_below_root(path)) return REAL(name)(redirected(path), flags, mode);                                                \
        uint64_t before = inode_at(path);                                                                              \
        return opened(path, flags, before, REAL(name)(path, flags, mode));                                             \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                                   \
    int name(int directory, const char *path, int flags, ...) {                                                        \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;                                                      \
        va_end(rest);                                                                                                  \
        if (!is_below_root(path)) return REAL(name)(directory, path, flags, mode);                                     \
        uint64_t before = inode_at(path);                                                                              \
        return opened(path, flags, before, REAL(name)(directory, path, flags, mode));                                  \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
    if (fd >= 0 && fd < MAX_FDS) inode_of[fd] = 0;
    return REAL(close)(fd);
}

static ssize_t wrote(int fd, ssize_t written, off_t at, const struct iovec *data, int parts) {
    if (written > 0) put('W', followed(fd), (uint64_t)at, "", data, parts, (size_t)written);
    return written;
}

/* A file that is appended to is at its end after the call. */
static off_t begun_at(int fd, ssize_t written) { return written > 0 ? lseek(fd, 0, SEEK_CUR) - written : 0; }

ssize_t write(int fd, const void *data, size_t size) {
    ssize_t written = syscall(SYS_write, fd, data, size);
    struct iovec part = {(void *)data, size};
    return followed(fd) ? wrote(fd, written, begun_at(fd, written), &part, 1) : written;
}

ssize_t writev(int fd, const struct iovec *data, int parts) {
    ssize_t written = REAL(writev)(fd, data, parts);
    return followed(fd) ? wrote(fd, written, begun_at(fd, written), data, parts) : written;
}

#define PWRITE(name)                                                                                                   \
    ssize_t name(int fd, const void *data, size_t size, off_t at) {                                                    \
        ssize_t written = REAL(name)(fd, data, size, at);                                                              \
        struct iovec part = {(void *)data, size};                                                                      \
        return followed(fd) ? wrote(fd, written, at, &part, 1) : written;                                              \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

#define PWRITEV(name)                                                                                                  \
    ssize_t name(int fd, const struct iovec *data, int parts, off_t at) {                                              \
        ssize_t written = REAL(name)(fd, data, parts, at);                                                             \
        return followed(fd) ? wrote(fd, written, at, data, parts) : written;                                           \
    }
PWRITEV(pwritev)
PWRITEV(pwritev64)

#define PWRITEV2(name)                                                                                                 \
    ssize_t name(int fd, const struct iovec *data, int parts, off_t at, int flags) {                                   \
        ssize_t written = REAL(name)(fd, data, parts, at, flags);                                                      \
        return followed(fd) ? wrote(fd, written, at, data, parts) : written;                                           \
    }
PWRITEV2(pwritev2)
PWRITEV2(pwritev64v2)

#define FTRUNCATE(name)                                                                                                \
    int name(int fd, off_t size) {                                                                                     \
        int failed = REAL(name)(fd, size);                                                                             \
        if (!failed && followed(fd)) put('T', followed(fd), (uint64_t)size, "", NULL, 0, 0);                           \
        return failed;                                                                                                 \
    }
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)

#define TRUNCATE(name)                                                                                                 \
    int name(const char *path, off_t size) {                                                                           \
        int failed = REAL(name)(path, size);                                                                           \
        if (!failed && is_below_root(path)) put('T', inode_at(path), (uint64_t)size, "", NULL, 0, 0);                  \
        return failed;                                                                                                 \
    }
TRUNCATE(truncate)
TRUNCATE(truncate64)

/* The path of a directory that is open, or nothing: a file is known by its inode. The directory that the root is in
   counts, as it has the name of the root. */
static void directory_of(int fd, char *path, size_t size) {
    char link[64];
    struct stat found;
    path[0] = 0;
    if (log_fd < 0 || fstat(fd, &found) != 0 || !S_ISDIR(found.st_mode)) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    path[length < 0 ? 0 : length] = 0;
    size_t bytes = strlen(path);
    int has_root = strncmp(path, root, bytes) == 0 && strrchr(root, '/') == root + bytes;
    if (!is_below_root(path) && !has_root) path[0] = 0;
}

#define SYNC(name)                                                                                                     \
    int name(int fd) {                                                                                                 \
        char path[4096];                                                                                               \
        directory_of(fd, path, sizeof path);                                                                           \
        int known = followed(fd) != 0 || path[0] != 0;                                                                 \
        if (known) put('B', followed(fd), 0, path, NULL, 0, 0);                                                        \
        int failed = REAL(name)(fd);                                                                                   \
        if (known && !failed) put('S', followed(fd), 0, path, NULL, 0, 0);                                             \
        return failed;                                                                                                 \
    }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to) {
    int failed = REAL(rename)(from, to);
    if (!failed && is_below_root(to)) put_path('R', from, to);
    return failed;
}

int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    int failed = REAL(renameat)(from_directory, from, to_directory, to);
    if (!failed && is_below_root(to)) put_path('R', from, to);
    return failed;
}

int unlink(const char *path) {
    int failed = REAL(unlink)(path);
    if (!failed && is_below_root(path)) put_path('U', path, "");
    return failed;
}

int unlinkat(int directory, const char *path, int flags) {
    int failed = REAL(unlinkat)(directory, path, flags);
    if (!failed && is_below_root(path)) put_path('U', path, "");
    return failed;
}

int mkdir(const char *path, mode_t mode) {
    int failed = REAL(mkdir)(path, mode);
    if (!failed && is_below_root(path)) put_path('M', path, "");
    return failed;
}

int mkdirat(int directory, const char *path, mode_t mode) {
    int failed = REAL(mkdirat)(directory, path, mode);
    if (!failed && is_below_root(path)) put_path('M', path, "");
    return failed;
}

/* Calls of the system that are slow or fail, for scripts/fault_campaign.py: cc -shared -fPIC -o shim.so fault_shim.c -ldl, LD_PRELOAD=shim.so.
 *
 * FAULT_CALL   the call that fails: pread, pwrite, fdatasync, fsync, rename, open
 * FAULT_PATH   only for files whose path has this in it
 * FAULT_AFTER  so many calls go well before
 * FAULT_TIMES  so many fail then, and all later ones go well again; 0: all fail from then on
 * FAULT_ERRNO  with this number
 * SLOW_CALL    the call that is slow
 * SLOW_MICROS  for so long
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static atomic_long calls;

static long number(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

static int is(const char *name, const char *call) {
    const char *text = getenv(name);
    return text && strcmp(text, call) == 0;
}

static int meant(const char *path) {
    const char *part = getenv("FAULT_PATH");
    return !part || (path && strstr(path, part));
}

/* Whether this call is to fail; errno is set then. */
static int fails(const char *call, const char *path) {
    if (is("SLOW_CALL", call)) {
        long micros = number("SLOW_MICROS", 0);
        struct timespec time = {micros / 1000000, micros % 1000000 * 1000};
        nanosleep(&time, NULL);
    }
    if (!is("FAULT_CALL", call) || !meant(path)) return 0;
    long before = atomic_fetch_add(&calls, 1), after = number("FAULT_AFTER", 0), times = number("FAULT_TIMES", 0);
    if (before < after || (times && before >= after + times)) return 0;
    errno = (int)number("FAULT_ERRNO", EIO);
    return 1;
}

static int fails_at(const char *call, int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    return fails(call, path);
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t pread(int file, void *into, size_t count, off_t at) {
    REAL(pread);
    return fails_at("pread", file) ? -1 : real(file, into, count, at);
}

ssize_t pread64(int file, void *into, size_t count, off64_t at) {
    REAL(pread64);
    return fails_at("pread", file) ? -1 : real(file, into, count, at);
}

ssize_t pwrite(int file, const void *from, size_t count, off_t at) {
    REAL(pwrite);
    return fails_at("pwrite", file) ? -1 : real(file, from, count, at);
}

ssize_t pwrite64(int file, const void *from, size_t count, off64_t at) {
    REAL(pwrite64);
    return fails_at("pwrite", file) ? -1 : real(file, from, count, at);
}

int fdatasync(int file) {
    REAL(fdatasync);
    return fails_at("fdatasync", file) ? -1 : real(file);
}

int fsync(int file) {
    REAL(fsync);
    return fails_at("fsync", file) ? -1 : real(file);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    return fails("rename", from) ? -1 : real(from, to);
}

static mode_t mode_of(int flags, va_list rest) { return flags & O_CREAT ? va_arg(rest, mode_t) : 0; }

#define OPEN(name)                                            \
    int name(const char *path, int flags, ...) {              \
        REAL(name);                                           \
        va_list rest;                                         \
        va_start(rest, flags);                                \
        mode_t mode = mode_of(flags, rest);                   \
        va_end(rest);                                         \
        return fails("open", path) ? -1 : real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

/* e2e/faults/faulty.c — makes the program's allocations and OpenCL calls fail on demand.
 *
 * This file is linked to the program's own objects. A *site* is a way to an allocation or to an
 * OpenCL call: a hash of the return addresses on the stack, so that the same site is found again in
 * another process, whatever its threads do. CLVGG_FAULT asks for one thing:
 *
 *     list FILE           at exit the file gets a line for each site: "own HASH CALLS FIRST", and
 *                         likewise "alloc" or an OpenCL function's name
 *     once HASH N [FILE]  the N-th call at the site fails (1: the first), the next ones don't
 *     from HASH N [FILE]  so do all allocations after it
 *
 * The FILE of a fault is made when it strikes: without it the run never came to the site. That
 * happens where the way depends on times: a growing text needs memory at one number or at the next
 * one. So HASH 0 stands for all sites of own allocations together, and FIRST says which of
 * those allocations, counted from 1, a site's first one was (0 at other sites).
 *
 * An allocation is "own" that the program's own code makes, not a library that it calls, and
 * outside of the calls of include/clvgg, which run in the scope of a runtime.
 *
 * Allocations are those of the program and of the libraries below. Others never fail: OpenCL
 * drivers die of that, and so does Cairo 1.16 where it draws letters.
 */
#define _GNU_SOURCE /* dl_iterate_phdr */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/runtime.h"
#include "support/cl_faults.h"

#if defined(__SANITIZE_ADDRESS__)
#define REAL(function) __interceptor_##function
#else
#define REAL(function) __libc_##function
#endif
void *REAL(malloc)(size_t bytes);
void *REAL(calloc)(size_t count, size_t bytes);
void *REAL(realloc)(void *memory, size_t bytes);

static const char *const libraries[] = {"libpng", "libjpeg", "libcjson", "libsqlite3"};

static struct range {
    uintptr_t begin, end;
} ranges[16];
static size_t range_count;

static int add_range(struct dl_phdr_info *object, size_t size, void *user)
{
    (void)size;
    (void)user;
    const char *slash = strrchr(object->dlpi_name, '/');
    bool wanted = object->dlpi_name[0] == '\0'; /* the program */
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        wanted |= slash != NULL && strncmp(slash + 1, libraries[i], strlen(libraries[i])) == 0;
    for (int i = 0; wanted && i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &object->dlpi_phdr[i];
        if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0 && range_count < 16) {
            const uintptr_t begin = object->dlpi_addr + header->p_vaddr;
            ranges[range_count++] = (struct range){begin, begin + header->p_memsz};
        }
    }
    return 0;
}

static const struct range *range_of(const void *address)
{
    for (size_t i = 0; i < range_count; i++)
        if ((uintptr_t)address >= ranges[i].begin && (uintptr_t)address < ranges[i].end)
            return &ranges[i];
    return NULL;
}

enum { SITES = 1 << 16, FRAMES = 48 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct site {
    uint64_t hash;
    const char *name;
    size_t calls, first; /* first: 0 unless it is of own allocations */
} sites[SITES];
static size_t own_calls;
static struct {
    char how[8], file[512];
    uint64_t hash;
    size_t call;
} wanted;
static bool struck; /* by `from` */
static _Thread_local bool inside;

/* A place for a debugger's breakpoint: the call that leads here fails. */
__attribute__((noinline)) static void fault_struck(void)
{
    if (wanted.file[0] != '\0')
        close(open(wanted.file, O_WRONLY | O_CREAT, 0600));
}

/* Whether the site's call is the one that is to fail. */
static bool is_wanted(const struct site *site, bool own)
{
    if (wanted.hash == 0)
        return own && own_calls == wanted.call;
    return site->hash == wanted.hash && site->calls == wanted.call;
}

/* Counts a call of `name`; whether it is to fail. */
static bool strikes(const char *name)
{
    void *frames[FRAMES];
    inside = true;
    const int count = backtrace(frames, FRAMES);
    inside = false;
    uint64_t hash = vgg_hash_text(VGG_HASH_START, name);
    for (int i = 0; i < count; i++) {
        const struct range *range = range_of(frames[i]);
        if (range != NULL) {
            hash = vgg_hash_number(hash, (uint64_t)(range - ranges));
            hash = vgg_hash_number(hash, (uintptr_t)frames[i] - range->begin);
        }
    }
    pthread_mutex_lock(&lock);
    size_t at = hash % SITES;
    while (sites[at].name != NULL && sites[at].hash != hash)
        at = (at + 1) % SITES;
    const bool own = strcmp(name, "own") == 0;
    own_calls += own;
    if (sites[at].name == NULL)
        sites[at] = (struct site){hash, name, 0, own ? own_calls : 0};
    sites[at].calls++;
    const bool hit = is_wanted(&sites[at], own);
    struck |= hit && strcmp(wanted.how, "from") == 0;
    pthread_mutex_unlock(&lock);
    if (hit)
        fault_struck();
    return hit;
}

static bool allocation_fails(const void *caller)
{
    const struct range *range = range_of(caller); /* the first is the program's */
    if (wanted.how[0] == '\0' || inside || range == NULL ||
        !(strikes(range == ranges && vgg_scope_current() == NULL ? "own" : "alloc") || struck))
        return false;
    errno = ENOMEM;
    return true;
}

#define EXPORT __attribute__((visibility("default")))

EXPORT void *malloc(size_t bytes)
{
    return allocation_fails(__builtin_return_address(0)) ? NULL : REAL(malloc)(bytes);
}

EXPORT void *calloc(size_t count, size_t bytes)
{
    return allocation_fails(__builtin_return_address(0)) ? NULL : REAL(calloc)(count, bytes);
}

EXPORT void *realloc(void *memory, size_t bytes)
{
    return allocation_fails(__builtin_return_address(0)) ? NULL : REAL(realloc)(memory, bytes);
}

static cl_int ask(const char *function)
{
    return strikes(function) ? CL_OUT_OF_RESOURCES : CL_SUCCESS;
}

__attribute__((constructor)) static void begin(void)
{
    const char *fault = getenv("CLVGG_FAULT");
    void *frame;
    if (fault == NULL || strcmp(fault, "none") == 0)
        return;
    backtrace(&frame, 1); /* loads the unwinder, with allocations of its own */
    dl_iterate_phdr(add_range, NULL);
    alarm(120); /* against hangs */
    cl_faults_ask(ask);
    if (sscanf(fault, "list %511s", wanted.file) != 1 &&
        sscanf(fault, "%*s %" SCNx64 " %zu %511s", &wanted.hash, &wanted.call, wanted.file) < 2)
        abort();
    sscanf(fault, "%7s", wanted.how);
}

__attribute__((destructor)) static void end(void)
{
    if (strcmp(wanted.how, "list") != 0)
        return;
    inside = true;
    const int file = open(wanted.file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (size_t i = 0; i < SITES; i++)
        if (sites[i].name != NULL)
            dprintf(file, "%s %016" PRIx64 " %zu %zu\n", sites[i].name, sites[i].hash,
                    sites[i].calls, sites[i].first);
    close(file);
}

#define _DEFAULT_SOURCE /* madvise */
/* ocl/memory.c — large buffers of CPUs in huge pages.
 *
 * A kernel that walks a matrix by columns touches a page each few lines; with pages of 4 KiB that
 * is an address translation a load or two (VGG16: a tenth of the time). Drivers allocate without
 * asking for more, so the pages are mapped here and lent to the driver, which works in them in
 * place.
 */
#include "ocl/memory.h"

#include <stdint.h>
#include <sys/mman.h>

#include "ocl/call.h"

enum { HUGE_PAGE_BYTES = 2 << 20 };
enum { PAGE_BYTES = 64 << 10 }; /* of any system, or a multiple */

#ifdef MADV_HUGEPAGE

/* Lies at the end of the pages that are lent. */
typedef struct loan {
    void *pages;
    size_t bytes;
} loan;

static void CL_CALLBACK end_loan(cl_mem memory, void *user)
{
    (void)memory;
    const loan ended = *(const loan *)user;
    munmap(ended.pages, ended.bytes);
}

/* `bytes` of zeros that begin on a huge page, or NULL. What fills none is in small ones, since a
 * huge one is taken whole. */
static void *map_pages(size_t bytes)
{
    char *mapped = mmap(NULL, bytes + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED)
        return NULL;
    const size_t before = (size_t)(-(uintptr_t)mapped % HUGE_PAGE_BYTES);
    if (before > 0)
        munmap(mapped, before);
    if (before < HUGE_PAGE_BYTES)
        munmap(mapped + before + bytes, HUGE_PAGE_BYTES - before);
    madvise(mapped + before, bytes / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES,
            MADV_HUGEPAGE); /* refused: small pages do as well */
    return mapped + before;
}

/* *out stays NULL where there are no pages to be had; the driver's own memory may do then. */
static clvgg_status lend_pages(clvgg_device *device, size_t bytes, cl_mem *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cl_mem memory = NULL;
    const size_t mapped = (bytes + sizeof(loan) + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    char *pages = map_pages(mapped);
    if (pages == NULL)
        return status;
    loan *lent = (loan *)(void *)(pages + mapped - sizeof *lent);
    *lent = (loan){pages, mapped};
    VGG_CL_NEW(memory, clCreateBuffer(device->context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR,
                                      bytes, pages, &cl_error));
    VGG_CL(clSetMemObjectDestructorCallback(memory, end_loan, lent));
    pages = NULL; /* the buffer's from now on */
    VGG_GIVE(out, memory);
cleanup:
    VGG_RELEASE(MemObject, memory);
    if (pages != NULL)
        munmap(pages, mapped);
    return status;
}

#endif

clvgg_status vgg_device_memory_create(clvgg_device *device, uint64_t bytes, cl_mem *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    *out = NULL;
#ifdef MADV_HUGEPAGE
    if (device->info.type == CLVGG_DEVICE_CPU && bytes >= 2 * HUGE_PAGE_BYTES)
        VGG_TRY(lend_pages(device, (size_t)bytes, out));
#endif
    if (*out == NULL)
        VGG_CL_NEW(*out, clCreateBuffer(device->context, CL_MEM_READ_WRITE, (size_t)bytes, NULL,
                                        &cl_error));
cleanup:
    return status;
}

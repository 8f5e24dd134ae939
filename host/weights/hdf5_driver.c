/* weights/hdf5_driver.c — how libhdf5 reads: a driver of ours, by which an HDF5 file may lie
 * anywhere in another file, nothing is written, and no other file is opened.
 *
 * libhdf5 opens the files that links and virtual data sets name through the driver of the file they
 * are in: this one opens its source once and refuses whatever else it is asked for.
 */
#include "weights/hdf5_library.h"

#ifdef CLVGG_HAVE_HDF5
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static H5E_auto2_t printer; /* the application's */
static void *printer_data;
static hid_t driver = -1;

void vgg_hdf5_enter(void)
{
    pthread_mutex_lock(&lock);
    if (H5Eget_auto2(H5E_DEFAULT, &printer, &printer_data) < 0)
        printer = NULL;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void vgg_hdf5_leave(void)
{
    H5Eset_auto2(H5E_DEFAULT, printer, printer_data);
    pthread_mutex_unlock(&lock);
}

/* ---- the driver ---- */

static bool may_open; /* the one file that vgg_hdf5_open_source() asks for */

typedef struct driver_file {
    H5FD_t base; /* must be first */
    vgg_hdf5_source source;
    haddr_t end; /* of what libhdf5 addresses */
} driver_file;

static H5FD_t *open_driver(const char *name, unsigned flags, hid_t access, haddr_t most)
{
    (void)name, (void)most;
    const vgg_hdf5_source *source = H5Pget_driver_info(access);
    if (source == NULL || !may_open || flags != H5F_ACC_RDONLY)
        return NULL;
    driver_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return NULL;
    may_open = false;
    file->source = *source;
    return &file->base;
}

static herr_t close_driver(H5FD_t *base)
{
    free(base);
    return 0;
}

/* Sources are told apart by their address: none is opened twice. */
static int compare(const H5FD_t *a, const H5FD_t *b)
{
    return a < b ? -1 : a > b;
}

static herr_t query(const H5FD_t *base, unsigned long *flags)
{
    (void)base;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA_READ;
    return 0;
}

static haddr_t get_end(const H5FD_t *base, H5FD_mem_t type)
{
    (void)type;
    return ((const driver_file *)(const void *)base)->end;
}

static herr_t set_end(H5FD_t *base, H5FD_mem_t type, haddr_t end)
{
    (void)type;
    ((driver_file *)(void *)base)->end = end;
    return 0;
}

static haddr_t get_size(const H5FD_t *base, H5FD_mem_t type)
{
    (void)type;
    return ((const driver_file *)(const void *)base)->source.bytes;
}

/* Bytes behind the end are refused: a file that was cut isn't read as if zeros followed. */
static herr_t read_driver(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t bytes,
                          void *data)
{
    (void)type, (void)transfer;
    const vgg_hdf5_source *source = &((const driver_file *)(const void *)base)->source;
    if (at > source->bytes || bytes > source->bytes - at)
        return -1;
    return vgg_file_read(source->file, source->offset + at, data, bytes) == CLVGG_STATUS_OK ? 0
                                                                                            : -1;
}

static herr_t write_driver(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t bytes,
                           const void *data)
{
    (void)base, (void)type, (void)transfer, (void)at, (void)bytes, (void)data;
    return -1;
}

static const H5FD_class_t driver_class = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = 300, /* of those that are free for drivers that aren't registered */
#endif
    .name = "clvgg",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(vgg_hdf5_source),
    .open = open_driver,
    .close = close_driver,
    .cmp = compare,
    .query = query,
    .get_eoa = get_end,
    .set_eoa = set_end,
    .get_eof = get_size,
    .read = read_driver,
    .write = write_driver,
    .fl_map = H5FD_FLMAP_SINGLE,
};

/* The driver's number changes where the application has closed the library meanwhile. */
static bool have_driver(void)
{
    if (driver < 0 || H5Iget_type(driver) != H5I_VFL)
        driver = H5FDregister(&driver_class);
    return driver >= 0;
}

hid_t vgg_hdf5_open_source(const vgg_hdf5_source *source)
{
    hid_t file = -1;
    if (!have_driver())
        return -1;
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_driver(access, driver, source) >= 0 &&
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0) {
        may_open = true;
        file = H5Fopen("clvgg", H5F_ACC_RDONLY, access);
        may_open = false;
    }
    if (access >= 0)
        H5Pclose(access);
    return file;
}
#endif

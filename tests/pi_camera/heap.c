/* LD_PRELOAD: a heap of shareable buffers for kernels that have none.
 *
 * libcamera's virtual camera takes its buffers from /dev/dma_heap. Here opening a heap gives /dev/null, and asking it for
 * a buffer gives a memfd, which can be mapped just as well. Begin and end of an access (DMA_BUF_IOCTL_SYNC) need nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAPS "/dev/dma_heap/"

typedef int (*open_call)(const char *, int, ...);

static const char *instead(const char *path) { return path && !strncmp(path, HEAPS, sizeof HEAPS - 1) ? "/dev/null" : path; }

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return ((open_call)dlsym(RTLD_NEXT, "open"))(instead(path), flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return ((open_call)dlsym(RTLD_NEXT, "open64"))(instead(path), flags, mode);
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if ((unsigned)request == (unsigned)DMA_BUF_IOCTL_SYNC || _IOC_TYPE(request) == DMA_BUF_BASE)
        return 0; /* access to a buffer, or its name */
    if ((unsigned)request != (unsigned)DMA_HEAP_IOCTL_ALLOC)
        return ((int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl"))(fd, request, argument);
    struct dma_heap_allocation_data *wanted = argument;
    int buffer = memfd_create("buffer", MFD_CLOEXEC);
    if (buffer < 0 || ftruncate(buffer, (wanted->len + 4095) & ~4095ULL) < 0)
        return -1;
    wanted->fd = buffer;
    return 0;
}

/* interop.c — clvgg inside a program that has its own OpenCL context, queue, buffers and events.
 *
 *     interop MODEL INPUT.npy
 *
 * INPUT.npy is float32 NCHW, already preprocessed. Prints each image's logits, bit for bit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clvgg/interop.h>

#define OFFSET 5 /* in elements: a tensor may begin anywhere in a buffer */

static void require(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "%s: %s\n", what, clvgg_status_message());
        exit(1);
    }
}

static cl_device_id first_device(void)
{
    cl_platform_id platforms[16];
    cl_uint count = 0;
    cl_device_id device = NULL;
    clGetPlatformIDs(16, platforms, &count);
    for (cl_uint i = 0; i < count && i < 16 && device == NULL; i++)
        clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, &device, NULL);
    return device;
}

int main(int argc, char **argv)
{
    clvgg_runtime *runtime;
    clvgg_model *model;
    clvgg_npy_reader *images;
    clvgg_device *wrapped;
    clvgg_session *session;
    clvgg_shape stored, image, logits;
    char name[256];
    if (argc != 3) {
        fprintf(stderr, "usage: interop MODEL INPUT.npy\n");
        return 2;
    }
    require(clvgg_runtime_create(NULL, &runtime) == 0, "runtime");
    require(clvgg_model_load(runtime, argv[1], NULL, &model) == 0, argv[1]);
    require(clvgg_npy_open(runtime, argv[2], &images, &stored) == 0, argv[2]);

    /* OpenCL objects that the surrounding program has already. */
    cl_device_id device = first_device();
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, NULL);
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, NULL);
    require(queue != NULL && !clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof name, name, NULL),
            "OpenCL");
    fprintf(stderr, "%s\n", name);

    require(clvgg_device_from_context(runtime, context, device, &wrapped) == 0, "device");
    require(clvgg_session_create(wrapped, model, NULL, &session) == 0, "session");
    clvgg_session_input_shape(session, &image);
    clvgg_session_output_shape(session, 0, &logits);
    require(stored.rank == 4 && !memcmp(stored.dims + 1, image.dims, 3 * sizeof *image.dims),
            "input");
    const size_t bytes = (size_t)(image.dims[0] * image.dims[1] * image.dims[2]) * sizeof(float);
    float *pixels = malloc(bytes), *values = malloc((size_t)logits.dims[0] * sizeof *values);
    cl_mem input =
        clCreateBuffer(context, CL_MEM_READ_ONLY, bytes + OFFSET * sizeof(float), NULL, NULL);
    cl_mem output = clCreateBuffer(context, CL_MEM_READ_WRITE,
                                   (size_t)logits.dims[0] * sizeof *values, NULL, NULL);

    for (int64_t i = 0; i < stored.dims[0]; i++) {
        cl_event written, done;
        require(clvgg_npy_read(images, i, 1, pixels) == 0, argv[2]);
        clEnqueueWriteBuffer(queue, input, CL_FALSE, OFFSET * sizeof(float), bytes, pixels, 0, NULL,
                             &written);
        const clvgg_buffer from = {input, OFFSET}, to = {output, 0};
        require(clvgg_session_enqueue(session, queue, 1, &from, &to, 1, &written, &done) == 0,
                "enqueue");
        clEnqueueReadBuffer(queue, output, CL_TRUE, 0, (size_t)logits.dims[0] * sizeof *values,
                            values, 1, &done, NULL);
        for (int64_t k = 0; k < logits.dims[0]; k++)
            printf("%a%c", (double)values[k], k + 1 < logits.dims[0] ? ' ' : '\n');
        clReleaseEvent(written);
        clReleaseEvent(done);
    }
    clvgg_session_free(session);
    clvgg_device_free(wrapped);
    clReleaseMemObject(input);
    clReleaseMemObject(output);
    clReleaseCommandQueue(queue);
    clReleaseContext(context);
    clvgg_npy_close(images);
    clvgg_model_free(model);
    clvgg_runtime_free(runtime);
    free(pixels);
    free(values);
    return 0;
}

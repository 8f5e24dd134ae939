#!/usr/bin/env bash
# PoCL 3.1 of Debian 12 and 6.0 of Debian 13 inline none of OpenCL's functions into kernels on arm64: each fma(), vload4(), select() is
# a call, around which vector registers go to memory and come back. These packages are built for the CPU "GENERIC": PoCL's library is
# compiled for `generic` with the features neon, outline-atomics and v8a, kernels for no CPU and without features, and LLVM inlines no
# function that asks for more features than its caller, although it would make the same code. (That such functions aren't inlined
# on aarch64 was seen before, in PoCL's issue 563, without the reason.) With the same features asked for by a pragma they are.
# Seen: "as it is: 4 calls", "with the pragma: 0 calls". Exits 1 when that has changed.
# Needs root, Debian 12 with mmdebstrap, gcc-aarch64-linux-gnu, qemu-user-static and binfmt-support, registered for aarch64; 0.5 GB.
set -eu
[ "${1:-}" = --mounted ] || exec unshare --mount "$0" --mounted
dir=$(mktemp -d)
trap 'umount "$dir/proc" "$dir/sys" || true; rm -rf --one-file-system "$dir"' EXIT
mmdebstrap --variant=extract --architectures=arm64 --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --include="base-files,coreutils,libc-bin,ocl-icd-opencl-dev,pocl-opencl-icd=3.1-3+deb12u1,libpocl2=3.1-3+deb12u1" bookworm "$dir" > "$dir.log" 2>&1 ||
    { cat "$dir.log"; exit 2; }
rm "$dir.log"
mount -t proc proc "$dir/proc"
mount -t sysfs -o ro sysfs "$dir/sys"
cat > "$dir/kernel.cl" << 'CL'
__kernel void k(__global float *x)
{
    float4 sum = 0;
    for (int i = 0; i < 8; i++)
        sum = fma((float4)(x[32 + i]), vload4(i, x), sum);
    vstore4(select(sum, (float4)(0), isgreater((float4)(0), sum)), 0, x);
}
CL
cat > "$dir/run.c" << 'C'
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdio.h>
int main(int count, char **names)
{
    static char text[4096];
    static float x[64];
    const char *source = text;
    const size_t one = 1;
    cl_platform_id platform;
    cl_device_id device;
    FILE *file = count > 1 ? fopen(names[1], "r") : NULL;
    if (file == NULL || fread(text, 1, sizeof text - 1, file) == 0)
        return 2;
    clGetPlatformIDs(1, &platform, NULL);
    clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL);
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, NULL);
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, NULL);
    cl_program program = clCreateProgramWithSource(context, 1, &source, NULL, NULL);
    clBuildProgram(program, 1, &device, "", NULL, NULL);
    cl_kernel kernel = clCreateKernel(program, "k", NULL);
    cl_mem memory = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, sizeof x, x, NULL);
    clSetKernelArg(kernel, 0, sizeof memory, &memory);
    return clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &one, &one, 0, NULL, NULL) != 0 || clFinish(queue) != 0;
}
C
aarch64-linux-gnu-gcc --sysroot="$dir" "$dir/run.c" -o "$dir/run.bin" -lOpenCL
{ echo '#pragma clang attribute push(__attribute__((target("neon,outline-atomics,v8a"))), apply_to = function)'
  cat "$dir/kernel.cl"
  echo '#pragma clang attribute pop'; } > "$dir/asked.cl"
calls() { # SOURCE: calls of PoCL's library in what it makes of it
    mkdir "$dir/$1.cache"
    chroot "$dir" /usr/bin/env POCL_CACHE_DIR="/$1.cache" /run.bin "/$1" >&2
    aarch64-linux-gnu-objdump -d "$(find "$dir/$1.cache" -name k.so)" | grep -cE 'bl\s.*<_Z[0-9]+_cl_' || true
}
plain=$(calls kernel.cl) asked=$(calls asked.cl)
echo "as it is: $plain calls"
echo "with the pragma: $asked calls"
[ "$plain" -gt 0 ] && [ "$asked" -eq 0 ]

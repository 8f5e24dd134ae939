#!/usr/bin/env bash
# llvmpipe, Mesa's renderer on CPUs, ends a kernel's loops after 65,535 iterations, those of all its loops together: a limit of
# shaders that rusticl, Mesa's OpenCL, doesn't lift. Nothing fails: a loop to 70,000 gives what 65,535 iterations give, and
# 1,000 times 64 gives 63,551. Long sums over channels and windows are wrong so, of large layers alone.
# Seen with Mesa 22.3.6 (Debian 12): "70000 gives 65535", "1000 x 64 gives 63551". Exits 1 when that has changed.
# Needs Debian 12's apt, Python 3.11 with venv; downloads into a folder of its own.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -q mesa-opencl-icd=22.3.6-1+deb12u2 libllvm15=1:15.0.6-4+b1 libclang-cpp15=1:15.0.6-4+b1 \
    libllvmspirvlib15=15.0.0-2 > log 2>&1 || { cat log; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
python3 -m venv venv
venv/bin/pip install -q pyopencl==2024.3 numpy==2.1.3
lib=$(dirname "$(find root -name 'libRusticlOpenCL.so.1')")
mkdir icd
realpath "$lib/libRusticlOpenCL.so.1" > icd/rusticl.icd
cat > loops.py << 'PYTHON'
import numpy, pyopencl as cl
device = next(p for p in cl.get_platforms() if p.name == "rusticl").get_devices()[0]
context = cl.Context([device])
queue = cl.CommandQueue(context)
# What is added depends on memory, so that no compiler counts in advance; it is always 1.
program = cl.Program(context, """
__kernel void count(__global uint *y, uint n, uint m) {
    uint sum = 0;
    for (uint i = 0; i < n; i++)
        for (uint j = 0; j < m; j++)
            sum += y[1] + 1;
    y[0] = sum;
}""").build()
kernel = program.count
print(device.platform.name, device.driver_version, device.name)
def count(n, m):
    y = numpy.zeros(2, numpy.uint32)
    memory = cl.Buffer(context, cl.mem_flags.READ_WRITE | cl.mem_flags.COPY_HOST_PTR, hostbuf=y)
    kernel(queue, (1,), None, memory, numpy.uint32(n), numpy.uint32(m))
    cl.enqueue_copy(queue, y, memory)
    return int(y[0])
seen = [count(1, 65535), count(1, 70000), count(1000, 10), count(1000, 64)]
print("65535 gives %d, 70000 gives %d, 1000 x 10 gives %d, 1000 x 64 gives %d" % tuple(seen))
raise SystemExit(not (seen[2] == 10000 and seen[1] < 70000 and seen[3] < 64000))
PYTHON
OCL_ICD_VENDORS=$dir/icd RUSTICL_ENABLE=llvmpipe LD_LIBRARY_PATH=$(realpath "$lib"):$(realpath "$(dirname "$(find root -name 'libLLVM-15.so.1' | head -1)")") \
    venv/bin/python loops.py

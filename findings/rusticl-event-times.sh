#!/usr/bin/env bash
# rusticl of Mesa 22.3.6 (Debian 12) makes a queue that profiles, and then says of every command that it was queued, submitted,
# started and ended at 0, 1, 2 and 3 ns: filling 1 MiB and 256 MiB takes the same nanosecond, and commands behind each other
# have the same times. CL_DEVICE_PROFILING_TIMER_RESOLUTION, which OpenCL defines as the resolution in nanoseconds, is 0 there.
# Whoever repeats work until the device's clock has moved far enough never ends.
# Seen: "resolution 0 ns", "1 MiB: [0, 1, 2, 3]", "256 MiB: [0, 1, 2, 3]". Exits 1 when that has changed.
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
cat > times.py << 'PYTHON'
import time, numpy, pyopencl as cl
device = next(p for p in cl.get_platforms() if p.name == "rusticl").get_devices()[0]
context = cl.Context([device])
queue = cl.CommandQueue(context, properties=cl.command_queue_properties.PROFILING_ENABLE)
print(device.platform.name, device.driver_version, device.name)
print("resolution", device.profiling_timer_resolution, "ns")
seen = []
for mebibytes in (1, 256):
    buffer = cl.Buffer(context, cl.mem_flags.READ_WRITE, mebibytes << 20)
    before = time.perf_counter()
    event = cl.enqueue_fill_buffer(queue, buffer, numpy.uint32(1), 0, mebibytes << 20)
    queue.finish()
    wall = time.perf_counter() - before
    seen.append([event.profile.queued, event.profile.submit, event.profile.start, event.profile.end])
    print(f"{mebibytes} MiB: {seen[-1]}, {wall * 1e3:.1f} ms by the host's clock")
raise SystemExit(device.profiling_timer_resolution != 0 or seen != [[0, 1, 2, 3]] * 2)
PYTHON
OCL_ICD_VENDORS=$dir/icd RUSTICL_ENABLE=llvmpipe LD_LIBRARY_PATH=$(realpath "$lib"):$(realpath "$(dirname "$(find root -name 'libLLVM-15.so.1' | head -1)")") \
    venv/bin/python times.py

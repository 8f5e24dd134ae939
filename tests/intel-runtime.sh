#!/usr/bin/env bash
# Installs Intel's OpenCL runtime for CPUs in a virtual environment under DIR, once, and prints the
# environment that makes it the only OpenCL implementation. Usage: eval "export $(intel-runtime.sh DIR)"
set -eu
mkdir -p "$1"
dir=$(realpath "$1")
if [ ! -s "$dir/icd/intel.icd" ]; then
    python3 -m venv "$dir/venv" >&2
    "$dir/venv/bin/pip" install -q intel-opencl-rt==2026.2.0 intel-cmplr-lib-rt==2026.2.0 >&2
    [ -e "$dir/venv/lib/libintelocl.so" ]
    mkdir -p "$dir/icd"
    echo "$dir/venv/lib/libintelocl.so" > "$dir/icd/intel.icd"
fi
echo "OCL_ICD_VENDORS=$dir/icd/ LD_LIBRARY_PATH=$dir/venv/lib"

#!/usr/bin/env bash
# libwebp 1.5.0 (Debian 13 has it; 1.6.0 does the same) decodes a lossy WebP whose alpha is damaged to VP8_STATUS_OUT_OF_MEMORY (1);
# libwebp 1.3.0 says VP8_STATUS_BITSTREAM_ERROR (3) of the same bytes. No allocation has failed: errno stays 0. Whoever ends a
# run over many photographs when memory is short ends it at a bad file.
# Seen: "libwebp 1.3.0: status 3" and "libwebp 1.5.0: status 1, errno 0". Exits 1 when that has changed.
# Needs Python 3.11 with venv, x86-64; downloads into a folder of its own.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > decode.py << 'PYTHON'
import ctypes, glob, sys, PIL
from PIL import Image
data = bytearray(open("alpha.webp", "rb").read())
at = data.index(b"ALPH") + 8 + 1 # behind the chunk's size and the byte that says how it is packed
for i in range(at, at + 6):
    data[i] ^= 0xFF
folder = PIL.__path__[0] + "/../[pP]illow.libs/"
for name in ("libsharpyuv", "libwebp"):
    lib = ctypes.CDLL(glob.glob(folder + name + "-*.so*")[0], mode=ctypes.RTLD_GLOBAL, use_errno=True)
version = lib.WebPGetDecoderVersion()
config = ctypes.create_string_buffer(1024)
assert lib.WebPInitDecoderConfigInternal(config, 0x0209)
ctypes.set_errno(0)
status = lib.WebPDecode(bytes(data), ctypes.c_size_t(len(data)), config)
print(f"libwebp {version >> 16}.{version >> 8 & 255}.{version & 255}: status {status}, errno {ctypes.get_errno()}")
raise SystemExit(status != int(sys.argv[1]) or ctypes.get_errno() != 0)
PYTHON
for pillow in 9.5.0 11.1.0; do
    python3 -m venv "venv-$pillow"
    "venv-$pillow/bin/pip" install -q pillow==$pillow
done
venv-9.5.0/bin/python -c 'from PIL import Image
image = Image.radial_gradient("L").convert("RGB")
image.putalpha(Image.linear_gradient("L").rotate(30))
image.save("alpha.webp", quality=80)'
venv-9.5.0/bin/python decode.py 3 && venv-11.1.0/bin/python decode.py 1

#!/usr/bin/env python3
"""Makes the fixtures of this folder: NAME.png, NAME.jpg or NAME.webp beside NAME.ppm, its expected pixels.

PNGs are written byte by byte here and their pixels computed from the format's definition, so that
they test libpng and what we ask of it. JPEG and WebP pixels and resized pictures (resize-*.ppm,
resizes.tsv) are Pillow's, version 13 or later. Needs numpy, Pillow and libjpeg-turbo's cjpeg; the
build and the tests need none of them.
"""
import io
import struct
import subprocess
import zlib

import numpy as np
import PIL
from PIL import Image, ImageOps

W, H = 11, 9  # every pass of Adam7 has pixels
rng = np.random.default_rng(5)


def write_ppm(name, rgb):
    with open(name + ".ppm", "wb") as file:
        file.write(b"P6\n%d %d\n255\n" % (rgb.shape[1], rgb.shape[0]) + rgb.astype(np.uint8).tobytes())


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_rows(samples, depth):
    """[h][w][channels] samples to filter-0 rows."""
    rows = b""
    for row in samples:
        flat = row.reshape(-1)
        if depth == 16:
            packed = flat.astype(">u2").tobytes()
        elif depth == 8:
            packed = flat.astype(np.uint8).tobytes()
        else:
            bits = "".join(format(int(v), "0%db" % depth) for v in flat)
            bits += "0" * (-len(bits) % 8)
            packed = int(bits, 2).to_bytes(len(bits) // 8, "big")
        rows += b"\0" + packed
    return rows


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def write_png(name, color_type, depth, samples, interlaced, extra=b""):
    h, w = samples.shape[:2]
    if interlaced:
        raw = b"".join(pack_rows(samples[y::dy, x::dx], depth) for x, y, dx, dy in ADAM7)
    else:
        raw = pack_rows(samples, depth)
    header = struct.pack(">IIBBBBB", w, h, depth, color_type, 0, 0, int(interlaced))
    with open(name + ".png", "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
                   + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def to_8(samples, depth):
    maximum = 2 ** depth - 1
    return (samples.astype(np.int64) * 255 * 2 + maximum) // (2 * maximum)


def on_white(rgb, alpha):
    return (2 * (rgb * alpha + 255 * (255 - alpha)) + 255) // 510


def pngs():
    for interlaced in (False, True):
        suffix = "-interlaced" if interlaced else ""
        for depth in (1, 2, 4, 8, 16):
            grey = rng.integers(0, 2 ** depth, (H, W, 1))
            write_png("grey%d%s" % (depth, suffix), 0, depth, grey, interlaced)
            write_ppm("grey%d%s" % (depth, suffix), np.repeat(to_8(grey, depth), 3, 2))
            if not interlaced:
                key = int(grey[0, 0, 0])
                write_png("grey%d-trns" % depth, 0, depth, grey, False, chunk(b"tRNS", struct.pack(">H", key)))
                write_ppm("grey%d-trns" % depth, np.repeat(np.where(grey == key, 255, to_8(grey, depth)), 3, 2))
        for depth in (1, 2, 4, 8):
            count = min(2 ** depth, 20)
            palette = rng.integers(0, 256, (count, 3))
            index = rng.integers(0, count, (H, W, 1))
            extra = chunk(b"PLTE", palette.astype(np.uint8).tobytes())
            write_png("palette%d%s" % (depth, suffix), 3, depth, index, interlaced, extra)
            write_ppm("palette%d%s" % (depth, suffix), palette[index[:, :, 0]])
            if not interlaced:
                alpha = np.concatenate([[0, 128], np.full(count - 2, 255)])
                extra += chunk(b"tRNS", bytes([0, 128]))
                write_png("palette%d-trns" % depth, 3, depth, index, False, extra)
                write_ppm("palette%d-trns" % depth,
                          on_white(palette[index[:, :, 0]], alpha[index]))
        for depth in (8, 16):
            rgb = rng.integers(0, 2 ** depth, (H, W, 3))
            write_png("rgb%d%s" % (depth, suffix), 2, depth, rgb, interlaced)
            write_ppm("rgb%d%s" % (depth, suffix), to_8(rgb, depth))
            if not interlaced:
                key = rgb[0, 0]
                write_png("rgb%d-trns" % depth, 2, depth, rgb, False, chunk(b"tRNS", key.astype(">u2").tobytes()))
                write_ppm("rgb%d-trns" % depth,
                          np.where((rgb == key).all(2, keepdims=True), 255, to_8(rgb, depth)))
            grey = rng.integers(0, 2 ** depth, (H, W, 2))
            write_png("grey-alpha%d%s" % (depth, suffix), 4, depth, grey, interlaced)
            eight = to_8(grey, depth)
            write_ppm("grey-alpha%d%s" % (depth, suffix), np.repeat(on_white(eight[..., :1], eight[..., 1:]), 3, 2))
            rgba = rng.integers(0, 2 ** depth, (H, W, 4))
            write_png("rgba%d%s" % (depth, suffix), 6, depth, rgba, interlaced)
            eight = to_8(rgba, depth)
            write_ppm("rgba%d%s" % (depth, suffix), on_white(eight[..., :3], eight[..., 3:]))
    # Gamma, a damaged colour profile, text: all skipped, without a warning.
    rgb = rng.integers(0, 256, (H, W, 3))
    write_png("rgb8-gamma", 2, 8, rgb, False,
              chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"iCCP", b"x") + chunk(b"tEXt", b"Comment\0none"))
    write_ppm("rgb8-gamma", rgb)


def picture(w, h):
    """Smooth colours with a little noise."""
    y, x = np.mgrid[0:h, 0:w]
    rgb = np.stack([x * 255 / (w - 1), y * 255 / (h - 1), 127 + 120 * np.sin(x / 3.0) * np.cos(y / 4.0)], 2)
    return np.clip(rgb + rng.normal(0, 6, rgb.shape), 0, 255).astype(np.uint8)


def jpeg(name, image, **options):
    image.save(name + ".jpg", "JPEG", **options)
    opened = ImageOps.exif_transpose(Image.open(name + ".jpg"))
    write_ppm(name, np.asarray(opened.convert("RGB")))


def jpegs():
    rgb = Image.fromarray(picture(21, 18))
    jpeg("jpeg-rgb", rgb, quality=90, subsampling=0)
    jpeg("jpeg-420", rgb, quality=80, subsampling=2)
    jpeg("jpeg-422", rgb, quality=80, subsampling=1)
    jpeg("jpeg-progressive", rgb, quality=80, progressive=True)
    jpeg("jpeg-restarts", rgb, quality=80, restart_marker_blocks=1)
    jpeg("jpeg-grey", rgb.convert("L"), quality=80)
    cmyk = Image.fromarray(np.concatenate([picture(21, 18), picture(21, 18)[..., :1] // 2], 2), "CMYK")
    jpeg("jpeg-cmyk", cmyk, quality=90)
    # The same data declared YCCK by its Adobe marker (transform 2).
    data = bytearray(open("jpeg-cmyk.jpg", "rb").read())
    at = data.index(b"Adobe")
    data[at + 11] = 2
    open("jpeg-ycck.jpg", "wb").write(data)
    write_ppm("jpeg-ycck", np.asarray(Image.open("jpeg-ycck.jpg").convert("RGB")))
    small = Image.fromarray(picture(12, 7))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        jpeg("jpeg-orientation%d" % orientation, small, quality=70, exif=exif)


def tiff(order, kind, value):
    """EXIF with the orientation alone, of a type of whole numbers (3: SHORT, 4: LONG)."""
    data = struct.pack(order + ("H" if kind == 3 else "I"), value).ljust(4, b"\0")
    start = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
    return start + struct.pack(order + "HHHI", 1, 0x0112, kind, 1) + data + bytes(4)


def app1(data):
    return b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data


def orientations():
    """PNG's eXIf, before or behind the rows; JPEG's LONG, and an EXIF segment without it before."""
    small = picture(12, 7)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 12, 7, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(pack_rows(small, 8), 9))
    jpeg_bytes = io.BytesIO()
    Image.fromarray(small).save(jpeg_bytes, "JPEG", quality=70)
    jpeg_bytes = jpeg_bytes.getvalue()
    files = {}
    for value in range(1, 9):
        exif = chunk(b"eXIf", tiff("<>"[value % 2], 3, value))
        body = exif + data if value % 3 else data + exif
        files["orientation%d.png" % value] = b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b"")
    for name, order in (("little", "<"), ("big", ">")):
        files["jpeg-orientation-long-%s.jpg" % name] = \
            jpeg_bytes[:2] + app1(b"Exif\0\0" + tiff(order, 4, 6)) + jpeg_bytes[2:]
    files["jpeg-orientation-second.jpg"] = \
        jpeg_bytes[:2] + app1(b"Exif\0\0") + app1(b"Exif\0\0" + tiff(">", 3, 8)) + jpeg_bytes[2:]
    for name, content in files.items():
        open(name, "wb").write(content)
        opened = ImageOps.exif_transpose(Image.open(name))
        write_ppm(name.rsplit(".", 1)[0], np.asarray(opened.convert("RGB")))


def rare_jpegs():
    """Inks without Adobe's marker; a scan for each component; arithmetic coding (the last two by cjpeg)."""
    data = open("jpeg-cmyk.jpg", "rb").read()
    at = data.index(b"\xff\xee")
    open("jpeg-cmyk-unmarked.jpg", "wb").write(data[:at] + data[at + 16:])
    rgb = picture(21, 18)
    for name, options in (("jpeg-scans", ["-scans", "/dev/stdin"]), ("jpeg-arithmetic", ["-arithmetic"])):
        write_ppm(name, rgb)
        with open(name + ".jpg", "wb") as file:
            subprocess.run(["cjpeg", "-quality", "85"] + options + [name + ".ppm"],
                           input=b"0;\n1;\n2;\n", stdout=file, check=True)
    for name in "jpeg-cmyk-unmarked", "jpeg-scans", "jpeg-arithmetic":
        write_ppm(name, np.asarray(Image.open(name + ".jpg").convert("RGB")))


def webps():
    rgb, alpha = picture(21, 18), picture(21, 18)[..., :1]
    image, transparent = Image.fromarray(rgb), Image.fromarray(np.concatenate([rgb, alpha], 2), "RGBA")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save("webp-lossy.webp", quality=80)
    image.save("webp-lossless.webp", lossless=True)
    image.save("webp-orientation6.webp", quality=80, exif=exif)
    transparent.save("webp-alpha.webp", quality=80)
    transparent.save("webp-animated.webp", lossless=True, save_all=True, append_images=[image.convert("RGBA")])
    for name in "lossy", "lossless", "orientation6", "alpha", "animated":
        opened = np.asarray(ImageOps.exif_transpose(Image.open("webp-%s.webp" % name)).convert("RGBA")).astype(int)
        write_ppm("webp-" + name, on_white(opened[..., :3], opened[..., 3:]))


def resizes():
    """resize-SOURCE-MODE-SHORT-HEIGHTxWIDTH.ppm: torchvision's Resize and CenterCrop, in Pillow.

    The source wide-grey is wide.png behind convert("L").
    """
    for source, mode, short, h, w in (
            ("wide", "crop", 20, 16, 17), ("wide", "crop", 31, 31, 31), ("wide", "crop", 60, 41, 33),
            ("wide", "crop", 9, 14, 20), ("tall", "crop", 19, 17, 14), ("tall", "crop", 0, 21, 13),
            ("wide", "squash", 0, 5, 3), ("tall", "squash", 0, 20, 40),
            ("wide-grey", "crop", 20, 16, 17), ("wide-grey", "crop", 9, 14, 20), ("wide-grey", "squash", 0, 5, 3)):
        image = Image.open(source.removesuffix("-grey") + ".png")
        if source.endswith("-grey"):
            image = image.convert("L").convert("RGB")  # three equal channels, for a .ppm
        if mode == "squash":
            out = np.asarray(image.resize((w, h), Image.BILINEAR))
        else:
            size = short or int(np.floor(min(h, w) * 256 / 224 + 0.5))
            low, high = sorted(image.size)
            new = int(size * high / low)
            wide, tall = (new, size) if image.width > image.height else (size, new)
            pixels = np.asarray(image.resize((wide, tall), Image.BILINEAR))
            padding = [((want - have) // 2, (want - have + 1) // 2) if want > have else (0, 0)
                       for want, have in ((h, tall), (w, wide))]
            pixels = np.pad(pixels, padding + [(0, 0)])
            top, left = int(round((pixels.shape[0] - h) / 2.0)), int(round((pixels.shape[1] - w) / 2.0))
            out = pixels[top:top + h, left:left + w]
        write_ppm("resize-%s-%s-%d-%dx%d" % (source, mode, short, h, w), out)


def resize_sums():
    """resizes.tsv: many sizes, and the CRC-32 of the pixels that Pillow makes of noise."""
    sizes = [(31, 90, w, h) for w in range(1, 62, 6) for h in range(1, 110, 9)]
    sizes += [(90, 31, w, h) for w in range(1, 110, 9) for h in range(1, 62, 6)]
    sizes += [(40, 40, w, h) for w in range(1, 81, 8) for h in range(1, 81, 8)]
    # Where columns begin to come first: rows lost less twice the columns lost is 1.
    for lost_columns in (-20, -1, 0, 1, 2, 7, 20):
        for beyond in (-1, 0, 1, 2):
            lost_rows = 2 * lost_columns + beyond
            sizes += [(w, h, w - lost_columns, h - lost_rows) for w, h in ((50, 120), (47, 61), (64, 48))]
            sizes += [(w, h, w - lost_columns, h - beyond) for w, h in ((50, 120), (47, 61))]
    # Photographs' sizes, to what they become for 224 × 224 pixels.
    sizes += [(375, 499, 256, 340), (499, 375, 340, 256), (200, 700, 256, 896), (700, 200, 896, 256),
              (150, 1200, 224, 224), (600, 601, 224, 224), (333, 1000, 256, 768)]
    with open("resizes.tsv", "w") as file:
        file.write("# BILINEAR of Pillow %s: width, height, new width, new height, CRC-32\n" % PIL.__version__)
        for w, h, new_w, new_h in dict.fromkeys(size for size in sizes if min(size) >= 1):
            noise = np.arange(w * h * 3, dtype=np.uint32) * np.uint32(2654435761) >> np.uint32(24)
            image = Image.fromarray(noise.astype(np.uint8).reshape(h, w, 3))
            out = image.resize((new_w, new_h), Image.BILINEAR).tobytes()
            file.write("%d\t%d\t%d\t%d\t%08x\n" % (w, h, new_w, new_h, zlib.crc32(out)))


pngs()
jpegs()
for name, size in (("wide", (47, 31)), ("tall", (23, 44))):
    pixels = picture(*size)
    write_png(name, 2, 8, pixels, False)
    write_ppm(name, pixels)
resizes()
resize_sums()
orientations()
rare_jpegs()
webps()

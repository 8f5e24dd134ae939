"""Results in the form of `clvgg bench --out`, schema clvgg-bench/1, for programs that aren't clvgg; and rounds made one for tables.

Only the standard library. Figures are those of `clvgg bench` (host/base/statistics.h): order statistics, nothing else.
"""
import hashlib
import json
import math
import os
import platform
import re
from pathlib import Path
from statistics import median_high

import common

LEAST, PATIENCE_S = 9, 60  # passes that are timed, and seconds after which fewer do
LIMITS = {"f32": 1e-4, "f16": 2e-3, "bf16": 1.5e-2,  # of error_l2, by storage, as clvgg_bench_error_limit()
          "int8": 0.3}  # of a peer's beside float64; clvgg's is beside the quantised network
SPEED_VARIABLES = ("OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_WAIT_POLICY", "KMP_AFFINITY", "KMP_BLOCKTIME", "MKL_NUM_THREADS",
                   "ONEDNN_MAX_CPU_ISA", "CUDA_VISIBLE_DEVICES", "NVIDIA_TF32_OVERRIDE")


def interval(ranked, tail=40):
    """Confidence interval of the median of sorted values, one part of `tail` left out on each side (95 %), from the binomial
    distribution; None for fewer than six."""
    rank = below = 0
    while 2 * rank < len(ranked):
        below += math.comb(len(ranked), rank)
        if tail * below > 2 ** len(ranked):
            break
        rank += 1
    return [ranked[rank - 1], ranked[-rank]] if rank else None


def is_precise(samples):
    """Whether half of the median's interval of 98 % is 1 % of it or less; host/measure/measure.h says why 98."""
    ends = interval(sorted(samples), 100)
    return ends is not None and ends[1] - ends[0] <= 0.02 * median_high(samples)


def times(samples):
    """The members of a result that say how long passes took; `samples` are milliseconds in order of time."""
    ranked, half = sorted(samples), len(samples) // 2
    drift = median_high(samples[-half:]) / median_high(samples[:half]) - 1 if half else 0
    return {"repetitions": len(samples), "median_ms": median_high(samples), "min_ms": ranked[0],
            "p90_ms": ranked[(9 * len(samples) + 9) // 10 - 1], "interval_ms": interval(ranked),
            "drift": drift, "drifted": abs(drift) > 0.05, "samples_ms": samples}


def error_l2(rows, exact):
    """Relative L2 over all rows, each of which should be `exact`; None where a value isn't finite."""
    if not all(math.isfinite(value) for row in rows for value in row):
        return None
    off = math.fsum((mine - theirs) ** 2 for row in rows for mine, theirs in zip(row, exact))
    return math.sqrt(off / (len(rows) * math.fsum(value * value for value in exact)))


def noise(count):
    """The image that is computed: float32 values in [-1, 1), as vgg_random_fill() of host/base/random.h makes them."""
    state, values = 1, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append((state >> 8) / 2**23 - 1)
    return values


def reference(model):
    """SHA-256 of a standard network's published weights, and its logits for noise(), from float64 arithmetic."""
    stored = (common.ROOT / "host/measure/reference_logits.c").read_text()
    found = re.search(rf'\{{"{model}", \d+, "(\w+)", \{{([^}}]*)\}}', stored)
    return found[1], [float(value) for value in found[2].split(",")[:-1]]


def sensors():
    """What the scripts read of them: the load alone."""
    silent = ("clock_mhz", "power_w", "temperature_c")
    return {**dict.fromkeys(silent), "load_average": os.getloadavg()[0],
            "unreadable": [{"what": what, "why": "not read beside other programs"} for what in silent]}


def system():
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return {"os": f"{platform.system()} {platform.release()}",
            "cpu": model[1] if model else platform.machine(), "cores": len(os.sched_getaffinity(0)),
            "memory_bytes": pages * size}


def environment():
    return {name: os.environ[name] for name in SPEED_VARIABLES if name in os.environ}


def merge_results(rounds):
    """One result of several of the same batch. Steps are those of the round in which they took least."""
    errors = [one["error_l2"] for one in rounds]
    merged = {**min(rounds, key=lambda one: one.get("kernel_ms") or math.inf),
              "error_l2": None if None in errors else max(errors)}
    if any(one["wrong"] for one in rounds):
        return next(one for one in rounds if one["wrong"])
    merged.update(times([ms for one in rounds for ms in one["samples_ms"]]))
    if "load_average" in merged:
        merged["load_average"] = [rounds[0]["load_average"][0], rounds[-1]["load_average"][1]]
    if "cold_samples_ms" in merged:
        merged["cold_samples_ms"] = [ms for one in rounds for ms in one["cold_samples_ms"]]
        merged["cold_ms"] = median_high(merged["cold_samples_ms"])
    return merged


def merge(documents):
    """One document of a program's rounds, in order of time."""
    if len(documents) == 1:
        return documents[0]
    last = documents[-1]
    merged = {**last, "results": [merge_results(rounds) for rounds in zip(*(document["results"] for document in documents))],
              "peak_bytes": max(document["peak_bytes"] for document in documents)}
    if "sensors" in merged:
        merged["sensors"] = {"before": documents[0]["sensors"]["before"], "after": last["sensors"]["after"]}
    return merged


def text(value):
    return json.dumps(value, allow_nan=False)


def member(name, value):
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f'  "{name}": [\n    ' + ",\n    ".join(map(text, value)) + "\n  ]"
    return f'  "{name}": {text(value)}'


def write(path, document):
    """In clvgg's layout; the digest is of all that stands before its line."""
    head = "{\n" + "".join(member(name, value) + ",\n" for name, value in document.items() if name != "digest")
    common.write(path, f'{head}  "digest": "{hashlib.sha256(head.encode()).hexdigest()}"\n}}\n')

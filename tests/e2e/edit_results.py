#!/usr/bin/env python3
"""Edits a result that `clvgg bench --submit` wrote, as somebody might who wants to look better, and has `clvgg check-result` look at it.

Each edit is tried twice. As it is, the digest refuses it. With the digest made anew, and with all figures recomputed from the changed
samples where the edit says "settled", arithmetic refuses it, naming the member; or nothing does, where the edit says so: then the
output must say what can't be shown.

  edit_results.py CLVGG GENUINE.json SCRATCH
"""
import copy
import hashlib
import json
import math
import subprocess
import sys
from pathlib import Path
from statistics import median_high


def result(document):
    return document["results"][0]


def layers(document):
    return result(document)["layers"]


def rank_of(count):
    """Of the 95 % interval of a median."""
    rank = below = 0
    while 2 * rank < count:
        below += math.comb(count, rank)
        if 40 * below > 2 ** count:
            break
        rank += 1
    return rank


def settle(document):
    """Recomputes all figures from samples, as a careful forger would."""
    peak = document["peak"]
    for one in document["results"]:
        ranked, half, rank = sorted(one["samples_ms"]), len(one["samples_ms"]) // 2, rank_of(len(one["samples_ms"]))
        drift = median_high(one["samples_ms"][-half:]) / median_high(one["samples_ms"][:half]) - 1
        one.update(repetitions=len(ranked), median_ms=median_high(ranked), min_ms=ranked[0], drift=drift, drifted=abs(drift) > 0.05,
                   p90_ms=ranked[(9 * len(ranked) + 9) // 10 - 1], interval_ms=[ranked[rank - 1], ranked[-rank]] if rank else None)
        one["gflops"] = document["flops"] * one["batch"] / one["median_ms"] / 1e6
        one["kernel_ms"] = median_high([sum(times) for times in zip(*(layer["samples_ms"] for layer in one["layers"]))])
        if one.get("cold_samples_ms"):
            one["cold_ms"] = median_high(one["cold_samples_ms"])
        for layer in one["layers"]:
            ms = layer["ms"] = median_high(layer["samples_ms"]) or None
            rate = lambda value: value / ms / 1e6 if ms else None
            layer.update(gflops=rate(layer["flops"]), executed_gflops=rate(layer["executed_flops"]),
                         intensity=layer["executed_flops"] / layer["bytes"] if layer["bytes"] else None,
                         fma_share=layer["flops"] / ms / 1e6 / peak["fma_gflops"] if ms else None,
                         read_share=layer["weight_bytes"] / ms / 1e6 / peak["read_gbps"] if ms else None)


def write(path, document, digest=None):
    """In clvgg's layout; without a digest given, the right one."""
    head = "{\n" + "".join(f'  "{name}": {json.dumps(value)},\n' for name, value in document.items() if name != "digest")
    path.write_text(f'{head}  "digest": "{digest or hashlib.sha256(head.encode()).hexdigest()}"\n}}\n')


def scale(document, factor):
    for one in document["results"]:
        for name in ("samples_ms", "cold_samples_ms"):
            if name in one:
                one[name] = [ms * factor for ms in one[name]]
        one["first_ms"] *= factor
        for layer in one["layers"]:
            layer["samples_ms"] = [ms * factor for ms in layer["samples_ms"]]


def put(*path_and_value):
    """An edit that sets one member."""
    *path, last, value = path_and_value

    def edit(document):
        at = document
        for name in path:
            at = at[name]
        at[last] = value(at[last]) if callable(value) else value
    return edit


def faster_layer(document):
    layer = max(layers(document), key=lambda one: one["executed_flops"])
    layer["samples_ms"] = [ms / 50 for ms in layer["samples_ms"]]


def faster_whole(document):
    result(document)["samples_ms"] = [ms / 50 for ms in result(document)["samples_ms"]]


def shorter_samples(document):
    one = result(document)
    one["samples_ms"] = sorted(one["samples_ms"])[:5]


def without_a_layer(document):
    del layers(document)[3]


def as_vgg16(document):
    document.update(model="vgg16", architecture="vgg16")


def twice_the_batch(document):
    result(document)["batch"] *= 2


def twice_the_work(document):
    twice_the_batch(document)
    for layer in layers(document):
        layer["flops"] *= 2
        layer["executed_flops"] *= 2
    scale(document, 0.5)


def fewer_executed(document):
    layer = max(layers(document), key=lambda one: one["executed_flops"])
    layer["executed_flops"] //= 8


def without_samples(document):
    for name in ("samples_ms", "p90_ms", "interval_ms"):
        del result(document)[name]


OTHER_HASH = "9aab909605fa41e985c485087b647e1306e213130ce7b2e82e15b87f79eb19d0"  # vgg16's
NOTHING = None  # arithmetic doesn't show it

# Name, edit, whether figures are made to fit, and the member that is refused with a digest that fits.
EDITS = (
    ("median", put("results", 0, "median_ms", lambda ms: ms * 0.9), False, "results[0].median_ms"),
    ("minimum", put("results", 0, "min_ms", lambda ms: ms * 0.8), False, "results[0].min_ms"),
    ("interval", put("results", 0, "interval_ms", lambda ends: [ends[0] * 1.02, ends[1]]), False, "results[0].interval_ms"),
    ("drift", put("results", 0, "drifted", lambda drifted: not drifted), False, "results[0].drifted"),
    ("gflops", put("results", 0, "gflops", lambda rate: rate * 1.5), False, "results[0].gflops"),
    ("all at 0.4", lambda document: scale(document, 0.4), True, "results[0]"),
    ("a layer above the roof", faster_layer, True, "results[0].layers["),
    ("whole below its kernels", faster_whole, True, "results[0].samples_ms"),
    ("roof of another device", put("roof", "fma_f32_gflops", lambda rate: rate * 100), False, "roof.fma_f32_gflops"),
    ("another network's weights", put("weights", "sha256", OTHER_HASH), False, "weights.sha256"),
    ("another network", as_vgg16, True, "flops"),
    ("another storage", put("storage", "bf16"), False, "results[0]"),
    ("class", put("class", lambda name: "open" if name == "closed" else "closed"), False, "class"),
    ("repetitions", put("results", 0, "repetitions", lambda count: count + 100), False, "results[0].repetitions"),
    ("samples cut", shorter_samples, True, "results[0].samples_ms"),
    ("samples left out", without_samples, False, "results[0].samples_ms"),
    ("a layer dropped", without_a_layer, True, "results[0].layers"),
    ("an error above its limit", put("results", 0, "error_l2", 0.5), False, "results[0].wrong"),
    ("wrong, but timed", put("results", 0, "wrong", True), False, "results[0].wrong"),
    ("a kernel", put("kernels", "conv_blocked.cl", "0" * 64), False, "kernels.conv_blocked.cl"),
    ("batch", twice_the_batch, True, "results[0].layers[0].flops"),
    ("batch and work", twice_the_work, True, "results[0]"),
    ("flops", put("flops", lambda flops: 2 * flops), True, "flops"),
    ("fewer operations executed", fewer_executed, True, "results[0].layers["),
    ("bytes", put("results", 0, "layers", 0, "bytes", lambda count: count // 2), True, "results[0].layers[0].bytes"),
    ("min-time", put("options", "min_time_s", 1000), False, "results[0].samples_ms"),
    ("a member more", put("results", 0, "verified", True), False, "results[0].verified"),
    ("driver", put("device", "driver_version", "99.9"), False, NOTHING),
    ("processor", put("system", "cpu", "another"), False, NOTHING),
)


def check(clvgg, path):
    """Exit code, members that are refused, and what can't be shown."""
    done = subprocess.run([clvgg, "check-result", "--json", path], stdout=subprocess.PIPE, text=True)
    one = json.loads(done.stdout)["files"][0]
    return done.returncode, [finding["member"] for finding in one["refused"]], one


def main():
    clvgg, genuine, scratch = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    failures = tried = shown = 0

    def expect(right, *words):
        nonlocal failures
        if not right:
            failures += 1
            print(*words, file=sys.stderr)
    code, members, one = check(clvgg, genuine)
    expect(code == 0 and not members, "the genuine result is refused:", one["refused"])
    original = json.loads(genuine.read_text())
    for name, edit, settled, refused in EDITS:
        document, path = copy.deepcopy(original), scratch / f"{name}.json"
        try:
            edit(document)
        except KeyError:  # this file has no such member
            continue
        tried += 1
        if settled:
            settle(document)
        write(path, document, original["digest"])
        code, members, one = check(clvgg, path)
        expect(code == 1 and "digest" in members, f"{name}: the digest should refuse it, and not {members}")
        write(path, document)
        code, members, one = check(clvgg, path)
        if refused is NOTHING:
            expect(code == 0 and any("driver" in line for line in one["unknown"]), f"{name}: shown by {one['refused']}")
        else:
            shown += 1
            expect(code == 1 and any(member.startswith(refused) for member in members), f"{name}: {refused} isn't refused, but {one['refused']}")
    write(scratch / "same.json", original)
    code, members, one = check(clvgg, scratch / "same.json")
    expect(code == 0, "the genuine result, written anew:", one["refused"])
    expect(tried >= 20 and shown >= 10, f"only {tried} edits, {shown} of them shown")
    print(f"{tried} edits: all refused by the digest, {shown} by arithmetic; {failures} failures")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())

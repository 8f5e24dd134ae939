"""What the scripts here share: the machine's description, OpenCL implementations, processes, tables.

Only the standard library: the scripts run on any Python, peers on the one that setup-peers.sh made.
Keep it small in memory too, because a child's peak counts from its parent's.
"""
import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEER_PACKAGES = ("ncnn", "onnxruntime", "openvino", "torch", "numpy")


def parser(doc, out=None):
    """The options that scripts have which run clvgg; `out` is where what they store goes."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--clvgg", default=str(ROOT / "build/clvgg"), metavar="PROGRAM")
    if out is not None:
        made.add_argument("--out", default=str(ROOT / "build" / out), metavar="FILE", help="JSON; default %(default)s")
    return made


def add_peers(made):
    made.add_argument("--peers", default="/tmp/peers", metavar="DIR", help="what setup-peers.sh made; default %(default)s")


def add_devices(made):
    made.add_argument("--devices", nargs="+", choices=("pocl", "intel"), default=["pocl", "intel"],
                      help="OpenCL implementations; default both")


def say(text):
    print(text, file=sys.stderr, flush=True)


def implementations(names):
    """Variables that make each named OpenCL implementation the only one, as tests/run-vendors.sh does."""
    found = {}
    for name in names:
        if name == "pocl":
            icd = Path("/etc/OpenCL/vendors/pocl.icd")
            found[name] = {"OCL_ICD_VENDORS": str(icd)} if icd.exists() else {}
            continue
        done = subprocess.run([ROOT / "tests/intel-runtime.sh", ROOT / "build/intel-runtime"],
                              stdout=subprocess.PIPE, text=True)
        if done.returncode == 0:
            found[name] = dict(pair.split("=", 1) for pair in done.stdout.split())
        else:
            say("intel: its OpenCL runtime can't be installed; rows left out")
    return found


def output(command, variables=None, notes=None):
    """Standard output of a command that must succeed; `notes` is where its standard error goes."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=notes, text=True,
                          env={**os.environ, **(variables or {})})
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit status {done.returncode}")
    return done.stdout


def knows_option(clvgg, verb, option):
    return re.search(rf"{option}\b", output([clvgg, verb, "--help"])) is not None


def storages(clvgg, verb, wanted):
    """Those of f32, bf16, f16 that the program offers; f32 needs no option."""
    if knows_option(clvgg, verb, "--storage"):
        return list(wanted)
    left_out = [name for name in wanted if name != "f32"]
    if left_out:
        say(f"clvgg {verb} has no --storage: no rows for {', '.join(left_out)}")
    return [name for name in wanted if name == "f32"]


def storage_options(name):
    return [] if name == "f32" else ["--storage", name]


def timed(command, variables=None, until=None):
    """Runs a command: seconds until its output holds `until` (or until it ends), seconds to its end, peak
    resident bytes; and what it printed."""
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                               env={**os.environ, **(variables or {})})
    printed, first = b"", None
    while piece := os.read(process.stdout.fileno(), 1 << 16):
        printed += piece
        if first is None and until is not None and until.encode() in printed:
            first = time.perf_counter() - start
    _, status, usage = os.wait4(process.pid, 0)
    end = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit status {process.returncode}")
    if until is not None and first is None:
        raise SystemExit(f"{' '.join(map(str, command))}: no '{until}' in its output")
    return {"first_s": end if first is None else first, "end_s": end, "peak_bytes": usage.ru_maxrss * 1024}, \
        printed.decode()


def caches():
    """ "L2 2048K x 2" and so on, from the kernel."""
    seen = {}
    for index in sorted(Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cache/index*")):
        read = lambda name: (index / name).read_text().strip()
        kind = {"Data": "d", "Instruction": "i", "Unified": ""}[read("type")]
        seen.setdefault((f"L{read('level')}{kind}", read("size")), set()).add(read("shared_cpu_list"))
    return ", ".join(f"{name} {size} x {len(shared)}" for (name, size), shared in sorted(seen.items()))


def cpu():
    text = Path("/proc/cpuinfo").read_text()
    field = lambda name: (re.search(rf"^{name}\s*: (.*)$", text, re.M) or [None, "unknown"])[1]
    flags = field("flags").split()
    wide = [name for name in ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16") if name in flags]
    return f"{field('model name')} (family {field('cpu family')}, model {field('model')}; {' '.join(wide)})"


def peer_versions(peers):
    python = Path(peers) / "venv/bin/python"
    if not python.exists():
        return {}
    code = ("import importlib.metadata as m, sys\n"
            "for name in sys.argv[1:]:\n"
            "    try: print(name, m.version(name))\n"
            "    except m.PackageNotFoundError: pass")
    return dict(line.split(" ", 1) for line in output([python, "-c", code, *PEER_PACKAGES]).splitlines())


def commit():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip()


def machine(clvgg, peers=None, variables=None):
    """Where and when, and which version of everything; `variables` are those of implementations()."""
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    described = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "cpu": cpu(), "cores": len(os.sched_getaffinity(0)), "caches": caches(),
        "memory_mib": int(memory[1]) // 1024,
        "system": f"{platform.freedesktop_os_release().get('PRETTY_NAME', '')}, Linux {platform.release()}",
        "clvgg": f"{output([clvgg, '--version']).strip()}, commit {commit()}",
        "opencl": {}, "peers": peer_versions(peers) if peers else {},
    }
    for name, values in (variables or {}).items():
        device = json.loads(output([clvgg, "devices", "--json"], values, subprocess.DEVNULL))["devices"][0]
        described["opencl"][name] = f"{device['platform']} {device['driver_version']}: {device['name']}"
    return described


def machine_lines(described):
    """The same for a page in Markdown."""
    peers = ", ".join(f"{name} {version}" for name, version in described["peers"].items())
    lines = [f"{described['cpu']}, {described['cores']} cores, {described['caches']},",
             f"{described['memory_mib'] / 1024:.0f} GiB, {described['system']};"]
    lines += [f"{name}: {value};" for name, value in described["opencl"].items()]
    if peers:
        lines.append(f"{peers};")
    lines.append(f"{described['clvgg']}; {described['date']}, load average "
                 f"{' '.join(map(str, described['load_average']))} at the start.")
    return lines


def write(path, text):
    """Writes a file whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    os.replace(temporary, path)


def store(path, value):
    write(path, json.dumps(value, indent=1) + "\n")


def load(path):
    return json.loads(Path(path).read_text())


def table(head, rows):
    """Markdown; the first column is text, the others are numbers unless the head ends in a blank."""
    marks = ["---" if i == 0 or name.endswith(" ") else "---:" for i, name in enumerate(head)]
    lines = ["| " + " | ".join(name.strip() for name in head) + " |", "|" + "|".join(marks) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)

#!/usr/bin/env python3
"""The driver on a real uio device: a Debian guest in QEMU with a PCI part in front of `heatbath serve`.

    guest.py [--heatbath FILE] [--work FOLDER] [--log FILE] [--quick]

Builds the kernel module heatbath_uio.c for Debian's cloud kernel, puts it, the command, its libraries and busybox
into an initramfs, starts a server for each part below, pci_device.py and QEMU, and runs the part's jobs in the guest,
on uio:/dev/uio0. What is said on the guest's console goes to FILE. --quick runs single claims instead of the suite of
conformance. Exit status: 0 all jobs did what they must, 1 one did not, 77 a Debian package is missing, which is
named."""

import argparse
import contextlib
import gzip
import hashlib
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BOOT_SECONDS = 1800  # before a guest that says nothing any more is ended; a run takes a few minutes
RUN = "heatbath run /chain.toml --quiet --seed 7 --out /tmp/run.npz --device uio:/dev/uio0"
DIGEST = "unzip -p /tmp/run.npz states.npy | sha256sum"
INFO = "heatbath info --device uio:/dev/uio0"
CONFORMANCE = "heatbath conformance --device uio:/dev/uio0"
TRAINING = ("heatbath train ergodicity --quiet --problem parity --updates 3 --effort 0.05 --out /tmp/training "
            "--device uio:/dev/uio0")
# Served device: jobs in the guest. The list of couplers of the torus fills no whole page.
PARTS = {
    "func:cells=64&lanes=64": [INFO, RUN, DIGEST, CONFORMANCE],
    "func:cell=pbit&cells=64&lanes=64": [TRAINING],
    "func:cell=pbit&topology=torus:8x8": [INFO, CONFORMANCE],
}
QUICK = {
    "func:cells=64&lanes=64": [RUN, DIGEST, CONFORMANCE + " --only interrupts"],
    "func:cell=pbit&topology=torus:8x8": [INFO, CONFORMANCE + " --only determinism"],
}


def skip(package, what):
    print(f"skipped: {what} is missing; Debian's package is {package}")
    sys.exit(77)


def run(*command, **options):
    subprocess.run([str(word) for word in command], check=True, **options)


def kernel(work):
    """(version, image, uio.ko) of the newest cloud kernel whose headers are installed; its package is unpacked only."""
    headers = sorted(pathlib.Path("/lib/modules").glob("*-cloud-amd64/build"), key=lambda path: [int(n) for n in re.findall(r"\d+", path.parent.name)])
    if not headers:
        skip("linux-headers-cloud-amd64", "what builds a kernel module")
    version = headers[-1].parent.name
    root = work / "kernel" / version
    if not (root / "boot").exists():
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        if subprocess.run(["apt-get", "-qq", "download", f"linux-image-{version}"], cwd=root).returncode:
            skip(f"linux-image-{version}", "the guest's kernel, which apt-get cannot download,")
        run("dpkg", "-x", next(root.glob("*.deb")), root)
    return version, root / f"boot/vmlinuz-{version}", root / f"lib/modules/{version}/kernel/drivers/uio/uio.ko"


def build_module(work, version):
    """heatbath_uio.ko; the register map's headers are those of the firmware, with the kernel's integers."""
    folder = work / "module"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(HERE / "heatbath_uio.c", folder)
    (folder / "stdint.h").write_text("#include <linux/types.h>\n#define UINT64_C(number) number##ULL\n")
    (folder / "stdbool.h").write_text("#include <linux/types.h>\n")
    (folder / "Kbuild").write_text(
        f"obj-m := heatbath_uio.o\nccflags-y := -I$(src) -I{ROOT / 'firmware_api/include'}\n")
    run("make", "-s", "-C", f"/lib/modules/{version}/build", f"M={folder}", "modules")
    return folder / "heatbath_uio.ko"


def libraries(program):
    lines = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return re.findall(r"(?:=> |^\s*)(/\S+) \(", lines, re.MULTILINE)


def initramfs(work, heatbath, modules):
    """The guest's root as a compressed cpio archive, without its jobs."""
    root = work / "root"
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("bin", "dev", "proc", "sys", "tmp"):
        (root / folder).mkdir(parents=True)
    shutil.copy(HERE / "init", root / "init")
    (root / "init").chmod(0o755)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    shutil.copy(ROOT / "examples/coupled_chain.toml", root / "chain.toml")
    run("strip", "-o", root / "bin/heatbath", heatbath)
    for module in modules:
        shutil.copy(module, root)
    for library in libraries(heatbath):
        target = root / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    return root


def pack(root, archive):
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    data = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], input=names.encode(), cwd=root, check=True,
                          capture_output=True).stdout
    archive.write_bytes(gzip.compress(data, 1))


def wait_for(path, process):
    while not path.exists():
        if process.poll() is not None:
            raise SystemExit(f"guest: {process.args[0]} ended with status {process.returncode}")
        time.sleep(0.05)


def boot(work, heatbath, kernel_image, root, device, jobs):
    """What the guest said on its console."""
    (root / "jobs").write_text("".join(job + "\n" for job in jobs))
    pack(root, work / "initramfs")
    server_at, qtest_at = work / "server", work / "qtest"
    with contextlib.ExitStack() as stack:
        def start(command, **options):
            process = subprocess.Popen([str(word) for word in command], **options)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            return process

        console = stack.enter_context(open(work / "console", "wb", buffering=0))
        for path in (server_at, qtest_at):
            path.unlink(missing_ok=True)
        server = start([heatbath, "serve", "--quiet", "--device", device, "--listen", f"unix:{server_at}",
                        "--session-seconds", "0", "--idle-seconds", "0"], stdout=subprocess.DEVNULL)
        wait_for(server_at, server)
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(qtest_at))
        listener.listen()
        pci, others = socket.socketpair()
        part = start([sys.executable, "-B", HERE / "pci_device.py", others.fileno(), listener.fileno(), server_at],
                     pass_fds=(others.fileno(), listener.fileno()))
        others.close()
        # Memory that x-pci-proxy-dev can share: it tells the part where it lies, though the part does no DMA.
        machine = start(["qemu-system-x86_64", "-machine", "pc,accel=tcg,memory-backend=ram", "-cpu", "max",
                         "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
                         "-object", "memory-backend-memfd,id=ram,size=1G,share=on", "-m", "1G",
                         "-device", f"x-pci-proxy-dev,id=heatbath,fd={pci.fileno()}",
                         "-qtest", f"unix:{qtest_at}", "-qtest-log", "none",
                         "-kernel", kernel_image, "-initrd", work / "initramfs",
                         "-append", "console=ttyS0 quiet panic=-1"],
                        pass_fds=(pci.fileno(),), stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT)
        pci.close()
        try:
            machine.wait(timeout=BOOT_SECONDS)
        except subprocess.TimeoutExpired:
            machine.kill()
        if part.wait() != 0:
            console.write(b"guest: pci_device.py ended with an error\n")
    said = (work / "console").read_text(errors="replace").replace("\r", "")
    return re.sub(r"\x1b\[K|^.*\d+ %.*\n", "", said, flags=re.MULTILINE)  # without bars of progress


def digest_here(work, heatbath, device):
    """What DIGEST says of RUN on the same device in process."""
    states = work / "run.npz"
    run(heatbath, "run", ROOT / "examples/coupled_chain.toml", "--quiet", "--seed", "7", "--out", states,
        "--device", device, stdout=subprocess.DEVNULL)
    with zipfile.ZipFile(states) as archive:
        return hashlib.sha256(archive.read("states.npy")).hexdigest()


def judge(said, jobs, digest):
    """What is wrong with what a guest said; nothing, where all its jobs did what they must. digest: what DIGEST must
    say, or None where it is no job."""
    if digest and digest not in said:
        yield f"the states are not those of the same device in process, {digest}"
    for job in jobs:
        if f"guest: {job}\n" not in said:
            yield f"'{job}' did not run"
    for status in re.findall(r"guest: status (\d+)", said):
        if status != "0":
            yield f"a job ended with status {status}"
    events = re.search(r"guest: events (\d+)", said)
    if not events or events[1] == "0":
        yield "no interrupt came"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--heatbath", type=pathlib.Path, default=ROOT / "build/release/apps/heatbath")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/uio_guest")
    parser.add_argument("--log", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended
    needed = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static", "cpio": "cpio"}
    for program, package in needed.items():
        if not shutil.which(program):
            skip(package, program)
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    options.heatbath = options.heatbath.resolve()
    version, image, uio = kernel(work)
    root = initramfs(work, options.heatbath, [uio, build_module(work, version)])
    told = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True)
    emulator = told.stdout.splitlines()[0]
    log, wrong = [f"{emulator}; Linux {version}"], []
    print(log[0], flush=True)
    for device, jobs in (QUICK if options.quick else PARTS).items():
        said = boot(work, options.heatbath, image, root, device, jobs)
        log += [f"== {device}", said.strip()]
        print(*log[-2:], sep="\n", flush=True)
        digest = digest_here(work, options.heatbath, device) if DIGEST in jobs else None
        wrong += [f"{device}: {what}" for what in judge(said, jobs, digest)]
    log += wrong or ["all jobs did what they must"]
    print(*(wrong or log[-1:]), sep="\n")
    if options.log:
        options.log.write_text("\n".join(log) + "\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

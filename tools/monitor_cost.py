#!/usr/bin/env python3
"""What `heatbath monitor` costs a run, and whether its memory stays as it is.

monitor_cost.py HEATBATH [SECONDS]   prints the processor time that a unit of device time takes with two viewers over that with none, by turns, and resident memory

Jobs as fast as the device makes them (--fps 0); a viewer reads the stream of frames and throws it away. The figures in
docs/monitor.md are those of this script.
"""
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.request


class Viewer(threading.Thread):
    def __init__(self, url):
        super().__init__(daemon=True)
        self.stream = urllib.request.urlopen(url + "frames")
        self.frames = 0
        self.ending = False

    def run(self):
        for line in self.stream:
            self.frames += line.startswith(b"data:")
            if self.ending:
                return

    def end(self):
        self.ending = True
        self.join()
        self.stream.close()


def look(url):
    return json.load(urllib.request.urlopen(url + "frame"))


def kilobytes(process):
    return int(next(line.split()[1] for line in open(f"/proc/{process}/status") if line.startswith("VmRSS")))


def processor_seconds(process):
    words = open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def cost(url, process, seconds):
    """Processor seconds of all its threads in a unit of device time, so that what else runs here does not count."""
    first, start = look(url)["time"], processor_seconds(process)
    time.sleep(seconds)
    end = look(url)["time"]
    return (processor_seconds(process) - start) / (end - first)


def measure(command, device, seconds):
    process = subprocess.Popen([command, "monitor", "--listen", "127.0.0.1:0", "--fps", "0", "--device", device], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    url = process.stdout.readline().strip()
    time.sleep(1)
    at_start = kilobytes(process.pid)
    ratios, frames = [], []
    for _ in range(7):
        alone = cost(url, process.pid, seconds)
        viewers = [Viewer(url), Viewer(url)]
        for viewer in viewers:
            viewer.start()
        start = time.monotonic()
        seen = cost(url, process.pid, seconds)
        frames.append(viewers[0].frames / (time.monotonic() - start))
        for viewer in viewers:
            viewer.end()
        ratios.append(seen / alone)
    print(f"{device}: with two viewers {statistics.median(ratios):.3f} times the processor time without ({min(ratios):.3f} to {max(ratios):.3f}), "
          f"{statistics.median(frames):.0f} frames/s each, memory {at_start / 1024:.1f} MiB at the start, {kilobytes(process.pid) / 1024:.1f} MiB at the end")
    process.terminate()
    process.wait()


if __name__ == "__main__":
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 3
    for device in ("func:threads=1", "func:topology=grid:36x36&cell=pbit&stepper=two-colour&threads=1", "func:profile=silicon&threads=1"):
        measure(sys.argv[1], device, seconds)

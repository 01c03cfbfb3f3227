#!/usr/bin/env python3
"""What `heatbath monitor` costs a run, and whether its memory stays as it is.

monitor_cost.py HEATBATH [SECONDS]   prints the processor time that a unit of device time takes with two viewers over that with none, by turns
                                     (medians of seven), what serving a frame costs, what drawing one costs the page, and resident memory

The page's part is the processor time of its main thread in Chromium, which Playwright (PyPI) drives; without it that is left out. All
are processor times, so what else the computer does does not count. Jobs as fast as the device makes them (--fps 0); a viewer reads the stream of frames and throws it away. The figures in
docs/monitor.md are those of this script.
"""
import json
import os
import shutil
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
    """Of each thread, by the scheduler's own count in nanoseconds; they all live as long as the process."""
    return {thread: int(open(f"/proc/{process}/task/{thread}/schedstat").read().split()[0]) / 1e9 for thread in os.listdir(f"/proc/{process}/task")}


def cost(url, process, seconds):
    """Processor seconds of each thread in a unit of device time, so that what else runs here does not count; and that time."""
    first, start = look(url)["time"], processor_seconds(process)
    time.sleep(seconds)
    last, end = look(url)["time"], processor_seconds(process)
    return {thread: (end[thread] - start.get(thread, 0)) / (last - first) for thread in end}, last - first


def measure(command, device, seconds):
    process = subprocess.Popen([command, "monitor", "--listen", "127.0.0.1:0", "--fps", "0", "--device", device], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    url = process.stdout.readline().strip()
    time.sleep(1)
    at_start = kilobytes(process.pid)
    ratios, shares, frames, per_frame = [], [], [], []
    for _ in range(7):
        alone, _ = cost(url, process.pid, seconds)
        viewers = [Viewer(url), Viewer(url)]
        for viewer in viewers:
            viewer.start()
        before, start = viewers[0].frames, time.monotonic()
        seen, passed = cost(url, process.pid, seconds)
        sent = max(1, viewers[0].frames - before)
        frames.append(sent / (time.monotonic() - start))
        for viewer in viewers:
            viewer.end()
        total = sum(alone.values())
        # Threads that serve pages do next to nothing without viewers; the loop and the certificates are the others.
        serving = sum(seen[thread] for thread in seen if alone.get(thread, 0) < 0.01 * total)
        ratios.append(sum(seen.values()) / total)
        shares.append(serving / total)
        per_frame.append(1e3 * serving * passed / (2 * sent))
    print(f"{device}: with two viewers {statistics.median(ratios):.3f} times the processor time without ({min(ratios):.3f} to {max(ratios):.3f}); "
          f"threads that serve them {100 * statistics.median(shares):.2f} % of the run, {statistics.median(per_frame):.3f} ms for a frame of one viewer, "
          f"{statistics.median(frames):.0f} frames/s each; memory {at_start / 1024:.1f} MiB at the start, {kilobytes(process.pid) / 1024:.1f} MiB at the end")
    process.terminate()
    process.wait()


def page_cost(command, device, seconds):
    """Processor time of the page's main thread for a frame that it draws: all of it, its pictures and words."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("page: left out, there is no playwright")
        return
    process = subprocess.Popen([command, "monitor", "--listen", "127.0.0.1:0", "--device", device], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    url = process.stdout.readline().strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_context(bypass_csp=True, viewport={"width": 1280, "height": 1500}).new_page()
        page.goto(url)
        page.wait_for_function("frame && frame.number > 5")
        page.evaluate("window.count = 0; { const draws = drawMap; drawMap = () => { ++window.count; draws(); }; }")
        tools = page.context.new_cdp_session(page)
        tools.send("Performance.enable", {"timeDomain": "threadTicks"})

        def now():
            metrics = {one["name"]: one["value"] for one in tools.send("Performance.getMetrics")["metrics"]}
            return metrics["TaskDuration"], page.evaluate("window.count")
        costs = []
        for _ in range(7):
            before, first = now()
            page.wait_for_timeout(1e3 * seconds)
            after, last = now()
            costs.append((1e3 * (after - before) / max(1, last - first), (last - first) / seconds))
        browser.close()
    process.terminate()
    process.wait()
    print(f"{device}: {statistics.median(cost for cost, _ in costs):.2f} ms of the page's main thread for a frame "
          f"({min(cost for cost, _ in costs):.2f} to {max(cost for cost, _ in costs):.2f}), {statistics.median(rate for _, rate in costs):.0f} drawn a second")


if __name__ == "__main__":
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 3
    for device in ("func:threads=1", "func:topology=grid:36x36&cell=pbit&stepper=two-colour&threads=1", "func:profile=silicon&threads=1"):
        measure(sys.argv[1], device, seconds)
    page_cost(sys.argv[1], "func:topology=grid:36x36&cell=pbit&stepper=two-colour&threads=1", seconds)

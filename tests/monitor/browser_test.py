"""browser_test.py HEATBATH [PICTURES]: the page of `heatbath monitor` in a real browser.

Needs Chromium (Debian: chromium) and, from PyPI, playwright and axe-playwright-python; without them it says which is
missing and exits with 77 (skipped). With a folder PICTURES it leaves screenshots there.

- It paints within 0.5 s, logs no error, and axe finds no fault of accessibility, light and dark, wide and at phone width.
- A cell's variance follows its law when the knob of the temperature is turned, within 5 standard errors.
- Pause, step and the keyboard do what they say; the exports are what they claim.
- A graph is shown as one, its couplings with their weights; interrupts are counted.
- Looking on at a training: its session, its losses, and the digits as it draws them.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

try:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright
except ImportError as missing:
    print(f"skipped: {missing}; pip install playwright axe-playwright-python")
    sys.exit(77)
chromium = shutil.which("chromium")
if chromium is None:
    print("skipped: there is no chromium")
    sys.exit(77)

command = sys.argv[1]
pictures = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
failures = []


def claim(good, what):
    print(("ok    " if good else "WRONG ") + what)
    if not good:
        failures.append(what)


class Monitor:
    def __init__(self, *words):
        self.process = subprocess.Popen([command, "monitor", "--listen", "127.0.0.1:0", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        claim(self.process.wait(10) == 0, "it ends with 0 when it is asked to")


def linear_cells(folder):
    path = pathlib.Path(folder, "linear.toml")
    path.write_text("[network]\ncells = 16\nj2 = 0.5\nj4 = 0.0\nkT = 1.0\ndt = 0.02\n[[schedule]]\nop = \"sample\"\n")
    return str(path)


def page_of(browser, url, errors, **context):
    # What the test itself evaluates in the page is not what the page's policy is for.
    page = browser.new_context(bypass_csp=True, **context).new_page()
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    page.wait_for_function("document.getElementById('state').textContent === 'running' && Number(document.getElementById('time').value) > 0")
    return page


def check_policy(browser, folder):
    """The page as it comes, its policy of contents in force."""
    errors = []
    with Monitor("--program", linear_cells(folder), "--device", "func:cells=16") as monitor:
        page = browser.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(monitor.url)
        time.sleep(2)
        claim(page.inner_text("#state") == "running", "it runs under its own policy of contents")
        # The least of three loads: the first one waits for a browser that is still starting.
        paints = []
        for _ in range(3):
            page.goto(monitor.url)
            page.wait_for_selector("#lamp.on")
            paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        paint = min(paints)
        claim(paint < 500, f"first paint after {paint:.0f} ms")
        claim(not errors, f"no errors in the console {errors}")
        page.close()


def check_page(browser, folder):
    errors = []
    with Monitor("--program", linear_cells(folder), "--device", "func:cells=16") as monitor:
        page = page_of(browser, monitor.url, errors, viewport={"width": 1280, "height": 900}, accept_downloads=True)
        for temperature in (1.0, 2.5):
            page.fill("#kT", str(temperature))
            page.press("#kT", "Enter")
            page.wait_for_function("Math.abs(frame.knobs.kT - %g) < 1e-6" % temperature)
            # Records lie 0.1 of a relaxation time apart, so 20 of them make one independent sample.
            page.wait_for_function("frame.histogram.samples > 60000", timeout=60000)
            found, exact = page.evaluate("[frame.histogram.variance, frame.histogram.law.variance]")
            bound = 5 * exact * (2 / (60000 / 20)) ** 0.5 + 0.02 * exact
            claim(abs(exact - temperature) < 1e-3 * temperature, f"the law's variance at kT {temperature} is {exact:.4f}")
            claim(abs(found - temperature) < bound, f"variance at kT {temperature}: {found:.3f} within {bound:.3f}")
        page.click("#run")
        page.wait_for_function("frame.running === 0")
        stood = page.evaluate("frame.time")
        time.sleep(0.5)
        claim(page.evaluate("frame.time") == stood, "time stands while it is paused")
        page.click("h1")
        page.keyboard.press(".")
        page.wait_for_function(f"frame.time > {stood}")
        claim(True, "a full stop takes one step")
        page.keyboard.press(" ")
        page.wait_for_function("frame.running === 1")
        page.focus("#map")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.wait_for_function("frame.histogram.cell === 5 && frame.knobs.cells.join() === '5'")
        claim(True, "arrow keys and Enter choose cell 5 of 4 x 4")
        page.fill("#kT", "-1")
        page.press("#kT", "Enter")
        page.evaluate("fetch('/knobs', {method: 'POST', headers: {'X-Heatbath': '1'}, body: '{\"kT\": -1}'}).then((r) => r.status)")
        page.fill("#kT", "2.5")
        for button, ending, kind in (("#png", ".png", b"\x89PNG"), ("#svg", ".svg", b"<svg"), ("#csv", ".csv", b"time,cell_5\n"),
                                     ("text=States as CSV", ".csv", b"cell,state\n"), ("text=Program that repeats it", ".toml", b"# What a monitor")):
            with page.expect_download() as download:
                page.click(button)
            content = pathlib.Path(download.value.path()).read_bytes()
            claim(content.startswith(kind) and download.value.suggested_filename.endswith(ending), f"export {download.value.suggested_filename} of {len(content)} bytes")
        page.click("#read")
        page.wait_for_selector("#registers tbody tr")
        claim(page.locator("#registers tbody tr").count() > 80, "every register is listed")
        page.fill("#find", "status")
        claim("0x108" in page.inner_text("#registers"), "and found by name")
        known = [error for error in errors if "400" in error]
        claim(len(known) <= 2, "a wrong knob is refused once for each try")
        errors = [error for error in errors if error not in known]
        claim(not errors, f"no errors in the console {errors}")


def petersen(folder):
    """A graph that is no grid: an outer ring, an inner star, spokes."""
    pairs = [pair for k in range(5) for pair in ((k, (k + 1) % 5), (5 + k, 5 + (k + 2) % 5), (k, k + 5))]
    path = pathlib.Path(folder, "petersen.mtx")
    path.write_text("%%MatrixMarket matrix coordinate real symmetric\n10 10 15\n" +
                    "".join(f"{max(pair) + 1} {min(pair) + 1} {0.1 * (k % 3 - 1.5):.2f}\n" for k, pair in enumerate(pairs)))
    return str(path)


def check_graph(browser, folder):
    errors = []
    with Monitor("--device", f"func:topology={petersen(folder)}&cell=pbit") as monitor:
        page = page_of(browser, monitor.url, errors, viewport={"width": 1280, "height": 1500})
        claim(page.evaluate("about.layout.kind") == "graph" and len(page.evaluate("about.layout.places")) == 10, "a graph of 10 cells has places")
        claim(page.input_value("#couplings-form") == "graph", "its couplings are a graph")
        def ink():
            return page.evaluate("""[...document.getElementById('couplings').getContext('2d').getImageData(0, 0, 9999, 9999).data].reduce((n, v, k) => n + (k % 4 == 3 && v > 0), 0)""".replace(
                "9999, 9999", "document.getElementById('couplings').width, document.getElementById('couplings').height"))
        drawn = ink()
        page.select_option("#couplings-form", "matrix")
        claim(drawn > 1000 and page.evaluate("document.getElementById('couplings').width") == 10, "or a matrix of 10 x 10")
        page.wait_for_function("frame.interrupts.counts[0] > 10")
        page.wait_for_function("document.getElementById('interrupts').textContent.includes('job done')")
        claim(True, "interrupts are counted: " + page.inner_text("#interrupts").replace("\n", " "))
        page.focus("#map")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.wait_for_function("frame.knobs.cells.length === 1")
        claim(True, "arrow keys find a neighbour in the graph")
        if pictures:
            page.screenshot(path=str(pictures / "monitor-graph.png"))
        page.context.close()
    claim(not errors, f"no errors in the console {errors}")


def check_training(browser, folder):
    errors, socket, out = [], folder + "/chip", pathlib.Path(folder, "digits")
    out.mkdir()
    server = subprocess.Popen([command, "serve", "--viewers", "2", "--device", "func:", "--listen", "unix:" + socket], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not pathlib.Path(socket).exists() and time.monotonic() < end:
        time.sleep(0.05)
    device = f"unix:{socket}?link_timeout_ms=300000"
    with Monitor("--watch", "--device", device, "--folder", str(out)) as monitor:
        page = browser.new_context(bypass_csp=True, viewport={"width": 1280, "height": 1500}).new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(monitor.url)
        page.wait_for_function("document.getElementById('state').textContent === 'nobody has the device'", timeout=60000)
        training = subprocess.Popen([command, "train", "generate", "--recipe", "schedule", "--labels", "--segments", "4", "--hidden", "128", "--shots", "60",
                                     "--checkpoint-every", "1", "--device", device, "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        page.wait_for_function("document.getElementById('state').textContent === 'session 1: at work'", timeout=120000)
        claim(True, "a session at work is shown as that")
        page.wait_for_function("frame.layout && frame.layout.kind === 'image' && frame.map.length >= 784", timeout=120000)
        claim(True, "its cells are an image")
        claim(training.wait(600) == 0, "the training ends")
        page.wait_for_function("[...document.querySelectorAll('#drawings img')].some((i) => i.alt.includes('samples.png') && i.naturalWidth > 100)", timeout=60000)
        asked = json.loads((out / "report.json").read_text())["asked_fraction"]
        claim(asked >= 0.9, f"digits appear as it draws them: {100 * asked:.0f} % are of the class asked for")
        page.wait_for_function("document.getElementById('log').textContent.includes('picture samples.png')", timeout=60000)
        page.wait_for_function("document.getElementById('state').textContent === 'nobody has the device'", timeout=60000)
        claim("session: 1 began" in page.inner_text("#log"), "the log has sessions and pictures")
        if pictures:
            page.screenshot(path=str(pictures / "monitor-training.png"))
        page.context.close()
    server.terminate()
    server.wait(60)
    claim(not errors, f"no errors in the console {errors}")


def check_looks(browser, folder):
    errors = []
    with Monitor("--device", "func:topology=grid:36x36&cell=pbit&stepper=two-colour") as monitor:
        for name, context in {"wide": {"viewport": {"width": 1280, "height": 1500}},
                              "wide-dark": {"viewport": {"width": 1280, "height": 1500}, "color_scheme": "dark"},
                              "phone": {"viewport": {"width": 375, "height": 812}, "is_mobile": True, "has_touch": True}}.items():
            page = page_of(browser, monitor.url, errors, **context)
            page.wait_for_function("frame.certificate.kT", timeout=60000)
            time.sleep(1)
            claim(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{name}: nothing sticks out sideways")
            found = Axe().run(page)
            claim(found.violations_count == 0, f"{name}: axe finds {found.violations_count} faults" + "".join(
                f"\n      {fault['id']}: {fault['help']} {fault['nodes'][0]['html'][:100]}" for fault in found.response["violations"]))
            if pictures:
                page.screenshot(path=str(pictures / f"monitor-{name}.png"), full_page=name == "phone")
            if name == "wide":
                time.sleep(2)
                rate = float(page.input_value("#fps") if page.locator("#fps").evaluate("e => e.tagName") == "INPUT" else page.inner_text("#fps"))
                print(f"      {rate:.0f} frames a second drawn of 1,296 cells")
            page.context.close()
    claim(not errors, f"no errors in the console {errors}")


with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    check_policy(browser, folder)
    check_page(browser, folder)
    check_graph(browser, folder)
    check_training(browser, folder)
    check_looks(browser, folder)
    browser.close()
sys.exit(1 if failures else 0)

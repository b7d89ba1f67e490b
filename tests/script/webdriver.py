"""A headless Chromium by its driver (the W3C's WebDriver over HTTP), with what comes with Python alone.

    with Browser(width, height) as browser: browser.open(url); browser.run("return document.title")

The driver chooses its own port on 127.0.0.1; it and its browser end with the block.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.request

NAMES = {"browser": ("chromium", "chromium-browser", "google-chrome"), "driver": ("chromedriver",)}
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def find(what):
    return next((path for path in map(shutil.which, NAMES[what]) if path), None)


class Browser:
    def __init__(self, width=1280, height=900, scale=1, dark=False):
        self.profile = tempfile.mkdtemp()
        self.driver = subprocess.Popen([find("driver"), "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                       env=dict(os.environ, HOME=self.profile, TMPDIR=self.profile))
        self.session = None
        try:
            self.address = self.wait_for_port()
            arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--user-data-dir=" + self.profile,
                         "--window-size=%d,%d" % (width, height), "--force-device-scale-factor=%g" % scale, "--hide-scrollbars"]
            wanted = {"browserName": "chrome", "goog:chromeOptions": {"binary": find("browser"), "args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}}
            self.session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
            self.emulate(width, height, scale, dark)
        except BaseException:
            self.end()
            raise

    def wait_for_port(self):
        for line in self.driver.stdout:
            port = re.search(r"started successfully on port (\d+)", line)
            if port: return "http://127.0.0.1:" + port.group(1)
        raise RuntimeError("the driver ended: %d" % self.driver.wait())

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer: return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def here(self, method, path, body=None):
        return self.ask(method, "/session/" + self.session + path, body)

    def command(self, name, **parameters):
        return self.here("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def emulate(self, width, height, scale, dark):
        """Of a screen of that many pixels, zoomed by `scale`."""
        self.command("Emulation.setDeviceMetricsOverride", width=int(width / scale), height=int(height / scale), deviceScaleFactor=scale, mobile=False)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url): self.here("POST", "/url", {"url": url})

    def run(self, script, *arguments): return self.here("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def settle(self):
        """After the next drawing."""
        self.here("POST", "/execute/async", {"script": "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(1)))", "args": []})

    def element(self, selector): return self.here("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.here("POST", "/element/" + self.element(selector) + "/click", {})
        self.settle()

    def text(self, selector): return self.here("GET", "/element/" + self.element(selector) + "/text")

    def press(self, keys):
        strokes = [stroke for key in keys for stroke in ({"type": "keyDown", "value": key}, {"type": "keyUp", "value": key})]
        self.here("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": strokes}]})
        self.settle()

    def point(self, selector, x, y, to=None):
        """A click at that place of the element, from its upper left corner; a drag, if `to` is another."""
        left, top = self.run("arguments[0].scrollIntoView({block: 'center'}); const box = arguments[0].getBoundingClientRect(); return [box.left, box.top]", {ELEMENT: self.element(selector)})
        move = lambda a, b: {"type": "pointerMove", "duration": 0, "x": int(left + a), "y": int(top + b)}
        strokes = [move(x, y), {"type": "pointerDown", "button": 0}] + ([move((x + to[0]) / 2, to[1]), move(*to)] if to else []) + [{"type": "pointerUp", "button": 0}]
        self.here("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": strokes}]})
        self.settle()

    def complaints(self):
        """What the console says since it was asked last: errors, refused loads, warnings."""
        return [entry["message"] for entry in self.here("POST", "/se/log", {"type": "browser"}) if entry["level"] in ("SEVERE", "WARNING")]

    def end(self):
        if self.session:
            try: self.here("DELETE", "")
            except (RuntimeError, OSError): pass
        self.driver.terminate()
        try: self.driver.wait(10)
        except subprocess.TimeoutExpired:
            self.driver.kill()
            self.driver.wait()
        self.driver.stdout.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self): return self

    def __exit__(self, *_): self.end()


def opened(page, **screen):
    """A browser that shows a file, for a with block."""
    browser = Browser(**screen)
    try:
        browser.open("file://" + os.path.abspath(page))
        browser.settle()
    except BaseException:
        browser.end()
        raise
    return browser


def quiet(browser):
    said = browser.complaints()
    assert not said, said


def looks(browser, width=1280, height=900):
    """The page in both themes at 100 and 200 %, each (dark, scale) in its turn; it fits its window and keeps to the theme."""
    for dark, scale in ((False, 1), (False, 2), (True, 2), (True, 1)):
        browser.emulate(width, height, scale, dark)
        browser.settle()
        browser.settle()  # a page may draw anew on its own turn
        wide = browser.run("return [document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], ("it is wider than its window", scale, wide)
        back = [int(part) for part in re.findall(r"\d+", browser.run("return getComputedStyle(document.body).backgroundColor"))[:3]]
        assert (sum(back) < 150) == dark, back
        yield dark, scale

"""The pictures of README.md: the demo's homelab in the middle of a bad night, as Chromium shows it.

make screenshots        writes docs/images/*.png; needs /usr/bin/chromium
"""

import contextlib
import hashlib
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from bench.rig import repositories
from failover_api.edges.app import create_app
from failover_api.sandbox import Sandbox
from failover_api.settings import Settings

IMAGES = Path(__file__).parent / "images"
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SIZE = {"width": 1200, "height": 860}
PHONE = {"width": 390, "height": 844}
TOKEN = "of-this-run-alone"  # noqa: S105 - opens nothing but the service below
LATER_S = 4 * 60  # how long ago everything happened
ACCESS = """\
tokens:
  - {{name: ops-laptop, sha256: {digest}, allow: [view, plan, execute], services: ["*"]}}
"""
NIGHT = ("sonarr/promote", "plex/promote", "home-assistant/promote", "photoprism/promote")


def main() -> int:
    if not CHROMIUM.exists():
        print(f"{CHROMIUM} is needed: apt-get install chromium", file=sys.stderr)
        return 2
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, serving(Path(scratch)) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        take(signed_in(browser, url, color_scheme="light", viewport=SIZE), "/", "board-light")
        take(signed_in(browser, url, color_scheme="dark", viewport=SIZE), "/", "board-dark")
        take(signed_in(browser, url, color_scheme="light", viewport=SIZE), "/services/jellyfin/promote", "move")
        take(signed_in(browser, url, color_scheme="dark", viewport=PHONE), "/services/jellyfin/promote", "phone")
        browser.close()
    return 0


@contextlib.contextmanager
def serving(scratch: Path) -> Iterator[str]:
    """The service on a sandbox with the sample homelab, of which some has moved; gives its URL."""
    access, digest = scratch / "access.yaml", hashlib.sha256(TOKEN.encode()).hexdigest()
    access.write_text(ACCESS.format(digest=digest), encoding="utf-8")
    sandbox = Sandbox.create(scratch / "homelab.git", files=repositories.sample())
    with sandbox.serve() as github:
        values = {"config": repositories.SAMPLE_CATALOG, "access": access, "github_url": github}
        settings = Settings.model_validate({**values, "github_token": sandbox.token})
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(settings), log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for move in NIGHT:
            said = {"reason": "k3s-w1 is down"}
            headers = {"authorization": f"Bearer {TOKEN}"}
            httpx2.post(f"{url}/api/failover/{move}", json=said, headers=headers).raise_for_status()
        yield url
        server.should_exit = True
        thread.join()
        listener.close()
    sandbox.close()


def signed_in(browser: Browser, url: str, **look: Any) -> Page:
    """A page of somebody who signed in by the form, some minutes after everything happened."""
    page = browser.new_context(base_url=url, **look).new_page()
    page.clock.set_fixed_time(time.time() + LATER_S)
    page.goto("/signin")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.locator("#headline").wait_for()
    return page


def take(page: Page, path: str, name: str) -> None:
    page.goto(path)
    page.wait_for_load_state("networkidle")
    file = IMAGES / f"{name}.png"
    page.screenshot(path=file)
    page.context.close()
    print(f"docs/images/{file.name}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    sys.exit(main())

"""The pictures of README.md: the demo's homelab in the middle of a bad night, as Chromium shows it.

make screenshots        writes docs/images/*.png; needs /usr/bin/chromium

k3s-w1 has died. The pages of moves are taken before anything is moved, the board once all of it is evacuated.
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

from failover_api.edges.app import create_app
from failover_api.edges.demo.world import World, small_world

IMAGES = Path(__file__).parent / "images"
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SIZE = {"width": 1200, "height": 860}
WHOLE = {"width": 1200, "height": 1240}
PHONE = {"width": 390, "height": 844}
TOKEN = "of-this-run-alone"  # noqa: S105 - opens nothing but the service below
LATER_S = 4 * 60  # how long ago everything happened
ACCESS = """\
tokens:
  - {{name: ops-laptop, sha256: {digest}, allow: [view, plan, execute], services: ["*"]}}
"""
NODE, MOVE = "k3s-w1", "/services/jellyfin/promote"
SEEN_S = 3.0  # until the watch has the news
SERVING_S = 60.0  # how long the apps may take to come up


def main() -> int:
    if not CHROMIUM.exists():
        print(f"{CHROMIUM} is needed: apt-get install chromium", file=sys.stderr)
        return 2
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        small_world(Path(scratch)) as world,
        serving(world) as url,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        world.act(NODE, "kill")
        world.skip_until_noticed(NODE)
        time.sleep(SEEN_S)
        take(signed_in(browser, url, color_scheme="light", viewport=SIZE), MOVE, "move")
        take(signed_in(browser, url, color_scheme="dark", viewport=PHONE), MOVE, "phone")
        take(signed_in(browser, url, color_scheme="light", viewport=SIZE), f"/nodes/{NODE}/evacuate", "evacuate")
        evacuate(url)
        take(signed_in(browser, url, color_scheme="light", viewport=WHOLE), "/", "board-light")
        take(signed_in(browser, url, color_scheme="dark", viewport=WHOLE), "/", "board-dark")
        browser.close()
    return 0


@contextlib.contextmanager
def serving(world: World) -> Iterator[str]:
    """The service, which lets in whoever has the token; gives its URL."""
    access, digest = world.home / "access.yaml", hashlib.sha256(TOKEN.encode()).hexdigest()
    access.write_text(ACCESS.format(digest=digest), encoding="utf-8")
    settings = world.settings().model_copy(update={"access": access})
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


def evacuate(url: str) -> None:
    """Moves what was on the dead node, and waits for what comes up."""
    headers = {"authorization": f"Bearer {TOKEN}"}
    said = {"reason": "k3s-w1 is down"}
    httpx2.post(f"{url}/api/nodes/{NODE}/evacuate", json=said, headers=headers, timeout=60).raise_for_status()
    end = time.monotonic() + SERVING_S
    while time.monotonic() < end:
        services = httpx2.get(f"{url}/api/failover", headers=headers, timeout=60).json()["services"]
        stages = [service["cluster"]["stage"] for service in services if service["cluster"]]
        if not {"waiting-for-apply", "rolling-out"} & set(stages):
            return
        time.sleep(1)


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

"""A person's walk through the board, in a real browser, on a desktop and on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORD = "correct horse battery"
WAIT_SECONDS = 30
BUTTON = "//main//button[normalize-space()='{}']"


class Walker:
    """Somebody in front of a screen: goes to pages, fills in forms, reads."""

    def __init__(self, browser: Chrome, address: str, pictures: Path, screen: str) -> None:
        self.browser = browser
        self.address = address
        self.pictures = pictures
        self.screen = screen

    def go(self, path: str) -> None:
        """Open a page by its address."""
        self.browser.get(self.address + path)

    def path(self) -> str:
        """Return the address of the page that is shown, without the server's."""
        return self.browser.current_url.removeprefix(self.address)

    def find(self, selector: str) -> WebElement:
        """Return the element of a CSS selector, or of an XPath that begins with ``/``."""
        return self.browser.find_element("xpath" if selector.startswith("/") else "css selector", selector)

    def text(self) -> str:
        """Return what is to be read on the page."""
        return self.find("body").text

    def click(self, words: str) -> None:
        """Follow the link, or press the button, with these words, and wait for the next page."""
        self.leave_by(self.find(f"//*[self::a or self::button][normalize-space()='{words}']"))

    def fill_in(self, **fields: str) -> None:
        """Write into fields of the page's form."""
        for name, value in fields.items():
            element = self.find(f"main [name='{name}']")
            element.clear()
            element.send_keys(value)

    def send(self, button: str, **fields: str) -> None:
        """Fill in the page's form, send it, and wait for the answer."""
        self.fill_in(**fields)
        self.leave_by(self.find(BUTTON.format(button)))

    def leave_by(self, element: WebElement) -> None:
        """Click on *element*, and wait until another page is there: a click does not wait for a form's answer."""
        from selenium.common.exceptions import WebDriverException
        from selenium.webdriver.support.wait import WebDriverWait

        is_new_page = "return !window.wasLeft && document.readyState === 'complete'"
        self.browser.execute_script("window.wasLeft = true")
        element.click()
        # Between two pages there is none that could run the script.
        wait = WebDriverWait(self.browser, WAIT_SECONDS, 0.05, ignored_exceptions=[WebDriverException])
        wait.until(lambda browser: browser.execute_script(is_new_page))

    def look(self, name: str) -> None:
        """Take a picture of the whole page, and see that it fits the screen and has no faults."""
        width, visible, height = self.browser.execute_script(
            "const page = document.documentElement;return [page.scrollWidth, page.clientWidth, page.scrollHeight]"
        )
        picture = self.browser.execute_cdp_cmd(
            "Page.captureScreenshot",
            {
                "captureBeyondViewport": True,
                "clip": {"x": 0, "y": 0, "width": visible, "height": height, "scale": 1},
            },
        )
        save_picture(self.pictures / f"board-{self.screen}-{name}.png", picture["data"])
        assert width <= visible, f"{name} is {width} pixels wide on a screen of {visible}"
        assert find_elements_outside(self.browser) == []


def save_picture(path: Path, data: str) -> None:
    """Write a picture in base64 to *path*."""
    import base64

    path.write_bytes(base64.b64decode(data))


def find_elements_outside(browser: Chrome) -> list[str]:
    """Return the tags of what sticks out of the screen at its left or right."""
    found: list[str] = browser.execute_script(
        """
        const width = document.documentElement.clientWidth;
        return [...document.querySelectorAll("body *:not(.hidden)")]
            .filter(element => {
                const box = element.getBoundingClientRect();
                return box.width > 0 && (box.left < -0.5 || box.right > width + 0.5);
            })
            .map(element => element.outerHTML.slice(0, 80));
        """
    )
    return found


@pytest.fixture(params=[pytest.param((1280, 800), id="desktop"), pytest.param((390, 844), id="phone")])
def walker(request: pytest.FixtureRequest, chromium: Chrome, board_address: str, screenshots: Path) -> Iterator[Walker]:
    """Somebody without cookies, in front of a screen of each size."""
    width, height = request.param
    is_phone = width < 600
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.get_log("browser")  # forgets what earlier tests left
    yield Walker(chromium, board_address, screenshots, "phone" if is_phone else "desktop")
    faults = [entry["message"] for entry in chromium.get_log("browser") if "status of 4" not in entry["message"]]
    chromium.get("about:blank")
    assert faults == []


def test_walk_from_sign_up_to_log_out(walker):
    walker.go("/")
    assert "Welcome to the board" in walker.text()
    walker.look("1-guest")

    walker.click("Sign up")
    walker.look("2-sign-up")
    walker.send("Sign up", name="maria", password=PASSWORD)
    assert "Welcome, maria! You are logged in." in walker.text()
    walker.click("Log out")
    assert "You are logged out." in walker.text()

    walker.click("New message")
    assert walker.path() == "/log-in?next=/messages/new"
    assert "Please log in first." in walker.text()
    walker.send("Log in", name="maria", password="wrong password")
    assert "Name and password do not match." in walker.text()
    walker.look("3-wrong-password")
    walker.send("Log in", password=PASSWORD)
    assert walker.path() == "/messages/new"

    walker.look("4-new-message")
    walker.send("Post", title="Piano lessons & more", body="On Mondays.\n\nFor beginners <of any age>.")
    assert "Your message is on the board." in walker.text()
    assert walker.find("h1").text == "Piano lessons & more"
    assert walker.find(".body").text == "On Mondays.\n\nFor beginners <of any age>."
    walker.look("5-message")

    walker.click("← All messages")
    assert walker.find("main article h2").text == "Piano lessons & more"
    walker.look("6-user")
    walker.find("#search").send_keys("glove")
    walker.click("Search")
    assert [element.text for element in walker.browser.find_elements("css selector", "h2")] == ["Found: one grey glove"]
    walker.look("7-search")
    walker.click("Found: one grey glove")
    assert "It misses its sibling." in walker.text()

    walker.click("Log out")
    assert "You are logged out." in walker.text()
    assert "maria" not in walker.find("header").text


def test_refused_forms_say_why_beside_the_field(walker):
    walker.go("/sign-up")
    walker.browser.execute_script("document.querySelector('main form').noValidate = true")
    walker.send("Sign up", name="a b", password="short")
    for name in ("name", "password"):
        field = walker.find(f"main [name='{name}']")
        described = field.get_attribute("aria-describedby").split()
        assert f"{name}-error" in described
        assert walker.find(f"#{name}-error").is_displayed()
    walker.look("8-refused-sign-up")


def test_browser_itself_asks_for_what_is_missing(walker):
    walker.go("/sign-up")
    walker.fill_in(name="maria", password="short")
    walker.find(BUTTON.format("Sign up")).click()
    assert walker.find("main input:invalid").get_attribute("name") == "password"
    assert walker.path() == "/sign-up"


def test_error_page_leads_back(walker):
    walker.go("/nothing/here")
    assert "404" in walker.text()
    walker.look("9-not-found")
    walker.click("To the messages")
    assert walker.path() == "/"


def test_long_words_and_many_messages_fit(walker):
    walker.go("/sign-up")
    walker.send("Sign up", name="a" * 30, password=PASSWORD)
    for number in range(8):
        walker.go("/messages/new")
        walker.send("Post", title=f"{number}" + "w" * 119, body="m" * 300)
    walker.look("10-long-message")
    walker.go("/")
    walker.look("11-long-words")
    walker.click("Older →")
    assert "Welcome to the board" in walker.text()
    walker.look("12-older")
    walker.click("← Newest")
    assert walker.path() == "/"


def test_keyboard_reaches_the_content_past_the_header(walker):
    from selenium.webdriver import ActionChains, Keys

    walker.go("/")
    ActionChains(walker.browser).send_keys(Keys.TAB).perform()
    focused = walker.browser.switch_to.active_element
    assert focused.text == "Skip to the content"
    walker.look("13-skip-link")
    focused.send_keys(Keys.ENTER)
    ActionChains(walker.browser).send_keys(Keys.TAB).perform()
    assert walker.browser.switch_to.active_element.text == "New message"
    walker.look("14-focus")


def test_dark_screens_get_a_dark_page(walker):
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    walker.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    try:
        walker.go("/")
        walker.look("15-dark")
        walker.go("/log-in")
        walker.look("16-dark-form")
        colour = walker.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert max(int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")) < 60
    finally:
        walker.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})

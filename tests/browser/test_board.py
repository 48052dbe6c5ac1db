"""A person's walk through the board, in a real browser, on a desktop and on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.examples.board.picture_files import make_png

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

    def sign_up(self, name: str = "maria") -> None:
        """Make an account, and be logged in."""
        self.go("/sign-up")
        self.send("Sign up", name=name, password=PASSWORD)

    def shown_pictures(self) -> list[tuple[str, int, int]]:
        """Return what the message's pictures are said to show, and their true sizes: 0 if one did not load."""
        script = """
            const pictures = [...document.querySelectorAll("main .picture")];
            pictures.forEach(picture => picture.loading = "eager");
            return Promise.all(pictures.map(picture => picture.decode().catch(() => 0).then(
                () => [picture.alt, picture.naturalWidth, picture.naturalHeight])));
        """
        return [tuple(picture) for picture in self.browser.execute_script(script)]

    def brightness(self) -> int:
        """Return the brightest of the three colours of the page's background, 0 to 255."""
        colour: str = self.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        return max(int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(","))

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


def find_faint_texts(browser: Chrome) -> list[str]:
    """Return the texts with a contrast below 4.5 (WCAG 2.2, 1.4.3) to the nearest background behind them."""
    found: list[str] = browser.execute_script(
        """
        const parts = colour => colour.match(/[\\d.]+/g).map(Number);
        const light = colour => {
            const [red, green, blue] = parts(colour).map(value => value / 255)
                .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
            return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        };
        const behind = element => {
            while (element) {
                const colour = getComputedStyle(element).backgroundColor;
                if ((parts(colour)[3] ?? 1) > 0.99) return colour;
                element = element.parentElement;
            }
            return "rgb(255, 255, 255)";
        };
        return [...document.querySelectorAll("body *")]
            .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
            .map(element => {
                const levels = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
                return [(levels[0] + 0.05) / (levels[1] + 0.05), element.outerHTML.slice(0, 80)];
            })
            .filter(([contrast]) => contrast < 4.5)
            .map(([contrast, tag]) => contrast.toFixed(2) + " " + tag);
        """
    )
    return found


SCREENS = {"desktop": (1280, 800), "phone": (390, 844)}


@pytest.fixture(params=list(SCREENS))
def walker(request: pytest.FixtureRequest, chromium: Chrome, board_address: str, screenshots: Path) -> Iterator[Walker]:
    """Somebody without cookies, in front of a screen of each size."""
    set_screen(chromium, *SCREENS[request.param])
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.get_log("browser")  # forgets what earlier tests left
    yield Walker(chromium, board_address, screenshots, request.param)
    faults = [entry["message"] for entry in chromium.get_log("browser") if "status of 4" not in entry["message"]]
    chromium.get("about:blank")
    assert faults == []


def set_screen(browser: Chrome, width: int, height: int) -> None:
    """Give the browser a screen of this size; small ones are a phone's."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A picture on the visitor's own disk."""
    path = tmp_path / "holiday.png"
    path.write_bytes(make_png(640, 360))
    return path


def join(walker: Walker) -> None:
    """Sign up, log out, be asked to log in, mistype the password, log in."""
    walker.go("/")
    assert "Welcome to the board" in walker.text()
    walker.look("01-guest")

    walker.click("Sign up")
    walker.look("02-sign-up")
    walker.send("Sign up", name="maria", password=PASSWORD)
    assert "Welcome, maria! You are logged in." in walker.text()
    walker.click("Log out")
    assert "You are logged out." in walker.text()

    walker.click("New message")
    assert walker.path() == "/log-in?next=/messages/new"
    assert "Please log in first." in walker.text()
    walker.send("Log in", name="maria", password="wrong password")
    assert "Name and password do not match." in walker.text()
    walker.look("03-wrong-password")
    walker.send("Log in", password=PASSWORD)
    assert walker.path() == "/messages/new"


def test_walk_from_sign_up_to_log_out(walker, picture):
    join(walker)
    walker.look("04-new-message")
    walker.find("#picture").send_keys(str(picture))
    walker.fill_in(picture_alt="A green field")
    walker.send("Post", title="Piano lessons & more", body="On Mondays.\n\nFor beginners <of any age>.")
    assert "Your message is on the board." in walker.text()
    assert walker.find("h1").text == "Piano lessons & more"
    assert walker.find(".body").text == "On Mondays.\n\nFor beginners <of any age>."
    assert walker.shown_pictures() == [("A green field", 640, 360)]
    walker.look("05-message")

    walker.send("Reply", body="Also on Tuesdays.")
    assert "#message-" in walker.path()
    assert walker.find(".reply .body").text == "Also on Tuesdays."
    walker.look("06-reply")

    walker.go(walker.path().partition("#")[0])
    walker.find("//main/article//a[starts-with(normalize-space(), 'Edit')]").click()
    walker.look("07-edit")
    walker.send("Save", title="Piano lessons", body="On Mondays and Tuesdays.")
    assert "Your changes are saved." in walker.text()
    assert walker.find("h1").text == "Piano lessons"
    assert "edited just now" in walker.text()
    assert walker.shown_pictures() == [("A green field", 640, 360)]
    find_and_delete(walker)
    walker.click("Log out")
    assert "You are logged out." in walker.text()
    assert "maria" not in walker.find("header").text


def find_and_delete(walker: Walker) -> None:
    """Search the board, look at one's own profile, and delete the message that was posted."""
    walker.click("← All messages")
    assert walker.find("main article h2").text == "Piano lessons"
    assert "1 reply" in walker.text()
    walker.look("08-user")
    walker.find("#search").send_keys("glove")
    walker.click("Search")
    assert [element.text for element in walker.browser.find_elements("css selector", "h2")] == ["Found: one grey glove"]
    walker.look("09-search")
    walker.click("Found: one grey glove")
    assert "It misses its sibling." in walker.text()

    walker.go("/users/maria")
    assert "2 messages" in walker.text()
    walker.look("10-profile")
    walker.click("Piano lessons")
    walker.leave_by(walker.find("//main/article//a[starts-with(normalize-space(), 'Delete')]"))
    assert "its 1 reply goes with it" in walker.text()
    walker.look("11-delete")
    walker.send("Delete")
    assert "The message is deleted." in walker.text()
    assert "Piano lessons" not in walker.text()


def test_second_editor_sees_both_texts(walker):
    walker.sign_up()
    walker.go("/messages/new")
    walker.send("Post", title="Two windows", body="Old text")
    path = walker.path()
    walker.go(f"{path}/edit")
    first = walker.browser.current_window_handle
    walker.browser.switch_to.new_window("tab")
    try:
        walker.go(f"{path}/edit")
        walker.send("Save", body="Written in the second window")
    finally:
        walker.browser.close()
        walker.browser.switch_to.window(first)
    walker.send("Save", body="Written in the first window")
    assert "Somebody else has changed this message" in walker.text()
    assert walker.find(".conflict .body").text == "Written in the second window"
    assert walker.find("#body").get_attribute("value") == "Written in the first window"
    walker.look("12-conflict")
    walker.send("Save")
    assert "Written in the first window" in walker.text()


def test_upload_that_is_no_picture_is_told_beside_its_field(walker, tmp_path):
    (tmp_path / "page.png").write_text("<script>alert(1)</script>")
    walker.sign_up()
    walker.go("/messages/new")
    walker.find("#picture").send_keys(str(tmp_path / "page.png"))
    walker.send("Post", title="Title", body="My long text")
    assert "is not a picture" in walker.find("#picture-error").text
    assert walker.find("#body").get_attribute("value") == "My long text"
    walker.look("13-no-picture")


def test_upload_that_is_too_large_gets_a_page_that_names_the_limit(walker, tmp_path):
    (tmp_path / "large.png").write_bytes(make_png() + bytes(5 * 1024 * 1024))
    walker.sign_up()
    walker.go("/messages/new")
    walker.find("#picture").send_keys(str(tmp_path / "large.png"))
    walker.send("Post", title="Title", body="My long text")
    assert "413" in walker.text()
    assert "at most 3 MiB" in walker.text()
    walker.look("14-too-large")
    walker.browser.back()
    assert walker.find("#body").get_attribute("value") == "My long text"


def test_reader_chooses_dark_without_a_script(walker):
    walker.go("/appearance")
    walker.find("label[for='theme-dark']").click()
    walker.send("Save")
    walker.look("15-appearance")
    walker.go("/messages/3")
    assert walker.brightness() < 60
    walker.look("16-chosen-dark")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(walker, scheme):
    features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    walker.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
    try:
        walker.sign_up()
        pages = ["/", "/messages/3", "/messages/new", "/account", "/appearance", "/users/ada", "/nothing", "/?q=zzz"]
        for path in pages:
            walker.go(path)
            assert find_faint_texts(walker.browser) == []
        walker.browser.execute_script("document.querySelector('main').innerHTML += '<p class=error>Wrong</p>'")
        assert find_faint_texts(walker.browser) == []
    finally:
        walker.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("width", [320, 360])
def test_nothing_sticks_out_of_the_smallest_phones(walker, width):
    if walker.screen != "phone":
        pytest.skip("phones only")
    set_screen(walker.browser, width, 640)
    walker.sign_up("m" * 30)
    walker.go("/messages/new")
    walker.send("Post", title="w" * 120, body="m" * 300)
    own = walker.path()
    walker.send("Reply", body="https://example.org/" + "x" * 200)
    paths = ["/", own, f"{own}/edit", f"{own}/delete", "/messages/3", "/account", "/appearance", f"/users/{'m' * 30}"]
    for number, path in enumerate([*paths, "/?q=" + "z" * 100, "/nothing"]):
        walker.go(path)
        walker.look(f"small-{width}-{number}")


def test_refused_forms_say_why_beside_the_field(walker):
    walker.go("/sign-up")
    walker.browser.execute_script("document.querySelector('main form').noValidate = true")
    walker.send("Sign up", name="a b", password="short")
    for name in ("name", "password"):
        field = walker.find(f"main [name='{name}']")
        described = field.get_attribute("aria-describedby").split()
        assert f"{name}-error" in described
        assert walker.find(f"#{name}-error").is_displayed()
    walker.look("17-refused-sign-up")


def test_browser_itself_asks_for_what_is_missing(walker):
    walker.go("/sign-up")
    walker.fill_in(name="maria", password="short")
    walker.find(BUTTON.format("Sign up")).click()
    assert walker.find("main input:invalid").get_attribute("name") == "password"
    assert walker.path() == "/sign-up"


def test_error_page_leads_back(walker):
    walker.go("/nothing/here")
    assert "404" in walker.text()
    walker.look("18-not-found")
    walker.click("To the messages")
    assert walker.path() == "/"


def test_long_words_and_many_messages_fit(walker):
    walker.go("/sign-up")
    walker.send("Sign up", name="a" * 30, password=PASSWORD)
    for number in range(8):
        walker.go("/messages/new")
        walker.send("Post", title=f"{number}" + "w" * 119, body="m" * 300)
    walker.look("19-long-message")
    walker.go("/")
    walker.look("20-long-words")
    walker.click("Older →")
    assert "Welcome to the board" in walker.text()
    walker.look("21-older")
    walker.click("← Newest")
    assert walker.path() == "/"


def test_keyboard_reaches_the_content_past_the_header(walker):
    from selenium.webdriver import ActionChains, Keys

    walker.go("/")
    ActionChains(walker.browser).send_keys(Keys.TAB).perform()
    focused = walker.browser.switch_to.active_element
    assert focused.text == "Skip to the content"
    walker.look("22-skip-link")
    focused.send_keys(Keys.ENTER)
    ActionChains(walker.browser).send_keys(Keys.TAB).perform()
    assert walker.browser.switch_to.active_element.text == "New message"
    walker.look("23-focus")


def test_dark_screens_get_a_dark_page(walker):
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    walker.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    try:
        walker.go("/")
        walker.look("24-dark")
        walker.go("/log-in")
        walker.look("25-dark-form")
        assert walker.brightness() < 60
    finally:
        walker.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})

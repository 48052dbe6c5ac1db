"""What people type, made clean and checked. Texts that come back are shown beside the field they are about."""

from __future__ import annotations

import re

from hipflask import Blueprint, current_app, request

from .pictures.formats import Picture, PictureError, read_picture
from .posts import Draft
from .store.messages import LARGEST_ID

blueprint = Blueprint("forms", __name__)

NAME_PATTERN = re.compile(r"[A-Za-z0-9_-]{3,30}")
SHORTEST_PASSWORD = 8  # characters
LONGEST_PASSWORD = 200  # keeps the cost of hashing bounded
LONGEST_TITLE = 120
LONGEST_BODY = 4000
LONGEST_ALT = 300
LONGEST_SEARCH = 100
# Control characters but tab and line feed, and the halves of pairs that only JSON can bring in.
FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
MISSING = {"title": "Please write a title.", "body": "Please write a message."}


def read_draft(*, is_reply: bool) -> tuple[Draft, dict[str, str]]:
    """Return the message in the form that was sent, and what is wrong with it, by field."""
    form = request.form
    title = "" if is_reply else form.get("title", "")
    draft = clean_draft(title, form.get("body", ""), form.get("picture_alt", ""))
    errors = find_draft_errors(draft, is_reply=is_reply)
    picture = None
    try:
        picture = read_upload("picture")
    except PictureError as error:
        errors["picture"] = str(error)
    if errors and picture is not None:
        errors["picture"] = "Please choose the picture once more: browsers forget it when a form comes back."
    without_picture = "without_picture" in form
    return Draft(draft.title, draft.body, draft.picture_alt, picture, without_picture), errors


def clean_draft(title: str, body: str, picture_alt: str = "") -> Draft:
    """Return the texts without needless white space; line ends become `\\n` (browsers send `\\r\\n`)."""
    body = body.replace("\r\n", "\n").replace("\r", "\n").strip()
    return Draft(clean_line(title), body, clean_line(picture_alt))


def clean_line(text: str) -> str:
    """Return *text* as one line with single spaces."""
    return re.sub(r"[ \t\r\n]+", " ", text).strip()


def find_draft_errors(draft: Draft, *, is_reply: bool) -> dict[str, str]:
    """Return what is wrong with the texts of a message, by field."""
    texts = {
        "title": (draft.title, LONGEST_TITLE),
        "body": (draft.body, LONGEST_BODY),
        "picture_alt": (draft.picture_alt, LONGEST_ALT),
    }
    if is_reply:
        del texts["title"]
    found = {field: find_text_error(field, text, longest) for field, (text, longest) in texts.items()}
    return {field: error for field, error in found.items() if error}


def find_text_error(field: str, text: str, longest: int) -> str:
    """Return what is wrong with one text, or nothing."""
    if not text:
        return MISSING.get(field, "")
    if len(text) > longest:
        return f"At most {longest} characters, please; these are {len(text)}."
    if FORBIDDEN.search(text):
        return "There is a character in this text that cannot be shown."
    return ""


def read_upload(field: str) -> Picture | None:
    """Return the picture that was chosen in a form's field, or `None` if the field was left empty.

    Raises:
        PictureError: It is no picture, or larger than the board allows.
    """
    upload = request.files.get(field)
    if upload is None or not upload.filename:
        return None
    largest = current_app.config["LARGEST_PICTURE"]
    data = upload.stream.read(largest + 1)
    if len(data) > largest:
        raise PictureError(f"A picture can have at most {format_size(largest)}. Please choose a smaller one.")
    return read_picture(data)


def find_sign_up_errors(name: str, password: str) -> dict[str, str]:
    """Return what is wrong with a new name and a new password, by field."""
    errors = {}
    if not NAME_PATTERN.fullmatch(name):
        errors["name"] = "A name has 3 to 30 characters: letters from a to z, digits, _ and -."
    if error := find_password_error(password):
        errors["password"] = error
    return errors


def find_password_error(password: str) -> str:
    """Return what is wrong with a new password, or nothing."""
    if len(password) < SHORTEST_PASSWORD:
        return f"A password has at least {SHORTEST_PASSWORD} characters."
    if len(password) > LONGEST_PASSWORD:
        return f"A password has at most {LONGEST_PASSWORD} characters."
    return ""


def clean_search(text: str) -> str:
    """Return what to search for, without characters that no message has."""
    return FORBIDDEN.sub(" ", text).strip()[:LONGEST_SEARCH]


def parse_number(text: str) -> int | None:
    """Return the positive number that *text* is, or `None`; larger than an id can be is none either."""
    if not re.fullmatch(r"[0-9]{1,19}", text):
        return None
    number = int(text)
    return number if 0 < number <= LARGEST_ID else None


def is_own_path(target: str) -> bool:
    """Tell whether *target* is a path on this site, and nothing that leads a browser to another one.

    Browsers read `//example.org` and `/\\example.org` as other sites, and leave out tabs and line ends.
    """
    return bool(re.fullmatch(r"/(?![/\\])[^\\\x00-\x20\x7f]*", target))


@blueprint.app_template_global()
def describe(name: str, error: str = "", hint: str = "") -> dict[str, str]:
    """Return the attributes that tie a field to its hint and its error, so that screen readers read them out."""
    ids = [f"{name}-hint"] * bool(hint) + [f"{name}-error"] * bool(error)
    attributes = {"aria-describedby": " ".join(ids)} if ids else {}
    return attributes | ({"aria-invalid": "true"} if error else {})


@blueprint.app_template_filter("size")
def format_size(size: int) -> str:
    """Return a number of bytes in mebibytes, without needless digits: `3 MiB` with a space that does not break."""
    return f"{size / 1024 / 1024:.2f}".rstrip("0").rstrip(".") + "\N{NO-BREAK SPACE}MiB"

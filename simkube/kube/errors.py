"""What is wrong with something the user gave: said once, in one line, with the place and the way out."""

import difflib
from collections.abc import Iterable

KeyPath = tuple[str | int, ...]

_DIGITS = "0123456789"
_LISTED = 5


class BadValue(ValueError):
    """A value that is not what it should be: what is wrong, and what to write instead ("" if unknown)."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(f"{message}; {fix}" if fix else message)
        self.message = message
        self.fix = fix


class InputError(Exception):
    """One thing wrong with what the user gave.

    `file` as the user named it, `line` counted from 1 (0: the whole file), `key` a path such as
    `spec.template.spec.containers[0].image`; `str()` is one line that holds all of them.
    """

    def __init__(self, message: str, *, file: str = "", line: int = 0, key: str = "", fix: str = "") -> None:
        self.message = message
        self.file = file
        self.line = line
        self.key = key
        self.fix = fix
        place = f"{file}:{line}" if file and line else file
        text = ": ".join(one_line(part) for part in (place, key, message) if part)
        super().__init__(f"{text}; {one_line(fix)}" if fix else text)


def key_text(path: KeyPath) -> str:
    """`spec.containers[0].resources.requests.cpu`, `metadata.labels["app.kubernetes.io/name"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part and part.replace("_", "").replace("-", "").isalnum():
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text


def nearest(key: str, known: Iterable[str]) -> str:
    """`did you mean X?` for the known name that `key` resembles most, "" if it resembles none."""
    by_letters: dict[str, str] = {}
    for name in known:
        by_letters.setdefault(_letters(name), name)
    close = difflib.get_close_matches(_letters(key), by_letters, n=1, cutoff=0.7)
    return f"did you mean {by_letters[close[0]]}?" if close else ""


def among(name: str, known: Iterable[str], what: str = "") -> str:
    """The way out for a name that is not known: the one that it resembles; else (also where names differ only in their
    numbers, so that any would do) the first few there are. `what` names such things in the singular."""
    names = tuple(known)
    stem = name.rstrip(_DIGITS)
    hint = "" if any(other.rstrip(_DIGITS) == stem for other in names) else nearest(name, names)
    listed = ", ".join(names[:_LISTED]) + (" ..." if len(names) > _LISTED else "")
    return hint or (f"there are {listed}" if names else f"there is no {what or 'such thing'} at all")


def shown(value: object, limit: int = 60) -> str:
    """A value as an error quotes it: text in double quotes, long ones cut, collections by what they are."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) > 10**limit:
        return "a huge number"
    text = str(value)
    if len(text) > limit:
        text = text[:limit] + "..."
    return f'"{one_line(text)}"' if isinstance(value, str) else text


def _letters(name: str) -> str:
    return "".join(c for c in name if c.isalnum()).lower()


def one_line(text: str) -> str:
    """The text without line breaks and other control characters, which would tear a one-line message apart."""
    return "".join(c if c.isprintable() else " " for c in text)

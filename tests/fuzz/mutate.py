"""Ways to damage a text: its bytes, or the values in it. All chance comes from the generator that is given."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import yaml

Damage = Callable[[Random, str], bytes]

SNIPPETS = (
    "{", "}", "[", "]", ": ", "- ", "*a", "&a ", "<<: *a", "!!int ", "!!binary ", "!!python/object:os.system ",
    "|", ">", "'", '"', "\t", "\r", "\0", "#", "%YAML 9.9\n", "---\n", "...\n", "{{ .Values.x }}", "\u2028",
    "\ufeff", "\ud83d\ude00", "~", "null", "-1", "1e999", "0x", "9" * 400, "99999999999999999999", "a" * 5000,
    "\\ud800", "\x1b[31m",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 0.5, -0.0, 10**7, 2**31, 2**63, 10**30, 1e308, "", " ", "x", "a" * 3000,
    "é✓\u202e", "\ud800", "1e9", "10Gi", "-5", "5d", "100%", "101%", "true", "*", "a/../b", "/dev/zero",
    "{{ x }}", [], {}, [[]], {"": ""}, [None], {"a": {"b": [1]}}, "2026-01-02T03:04:05Z", "\n", "a/b/c",
    "v1.37.2", ".", "-", "web", "worker-1",
)  # fmt: skip


NEAR = (
    "0s",
    "1s",
    "10m",
    "0",
    "1",
    "50%",
    "100%",
    "1m",
    "1Mi",
    "10Gi",
    "v1.28.0",
    "v1.37.2",
    "Never",
    "Always",
    "a",
    "b",
    "worker-2",
)


def flip(random: Random, text: str) -> bytes:
    """Other bytes in a few places."""
    data = bytearray(text.encode())
    for _ in range(random.randint(1, 4)):
        data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data)


def cut(random: Random, text: str) -> bytes:
    """The end is missing, or a piece of the middle."""
    data = text.encode()
    start = random.randrange(len(data))
    return data[:start] if random.random() < 0.5 else data[:start] + data[start + random.randint(1, 200) :]


def insert(random: Random, text: str) -> bytes:
    """Something that YAML or a terminal takes to mean something."""
    start = random.randrange(len(text) + 1)
    return (text[:start] + random.choice(SNIPPETS) + text[start:]).encode("utf-8", "surrogatepass")


def repeat(random: Random, text: str) -> bytes:
    """Some lines twice, or many times."""
    lines = text.splitlines(keepends=True)
    start = random.randrange(len(lines))
    end = min(len(lines), start + random.randint(1, 6))
    return "".join(lines[:end] + lines[start:end] * random.choice((1, 1, 2, 50)) + lines[end:]).encode()


def drop(random: Random, text: str) -> bytes:
    """Some lines are missing, or stand in another place."""
    lines = text.splitlines(keepends=True)
    start = random.randrange(len(lines))
    taken, rest = lines[start : start + random.randint(1, 4)], lines[:start] + lines[start + 1 :]
    at = random.randrange(len(rest) + 1)
    return "".join(rest[:at] + taken + rest[at:] if random.random() < 0.5 else rest).encode()


def bomb(random: Random, text: str) -> bytes:
    """Aliases of aliases, or nesting without end."""
    if random.random() < 0.5:
        layers = "".join(
            f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, random.randint(3, 12))
        )
        return f"a0: &a0 [x]\n{layers}{text}".encode()
    return (text + "deep: " + random.choice("[{") * random.choice((50, 200, 100_000))).encode()


def near(random: Random, text: str) -> bytes:
    """A number is another one, a true is false, a list is shorter or longer, a text is another text of the file: most
    of it can still be read, and is then simulated."""
    documents = _read(text)
    places = [place for document in documents for place in _places(document)]
    texts = [holder[key] for holder, key in places if isinstance(holder[key], str)]
    for _ in range(random.randint(1, 4)):
        holder, key = random.choice(places)
        before = holder[key]
        if isinstance(before, bool):
            holder[key] = not before
        elif isinstance(before, int | float):
            holder[key] = random.choice((0, 1, 2, 3, 7, 30, 100, before + 1, before * 10))
        elif isinstance(before, list) and before:
            holder[key] = random.choice((before[1:], before + before[:1], before[::-1]))
        elif isinstance(before, str):
            holder[key] = random.choice((*texts, *NEAR))
    return _written(documents, text.startswith("{"))


def value(random: Random, text: str) -> bytes:
    """One to three values are of another type or size, gone, doubled, or have another name."""
    documents = _read(text)
    for _ in range(random.randint(1, 3)):
        places = [place for document in documents for place in _places(document)]
        if places:
            _change(random, *random.choice(places))
    return _written(documents, text.startswith("{") or random.random() < 0.2)


def _read(text: str) -> list[Any]:
    """YAML documents, or JSON Lines."""
    if text.startswith("{"):
        return [json.loads(line) for line in text.splitlines()]
    return list(yaml.safe_load_all(text))


def _written(documents: list[Any], as_json: bool) -> bytes:
    if as_json:
        return "\n".join(json.dumps(document, default=str) for document in documents).encode()
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True).encode("utf-8", "surrogatepass")


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key or index) in a value."""
    keys = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    found = [(value, key) for key in keys]
    for key in keys:
        found += _places(value[key])
    return found


def _change(random: Random, holder: Any, key: Any) -> None:
    way = random.randrange(6)
    if way <= 2:
        holder[key] = random.choice(VALUES)
    elif way == 3 and isinstance(holder, dict):
        holder[random.choice((f"{key}s", str(key).upper(), "", "x" * 300, str(key)[::-1]))] = holder.pop(key)
    elif way == 4:
        holder[key] = [holder[key]] if random.random() < 0.5 else {"value": holder[key]}
    elif isinstance(holder, dict):
        del holder[key]
    else:
        holder.append(holder[key])


WAYS: tuple[Damage, ...] = (
    flip,
    cut,
    insert,
    insert,
    repeat,
    drop,
    bomb,
    value,
    value,
    near,
    near,
    near,
    near,
    near,
)


def damaged(random: Random, text: str) -> tuple[str, bytes]:
    """The name of a way, and the text damaged in it."""
    way = random.choice(WAYS)
    return way.__name__, way(random, text)

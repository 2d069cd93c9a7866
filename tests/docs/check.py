"""Check that the documentation is true: `python -m tests.docs.check` runs what README.md and docs/ tell readers to run.

In a fenced block of language `console`, each line `$ simkube ...` or `$ python ...` is run with bash and must exit
with 0, or with the code in a comment at its end: `# exit 1`. Other commands and the output shown are for readers only.
A fenced block with `title="name"` is a file that the page's commands find. A page's commands run in its own empty
directory, which has the project's `scenarios/`. Links to files of the project must lead somewhere; links between pages
are checked where the site is built.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS_PER_COMMAND = 120

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>```+) *(?P<info>.*)$")
_TITLE = re.compile(r'title="([^"/]+)"')
_EXIT = re.compile(r"# exit (\d+)\s*$")
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: the line it starts at, what stands behind the ticks, and its lines."""

    line: int
    info: str
    lines: tuple[str, ...]


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page. One that is never closed ends with the page, as in Markdown."""
    opened: re.Match[str] | None = None
    start, inside = 0, []
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None and fence is not None:
            opened, start, inside = fence, number, []
        elif (
            opened is not None
            and fence is not None
            and fence["ticks"] == opened["ticks"]
            and not fence["info"]
        ):
            yield Block(start, opened["info"], tuple(inside))
            opened = None
        elif opened is not None:
            inside.append(line.removeprefix(opened["indent"]))
    if opened is not None:
        yield Block(start, opened["info"], tuple(inside))


def commands(block: Block) -> Iterator[tuple[int, str, int]]:
    """(line, command, exit code) for each command of a console block that is to be run."""
    if block.info.split(" ")[0] != "console":
        return
    for offset, line in enumerate(block.lines, 1):
        if line.startswith(("$ simkube", "$ python")):
            code = _EXIT.search(line)
            yield block.line + offset, line[2:], int(code[1]) if code else 0


def wrong_examples(page: Path, text: str) -> Iterator[str]:
    """What went wrong with the commands of a page."""
    found = list(blocks(text))
    if not any(True for block in found for _ in commands(block)):
        return
    with tempfile.TemporaryDirectory() as directory:
        if (ROOT / "scenarios").is_dir():
            shutil.copytree(ROOT / "scenarios", Path(directory, "scenarios"))
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        for block in found:
            if title := _TITLE.search(block.info):
                Path(directory, title[1]).write_text("\n".join(block.lines) + "\n")
            for line, command, expected in commands(block):
                print(f"  $ {command}", flush=True)
                run = subprocess.run(
                    ["bash", "-c", command],
                    cwd=directory,
                    env={**os.environ, "PATH": path},
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=SECONDS_PER_COMMAND,
                )
                if run.returncode != expected:
                    said = (run.stderr or run.stdout).strip()
                    yield f"{page}:{line}: exit code {run.returncode} instead of {expected}: {command}\n{said}"


def broken_links(page: Path, text: str) -> Iterator[str]:
    """Links of a page to files that are not there."""
    for number, line in enumerate(text.splitlines(), 1):
        for target in _LINK.findall(line):
            if not (ROOT / page.parent / target).exists():
                yield f"{page}:{number}: {target} does not exist"


def main() -> int:
    """Check every page; the exit code says whether all is well."""
    pages = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if page.exists()]
    wrong: list[str] = []
    for page in pages:
        name, text = page.relative_to(ROOT), page.read_text(encoding="utf-8")
        print(name, flush=True)
        wrong += [*broken_links(name, text), *wrong_examples(name, text)]
    print("\n".join(wrong) if wrong else f"{len(pages)} pages are in order", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

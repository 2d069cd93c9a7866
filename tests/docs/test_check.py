"""What the check of the documentation runs, and what it lets pass."""

from pathlib import Path

from tests.docs.check import blocks, broken_links, commands, wrong_examples

PAGE = """
Text.

```yaml title="shop.yaml"
cluster: {}
```

```console
$ simkube compare shop.yaml
strategy  lost
$ simkube compare nowhere.yaml  # exit 2
$ kubectl get pods
```
"""


SHOWS_A_FILE = """
```json title="a.json"
[1]
```
```console
$ python -m json.tool --compact a.json | grep -F '[1]'
```
"""


def test_a_console_block_names_its_commands_and_their_exit_codes() -> None:
    found = [command for block in blocks(PAGE) for command in commands(block)]
    assert found == [
        (9, "simkube compare shop.yaml", 0),
        (11, "simkube compare nowhere.yaml  # exit 2", 2),
    ]


def test_other_blocks_name_none() -> None:
    text = PAGE.replace("console", "text")
    assert [command for block in blocks(text) for command in commands(block)] == []


def test_a_block_may_be_indented_and_hold_shorter_fences() -> None:
    (block,) = blocks("- item\n\n  ````md\n  ```console\n  $ simkube x\n  ```\n  ````\n")
    assert block.lines == ("```console", "$ simkube x", "```")


def test_commands_run_beside_the_files_that_the_page_shows() -> None:
    assert list(wrong_examples(Path("page.md"), SHOWS_A_FILE)) == []
    assert len(list(wrong_examples(Path("page.md"), SHOWS_A_FILE.replace("\n[1]", "\n[2]")))) == 1


def test_a_wrong_exit_code_is_told_with_its_place() -> None:
    text = '```console\n$ python -c "raise SystemExit(3)"\n$ python -c "raise SystemExit(3)" # exit 3\n```\n'
    (wrong,) = wrong_examples(Path("page.md"), text)
    assert wrong.startswith("page.md:2: exit code 3 instead of 0: python -c")


def test_a_link_to_a_file_that_is_not_there_is_told() -> None:
    text = "[a](../pyproject.toml) [b](../nowhere.py)\n[c](https://example.com) [d](#here)\n"
    assert list(broken_links(Path("docs/page.md"), text)) == ["docs/page.md:1: ../nowhere.py does not exist"]

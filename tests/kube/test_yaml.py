"""YAML as kubectl reads it [go.yaml.in/yaml/v2 resolve.go, decode_test.go; sigs.k8s.io/yaml]."""

from typing import Any

import pytest

from simkube.kube.errors import InputError
from simkube.kube.scalars import resolve
from simkube.kube.yaml import MAX_ALIASED, MAX_DEPTH, line_of, read_documents


def values(text: str) -> list[Any]:
    return [document.value for document in read_documents(text, "f.yaml")]


def value(text: str) -> Any:
    (one,) = values(text)
    return one


def error(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        values(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("true", True),
        ("yes", True),
        ("on", True),
        ("y", True),
        ("No", False),
        ("OFF", False),
        ("oN", "oN"),
        ("685230", 685230),
        ("+685_230", 685230),
        ("-10", -10),
        ("0755", 0o755),
        ("0o17", 0o17),
        ("08", 8),  # no octal, so a float, which JSON writes as 8
        ("0x_0A_74_AE", 0x0A74AE),
        ("0b1010", 10),
        ("-0b101", -5),
        ("685.230_15e+03", 685230.15),
        ("1e3", 1000),
        ("2.0", 2),
        (".5", 0.5),
        ("1.", 1),
        ("190:20:30", "190:20:30"),  # no numbers to the base of 60
        ("22:22", "22:22"),
        ("2001-12-14", "2001-12-14"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("18446744073709551615", 2**64 - 1),
        ("1e999", "1e999"),
        ("1.2.3", "1.2.3"),
        ("100m", "100m"),
        ("v1", "v1"),
        ("-", "-"),
        (".", "."),
        ("_1", "_1"),
    ],
)
def test_plain_scalars(text: str, meaning: object) -> None:
    found = resolve(text)
    assert found == meaning
    assert type(found) is type(meaning)


def test_quotes_and_tags_make_text() -> None:
    assert value("a: 'yes'\nb: \"1\"\nc: !!str 1\nd: |\n  1\n") == {
        "a": "yes",
        "b": "1",
        "c": "1",
        "d": "1\n",
    }


def test_tags() -> None:
    assert value("a: !!int '3'\nb: !!float 3\nc: !Ref x\nd: !!binary aGk=\n") == {
        "a": 3,
        "b": 3,
        "c": "x",
        "d": "hi",
    }
    assert "tag" in error("a: !!int three").message
    assert "base64" in error("a: !!binary '*'").message


def test_no_tag_builds_an_object() -> None:
    assert value("a: !!python/object/apply:os.getcwd []") == {"a": []}


def test_keys_become_text() -> None:
    assert value("1: a\non: b\n1.5: c\nno: d\n") == {"1": "a", "true": "b", "1.5": "c", "false": "d"}
    assert error("~: a").line == 1
    assert error("? [a]\n: b").line == 1


def test_numbers_that_json_lacks() -> None:
    found = error("a:\n  b: .inf")
    assert (found.line, found.key) == (2, "a.b")


def test_documents() -> None:
    text = "# Source: a.yaml\n---\n# nothing\n--- # comment\na: 1\n---\n\n--- \nb: 2\n...\n---\nnull\n"
    documents = list(read_documents(text, "f.yaml"))
    assert [(d.value, d.line) for d in documents] == [({"a": 1}, 5), ({"b": 2}, 9)]


def test_anchors_and_merge() -> None:
    text = """
    base: &base {a: 1, b: 2}
    one: {<<: *base, b: 3}
    two: {b: 3, <<: [{c: 4}, *base]}
    same: *base
    """
    assert value(text) == {
        "base": {"a": 1, "b": 2},
        "one": {"a": 1, "b": 3},
        "two": {"a": 1, "b": 2, "c": 4},  # as in yaml.v2, what is merged wins over keys before it
        "same": {"a": 1, "b": 2},
    }
    assert "mapping" in error("a: {<<: 1}").message


def test_anchor_of_a_scalar_and_of_a_key() -> None:
    assert value("&k key: &v text\nother: *v\nagain: *k\n") == {
        "key": "text",
        "other": "text",
        "again": "key",
    }


@pytest.mark.parametrize("text", ["a: *nowhere", "a: &a [*a]"])
def test_alias_without_anchor(text: str) -> None:
    assert "no anchor" in error(text).message


def test_anchors_end_with_their_document() -> None:
    assert "no anchor" in error("a: &x 1\n---\nb: *x\n").message


def test_laughing_aliases_are_cut_off() -> None:
    lines = ["a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol,lol]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert str(MAX_ALIASED) in error("\n".join(lines)).message


def test_ordinary_use_of_aliases_is_not() -> None:
    text = "a: &a {x: 1, y: 2}\nb:\n" + "- *a\n" * 5000
    assert len(value(text)["b"]) == 5000


def test_depth_is_bounded() -> None:
    assert value("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert "levels" in error("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).message
    assert error("[" * 100_000).line == 1
    assert error("".join(" " * i + "a:\n" for i in range(2000))).line > 0


def test_key_given_twice() -> None:
    found = error("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert (found.line, found.key) == (4, "a.b")
    assert "line 2" in found.message


@pytest.mark.parametrize(
    ("text", "line", "way_out"),
    [
        ("a: b: c\n", 1, "indentation"),
        ("a: 1\n\tb: 2\n", 2, "tabs"),
        ("a: 1\nb: [1, 2\n", 3, "indentation"),
        ("a: {{ .Values.a }}\n", 1, "helm template"),
        ("a: 1\n{{- if .Values.b }}\nb: 1\n{{- end }}\n", 2, "helm template"),
        ("a: 'open\n", 2, "quotes"),
    ],
)
def test_broken_yaml(text: str, line: int, way_out: str) -> None:
    found = error(text)
    assert (found.file, found.line) == ("f.yaml", line)
    assert way_out in found.fix


def test_control_characters() -> None:
    assert error("a: \x01\n").file == "f.yaml"


def test_line_of_a_key() -> None:
    text = "a: 1\n---\n# comment\nb:\n  c:\n  - d: 1\n    e: 2\n  - f\n"
    assert line_of(text, 0, ("a",)) == 1
    assert line_of(text, 1, ()) == 4
    assert line_of(text, 1, ("b", "c", 0, "e")) == 7
    assert line_of(text, 1, ("b", "c", 1)) == 8
    assert line_of(text, 1, ("b", "c", 1, "not", "there")) == 8
    assert line_of(text, 1, ("b", "z")) == 4
    assert line_of(text, 5, ("b",)) == 0

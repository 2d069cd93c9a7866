"""Quantities. The tables are facts of Kubernetes' own [apimachinery pkg/api/resource/quantity_test.go]."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkube.kube.quantity import QuantityError, bytes_of, milli_cpu, parse_quantity

KIB = 1024
NANO = Fraction(1, 10**9)
VALUES = {
    "0": 0,
    "0n": 0,
    "0Ki": 0,
    "1": 1,
    "1Ki": KIB,
    "8Ki": 8 * KIB,
    "7Mi": 7 * KIB**2,
    "6Gi": 6 * KIB**3,
    "5Ti": 5 * KIB**4,
    "4Pi": 4 * KIB**5,
    "3Ei": 3 * KIB**6,
    "5n": 5 * NANO,
    "4u": Fraction(4, 10**6),
    "3m": Fraction(3, 1000),
    "50k": 50_000,
    "7M": 7 * 10**6,
    "6G": 6 * 10**9,
    "300T": 300 * 10**12,
    "2P": 2 * 10**15,
    "1E": 10**18,
    "12E": 12 * 10**18,
    "1E-3": Fraction(1, 1000),
    "1e3": 1000,
    "1E6": 10**6,
    "1.3E+6": 1_300_000,
    "1.2e3": 1200,
    "0.5e-2": Fraction(5, 1000),
    "100.035k": 100_035,
    "0.00050k": Fraction(1, 2),
    "9.01": Fraction(901, 100),
    "7.123456M": 7_123_456,
    "100.035Ki": Fraction(100_035 * KIB, 1000),
    "0.5Mi": KIB**2 // 2,
    "0.05Gi": Fraction(KIB**3, 20),
    ".001": Fraction(1, 1000),
    ".0001k": Fraction(1, 10),
    "1.": 1,
    "1.G": 10**9,
    ".": 0,
    # what is below a nano is rounded up
    "3.001n": 4 * NANO,
    "1.1E-9": 2 * NANO,
    "0.0000000001": NANO,
    "0.9n": NANO,
    "0.00000012345": 124 * NANO,
    "0.000000000001Ki": 2 * NANO,
    # binary ones are capped at the largest 64-bit number
    "9Ei": 2**63 - 1,
    "9223372036854775807Ki": 2**63 - 1,
}
REFUSED = ["", "1.1.M", "1+1.0M", "0.1mi", "0.1am", "aoeu", ".5i", "1i", "-3.01i", "-3.01e-", " 1", "1 "]


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_value(text: str, value: Fraction) -> None:
    assert parse_quantity(text) == value
    assert parse_quantity(f"+{text}") == value
    assert parse_quantity(f"-{text}") == -value


@pytest.mark.parametrize("text", REFUSED)
def test_refused_as_kubernetes_refuses(text: str) -> None:
    with pytest.raises(QuantityError):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("4Gb", "4Gi or 4G"),
        ("4GB", "4Gi or 4G"),
        ("512mb", "512Mi or 512M"),
        ("4gi", "4Gi or 4G"),
        ("1K", "1Ki or 1k"),
        ("2 Gi", "2Gi"),
        ("100 bytes", "100"),
        ("2 cores", "2000m"),
        ("big", "500m or 16Gi"),
    ],
)
def test_error_names_the_way_out(text: str, way_out: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_quantity(text)
    assert text in caught.value.message
    assert way_out in caught.value.fix


def test_huge_and_tiny_exponents_cost_nothing() -> None:
    with pytest.raises(QuantityError, match="too large"):
        parse_quantity("1e999999999")
    assert parse_quantity("1e-999999999") == NANO
    assert parse_quantity("0e999999999") == 0


def test_long_texts_are_refused() -> None:
    with pytest.raises(QuantityError):
        parse_quantity("1" * 5000)


@pytest.mark.parametrize("value", [True, None, [1], {}])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(QuantityError):
        parse_quantity(value)  # type: ignore[arg-type]


def test_numbers_as_yaml_gives_them() -> None:
    assert parse_quantity(2) == 2
    assert parse_quantity(0.1) == Fraction(1, 10)  # as written, not as the float's binary value
    assert parse_quantity(1e-07) == Fraction(1, 10**7)


def test_milli_cpu_rounds_up() -> None:
    assert milli_cpu("100m") == 100
    assert milli_cpu(0.1) == 100
    assert milli_cpu("2") == 2000
    assert milli_cpu("0.0001") == 1
    assert milli_cpu("1500001u") == 1501


def test_bytes_round_up() -> None:
    assert bytes_of("1.5Gi") == 3 * KIB**3 // 2
    assert bytes_of("100m") == 1
    assert bytes_of(110) == 110


@given(st.integers(0, 10**12), st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "e2"]))
def test_every_whole_number_with_a_suffix_is_itself_times_the_suffix(number: int, suffix: str) -> None:
    units: dict[str, int | Fraction] = {
        "": 1,
        "m": Fraction(1, 1000),
        "k": 1000,
        "M": 10**6,
        "Ki": KIB,
        "Mi": KIB**2,
        "e2": 100,
    }
    assert parse_quantity(f"{number}{suffix}") == number * units[suffix]

"""The section `behaviour:` of a scenario: what is read, what is refused, and that draws are shared."""

from math import exp, log

import pytest
from pydantic import ValidationError

from simkube.randoms import Randoms
from simkube.scenario.behaviour import Behaviour
from simkube.scenario.distribution import Constant, Lognormal, Normal, Uniform, parse_distribution


def read(**section: object) -> Behaviour:
    return Behaviour.model_validate(section)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("8s", Constant(8.0)),
        (2, Constant(2.0)),
        ({"constant": "1m"}, Constant(60.0)),
        ({"lognormal": {"median": "8s", "p95": "25s"}}, Lognormal(8.0, 25.0)),
        ({"uniform": {"min": "1s", "max": "3s"}}, Uniform(1.0, 3.0)),
        ({"normal": {"mean": "8s", "sd": "2s"}}, Normal(8.0, 2.0)),
    ],
)
def test_a_time_is_a_constant_or_a_distribution(written: object, meant: object) -> None:
    assert parse_distribution(written) == meant
    assert parse_distribution(parse_distribution(written).to_plain()) == meant


def test_draws_follow_their_distribution() -> None:
    randoms = Randoms(1)
    z = randoms.normal("startup", "a", 1)
    u = randoms.unit("startup", "a", 1)
    sigma = log(25.0 / 8.0) / 1.6448536269514722
    assert Lognormal(8.0, 25.0).draw(randoms, "startup", "a", 1) == pytest.approx(8.0 * exp(sigma * z))
    assert Uniform(1.0, 3.0).draw(randoms, "startup", "a", 1) == pytest.approx(1.0 + 2.0 * u)
    assert Normal(8.0, 2.0).draw(randoms, "startup", "a", 1) == pytest.approx(8.0 + 2.0 * z)
    assert Normal(0.0, 1.0).draw(randoms, "negative") >= 0.0
    assert Constant(4.0).draw(randoms, "startup", "a", 1) == 4.0


def test_half_of_a_lognormals_draws_are_below_the_median_and_19_of_20_below_p95() -> None:
    randoms = Randoms(3)
    draws = [Lognormal(8.0, 25.0).draw(randoms, n) for n in range(4000)]
    assert sum(d < 8.0 for d in draws) / 4000 == pytest.approx(0.5, abs=0.03)
    assert sum(d < 25.0 for d in draws) / 4000 == pytest.approx(0.95, abs=0.015)


def test_the_same_name_draws_the_same_and_another_does_not() -> None:
    startup = Lognormal(8.0, 25.0)
    assert startup.draw(Randoms(1), "startup", "a", 1) == startup.draw(Randoms(1), "startup", "a", 1)
    assert startup.draw(Randoms(1), "startup", "a", 1) != startup.draw(Randoms(1), "startup", "a", 2)
    assert startup.draw(Randoms(1), "startup", "a", 1) != startup.draw(Randoms(2), "startup", "a", 1)


def test_the_most_exact_name_counts() -> None:
    startup = read(startup={"default": "1s", "web": "2s", "shop/web": "3s", "nginx:1": "4s"}).startup
    assert startup.of("shop", "web", "nginx:1") == Constant(3.0)
    assert startup.of("blog", "web", "nginx:1") == Constant(2.0)
    assert startup.of("blog", "cache", "nginx:1") == Constant(4.0)
    assert startup.of("blog", "cache", "redis:7") == Constant(1.0)


def test_one_time_alone_is_for_all_and_a_mapping_keeps_the_default() -> None:
    assert read(startup={"uniform": {"min": 1, "max": 2}}).startup.of("a", "b") == Uniform(1.0, 2.0)
    assert read(startup={"web": "2s"}).startup.of("a", "b") == Lognormal(8.0, 25.0)
    assert read(onTerm="drain").on_term.of("a", "b") == "drain"
    assert read(onTerm={"web": "ignore"}).on_term.of("a", "b") == "exit"


def test_images_have_a_size_or_are_unavailable() -> None:
    images = read(images={"default": "10Mi", "bad:1": "unavailable"}).images
    assert images.of("", "", "other:1") == 10 * 1024 * 1024
    assert images.of("", "", "bad:1") is None
    assert read(pullRate="1Mi").pull_rate == 1024 * 1024


def test_crashes_and_never_ready_are_found_by_workload_or_image() -> None:
    behaviour = read(crashes={"web": {"after": "3s", "exitCode": 2, "times": 4}}, neverReady=["shop:v2"])
    crash = behaviour.crash_of("default", "web", "x")
    assert crash is not None and (crash.after, crash.exit_code, crash.times) == (3.0, 2, 4)
    assert behaviour.crash_of("default", "other", "x") is None
    assert behaviour.is_never_ready("default", "web", "shop:v2")
    assert not behaviour.is_never_ready("default", "web", "shop:v1")
    assert ("crashes.web", "web") in list(behaviour.names())


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"startp": "8s"}, "startp"),
        ({"startup": "-1s"}, "negative"),
        ({"startup": {"web": "8"}}, 'web: "8" is not a duration: it has no unit; write 8s for seconds'),
        ({"startup": {"lognrmal": {"median": "8s", "p95": "9s"}}}, "of no known distribution"),
        ({"startup": {"lognormal": {"median": "8s", "p99": "9s"}}}, "unknown key p99"),
        ({"startup": {"lognormal": {"median": "8s"}}}, "lognormal lacks p95"),
        ({"startup": {"lognormal": {"median": "8s", "p95": "1s"}}}, "p95 is shorter than median"),
        ({"startup": {"uniform": {"min": "8s", "max": "1s"}}}, "min is longer than max"),
        ({"onTerm": "quit"}, "write exit, drain or ignore"),
        ({"images": {"a": "unavailble"}}, "did you mean unavailable"),
        ({"pullRate": 0}, "not a rate above 0"),
        ({"traffic": {"web": {"rps": 2, "connection": "persistent"}}}, "connection"),
    ],
)
def test_what_is_wrong_is_refused_with_the_way_out(section: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError) as error:
        read(**section)
    assert words in str(error.value)


def test_a_behaviour_is_written_as_it_is_read() -> None:
    written = read(startup={"web": "2s"}, onTerm="drain", boot="30s", images={"bad:1": "unavailable"})
    again = Behaviour.model_validate(written.model_dump(mode="json", by_alias=True))
    assert again == written

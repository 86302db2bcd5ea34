"""What ingest must be told."""

import pytest
from mmetering_ingest.config import Config, slug_of
from mmetering_runtime.config import ConfigError, Environment
from mmetering_runtime.metrics import Endpoint

SET = {"MMETERING_MQTT_PASSWORD": "secret", "MMETERING_DATABASE": "dbname=x"}


@pytest.mark.parametrize(
    ("host", "slug"),
    [
        ("3f2a9c01bd77", "3f2a9c01bd77"),
        ("Ana's MacBook.local", "ana-s-macbook-local"),
        ("-ö-", "ingest"),
        ("x" * 90, "x" * 64),
    ],
)
def test_a_host_names_a_copy(host: str, slug: str) -> None:
    """Containers that are scaled have hosts of their own, and so names of their own."""
    assert slug_of(host) == slug


def test_a_copy_without_a_name_leaves_no_trace() -> None:
    """Only a name that a person has given comes back."""
    assert Config.from_env(Environment(SET)).is_passing
    named = Config.from_env(Environment({**SET, "MMETERING_COPY": "left"}))
    assert (named.copy, named.is_passing) == ("left", False)


def test_metrics_are_served_where_they_are_wanted() -> None:
    """By default nowhere, and then on this machine only."""
    assert Config.from_env(Environment(SET)).metrics is None
    wanted = Config.from_env(Environment({**SET, "MMETERING_METRICS_PORT": "9465"}))
    assert wanted.metrics == Endpoint("127.0.0.1", 9465)


@pytest.mark.parametrize("name", ["MMETERING_COPY", "MMETERING_METRICS_PORT"])
def test_a_wrong_setting_is_named(name: str) -> None:
    """The error says which variable it is."""
    with pytest.raises(ConfigError, match=name):
        Config.from_env(Environment({**SET, name: "A/B"}))

"""The settings of the web."""

import pytest
from mmetering_runtime.config import ConfigError, Environment
from mmetering_web.config import Config

GOOD = {
    "MMETERING_DATABASE": "host=db",
    "MMETERING_MQTT_PASSWORD": "secret-of-the-broker",
    "MMETERING_WEB_SECRET_KEY": "0123456789abcdef0123456789abcdef",
}


def test_settings_that_are_left_out_have_their_defaults() -> None:
    """Three variables are enough; the rest is as documented."""
    config = Config.from_env(Environment(GOOD))
    assert (config.host, config.port, config.time_zone.key) == ("127.0.0.1", 8080, "Europe/Berlin")
    assert (config.broker.username, config.threads, config.streams, config.proxies) == ("web", 64, 48, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MMETERING_WEB_SECRET_KEY", "short"),
        ("MMETERING_WEB_SECRET_KEY", ""),
        ("MMETERING_DATABASE", ""),
        ("MMETERING_TIME_ZONE", "Europe/Nowhere"),
        ("MMETERING_TIME_ZONE", "../etc/passwd"),
        ("MMETERING_WEB_PORT", "http"),
        ("MMETERING_WEB_THREADS", "1"),
        ("MMETERING_WEB_PROXIES", "-1"),
        ("MMETERING_COPY", "a/b"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    """A wrong variable ends the start with its name."""
    with pytest.raises(ConfigError, match=name):
        Config.from_env(Environment(GOOD | {name: value}))


def test_secrets_are_not_shown() -> None:
    """What may end up in a log holds no secret."""
    shown = repr(Config.from_env(Environment(GOOD | {"MMETERING_DATABASE": "host=db password=hidden"})))
    for secret in ("secret-of-the-broker", "0123456789abcdef", "hidden"):
        assert secret not in shown

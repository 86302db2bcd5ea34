"""The settings of the alerter."""

import pytest
from mmetering_alerter.config import Config
from mmetering_runtime.config import ConfigError, Environment

LEAST = {
    "MMETERING_MQTT_PASSWORD": "secret",
    "MMETERING_SMTP_HOST": "mail.example.org",
    "MMETERING_MAIL_FROM": "mmetering <meters@example.org>",
    "MMETERING_MAIL_TO": "a@example.org, b@example.org",
}


def test_the_least_settings_are_enough() -> None:
    """What is not set has a sensible value."""
    config = Config.from_env(Environment(LEAST))
    assert config.smtp.recipients == ("a@example.org", "b@example.org")
    assert (config.smtp.port, config.smtp.username, config.delay, config.silence) == (25, None, 60, 90)
    assert config.broker.username == "alerter"


@pytest.mark.parametrize(("tls", "port"), [("none", 25), ("starttls", 587), ("tls", 465)])
def test_the_port_follows_from_the_encryption(tls: str, port: int) -> None:
    """Each way to talk to a mail server has its well-known port."""
    assert Config.from_env(Environment(LEAST | {"MMETERING_SMTP_TLS": tls})).smtp.port == port


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "") for name in LEAST),
        ("MMETERING_MAIL_TO", "nobody"),
        ("MMETERING_MAIL_TO", "a@example.org,"),
        ("MMETERING_MAIL_FROM", "a@example.org\r\nBcc: b@example.org"),
        ("MMETERING_SMTP_TLS", "ssl"),
        ("MMETERING_SMTP_PORT", "0"),
        ("MMETERING_ALERT_DELAY", "0"),
        ("MMETERING_ALERT_SILENCE", "soon"),
        ("MMETERING_TIME_ZONE", "Berlin"),
        ("MMETERING_COPY", "A/B"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_its_name(name: str, value: str) -> None:
    """Whoever mistyped a variable reads which one."""
    with pytest.raises(ConfigError, match=name):
        Config.from_env(Environment(LEAST | {name: value}))


def test_a_login_needs_its_password() -> None:
    """A username alone would fail at the mail server only, in the night."""
    with pytest.raises(ConfigError, match="MMETERING_SMTP_PASSWORD"):
        Config.from_env(Environment(LEAST | {"MMETERING_SMTP_USERNAME": "meters"}))


def test_no_secret_is_shown() -> None:
    """A configuration that is logged shows no password."""
    smtp = {"MMETERING_SMTP_USERNAME": "meters", "MMETERING_SMTP_PASSWORD": "hush"}
    shown = repr(Config.from_env(Environment(LEAST | smtp)))
    assert "hush" not in shown
    assert "secret" not in shown

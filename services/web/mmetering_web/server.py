"""gunicorn, told all from here: one process, which holds the live state; many threads, as every page holds one."""

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.config import Config as Settings
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from mmetering_web.app import create_app, stop_app
from mmetering_web.config import Config

GRACE_S = 5  # for requests under way when we are told to stop
SILENT_S = 60  # a worker that has not shown itself for so long is killed and started again


class PlainLogger(Logger):
    """gunicorn's lines, written like all our others."""

    def setup(self, cfg: Settings) -> None:
        """Hand the lines on to the root logger, which `start_logging` has set up."""
        self.error_log.propagate = True
        self.error_log.setLevel(cfg.loglevel.upper())


class Server(BaseApplication):
    """The server of one app. The app is made in the worker, so that its threads live there."""

    def __init__(self, config: Config) -> None:
        """Serve with this configuration; `run` does not return."""
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        """Tell gunicorn how to run."""
        config = self._config
        settings = {
            "bind": f"{config.host}:{config.port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": config.threads,
            "timeout": SILENT_S,
            "graceful_timeout": GRACE_S,
            "logger_class": PlainLogger,
            "control_socket_disable": True,
            "post_worker_init": self._tell_streams,
            "worker_exit": self._stop,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:  # type: ignore[override]  # an application of WSGI, which the stubs spell out
        """Make the app."""
        self._app: Flask = create_app(self._config)
        return self._app

    def _tell_streams(self, worker: Worker) -> None:
        self._app.extensions["mmetering_streams"].ended = lambda: not worker.alive

    def _stop(self, _server: object, _worker: object) -> None:
        if hasattr(self, "_app"):  # else it could not be made, and that is said already
            stop_app(self._app)

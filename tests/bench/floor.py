"""The floor: a bare Flask application, run through the very server that runs the form.

Worker class, processes, threads and the renewal of a worker after so many requests are the form's own, so a ratio says
what our pages, checks and slots add, and nothing about servers. It also seals and stores, in the barest way: cold, in a
thread of the server, a seal costs twice what it costs in a loop.
"""

import sqlite3
import sys
import threading
from pathlib import Path

from flask import Flask, redirect, request

from crypto.report import report_from_answers
from crypto.seal import seal
from intake.config import IntakeConfig
from intake.serving import run
from intake.store import Store
from tests.bench.form import ANSWERS, open_plain, store_in
from tests.center import DAY, make_center


def make_app(database: Path) -> Flask:
    """Make the bare application."""
    app, kept, center = Flask("floor"), threading.Lock(), make_center()
    report, _ = report_from_answers(ANSWERS, center.local)
    config = center.config
    connections: list[sqlite3.Connection] = []

    def sealed() -> bytes:
        return seal(report, config, lang="en", flags=(), day=DAY).sealed

    @app.get("/")
    def nothing():
        return "ok"

    @app.post("/")
    def read():
        return redirect(f"/done?{len(request.form)}", 303)

    @app.post("/sealed")
    def seal_it():
        sealed()
        return redirect(f"/done?{len(request.form)}", 303)

    @app.post("/kept")
    def keep_it():
        content = sealed()
        with kept:
            if not connections:
                connections.append(open_plain(database))
            store_in(connections[0], content)
        return redirect(f"/done?{len(request.form)}", 303)

    return app


def main(directory: Path, port: int) -> None:
    """Serve the bare application; our own store is never opened."""
    settings = IntakeConfig(center="bench", data_dir=directory, public_config=directory, port=port)
    app = make_app(directory / "plain.sqlite")
    run(app, settings, Store(settings.store), before_fork=lambda: None, after_fork=lambda _: None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

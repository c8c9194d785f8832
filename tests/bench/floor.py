"""The floor: a bare Flask application, run through the very server that runs the form.

Worker class, processes, threads and the renewal of a worker after so many requests are the form's own, so a ratio says
what our pages, the seal and the store add, and nothing about servers.
"""

import sys
from pathlib import Path

from flask import Flask, redirect, request

from intake.config import IntakeConfig
from intake.serving import run
from intake.store import Store

app = Flask("floor")


@app.post("/")
def accept():
    """Read the whole body as form fields, as any Flask view would, and redirect."""
    return redirect(f"/done?{len(request.form)}", 303)


@app.get("/")
def nothing():
    """Answer as little as can be."""
    return "ok"


def main(directory: Path, port: int) -> None:
    """Serve the bare application; no store is ever opened."""
    settings = IntakeConfig(center="bench", data_dir=directory, public_config=directory, port=port)
    run(app, settings, Store(settings.store), before_fork=lambda: None, after_fork=lambda _: None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

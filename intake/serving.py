"""Runs the form under gunicorn: threads, recycled workers, no access log, no control socket, no name in an answer.

The application is made before the workers are forked, so that they share the key of the form tokens; each worker
opens its own connections to the store and does its own housekeeping.

One worker answers at a time, with many threads, so that all reports that wait share one commit (`committer`). The
others stand by, already forked: the moment that one retires or dies, the next takes over, and nobody waits for what
the old one still has to finish.
"""

import fcntl
import gc
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import date
from typing import Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.http import wsgi
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request
from gunicorn.workers.gthread import ThreadWorker

from crypto import age
from crypto.payload import CLASS_CAP
from intake import logs, slots
from intake.anonymity import HEADERS, NO_STORE, circuit_of
from intake.app import create_app
from intake.clock import utc_now
from intake.config import Config, IntakeConfig
from intake.errors import StoreError
from intake.hardening import harden
from intake.housekeeping import Housekeeping
from intake.parts import EXTENSION, Parts
from intake.readiness import Ready, open_exchange, open_store
from intake.store import Store

_UPLOAD_PATIENCE: Final = 3_600  # seconds that a retiring worker waits for what is still arriving
_SENTENCE: Final = "We could not read what came. Nothing was saved.\n"


def serve(config: Config, ready: Ready) -> None:
    """Serve until told to stop; returns only by SystemExit.

    Args:
        config: the config file.
        ready: what `readiness.check` found.
    """
    settings = config.intake
    harden()
    logs.configure()
    store = open_store(config)
    app = create_app(config, ready.public, store=store)
    parts: Parts = app.extensions[EXTENSION]
    chores = Housekeeping(
        store=store,
        path=settings.store,
        exchange=open_exchange(config, store),
        reserve=_reserve(settings, takes_files=ready.public.content.attachments),
        gate=parts.gate,
        clock=utc_now,
    )
    chores.run(utc_now())
    store.close()

    prepared: set[date] = set()

    def before_fork() -> None:
        day = utc_now().day
        if day not in prepared:
            for pages in parts.pages.values():
                pages.prepare(day)
            prepared.add(day)
        with suppress(StoreError):  # then each worker reads for itself, and tells whoever posts
            store.prepare_fork()

    def after_fork(worker: Worker) -> None:
        harden()
        chores.start(last_post=lambda: worker.last_post, retire=worker.retire)

    wsgi.Response = _NamelessResponse
    run(app, settings, store, before_fork=before_fork, after_fork=after_fork)


def run(
    app: Flask,
    settings: IntakeConfig,
    store: Store,
    *,
    before_fork: Callable[[], None],
    after_fork: Callable[["Worker"], None],
) -> None:
    """Serve any application as the form is served.

    Args:
        app: the application.
        settings: address, processes and threads.
        store: what the application adds envelopes to.
        before_fork: called in the server before each worker is forked.
        after_fork: called in each worker.
    """
    baton = os.memfd_create("baton")

    def freeze(_: Arbiter, __: Worker) -> None:
        before_fork()
        gc.freeze()  # a collector that looked at what was made before the fork would copy its pages

    def begin(_: Arbiter, worker: Worker) -> None:
        store.forget_connections()
        # A slow line may need an hour for its files, and its words must not be cut off because others came meanwhile.
        # When the whole server is told to stop, it waits no longer than its own setting.
        worker.cfg.set("graceful_timeout", _UPLOAD_PATIENCE)
        worker.store, worker.baton, worker.enough = store, baton, settings.max_requests
        after_fork(worker)

    _Server(app, settings, pre_fork=freeze, post_fork=begin).run()


class _Server(BaseApplication):  # type: ignore[misc] # gunicorn ships no types
    """Our settings for gunicorn; its own files, arguments and environment are not read."""

    def __init__(
        self, app: Flask, settings: IntakeConfig, **hooks: Callable[[Arbiter, "Worker"], None]
    ) -> None:
        self._app = app
        self._options: dict[str, object] = {
            "bind": _address(settings),
            "worker_class": Worker,
            "workers": settings.workers,
            "threads": settings.threads,
            "max_requests": settings.max_requests * 3 // 2,  # at the latest; see `Worker.handle_request`
            "preload_app": True,
            "logger_class": _Logger,
            "accesslog": None,
            "control_socket_disable": True,  # it would listen in the home directory
            "forwarded_allow_ips": "",  # no header of a proxy is believed; none is needed
            "proxy_protocol": "auto",  # the onion entrance names a circuit first
            "umask": 0o077,
            "proc_name": "intake",
            **hooks,
        }
        super().__init__()

    def load_config(self) -> None:
        """Hand over the options."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Hand over the application, made before the fork."""
        return self._app


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn ships no types
    """A worker that answers in its turn, knows when it last read words, and names nobody after a broken request.

    Attributes:
        store: what its posts go to.
        baton: descriptor of a file shared by all workers; whoever holds its lock answers. The kernel passes the lock
            on when its holder gives it up or dies, however that happens.
        enough: requests after which it retires.
        last_post: when words were read last, on the monotonic clock.
    """

    store: Store
    baton: int
    enough: int
    last_post: float | None = None
    _has_baton = False

    def run(self) -> None:
        """Stand by, answer, and leave at once: taking an interpreter apart costs more than a report."""
        threading.Thread(target=self._take_baton, daemon=True).start()
        super().run()
        if self.nr_conns == 0:
            os._exit(0)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take new connections only with the baton, and pass it on before the last answers are finished."""
        super().set_accept_enabled(enabled and self._has_baton)
        if not self.alive:
            fcntl.lockf(self.baton, fcntl.LOCK_UN)

    def accept(self, listener: socket.socket) -> None:
        """Leave who comes after the last request to the next worker."""
        if self.alive:
            super().accept(listener)

    def retire(self) -> None:
        """Finish what is running, then be replaced by a fresh process."""
        self.alive = False

    def handle_request(self, req: Request, conn: Any) -> object:  # noqa: ANN401 - gunicorn ships no types
        """Answer one request; of a post, tell the store that it may come, and remember that words were read.

        Who had enough requests retires between two commits, so that reports which wait together stay together.
        """
        is_post = req.method == "POST"
        _hand_on_circuit_only(req, conn)
        with self.store.expecting() if is_post else nullcontext():
            answer = super().handle_request(req, conn)
        if is_post:
            self.last_post = time.monotonic()
        if self.nr >= self.enough and self.store.is_idle:
            self.retire()
        return answer

    def _take_baton(self) -> None:
        fcntl.lockf(self.baton, fcntl.LOCK_EX)
        self._has_baton = True
        self.method_queue.defer(self.set_accept_enabled, True)

    def handle_error(self, req: object, client: socket.socket, addr: object, exc: Exception) -> None:
        """Answer what the server could not parse. Its own version logs the address and quotes the request."""
        del req, addr
        if not isinstance(exc, ParseException | OSError):
            logs.log_fault(exc)
        status = (
            "400 Bad Request" if isinstance(exc, ParseException | OSError) else "500 Internal Server Error"
        )
        headers = [f"{name}: {value}" for name, value in HEADERS.items()]
        lines = [
            f"HTTP/1.1 {status}",
            *headers,
            f"Cache-Control: {NO_STORE}",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(_SENTENCE)}",
            "Connection: close",
        ]
        with suppress(OSError):  # the line is gone: there is nobody left to tell
            client.sendall("\r\n".join([*lines, "", _SENTENCE]).encode("ascii"))


def _hand_on_circuit_only(req: Request, conn: Any) -> None:  # noqa: ANN401 - gunicorn ships no types
    """Hand the number of a Tor circuit to the application, and no address whatsoever.

    A connection is introduced once, before its first request; the server forgets that with the second one.
    """
    if req.proxy_protocol_info:
        conn.circuit = circuit_of(req.proxy_protocol_info["client_addr"])
    req.proxy_protocol_info = {
        "proxy_protocol": "",
        "client_addr": getattr(conn, "circuit", ""),
        "client_port": 0,
        "proxy_addr": "",
        "proxy_port": 0,
    }


class _NamelessResponse(wsgi.Response):  # type: ignore[misc] # gunicorn ships no types
    """An answer that does not say which software made it."""

    def default_headers(self) -> list[str]:
        """Leave out the server's name."""
        return [line for line in super().default_headers() if not line.startswith("Server:")]


class _Logger(Logger):  # type: ignore[misc] # gunicorn ships no types
    """Sends the server's records to the one handler that `logs` set up."""

    def setup(self, cfg: object) -> None:
        """Add no handler and write no access log."""
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.handlers.clear()
        self.error_log.setLevel(logging.INFO)
        self.error_log.propagate = True


def _reserve(settings: IntakeConfig, *, takes_files: bool) -> int:
    """Free slots below which the pool grows, before a report has to wait for it."""
    largest = slots.parts_of(age.sealed_size(CLASS_CAP, age.MAX_RECIPIENTS)) if takes_files else 0
    return settings.slots // 4 + largest  # a quarter of a batch, beside the largest report


def _address(settings: IntakeConfig) -> str:
    if settings.unix_socket is not None:
        return f"unix:{settings.unix_socket}"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port}"

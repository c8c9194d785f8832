"""The web application, wired in one place: settings, signed config, store, pages, tokens.

It opens no session, sets no cookie and never lets the framework parse a body. Nothing is read from the environment.
"""

from collections.abc import Callable

from flask import Flask

from crypto.config import PublicConfig
from intake import logs, views
from intake.anonymity import FormTokens, set_headers
from intake.clock import Now, utc_now
from intake.config import Config
from intake.frame import Frame, chooser
from intake.gallery import gallery
from intake.limits import Gate
from intake.offers import localizer_of, offers_of
from intake.pages import all_pages
from intake.parts import EXTENSION, Parts
from intake.store import Store


class Intake(Flask):
    """Flask without its log line for exceptions, which would hold the request."""

    def log_exception(self, exc_info: object) -> None:
        """Write class and place only."""
        fault = exc_info[1] if isinstance(exc_info, tuple) else None
        if isinstance(fault, BaseException):
            logs.log_fault(fault)


def create_app(
    config: Config,
    public: PublicConfig,
    *,
    store: Store | None = None,
    clock: Callable[[], Now] = utc_now,
) -> Flask:
    """Make the application.

    Args:
        config: the config file.
        public: the signed config, already verified and found fit.
        store: the store, if it is shared with housekeeping; by default the one of the config file.
        clock: read once a request.
    """
    app = Intake("intake", static_folder=None)
    app.debug = False  # whatever the environment says: an error page must not show locals
    app.url_map.strict_slashes = False  # the framework would redirect to a host that the request named
    app.url_map.merge_slashes = False
    settings, site, content = config.intake, config.site, public.content
    offers = [offer for offer in offers_of(config, content) if offer.is_shown]
    frame = Frame(
        site=site,
        content=content,
        offered=tuple(offer.language for offer in offers),
        file_mib=settings.limits.file_mib if content.attachments else 0,
    )
    app.extensions[EXTENSION] = Parts(
        config=config,
        public=public,
        local=content.local_sets(),
        store=store or Store(settings.store, batch=settings.slots, deadline=settings.deadline_seconds),
        pages=all_pages(frame, map(localizer_of, offers)),
        chooser=chooser(frame),
        assets=frame.assets,
        tokens=FormTokens(),
        gate=Gate(settings.limits, site.challenges, clock=lambda: clock().seconds),
        clock=clock,
    )
    app.register_blueprint(views.reporter)
    if not settings.production:
        app.register_blueprint(gallery)
    app.after_request(set_headers)
    return app

"""The operator's command line: `intake --config FILE COMMAND`.

Rules of output. Results go to standard output, in words or with `--json` as one object; complaints and warnings go
to standard error. An error says what is wrong and what to do. Exit code 0 is "done, nothing in doubt"; each kind of
error has its own, listed by `intake COMMAND --help`. Nothing here decides anything: it parses, calls and prints.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, Final, NoReturn, ParamSpec

import click

from crypto import errors as formats
from crypto import signing
from crypto.errors import FormatError
from intake import errors, export, kept, readiness
from intake.clock import utc_now
from intake.config import EXPORT_KEY_NAME, EXPORT_PUBLIC_NAME, Config, load
from intake.doctor import examine
from intake.machine import this_machine

_Arguments = ParamSpec("_Arguments")

_DAMAGED: Final = errors.StoreDamageError.exit_code
_COPY_ACKNOWLEDGEMENT: Final = (
    "it is of another Center or review machine, or one of its two files is damaged: copy both again, and install the "
    "newest signed config; nothing was deleted"
)


def main() -> None:
    """Run the command line; every known error ends in one line and its own exit code."""
    os.umask(0o077)
    try:
        commands(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        _fail("stopped", 1)
    except (errors.IntakeError, FormatError) as error:
        _fail(str(error), error.exit_code)


def _endings(*kinds: type[errors.IntakeError | FormatError]) -> str:
    """List the exit codes of a command, from the classes that carry them."""
    codes = {0: "Done.", 1: "Stopped by hand.", 2: "The command line is wrong."}
    codes |= {kind.exit_code: (kind.__doc__ or "").partition("\n")[0] for kind in kinds}
    lines = "\n".join(f"  {code:>2}  {sentence}" for code, sentence in sorted(codes.items()))
    return f"\b\nExit codes:\n{lines}"


_READ: Final = (errors.ConfigFileError, errors.SettingError)
_STORED: Final = (
    *_READ, errors.NotInitialisedError, errors.StoreBusyError, errors.StoreFullError, errors.StoreMissingError,
    errors.StoreDamageError,
)  # fmt: skip
_MADE: Final = (*_STORED, errors.SecretOnServerError, errors.AlreadyInitialisedError)
_SIGNED: Final = (
    *_STORED, errors.PublicConfigError, formats.SignatureError, formats.ConfigError, formats.ForeignConfigError,
)  # fmt: skip
_CHECKED: Final = (
    *_SIGNED, errors.SecretOnServerError, errors.DraftTextError, errors.CatalogueError, formats.NoRecipientError,
    formats.ExpiredError, formats.NotYetValidError, formats.StaleConfigError, formats.SoftwareTooOldError,
)  # fmt: skip
_EXPORTED: Final = (*_SIGNED, errors.SecretOnServerError, errors.ExportError)
_ACKNOWLEDGED: Final = (*_SIGNED, errors.AcknowledgementError, formats.BundleError)


@click.group(
    epilog=_endings(*_MADE, *_CHECKED, *_EXPORTED, *_ACKNOWLEDGED, errors.FaultsFoundError),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "--config",
    "config_path",
    envvar="INTAKE_CONFIG",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The server's config file; INTAKE_CONFIG may name it.",
)
def commands(config_path: Path | None) -> None:
    """Run the form on the internet side: it seals reports and can open none."""
    del config_path  # read by `_with_config`, so that `COMMAND --help` needs no config file


def _with_config(command: Callable[Concatenate[Config, _Arguments], None]) -> Callable[_Arguments, None]:
    """Hand the config file to a command."""

    @wraps(command)
    def run(*arguments: _Arguments.args, **options: _Arguments.kwargs) -> None:
        command(load(_config_path()), *arguments, **options)

    return run


def _config_path() -> Path:
    path: Path | None = click.get_current_context().find_root().params["config_path"]
    if path is None:
        raise errors.ConfigFileError("no config file; name it by --config FILE or in INTAKE_CONFIG")
    return path


@commands.command(epilog=_endings(*_MADE))
@_with_config
def init(config: Config) -> None:
    """Make the data directory, the sealed store and the export key; a key that was lost is made anew."""
    unsearched = readiness.refuse_secrets(config)
    settings = config.intake
    store = readiness.open_store(config)
    has_store, has_key = settings.store.exists(), (settings.data_dir / EXPORT_KEY_NAME).exists()
    if has_store and has_key:
        raise errors.AlreadyInitialisedError(
            f"{settings.store} exists already; it was left as it is. To begin anew, export, have it acknowledged, "
            "then move the directory away"
        )
    _make_directory(settings.data_dir)
    if not has_key:
        kept.make_export_key(settings.data_dir)
    if not has_store:
        store.create()
        store.close()
    _warn(unsearched)
    click.echo(
        "made a new export key; the store was left as it is. Bundles of the old key are believed no longer: export again"
        if has_store
        else f"made the store in {settings.data_dir}"
    )
    click.echo(f"export key: {readiness.export_fingerprint(config)}")
    click.echo(
        f"pair the review machine with {settings.data_dir / EXPORT_PUBLIC_NAME}, and compare these digits there"
    )


@commands.command(epilog=_endings(*_CHECKED))
@_with_config
def serve(config: Config) -> None:
    """Open the form. Refuses to start when anything in `check` is wrong."""
    from intake.serving import serve as run  # the server is heavy, and the other commands do without it

    ready = readiness.check(config, day=utc_now().day)
    kept.keep_serial(config.intake.data_dir, ready.public.serial)
    _warn(ready.warnings)
    run(config, ready)


@commands.command(epilog=_endings(*_CHECKED))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@_with_config
def check(config: Config, *, as_json: bool) -> None:
    """Say whether the form may open, with the fingerprints to compare by eye."""
    ready = readiness.check(config, day=utc_now().day)
    digits = readiness.fingerprints(config, ready.public)
    if as_json:
        _print_json(
            {
                "serial": ready.public.serial,
                "fingerprints": digits,
                "languages": {offer.language.code: offer.state for offer in ready.offers if offer.is_shown},
                "warnings": list(ready.warnings),
                "ready": True,
            }
        )
        return
    for name, value in digits.items():
        click.echo(f"{name}: {value}")
    click.echo(f"signed config: serial {ready.public.serial}, good until {ready.public.soft_expiry}")
    for offer in ready.offers:
        click.echo(f"language {offer}")
    _warn(ready.warnings)
    click.echo("the form may open")


@commands.command(epilog=_endings(*_SIGNED))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@_with_config
def status(config: Config, *, as_json: bool) -> None:
    """Count what is stored, exported and acknowledged, and say what is overdue."""
    with _exchange(config) as exchange:
        found = export.status(exchange, utc_now().day)
    if as_json:
        _print_json(asdict(found))
        return
    click.echo(f"stored, not yet acknowledged: {found.stored}")
    click.echo(f"in the last bundle: {found.exported}")
    click.echo(f"of these still to be acknowledged: {found.awaiting_acknowledgement}")
    click.echo(f"acknowledged, to be overwritten: {found.pending_delete}")
    for alarm in found.alarms:
        click.echo(f"ALARM: {alarm}")


@commands.command("export", epilog=_endings(*_EXPORTED))
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@_with_config
def export_command(config: Config, destination: Path, *, as_json: bool) -> None:
    """Write all reports that are not acknowledged into a bundle under DEST, a directory on a stick."""
    # The form starts seldom and this runs every week: a key that came meanwhile is seen.
    _warn(readiness.refuse_secrets(config))
    with _exchange(config) as exchange:
        waiting = exchange.store.count()
        with click.progressbar(length=waiting, label="writing", file=sys.stderr, hidden=as_json) as bar:
            done = export.export(exchange, destination, day=utc_now().day, progress=lambda: bar.update(1))
    if as_json:
        bundles = [str(path) for path in done.bundles]
        _print_json(
            {
                "bundle": bundles[-1],
                "bundles": bundles,
                "reports": done.reports,
                "damaged": list(done.damaged),
            }
        )
    else:
        for path in done.bundles:
            click.echo(f"bundle: {path}")
        click.echo(f"reports: {done.reports}")
    if done.damaged:
        _fail(f"damaged in the store, and not in the bundle: {', '.join(done.damaged)}", _DAMAGED)


@commands.command(epilog=_endings(*_ACKNOWLEDGED))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@_with_config
def acknowledge(config: Config, file: Path, *, as_json: bool) -> None:
    """Apply an acknowledgement FILE; its signature lies beside it, with the ending .sig."""
    content, signature = _read(file), _read(file.with_suffix(".sig"))
    with (
        _exchange(config) as exchange,
        readiness.naming(file),
        signing.naming(str(file), _COPY_ACKNOWLEDGEMENT),
    ):
        done = export.acknowledge(exchange, content, signature, day=utc_now().day)
    if as_json:
        _print_json(asdict(done))
    elif not done.is_new:
        click.echo("applied before, or older than the last one: nothing changed")
    else:
        click.echo(f"acknowledged: {done.forgotten}; overwritten from the one before: {done.erased}")
    if done.unmatched:
        _fail(
            f"{file} names other bytes for {', '.join(done.unmatched)}; what we hold there stays: export again",
            errors.AcknowledgementError.exit_code,
        )


@commands.command(epilog=_endings(errors.ConfigFileError, errors.FaultsFoundError))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def doctor(*, as_json: bool) -> None:
    """Look at this machine and say what is wrong and what to do; ends with 0 when nothing was found."""
    found = examine(this_machine(), _config_path())
    if as_json:
        _print_json(asdict(found))
    else:
        for fault in found.faults:
            click.echo(f"WRONG ({fault.name}): {fault.wrong}\n   DO: {fault.do}")
        for note in found.notes:
            click.echo(f"note: {note}")
    if found.faults:
        _fail(f"faults: {len(found.faults)}", errors.FaultsFoundError.exit_code)
    if not as_json:
        click.echo("nothing to mend was found")


@contextmanager
def _exchange(config: Config) -> Iterator[export.Exchange]:
    store = readiness.open_store(config)
    try:
        store.check()
        yield readiness.open_exchange(config, store)
    finally:
        store.close()


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise errors.NotInitialisedError(
            f"cannot make {path}: {error.strerror}; look at [intake] data_dir"
        ) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise errors.AcknowledgementError(
            f"cannot read {path}: {error.strerror}; copy the acknowledgement and its .sig from the stick"
        ) from None


def _print_json(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value))


def _warn(warnings: tuple[str, ...]) -> None:
    for sentence in warnings:
        click.echo(f"warning: {sentence}", err=True)


def _fail(sentence: str, code: int) -> NoReturn:
    click.echo(f"intake: {sentence}", err=True)
    sys.exit(code)

"""Hop 9 seen from the vault: which cases a release counts, and the order in which it becomes public.

    1  the seed, drawn once and stored       2  counting and protection, no key and no database (`statistics`)
    3  the ledger entry with every byte      4  the directory, by one rename      5  the entry is marked as published

A crash after 3 is finished by the next run from the stored bytes; a crash before 3 has published nothing.
"""

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path

from sqlalchemy import Connection

from crypto import canonical, signing
from crypto.canonical import Json
from crypto.keystore import Keystore
from review_tool import audit, case_rows, gates, ledger, verify_release
from review_tool import vault as vaults
from review_tool.audit import Act, Entry
from review_tool.cases import State, case_number
from review_tool.errors import NotCountableError, ReleaseRefusedError, ReleaseWriteError
from review_tool.gates import Countable
from review_tool.ledger import Period, Publication
from review_tool.statistics import release as releases
from review_tool.statistics.release import PreparedRelease
from review_tool.vault import Vault


def publish(
    vault: Vault,
    keystore: Keystore,
    period: Period,
    *,
    until: date | None,
    out: Path,
    day: date,
    reviewer: str,
    draw: Callable[[int], bytes] = secrets.token_bytes,
) -> Publication:
    """Release a period into a new directory, or finish a release of it that was broken off.

    Args:
        vault: the open vault.
        keystore: its acknowledgement key signs the checksums.
        period: what is released.
        until: last closing day that counts; None is the end of the period, or today.
        out: the directory; it must not be there yet.
        day: today.
        reviewer: pseudonym for the log.
        draw: source of the seed.

    Raises:
        ReleaseRefusedError: the period or its numbers may not be published; nothing was written.
        DamagedVaultError: the vault is damaged: what is counted must be what was stored.
        ReleaseWriteError: it is in the ledger, but the directory could not be written.
    """
    if not out.exists():
        _require_place(out)
    who = Entry(act=Act.RELEASE_PREPARED, day=day, reviewer=reviewer)
    with vault.transaction() as connection:
        vaults.require_whole(connection)
        started = ledger.unpublished(connection)
    if started is not None and started.period.id == period.id:
        return _finish(vault, started, out, who)
    if out.exists():
        raise ReleaseRefusedError(f"{out} is there already; a release goes into a directory of its own")
    with vault.transaction() as connection:
        ledger.check_new(connection, period)
        closes = ledger.closing_day(period, until, day=day)
        seed, is_new = ledger.seed_of(connection, period, draw)
        if is_new:
            drawn = Entry(act=Act.RELEASE_SEED, day=day, reviewer=reviewer, facts={"release": period.id})
            audit.append(connection, [drawn])
    with vault.transaction() as connection:
        publication = _prepared(connection, keystore, period, closes, seed)
        ledger.enter(connection, publication)
        facts = {"release": period.id, "until": closes.isoformat(), "sums": _sums(publication)}
        audit.append(connection, [Entry(act=Act.RELEASE_PREPARED, day=day, reviewer=reviewer, facts=facts)])
    return _finish(vault, publication, out, who)


def _require_place(out: Path) -> None:
    """Find out that the directory cannot be made before the ledger closes a quarter for it; what was tried goes again.

    Raises:
        ReleaseRefusedError: nothing can be written there, as where a stick is not in.
    """
    probe = out.with_name(f".{out.name}.probe")
    made = [probe, *(folder for folder in probe.parents if not folder.exists())]  # deepest first
    try:
        probe.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReleaseRefusedError(
            f"{out} cannot be made ({error.strerror}): put the stick in, or give another place; the quarter stays open"
        ) from None
    finally:
        for folder in made:
            with suppress(OSError):  # never made, or somebody put something into it meanwhile
                folder.rmdir()


def countables(connection: Connection, closes: date) -> tuple[Countable, ...]:
    """Every case that may be counted, was closed by that day, and is in no release yet, by number.

    A later report of an incident that is published already is a further report: counted again, one would be two.
    A case with several codings counts with the one of the first coder by name until adjudication exists.
    """
    counted, told = ledger.counted_numbers(connection), ledger.counted_incidents(connection)
    codings = case_rows.read_codings(connection)
    found = []
    for case in case_rows.read_cases(connection, [State.CLOSED]):
        is_due = case.closed_on is not None and case.closed_on <= closes
        if not is_due or case_number(case.id) in counted or case.id not in codings:
            continue
        try:
            found.append(gates.countable(case, codings[case.id][0]))
        except NotCountableError:
            continue  # no consent, or a duplicate: it must leave no trace in any number
    return gates.linked(found, counted=told)


def _prepared(
    connection: Connection, keystore: Keystore, period: Period, closes: date, seed: bytes
) -> Publication:
    before = ledger.last(connection)
    records = countables(connection, closes)
    same_year = before is not None and before.period.first_day.year == period.first_day.year
    prepared = releases.prepare(
        records,
        period=period.id,
        closes=closes,
        center_name=vaults.archived_configs(connection)[-1].content.name,
        past=None if before is None else before.files[ledger.RELEASE_JSON],
        levels=before.levels if before is not None and same_year else {},
        seed=seed,
        sign=lambda sums: signing.signify(sums, keystore.ack_seed).encode(),
    )
    signatures = verify_release.signatures(
        prepared.files[ledger.SUMS], keystore.ack_seed, center=keystore.center, period=period.id
    )
    return Publication(
        period=period,
        number=1 if before is None else before.number + 1,
        until=closes,
        levels=prepared.levels,
        is_published=False,
        files={**prepared.files, **signatures},
        counted={record.case: _codes(record) for record in records},
    )


def _codes(record: Countable) -> bytes:
    """What a case was counted with: it keeps these codes in every later release (METHODS.md)."""
    answers: dict[str, Json] = {name: list(codes) for name, codes in record.answers.items()}
    told: dict[str, Json] = {
        "answers": answers,
        "coding": case_rows.judgement(record.coding),
        "incident": record.incident,
        "source": record.source,
    }
    return canonical.encode(told)


def _finish(vault: Vault, publication: Publication, out: Path, who: Entry) -> Publication:
    """Write the directory from the ledger's bytes, unless it stands already, and mark the release."""
    if out.exists():
        _require_same(out, publication.files)
    else:
        try:
            releases.write(_again(publication), out)
        except OSError as error:
            raise ReleaseWriteError(
                f"{publication.period.id} is in the ledger, but its directory could not be written "
                f"({error.strerror}); run the command again"
            ) from None
    facts: dict[str, Json] = {"release": publication.period.id, "sums": _sums(publication)}
    entry = Entry(act=Act.RELEASE_PUBLISHED, day=who.day, reviewer=who.reviewer, facts=facts)
    with vault.transaction() as connection:
        ledger.mark_published(connection, publication.period)
        audit.append(connection, [entry])
    return publication


def _again(publication: Publication) -> PreparedRelease:
    return PreparedRelease(period=publication.period.id, files=publication.files, levels=publication.levels)


def _require_same(out: Path, files: Mapping[str, bytes]) -> None:
    found = {str(path.relative_to(out)): path for path in out.rglob("*") if path.is_file()}
    is_same = set(found) == set(files) and all(found[name].read_bytes() == files[name] for name in files)
    if not is_same:
        raise ReleaseWriteError(
            f"{out} holds something else than the release in the ledger; give a directory that is not there yet"
        )


def _sums(publication: Publication) -> str:
    """The checksums' own hash: names a release in the log without repeating it."""
    return ledger.digest(publication.files[ledger.SUMS])

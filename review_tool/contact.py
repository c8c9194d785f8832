"""The contact block: sealed inside a report, opened one at a time, for a reason, after the log says so.

The text goes to the caller's screen and nowhere else: it is not stored opened, not listed, not searched.
"""

from dataclasses import replace
from datetime import date

from sqlalchemy import select

from crypto.keystore import Keystore
from crypto.unseal import Identity, unseal, unseal_contact
from review_tool import audit, case_rows
from review_tool.audit import Act, Entry
from review_tool.cases import case_number
from review_tool.errors import ContactError
from review_tool.schema import CASE, ENVELOPE
from review_tool.vault import Vault


def open_contact(
    vault: Vault, keystore: Keystore, identifier: str, *, reason: str, day: date, reviewer: str
) -> str:
    """Open the contact block of one case; the reason is in the log before anything is opened.

    Raises:
        ContactError: no reason was given, or the reporter left no contact.
        UnknownCaseError: there is no such case.
        FormatError: the block does not open; the attempt stays in the log.
    """
    if not reason.strip():
        raise ContactError("say why: --reason TEXT stands in the log beside the opening")
    with vault.transaction() as connection:
        block = case_rows.contact_block(connection, identifier)
        if block is None:
            raise ContactError(f"{identifier} came without a way to be reached")
        query = select(ENVELOPE.c.sealed).join(CASE, CASE.c.envelope == ENVELOPE.c.sha256)
        sealed = connection.execute(query.where(CASE.c.number == case_number(identifier))).scalar_one()
        facts = {"case": identifier, "reason": reason}
        audit.append(connection, [Entry(act=Act.CONTACT, day=day, reviewer=reviewer, facts=facts)])
    identities = [Identity(epoch=epoch.epoch, seed=epoch.seed) for epoch in keystore.epochs]
    opened = unseal(sealed, identities)
    return unseal_contact(replace(opened, contact_block=block), identities)

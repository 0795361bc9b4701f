"""Everything that identity brings into the house."""

from collections.abc import Mapping, Sequence
from functools import partial

from bot.outbox import SECRET
from bot.policy import Policy
from bot.times import DAY
from bot.topic import Flow, Kept, Topic, Visitor, Words
from handlers.identity import effects as do
from handlers.identity import record, script, sweeps, truths, verifier
from storage.database import Tx
from storage.holdings import Holds
from storage.vault import Vault

HOLDS = (
    Holds("typed_ids", {"account_id": "accounts", "id_index": "marks"}, hidden=("id_index",), id="account_id"),
    Holds("codes", {"person_id": "people", "account_id": "accounts"}, hidden=("hash", "address_index")),
    Holds(
        "identity_checks",
        {"person_id": "people", "account_id": "accounts", "id_index": "marks", "key_id": "keys"},
        hidden=("id_index", "mac"),
    ),
    Holds("requests", {"person_id": "people", "account_id": "accounts", "key_id": "keys"}, hidden=("mac",)),
)


def topic(vault: Vault, policy: Policy) -> Topic:
    async def facts(tx: Tx, visitors: Sequence[Visitor], now: int) -> Mapping[str, script.Facts]:
        return await record.facts(tx, vault, policy.settings, visitors, now)

    return Topic(
        flows={
            "login": Flow(script.login, private=False),
            "profile": Flow(script.profile),
            "change_email": Flow(script.change_email),
            "shared_phone": Flow(script.shared_phone),
            "ask_hr": Flow(script.ask_hr),
            "logout": Flow(script.logout),
        },
        effects={
            do.Recall: record.recall,
            do.Acknowledge: record.acknowledge,
            do.LookUp: record.look_up,
            do.SendCode: record.send_code,
            do.CheckCode: record.check_code,
            do.CheckCard: record.check_card,
            do.AskOfficer: record.ask_officer,
            do.AwaitOfficer: record.await_officer,
            do.SaveEmail: record.save_email,
            do.Enter: record.enter,
            do.StepUpNeeded: record.step_up_needed,
            do.ChooseGroup: record.choose_group,
            do.SaveContact: record.save_contact,
            do.SetShared: record.set_shared,
            do.RecallHelp: record.recall_help,
            do.AskForHelp: record.ask_for_help,
            do.LogOut: record.log_out,
        },
        facts=facts,
        menu=lambda visitor: (
            ("profile", "change_email", "shared_phone", "ask_hr", "logout") if visitor.logged_in else ("login",)
        ),
        notices=truths.of(vault, policy.settings.timezone),
        greets=truths.greets(vault, policy.settings.timezone),
        undelivered={SECRET: Words("notice.code_undelivered")},
        carriers={"verify": partial(verifier.carrier, vault, policy.settings)},
        sweeps=(sweeps.unattended(policy),),
        kept=lambda settings: (
            Kept("codes", "expires_at", DAY),
            Kept("typed_ids", "at", (settings.conversation_days + 1) * DAY),  # outlives what was said there
            Kept("identity_checks", "asked_at", settings.officer_check_days * DAY),
            Kept("requests", "decided_at", settings.officer_check_days * DAY, "decided_at IS NOT NULL"),
            # what nobody looked into by then is asked again when it still matters; who wrote to HR still waits
            Kept("requests", "asked_at", settings.officer_check_days * DAY, "decided_at IS NULL AND kind <> 'help'"),
        ),
        holds=HOLDS,
    )

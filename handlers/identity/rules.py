"""The rules of registering and logging in. Pure. Rules that no letter states are settings."""

from datetime import date, timedelta

NOTICE_VERSION = "2026-11"  # change it when the privacy notice's words change: people are asked again
IN_SERVICE = frozenset({"active", "seconded", "on_leave", "suspended"})
WORDS_MOST = 1000  # characters, of a question to HR and of its answer
GROUPS = ("civil_servant", "new_civil_servant")  # ข้าราชการ / กลุ่มข้าราชการใหม่ (letter มท ๐๔๐๒.๕/ว ๓๕๗๘)


def may_register_alone(
    appointed_on: date | None, transferred_in_on: date | None, before: date, *, transfer_overrides: bool
) -> bool:
    """May this person add an e-mail address without HR's reporting-day form (letter นร ๑๐๑๓.๓/๒๑๖, enclosure 2)?

    Appointed before the day (1 ต.ค. 2561): yes; from that very day: no. Somebody transferred in filled in the form when
    reporting, whatever the appointment date. Without an appointment date HR must look.
    """
    if transfer_overrides and transferred_in_on is not None:
        return False
    return appointed_on is not None and appointed_on < before


def email_source(
    appointed_on: date | None, transferred_in_on: date | None, before: date, *, transfer_overrides: bool
) -> str:
    """Where an address on the imported record came from: DPIS V5, or the form of the reporting day."""
    alone = may_register_alone(appointed_on, transferred_in_on, before, transfer_overrides=transfer_overrides)
    return "dpis_v5" if alone else "reporting_form"


def sso_usable_from(today: date) -> date:
    """Single sign-on knows a new address the next day (วันถัดไป)."""
    return today + timedelta(days=1)

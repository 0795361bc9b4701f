"""LINE as an office has set it up, and every way to set it up wrong."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.channels.line.fake import FakeLine
from bot.doctor import line as doctor
from bot.doctor.finding import Case
from tests.doctor.patients import case, findings, is_well, the_fault
from tests.house import KEY, LINE_SECRET, LINE_TOKEN, House, a_house
from tests.served import free_port


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path, channel="line", samples=False) as house:
        assert house.line
        house.line.console.url = f"{house.url}/webhooks/line"
        house.line.console.secret = LINE_SECRET
        yield house


def line_of(house: House) -> FakeLine:
    assert house.line
    return house.line


def at(house: House, folder: Path, **settings: object) -> Case:
    given: dict[str, Any] = {"line_channel_secret": LINE_SECRET, "line_channel_access_token": LINE_TOKEN, **settings}
    given = {"public_url": house.url, "line_api_url": line_of(house).url, **given}
    return case(folder, master_key=KEY, **given)


async def test_all_is_well(house: House, tmp_path: Path) -> None:
    said = await is_well(doctor.look, at(house, tmp_path))
    assert "the account is @kp7 “KP7”" in said
    assert "as many messages as it likes" in said
    assert "KP7 has answered" in said


async def test_without_line(tmp_path: Path) -> None:
    assert [finding.level for finding in await findings(doctor.look, case(tmp_path))] == ["skipped"]


async def test_a_revoked_token(house: House, tmp_path: Path) -> None:
    fault = await the_fault(doctor.look, at(house, tmp_path, line_channel_access_token="Zx9-revoked"))
    assert "refuses the access token (401)" in fault.says
    assert "LINE_CHANNEL_ACCESS_TOKEN" in fault.mend
    assert "Zx9" not in fault.says + fault.mend
    line_of(house).refused.clear()


async def test_a_secret_of_another_channel(house: House, tmp_path: Path) -> None:
    line_of(house).console.secret = "another channel's"
    fault = await the_fault(doctor.look, at(house, tmp_path))
    assert "the signature does not fit" in fault.says
    assert "LINE_CHANNEL_SECRET" in fault.mend


async def test_no_webhook(house: House, tmp_path: Path) -> None:
    line_of(house).console.url = ""
    fault = await the_fault(doctor.look, at(house, tmp_path))
    assert fault.says == "LINE knows no webhook URL."
    assert f"{house.url}/webhooks/line" in fault.mend


async def test_a_webhook_elsewhere(house: House, tmp_path: Path) -> None:
    line_of(house).console.url = "https://old.example.go.th/webhooks/line"
    assert "another webhook URL" in (await the_fault(doctor.look, at(house, tmp_path))).says


async def test_a_webhook_that_is_not_used(house: House, tmp_path: Path) -> None:
    line_of(house).console.active = False
    assert "“Use webhook”" in (await the_fault(doctor.look, at(house, tmp_path))).mend


async def test_a_webhook_that_cannot_be_reached(house: House, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    line_of(house).console.url = f"{nowhere}/webhooks/line"
    patient = at(house, tmp_path)
    patient = Case(patient.settings.model_copy(update={"public_url": nowhere}))
    fault = await the_fault(doctor.look, patient)
    assert "without success (COULD_NOT_CONNECT, 0)" in fault.says


async def test_a_quota_that_is_nearly_used_up(house: House, tmp_path: Path) -> None:
    line_of(house).monthly_limit = 0
    fault = await the_fault(doctor.look, at(house, tmp_path))
    assert (fault.level, fault.says[:38]) == ("warning", "0 of this month's 0 pushes are left; a")
    line_of(house).monthly_limit = 300
    assert "300 of this month's 300" in await is_well(doctor.look, at(house, tmp_path))


@pytest.mark.parametrize(("trouble", "level", "says"), [("500", "warning", "answers 500"), ("429", "warning", "429")])
async def test_line_has_troubles_of_its_own(house: House, tmp_path: Path, trouble: str, level: str, says: str) -> None:
    line_of(house).fail_next("500" if trouble == "500" else "429", endpoint="info")
    fault = await the_fault(doctor.look, at(house, tmp_path))
    assert fault.level == level
    assert says in fault.says


async def test_no_way_to_line(house: House, tmp_path: Path) -> None:
    fault = await the_fault(doctor.look, at(house, tmp_path, line_api_url=f"http://127.0.0.1:{free_port()}"))
    assert "LINE cannot be reached: nothing listens there." in fault.says
    assert "HTTPS_PROXY" in fault.mend

"""Texts to read: any at all, and Thai ones."""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from bot.events import Invalid

# Any code point, lone surrogates too, with the characters that matter here far likelier than by chance.
ODD = "0123456789๐๑๒๓๔๕๖๗๘๙０１９²①٣-–—−‑/.,:@+() \t\n\r\u00a0\u200b\u200d\u202e\u00ad\ufeff\x00\ud800\udfffKıİＡﬁａé"
THAI = "กขคงจดตทนปมยรลวสหอะาิีุูเแโใไำํ่้๊๋็์"
WORDS = ("ต.ค.", "ตุลาคม", "พ.ศ.", "ค.ศ.", "Oct", "นาย", "นางสาว", "ว่าที่", "ร.ต.", "ดร.", "หญิง", "วันที่", "@example.go.th")
anything = st.text(st.characters() | st.sampled_from(ODD + THAI)) | st.lists(
    st.sampled_from(WORDS) | st.text(st.sampled_from(ODD + THAI), max_size=4)
).map("".join)
unhurried = settings(deadline=None)  # a busy machine is no reason to fail


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(Invalid) as refused:
        call()
    return refused.value.code

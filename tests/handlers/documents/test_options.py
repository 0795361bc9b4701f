"""What a campaign decides is kept as JSON, which other versions of the program wrote, or will read."""

import pytest

from handlers.documents.rules import Options, read_options, write_options


def test_what_is_written_is_read() -> None:
    options = Options(each_child=False, reuse_degree=False, purpose="ใช้ทดสอบเท่านั้น")
    assert read_options(write_options(options)) == options


@pytest.mark.parametrize(
    ("stored", "meant"),
    [
        ('{"each_child": false}', Options(each_child=False)),
        ('{"each_child": false, "from_next_year": [1]}', Options(each_child=False)),
        ('{"each_child": "no", "reuse_degree": false}', Options(reuse_degree=False)),
        ('{"levels": 2}', Options(levels=2)),
        ('{"levels": 0}', Options()),
        ('{"levels": true}', Options()),
        ('{"levels": 3}', Options(levels=2)),  # never fewer than somebody meant
        ("{}", Options()),
        ("[]", Options()),
        ("", Options()),
    ],
)
def test_what_another_version_wrote(stored: str, meant: Options) -> None:
    assert read_options(stored) == meant

"""How values are declared on the message path."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """A frozen dataclass, as far as the type checker goes, which refuses every assignment. At run time `frozen=True`
    would set each field by a call of its own; dozens of these are made for every event."""
    return dataclass(slots=True, unsafe_hash=True)(cls)

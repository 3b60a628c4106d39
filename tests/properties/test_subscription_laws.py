"""Laws of reading the log: an entry's id becomes the position that text from outside would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetlog.consumers.fold.subscription import entries
from assetlog.schemas.errors import Invalid
from assetlog.schemas.positions import parse_position

NUMBERS = st.integers(0, (1 << 64) - 1) | st.integers(0, (1 << 44)) | st.integers(0, (1 << 21))


@given(NUMBERS, NUMBERS)
def test_an_entrys_id_is_read_as_text_from_outside_is(ms: int, seq: int) -> None:
    message = {"message_ids": [f"{ms}-{seq}".encode()], "data": [{b"event": b"raw"}]}
    try:
        expected = parse_position(f"{ms}-{seq}")
    except Invalid:
        with pytest.raises(Invalid):
            entries(message)
    else:
        assert entries(message) == [(expected, b"raw")]

"""An event's identity is stored for ever: however it is computed, the bytes stay what they are."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import example, given
from hypothesis import strategies as st

from assetlog.consumers.fold.identity import Identity, identity

texts = st.text(max_size=50)
near_uuids = st.from_regex(r"[-+ _0-9a-fA-Fx\u0660]{8}-[-+ _0-9a-fA-F]{4}[-:]7[-0-9a-f]{21}", fullmatch=True)


def plainly(source: str, event_id: str) -> Identity:
    """The rule, word by word."""
    digest = sha256(source.encode() + b"\0" + event_id.encode()).digest()
    if len(event_id) == 36 and event_id[8] == "-" and event_id[14] == "7":
        try:
            return Identity(True, int(event_id[:8] + event_id[9:13], 16).to_bytes(6, "big") + digest[:10])
        except (ValueError, OverflowError):  # no number, or one below zero
            pass
    return Identity(False, digest[:16])


@given(
    texts,
    texts | near_uuids | st.uuids(version=4).map(str) | st.uuids().map(lambda of: f"{str(of)[:14]}7{str(of)[15:]}"),
)
@example("a", "01932b5e-8a2e-7cc0-98c4-dc0c0c07398f")
@example("a", "-1932b5e-8a2e-7cc0-98c4-dc0c0c07398f")
@example("a", "-0000000-0000-7cc0-98c4-dc0c0c07398f")
@example("a", "+1932b5e-8a2e-7cc0-98c4-dc0c0c07398f")
@example("a", " 1932b5e-8a2e-7cc0-98c4-dc0c0c07398f")
@example("a", " 1 32b5e-8a2e-7cc0-98c4-dc0c0c07398f")
@example("a", "0193_b5e-8a2e-7cc0-98c4-dc0c0c07398f")
@example("a", "0x932b5e-8a2e-7cc0-98c4-dc0c0c07398f")
@example("a", "\u06601932b5e-8a2e-7cc0-98c4-dc0c0c07398f")
@example("a", "01932B5E-8A2E-7cc0-98c4-dc0c0c07398f")
def test_an_identity_is_what_the_rule_says(source: str, event_id: str) -> None:
    assert identity(source, event_id) == plainly(source, event_id)

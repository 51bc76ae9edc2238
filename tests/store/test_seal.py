from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prior_auth.errors import SettingsError
from prior_auth.store.seal import KEY_BYTES, KeyRing, SealBroken, create_key

OLD, NEW = b"o" * KEY_BYTES, b"n" * KEY_BYTES


@given(payload=st.binary(max_size=200), place=st.lists(st.text(max_size=8), max_size=3))
def test_what_is_sealed_opens_in_its_place(payload: bytes, place: list[str]) -> None:
    ring = KeyRing(OLD)
    assert ring.open(ring.seal(payload, *place), *place) == payload


def test_the_same_payload_is_never_sealed_alike() -> None:
    ring = KeyRing(OLD)
    assert ring.seal(b"same", "t") != ring.seal(b"same", "t")


def test_a_payload_moved_to_another_place_does_not_open() -> None:
    ring = KeyRing(OLD)
    sealed = ring.seal(b"diagnosis", "document", "case-1", "card")
    for elsewhere in (("document", "case-2", "card"), ("document", "case-1c", "ard"), ("document", "case-1"), ()):
        with pytest.raises(SealBroken):
            ring.open(sealed, *elsewhere)


def test_any_changed_bit_is_noticed() -> None:
    ring = KeyRing(OLD)
    sealed = ring.seal(b"diagnosis", "t")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(SealBroken):
            ring.open(bytes(changed), "t")


@pytest.mark.parametrize("cut", range(0, 40, 7))
def test_a_cut_payload_is_noticed(cut: int) -> None:
    ring = KeyRing(OLD)
    with pytest.raises(SealBroken):
        ring.open(ring.seal(b"diagnosis", "t")[:cut], "t")


def test_a_wrong_key_is_named_by_its_id_and_the_error_holds_no_payload() -> None:
    sealed = KeyRing(OLD).seal(b"Jane Roe", "document", "Jane Roe")
    with pytest.raises(SealBroken, match="not in the key file") as caught:
        KeyRing(NEW).open(sealed, "document", "Jane Roe")
    assert "Jane" not in str(caught.value)


def test_after_a_rotation_old_payloads_open_and_new_ones_need_the_new_key() -> None:
    old, both, new = KeyRing(OLD), KeyRing(OLD, NEW), KeyRing(NEW)
    assert both.open(old.seal(b"x", "t"), "t") == b"x"
    assert new.open(both.seal(b"x", "t"), "t") == b"x"


def test_a_key_ring_shows_no_key() -> None:
    assert "ooo" not in repr(KeyRing(OLD))


def test_keys_for_other_purposes_differ_by_purpose_and_by_key() -> None:
    ring = KeyRing(OLD)
    assert len(ring.derived("workflow payloads")) == KEY_BYTES
    assert ring.derived("workflow payloads") == KeyRing(OLD, NEW).derived("workflow payloads")
    assert len({ring.derived("a"), ring.derived("b"), KeyRing(NEW).derived("a"), OLD}) == 4


def test_a_key_file_is_for_its_owner_only_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "practice.key"
    create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        create_key(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["practice.key"]


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "practice.key"
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: KeyRing.load_or_create(path), range(8)))
    sealed = rings[0].seal(b"x", "t")
    assert all(ring.open(sealed, "t") == b"x" for ring in rings)


def test_a_missing_key_file_is_an_error_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no key file"):
        KeyRing.load(tmp_path / "practice.key")


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "practice.key"
    create_key(path)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        KeyRing.load(path)


@pytest.mark.parametrize("content", ["", "not base64!\n", "c2hvcnQ=\n", "é\n"])
def test_a_damaged_key_file_is_refused_by_line_without_showing_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "practice.key"
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(SettingsError) as caught:
        KeyRing.load(path)
    assert "c2hv" not in str(caught.value)

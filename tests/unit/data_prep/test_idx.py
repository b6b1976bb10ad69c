"""The IDX reader: hand-written files, zipped or not, and damaged files."""

import contextlib
import gzip
import hashlib

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from data_prep.idx import read_idx
from jaxgan.errors import UserError
from tests.support.data_prep.damage import changed_byte

HEADER = bytes.fromhex('00000803 00000002 00000001 00000003')
VALUES = bytes([1, 2, 3, 250, 251, 252])
ZIPPED = gzip.compress(HEADER + VALUES, mtime=0)  # The same bytes in every process.


@pytest.mark.parametrize('zipped', [False, True])
def test_by_hand(zipped, tmp_path):
  file = tmp_path / 'any name'  # Gzip is recognised by content.
  file.write_bytes(ZIPPED if zipped else HEADER + VALUES)
  idx = read_idx(file)
  np.testing.assert_array_equal(idx.array, [[[1, 2, 3]], [[250, 251, 252]]])
  assert idx.array.dtype == np.uint8
  assert idx.md5 == hashlib.md5(HEADER + VALUES).hexdigest()


@pytest.mark.parametrize(
  ('data', 'message'),
  [
    (HEADER + VALUES[:-1], r'is truncated: 21 bytes, its header announces 22 \(\(2, 1, 3\)\)'),
    (HEADER + VALUES + b'x', 'is too long: 23 bytes'),
    (HEADER[:9], 'is truncated: its header ends after 9 bytes'),
    (b'', 'is not an IDX file of unsigned bytes: it starts with nothing'),
    (b'\x89PNG....', 'it starts with 89504e47'),
    (b'\0\0\x0d\x01' + HEADER[4:], 'it starts with 00000d01'),  # Floats.
    (ZIPPED[:-12], 'cannot be read'),
    (ZIPPED[:-8] + bytes(8), r'cannot be read \(CRC check failed'),
    (gzip.compress(HEADER + VALUES[:-1], mtime=0), 'is truncated'),
  ],
)
def test_damaged(data, message, tmp_path):
  file = tmp_path / 'train-images-idx3-ubyte'
  file.write_bytes(data)
  with pytest.raises(UserError, match=message) as raised:
    read_idx(file)
  assert str(file) in str(raised.value)
  assert '\n' not in str(raised.value)


@pytest.mark.parametrize('whole', [HEADER + VALUES, ZIPPED], ids=['plain', 'zipped'])
@given(data=st.data())
def test_a_truncated_file_is_refused_and_a_changed_byte_changes_no_value(whole, data, tmp_path):
  file = tmp_path / 'labels'
  file.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
  with pytest.raises(UserError):
    read_idx(file)
  # Zipped contents have a checksum.
  position = data.draw(st.integers(0, len(whole if whole == ZIPPED else HEADER) - 1))
  file.write_bytes(changed_byte(whole, position, data.draw(st.integers(1, 255))))
  with contextlib.suppress(UserError):
    assert read_idx(file).array.tobytes() == VALUES


def test_missing(tmp_path):
  with pytest.raises(UserError, match=r'cannot be read .*No such file'):
    read_idx(tmp_path / 'nothing')

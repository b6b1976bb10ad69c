"""Names of classes on the command line, and the origin of labels in words."""

from types import SimpleNamespace

import pytest

from jaxgan.errors import UserError
from jaxgan.runs import sampling

NAMES = ('street', 'a, b', 'a', 'Büro', '3')
CODES = ('code_0', 'code_1', 'code_2')


@pytest.mark.parametrize(
  ('wanted', 'found'),
  [
    ('street', (0,)),
    ('Büro, street', (0, 3)),
    ('a, b', (1,)),
    ('a,street', (0, 2)),
    ('street,a, b,a', (0, 1, 2)),
    ('3', (4,)),
    (3, (4,)),
    (['a', 'a'], (2,)),
  ],
)
def test_names(wanted, found):
  assert sampling.positions(NAMES, wanted, 'classes', are_codes=False) == found


def test_codes_have_numbers_too():
  assert sampling.positions(CODES, '2,code_0', 'classes', are_codes=True) == (0, 2)
  assert sampling.positions(CODES, 1, 'label', are_codes=True) == (1,)
  with pytest.raises(UserError, match=r'classes=3: expected a code in 0\.\.2$'):
    sampling.positions(CODES, '3', 'classes', are_codes=True)


@pytest.mark.parametrize(
  ('wanted', 'message'),
  [
    ('Stret', r'classes=Stret: expected one of street, .*; did you mean street\?'),
    ('BÜRO', r'classes=BÜRO: .*; did you mean Büro\?'),
    ('xyz', 'classes=xyz: expected one of street, a, b, a, Büro, 3$'),
    (0, 'classes=0: expected one of'),
    (',', 'classes: expected a name, for example street'),
  ],
)
def test_unknown_names(wanted, message):
  with pytest.raises(UserError, match=message):
    sampling.positions(NAMES, wanted, 'classes', are_codes=False)


def test_the_labeller_in_words():
  known = {'classifier': SimpleNamespace(key='mnist-cnn-0f1e', accuracy=0.631)}
  words = sampling.labeller_in_words(known, 'mnist-cnn-0f1e')
  assert words == 'the classifier (mnist-cnn, accuracy 63.1 %)'
  assert sampling.labeller_in_words(known, 'their codes') == 'their codes'

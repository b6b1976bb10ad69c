"""The choices of an InfoGAN."""

import pytest

from jaxgan.algorithms.infogan import CHOICES, infogan
from tests.support.small_infogan import SHAPE, K, section


@pytest.mark.parametrize('field', [*CHOICES])
def test_unknown_choices_are_refused(field):
  with pytest.raises(ValueError, match=rf'algorithm\.{field}=.*nonsense'):
    infogan(section().model_copy(update={field: 'nonsense'}), SHAPE, K)

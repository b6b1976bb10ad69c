"""The training loop in docs/balance_your_own_gan.md runs and balances its classes."""

import pathlib
import re

import numpy as np

DOCUMENT = pathlib.Path(__file__).resolve().parents[3] / 'docs' / 'balance_your_own_gan.md'


def test_the_documented_loop_balances_its_classes(capsys):
  (code,) = re.findall(r'```python\n(.*?)```', DOCUMENT.read_text(), re.DOTALL)
  names = {}
  exec(compile(code, str(DOCUMENT), 'exec'), names)
  assert capsys.readouterr().out
  without, balanced = (np.asarray(names[name]) / 3000 for name in ('without', 'balanced'))
  assert without.max() > 0.8
  assert without.min() < 0.05
  assert balanced.max() < 0.7
  assert balanced.min() > 0.1

"""The experiments and the published rows match one to one, and README lists them."""

from importlib import resources
import json
import pathlib

from experiments import rows


def _leaves(tree, prefix):
  """The rows below a name of published_results.json: those with a Fréchet inception distance."""
  if 'fid' in tree:
    return {prefix}
  parts = (
    _leaves(value, f'{prefix}.{name}') for name, value in tree.items() if isinstance(value, dict)
  )
  return set().union(*parts)


def test_every_published_row_has_its_experiment():
  published = json.loads(resources.files('jaxgan').joinpath('published_results.json').read_text())
  expected = _leaves(published['class_balancing_gan'], 'class_balancing_gan')
  found = rows.published_rows()
  assert set(found) == expected and len(expected) == 36
  assert len(set(found.values())) == len(found)
  assert found['class_balancing_gan.lsun5.cgan.10'] == 'lsun5_lt.py:ratio=10,method=cgan'


def test_readme_has_the_table():
  readme = (pathlib.Path(rows.__file__).parent.parent / 'README.md').read_text(encoding='utf-8')
  assert rows.table() in readme, 'run python -m experiments.rows and put its output there'

"""docs/configuration.md is what the sections say."""

from jaxgan.algorithms import classifier
from jaxgan.config import documentation
from jaxgan.config.section import Count, Section, field
from jaxgan.networks import gans, infogans
from tests.support import small


def test_the_file_is_what_the_sections_say(monkeypatch):
  for networks in (gans.NETWORKS, infogans.NETWORKS):  # Not those of these tests.
    monkeypatch.delitem(networks, small.NAME)
  monkeypatch.delitem(classifier.NETWORKS, small.CLASSIFIER)
  written = documentation.PATH.read_text(encoding='utf-8')
  assert written == documentation.text(documentation.sections()), (
    'run python -m jaxgan.config.documentation'
  )


def test_every_section_of_an_experiment_has_a_table():
  written = documentation.PATH.read_text(encoding='utf-8')
  for field_name in ('regulariser_weight', 'beta_discrete', 'zoom_range', 'focal_gamma', 'keep'):
    assert f'| `{field_name}` |' in written
  assert written.count('(free)') > 15


def test_a_row():
  class Inner(Section):
    """A section."""

    number: Count | None = field(3, 'how many | of them', free=True)

  lines = documentation.text({'Title': Inner}).splitlines()
  assert lines[-1] == (
    r'| `number` | `3` | a whole number above 0, or none | how many \| of them (free) |'
  )
  assert '## Title' in lines and 'A section.' in lines

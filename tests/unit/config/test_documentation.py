"""docs/configuration.md agrees with the sections."""

import importlib.util

from jaxgan.config.section import Count, Section, field
from jaxgan.runs import documentation
from tests.support import registered


def test_the_file_is_up_to_date(monkeypatch):
  registered.as_shipped(monkeypatch)
  written = documentation.PATH.read_text(encoding='utf-8')
  assert written == documentation.text(documentation.sections()), (
    'run python -m jaxgan.runs.documentation'
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
    r'| `number` | `3` | a positive integer or none | how many \| of them (free) |'
  )
  assert '## Title' in lines
  assert 'A section.' in lines


def test_readers_of_sections_are_modules_and_links_lead_to_tables():
  sections = documentation.sections()
  assert {kind.__name__ for kind in sections.values()} <= set(documentation.READERS)
  for readers in documentation.READERS.values():
    assert all(importlib.util.find_spec(name) for name in readers)
  text = documentation.text(sections)
  assert '| a section, see [`data.options`](#dataoptions) |' in text
  assert 'Class `jaxgan.training.config.TrainConfig`, read by `jaxgan.training.job`' in text

"""The pages of a finished experiment."""

import json

from jaxgan.report import page
from tests.support import stand_in
from tests.support.pages import check, read_page


def test_the_page_of_a_finished_experiment(finished, tmp_path):
  found = read_page(finished[0], tmp_path)
  results = json.loads((finished[0] / 'class_balancing' / 'evaluation.json').read_text())['results']
  assert f'{results["kl_from_uniform"]:.3f}' in found.text
  assert results['memorisation/classes'] == [2]
  assert results['memorisation/held_out_images'][0] > 0
  assert f'({results["memorisation/generated_images"][0]} generated' in found.text
  assert len(found.all('input')) == 2  # a slider a method


def test_the_preview_of_a_finished_method(finished):
  for method in stand_in.METHODS:
    found = check((finished[0] / method / page.PROGRESS_FILE).read_text(encoding='utf-8'))
    assert f'{method} step 4 of 4' in found.text
    assert any(a['alt'].startswith('loss/generator over step') for a in found.charts)
    assert len(found.all('input')) == len(found.pictures) == 1

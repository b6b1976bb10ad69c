"""Assessments of stored runs, and of runs without the files that they read."""

import pathlib
import shutil

import pytest

from jaxgan.errors import UserError
from jaxgan.report import assessments, console_table
from tests.support.evaluations import CLASS_BALANCE, collect, report, save, save_codes

RUNS = pathlib.Path(__file__).parents[2] / 'support' / 'assessed_runs'
# The beginnings of sentences that an assessment must and must not have.
EXPECTED = {
  'untrained': (
    ('The classes are more balanced', 'The images are far from real ones', 'still improving',
     'lack variety', 'Next: train longer'),
    ('It copies', 'export'),
  ),
  'still_improving': (
    ('The classes are balanced', 'with visible differences', 'still improving', 'steps=2400'),
    ('far from', 'It copies', 'too much alike', 'lack variety'),
  ),
  'unbalanced': (
    ('The classes are not balanced', 'Ankle boot has 0.1 %', 'hardly changes any more',
     'use class_balancing'),
    ('far from', 'too much alike', 'It copies'),
  ),
  'collapsed': (
    ('The classes are not balanced', 'far from real ones', 'too much alike in', 'Next: look at'),
    ('It copies', 'export'),
  ),
  'copying': (
    ('The classes are balanced', 'close to real ones', 'It copies training images of Ankle boot',
     'collect more images'),
    ('too much alike', 'export'),
  ),
  'good': (
    ('The classes are balanced', 'close to real ones', 'still improving', 'jaxgan export'),
    ('far from', 'It copies', 'too much alike', 'lack variety'),
  ),
}  # fmt: skip


@pytest.mark.parametrize('name', EXPECTED)
def test_a_stored_run_is_assessed_as_its_pictures_look(name):
  (text,) = assessments.texts(collect([RUNS / name]))
  wanted, unwanted = EXPECTED[name]
  assert [words for words in wanted if words not in text] == []
  assert [words for words in unwanted if words in text] == []


def test_the_table_has_rows_of_real_images():
  lines = console_table(collect([RUNS / 'untrained'])).splitlines()
  training, test = (
    next(own for own in lines if own.startswith(f'real {n}')) for n in ('tra', 'test')
  )
  assert training.split()[3:6] == ['0.445', '1.949', '71.80']
  assert training.split()[6:8] == ['900', '582']
  assert test.split()[3:6] == ['0.003', '0.011', '-']
  assert test.split()[6:] == ['100'] * 10


def test_a_report_has_rows_of_real_images_and_no_published_columns(tmp_path):
  text = report([RUNS / 'untrained'], tmp_path / 'report.md')
  assert text.startswith('## Did it work?\n\nclass_balancing, step 100. The classes')
  assert '| fashion_lt | real training images |  |  | 0.445 | - | 71.80 | 1.949 |' in text
  assert 'means over 4 random halvings of the reference, 500 images against 500' in text
  assert 'published' not in text.partition("Differences from the authors' code")[0].lower()


def test_yardsticks_of_other_networks_are_not_compared(tmp_path):
  shutil.copytree(RUNS / 'untrained', tmp_path / 'run')
  path = tmp_path / 'run' / 'real_images' / 'yardsticks.json'
  path.write_text(path.read_text().replace('resnet8-', 'resnet9-', 1))
  (row,) = collect([tmp_path])
  assert assessments.entries([row]) == {}
  assert 'unknown' in assessments.texts([row])[0]


def test_accuracies_of_other_classifiers_are_not_compared(tmp_path):
  shutil.copytree(RUNS / 'untrained', tmp_path / 'run')
  path = tmp_path / 'run' / 'real_images' / 'yardsticks.json'
  path.write_text(path.read_text().replace('"cas_epochs": 8', '"cas_epochs": 9'))
  assert 'a classifier trained on them' not in assessments.texts(collect([tmp_path]))[0]


def test_means_over_seeds(tmp_path):
  for seed, kl in enumerate((0.02, 0.04)):
    save(tmp_path / f'{seed}', CLASS_BALANCE, {'kl_from_uniform': kl}, {'seed': seed})
  (row,) = collect([tmp_path])
  found = assessments.evidence(row)
  assert found.results['kl_from_uniform'] == pytest.approx(0.03)
  assert found.results['class_counts'] == [60, 30, 10]
  assert found.longer == '--config.train.steps=200000'


def test_many_methods_are_compared_not_assessed(tmp_path):
  for number in range(assessments.MOST + 1):
    save(tmp_path / f'{number}', CLASS_BALANCE, experiment=f'run {number}')
  assert assessments.texts(collect([tmp_path])) == []
  assert assessments.console(collect([tmp_path])) == ''


def test_both_families_fit_a_terminal(tmp_path):
  save(tmp_path / 'a' / 'class_balancing', CLASS_BALANCE)
  save_codes(tmp_path / 'b' / 'elastic_infogan')
  text = assessments.console(collect([tmp_path]))
  assert 'Did it work? cifar10_lt_ratio_100: class_balancing, step 100,000' in text
  assert 'Did it work? mnist_lt: elastic_infogan, step 2,000' in text
  own = [line for line in text.splitlines() if str(tmp_path) not in line]
  assert max(map(len, own)) <= 80


def test_a_damaged_yardstick_is_named(tmp_path):
  shutil.copytree(RUNS / 'good', tmp_path / 'good')
  path = tmp_path / 'good' / 'real_images' / 'yardsticks.json'
  path.write_text('{')
  with pytest.raises(UserError) as caught:
    report([tmp_path / 'good'])
  assert str(caught.value) == f'{path} is damaged; run jaxgan evaluate again'

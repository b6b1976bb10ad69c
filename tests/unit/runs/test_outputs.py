"""The pictures and pages of a job, and their folders."""

import types

import pytest

from jaxgan.runs import outputs
from tests.support import toy


def _job(folder, sizes=(20,), **train):
  return toy.job(folder, toy.training_data(sizes), log_every=1, **train)


def _of_method(job, drawn):
  evaluation = types.SimpleNamespace(
    observe=lambda *seen: seen, picture=lambda *arguments: drawn.append(arguments)
  )
  return {output.name: output for output in outputs.of_method(job, evaluation, lambda *_: [])}


def test_a_page_needs_the_field_preview(tmp_path):
  for preview in (False, True):
    job = _job(tmp_path, preview=preview)
    names = [f'pictures of {tmp_path}', *([f'preview of {tmp_path}'] if preview else [])]
    assert list(_of_method(job, [])) == names
    assert [output.name for output in outputs.of_classifier(job)] == names


def test_pictures_per_replica_and_joint_curves(tmp_path):
  job, drawn = _job(tmp_path, sizes=(20, 30), preview=True), []
  found = _of_method(job, drawn)
  whole = str(tmp_path / 'loss_curves.png')
  assert list(found) == [f'pictures of {tmp_path}', whole, f'preview of {tmp_path}']
  pictures = found[f'pictures of {tmp_path}']
  seen = pictures.observe('state', 4, 1)
  assert seen == ('state', 1)
  assert drawn == []
  pictures.write(tmp_path / 'replica_01', 4, seen)
  assert drawn == [(tmp_path / 'replica_01', 4, seen)]
  (tmp_path / 'metrics.jsonl').write_text('{"step": 1, "loss/a": 0.5}\n')
  found[whole].write(tmp_path, 4, None)
  assert (tmp_path / 'loss_curves.png').exists()
  assert found[whole].observe is found[f'preview of {tmp_path}'].observe is None


@pytest.mark.parametrize('replicas', [1, 2])
def test_the_page_names_the_run_and_the_step(tmp_path, replicas):
  job = _job(tmp_path, sizes=(20,) * replicas, preview=True, steps=6)
  page = _of_method(job, [])[f'preview of {tmp_path}']
  page.write(tmp_path, 2, None)
  text = (tmp_path / 'progress.html').read_text()
  assert 'step 2 of 6' in text
  assert ('the first of 2 replicas' in text) == (replicas == 2)
  page.write(tmp_path, 3, None)  # Not written again within seconds.
  assert (tmp_path / 'progress.html').read_text() == text
  page.write(tmp_path, 6, None)
  assert 'step 6 of 6' in (tmp_path / 'progress.html').read_text()

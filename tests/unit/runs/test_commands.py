"""The tables of commands, their help, and the lines about misspelt names."""

import os
import re
import signal
import subprocess
import sys

import pytest

from jaxgan import __main__ as console
from jaxgan import main
from jaxgan.runs import commands, documentation, experiment_file


def _run(monkeypatch, capsys, *arguments):
  """(status, stdout, stderr) of `jaxgan ARGUMENTS` in this process."""
  monkeypatch.setattr(sys, 'argv', ['jaxgan', *arguments])
  monkeypatch.setattr(sys, 'path', list(sys.path))
  status = console.main()
  printed = capsys.readouterr()
  return status, printed.out, printed.err


def test_the_page_is_what_the_table_says():
  written = documentation.COMMAND_LINE.read_text(encoding='utf-8')
  assert written == documentation.command_line(), 'run python -m jaxgan.runs.documentation'


@pytest.mark.parametrize('arguments', [(), ('--help',), ('-h',)])
def test_the_overview_has_a_line_of_every_command(monkeypatch, capsys, arguments):
  status, out, err = _run(monkeypatch, capsys, *arguments)
  assert (status, err) == (0, '')
  for name, command in commands.COMMANDS.items():
    assert f'  {name:10}{command.summary}' in out.splitlines()
  assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize('name', commands.COMMANDS)
def test_help_shows_the_own_flags_and_one_example(monkeypatch, capsys, name):
  status, out, err = _run(monkeypatch, capsys, name, '--help')
  assert (status, err) == (0, '')
  shown = re.findall(r'^  --(?:\[no\])?(\w+)', out, re.MULTILINE)
  assert shown == list(commands.COMMANDS[name].flags)
  assert out.count(f'  jaxgan {name} ') == 1
  assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize('name', commands.COMMANDS)
def test_examples_are_accepted(name):
  for example in commands.COMMANDS[name].examples:
    parsed, config, positional, _ = main.parse([f'jaxgan {name}', *example.split()], name)
    assert (parsed, config is not None) == (name, '--config' in example)
    assert bool(positional) == bool(commands.COMMANDS[name].positional)


def test_both_entries_have_the_same_defaults():
  *_, options = main.parse(['jaxgan'])
  for name, command in commands.COMMANDS.items():
    assert commands.takers('out') == ['sample', 'export', 'save', 'report']
    *_, own = main.parse(['jaxgan'], name)
    for flag, described in command.flags.items():
      assert getattr(own, flag) == getattr(options, flag) == described.default


@pytest.mark.parametrize(
  ('arguments', 'line'),
  [
    (
      ('trian',),
      'trian: no such command, did you mean train? '
      'Commands: train, plan, evaluate, sample, export, save, report',
    ),
    (
      ('xyz',),
      'xyz: no such command. Commands: train, plan, evaluate, sample, export, save, report',
    ),
    (
      ('--workdir=runs/fashion_lt',),
      '--workdir=runs/fashion_lt: name a command before its flags: '
      'train, plan, evaluate, sample, export, save, report',
    ),
    (
      ('sample', '--num_image=3'),
      '--num_image: no such flag, did you mean --num_images? '
      'jaxgan sample --help lists the flags',
    ),
    (('report', '--qqq'), '--qqq: no such flag. jaxgan report --help lists the flags'),
    (('train', '--num_images=3'), '--num_images: not a flag of train, only of sample'),
    (('train', '--nobalanced'), '--balanced: not a flag of train, only of sample'),
    (('sample', '--contents=wrong'), '--contents: not a flag of sample, only of export'),
    (
      ('report', '--config.seed=3'),
      '--config: not a flag of report, only of train, plan, evaluate, sample, export or save',
    ),
    (('train', '--mode=plan'), '--mode: jaxgan train has no modes, name the command instead'),
    (('train', 'stray'), "unknown argument 'stray': flags begin with --, see --help"),
    (
      ('train', 'experiments/fashion_lt.py:ratio=10'),
      "unknown argument 'experiments/fashion_lt.py:ratio=10': "
      'did you mean --config=experiments/fashion_lt.py:ratio=10?',
    ),
    (
      ('evaluate',),
      '--workdir is missing: name a work directory, such as runs/fashion_lt',
    ),
    (
      ('train',),
      '--config is missing: name an experiment, such as experiments/fashion_lt.py',
    ),
    (('sample', '--num_images=many'), 'flag --num_images=many: use a whole number'),
    (('report',), 'report needs work directories, such as runs/fashion_lt'),
  ],
)  # fmt: skip
def test_one_line(monkeypatch, capsys, arguments, line):
  assert _run(monkeypatch, capsys, *arguments) == (2, '', f'error: {line}\n')


def test_a_plan_with_a_refusal_prints_it_and_has_status_2(monkeypatch, capsys):
  arguments = ('--config=experiments/folder_lt.py', '--config.data.source=nowhere')
  refusal = 'refused: source nowhere does not exist (--config.data.source)\n'
  assert _run(monkeypatch, capsys, 'plan', *arguments) == (2, refusal, '')


@pytest.mark.slow
def test_a_reader_that_has_enough_is_no_error():
  reader, writer = os.pipe()
  os.close(reader)
  command = [sys.executable, '-m', 'jaxgan', 'plan', '--config=experiments/fashion_lt.py']
  result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
  os.close(writer)
  assert result.returncode == 128 + signal.SIGPIPE
  assert b'rror' not in result.stderr  # Lines about the progress of a plan may be there.


@pytest.mark.parametrize('module', ['jaxgan', 'jaxgan.main'])
def test_a_reader_of_help_may_leave(module):
  reader, writer = os.pipe()
  os.close(reader)
  command = [sys.executable, '-u', '-m', module, '--help']
  done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE)
  os.close(writer)
  assert (done.returncode, done.stderr) == (141, b'')


def test_a_closed_stderr_is_not_part_of_the_output():
  command = f'{sys.executable} -m jaxgan tarin 2>&-'
  done = subprocess.run(['sh', '-c', command], stdout=subprocess.PIPE)
  assert (done.returncode, done.stdout) == (2, b'')


def test_folders_without_an_evaluation(monkeypatch, capsys, tmp_path):
  assert _run(monkeypatch, capsys, 'report', str(tmp_path)) == (
    2,
    '',
    f'error: {tmp_path}: no evaluation.json there or up to three levels below: '
    'train to the end, or run jaxgan evaluate\n',
  )
  (tmp_path / 'classifier').mkdir()
  (tmp_path / 'classifier' / 'config.json').write_text('{}')
  for folder, line in {
    tmp_path.parent / 'none': 'expected the folder of a run, such as runs/fashion_lt',
    tmp_path: 'no method has been trained there yet',
    tmp_path / 'classifier': f'expected the work directory above, {tmp_path}',
  }.items():
    expected = (2, '', f'error: workdir={folder}: {line}.\n')
    assert _run(monkeypatch, capsys, 'evaluate', f'--workdir={folder}') == expected


@pytest.mark.parametrize(
  ('arguments', 'line'),
  [
    (
      ('--mode=export', '--num_images=20'),
      '--num_images: not a flag of --mode=export, only of --mode=sample; '
      'did you mean --images_per_class?',
    ),
    (('--mode', 'report', '--config=x'), '--config: not a flag of --mode=report, only of --mode='),
    (('--balanced',), '--balanced: not a flag of --mode=train, only of --mode=sample'),
    (('--mode=trian',), '--mode=trian: no such mode, did you mean train? Modes: train, plan'),
    (('--mode=evaluate', 'x'), "unknown argument 'x': did you mean --workdir=x?"),
  ],
)
def test_a_mode_has_its_own_flags_only(capsys, arguments, line):
  assert main.main(['jaxgan.main', *arguments]) == 2
  assert capsys.readouterr().err.startswith(f'error: {line}')


def test_a_report_takes_work_directories_as_flag_and_as_arguments(monkeypatch):
  monkeypatch.setattr(main, '_report', lambda folders, options: folders)
  for argv, name in ((['--mode=report'], None), ([], 'report')):
    assert main._execute(['jaxgan', *argv, '--workdir=a'], name) == ['a']
    assert main._execute(['jaxgan', *argv, '--workdir=a', 'b'], name) == ['a', 'b']


@pytest.mark.parametrize(
  ('flag', 'meant'),
  [
    (
      'lr=1e-3',
      'did you mean --config.algorithm.learning_rate=1e-3 (or --config.classifier.',
    ),
    ('steps=100', 'did you mean --config.train.steps=100 (or --config.classifier.train.steps, '),
    ('epochs=3', 'did you mean --config.train.epochs=3 (or --config.classifier.train.epochs, '),
    ('source=x', 'did you mean --config.data.source=x (or --config.classifier.data.source, '),
    ('batch_size=8', 'did you mean --config.train.batch_size=8 (or --config.evaluation.batch_size'),
    ('seed=1', 'did you mean --config.seed=1'),
  ],
)
def test_a_field_without_its_section_is_found(monkeypatch, capsys, flag, meant):
  experiment = '--config=experiments/fashion_lt.py'
  lines = {'train': f'--{flag}', 'plan': f'--config.{flag}'}
  if flag.startswith('seed'):  # The experiment has a field of this name.
    del lines['plan']
  for command, start in lines.items():
    status, out, err = _run(monkeypatch, capsys, command, experiment, start)
    assert (status, out, err.count('\n')) == (2, '', 1)
    assert f'no such {"flag" if command == "train" else "field"}, {meant}' in err


@pytest.mark.parametrize(
  ('field', 'meant'),
  [
    ('train.lr', 'algorithm.learning_rate'),
    ('classifier.train.lr', 'classifier.algorithm.learning_rate'),
    ('data.image_size', 'data.options.image_size'),
    ('algoritm.ema_start', 'algorithm.ema_start'),
    ('evaluation.sample', 'evaluation.samples'),
  ],
)
def test_a_field_of_another_section_is_found(monkeypatch, capsys, field, meant):
  arguments = ('train', '--config=experiments/fashion_lt.py', f'--config.{field}=7')
  _, _, err = _run(monkeypatch, capsys, *arguments)
  start = f'error: config.{field}: there is no such field, did you mean --config.{meant}=7'
  assert err.startswith(start)


def test_a_flag_of_a_run_that_ends_alike_is_found(monkeypatch, capsys):
  for name in ('sample', 'export'):
    *_, err = _run(monkeypatch, capsys, name, '--seed=3')
    assert err.startswith('error: --seed: no such flag, did you mean --sample_seed?')


@pytest.mark.parametrize(
  ('name', 'hint'),
  [
    ('experiments/fashon_lt.py', 'did you mean experiments/fashion_lt.py or '),
    ('fashion_lt', 'did you mean experiments/fashion_lt.py or '),
    ('zzz.py', 'experiments that come with jaxgan: experiments/cars3d.py, '),
  ],
)
def test_a_missing_experiment_file(name, hint):
  with pytest.raises(experiment_file.UserError) as refusal:
    experiment_file.read(name)
  assert str(refusal.value).startswith(f'--config={name}: no such file; {hint}')


def test_an_experiment_of_the_package_is_found_anywhere(monkeypatch, tmp_path):
  monkeypatch.chdir(tmp_path)
  assert experiment_file.read('experiments/fashion_lt.py').experiment == 'fashion_lt'

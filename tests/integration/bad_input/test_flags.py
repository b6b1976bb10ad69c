"""Invalid flags, configuration fields and experiment files."""

import pytest

from tests.support.bad_input.folders import ROOT


def _experiment(name):
  return f'--config={ROOT}/experiments/{name}.py'


FASHION, MNIST = _experiment('fashion_lt'), _experiment('mnist_lt')


@pytest.mark.parametrize(
  ('field', 'message'),
  [
    # Names.
    ('nothing=3', r'config.nothing: there is no such field; there are experiment, workdir'),
    (
      'train.batchsize=3',
      r'train.batchsize: there is no such field, did you mean --config.train.batch_size=3 \(or',
    ),
    ('train.steps.deep=3', 'config.train.steps.deep: there is no such field, steps has none'),
    ('.x=3', 'config.: there is no such field'),
    # Types.
    (
      'train.batch_size=8.5',
      r'config.train.batch_size=8.5: expected a positive integer, for example 64\.$',
    ),
    ('train.batch_size=nan', "batch_size='nan': expected a positive integer"),
    ('train.steps=ten', "train.steps='ten': expected a positive integer or none"),
    ('train.steps=1e-3', 'train.steps=0.001: expected a positive integer'),
    ('train.steps=', "train.steps='': expected a positive integer"),
    ('train.steps', 'Missing value for flag --config.train.steps'),
    ('train.resume=maybe', "train.resume='maybe': expected True or False"),
    ('seed=x', r"config.seed='x': expected an integer in \[0, 4294967295\]"),
    ('algorithm.learning_rate=', "learning_rate='': expected a positive number"),
    ('algorithm.count_start=(1,', r"count_start=\('\(1,',\): expected numbers above 0"),
    ('algorithm.count_start=(1.0,2.0)', 'count_start: expected 1 or 10 numbers, found 2'),
    ('data=3', 'config.data=3: expected a section, set field by field'),
    # Ranges.
    ('train.batch_size=0', 'config.train.batch_size=0: expected a positive integer'),
    ('seed=-1', r'config.seed=-1: expected an integer in \[0, 4294967295\]'),
    ('algorithm.learning_rate=nan', "learning_rate='nan': expected a positive number"),
    (
      'algorithm.regulariser_weight=inf',
      "regulariser_weight='inf': expected a non-negative number",
    ),
    ('evaluation.samples=1', 'evaluation.samples=1: expected an integer >= 2'),
    ('evaluation.checkpoint=newest', 'newest.*: expected latest, best or a step'),
    ('classifier.algorithm.momentum=nan', r"classifier.algorithm.momentum='nan': .* \[0, 1\)"),
    (
      'classifier.algorithm.drw_epoch=-5',
      r'=-5: expected a whole number of epochs or a fraction of the run in \(0, 1\) or none',
    ),
    ("methods=('unconditional','unconditional')", 'methods=.*: expected each method once'),
    ("methods=('gan',)", r"methods=\('gan',\): expected methods of one family: unconditional"),
    # Names of things.
    ('data.dataset=', "dataset '' is unknown; allowed: inaturalist2019"),
    ('data.dataset=../secrets', "dataset '../secrets' is unknown"),
    ('data.dataset=long_tail_fashion/../x', 'long_tail_fashion/../x is unknown; allowed: long'),
    ('data.options.image_size=16', 'image_size is not an option of long_tail_fashion'),
    ('data.source=/nowhere', 'source /nowhere was given, but the images of long_tail_fashion come'),
    ('evaluation.inception_weights=/nowhere', 'inception_weights=/nowhere: expected the file '),
    ('classifier.folder=/nowhere', r'/nowhere holds no run \(no config.json\)'),
    ('annotator.folder=/nowhere', r'/nowhere holds no run \(no config.json\)'),
    ('annotator.folder=/nowhere.npz', 'annotator.folder=/nowhere.npz cannot be read'),
    ('annotator.data.dataset=letters', "dataset 'letters' is unknown"),
    ('annotator.train.batch_size=9999', 'fewer than the 9999 of one step'),
  ],
)
def test_fields(field, message, refused):
  refused([FASHION, f'--config.{field}'], message)


@pytest.mark.parametrize(
  ('argv', 'message'),
  [
    (['--config'], 'Missing value for flag --config'),
    (
      ['--config='],
      '--config=: no such file; experiments that come with jaxgan',
    ),
    (['--config', 'nowhere.py'], '--config=nowhere.py: no such file'),
    (['--config=/tmp'], '--config=/tmp: no such file'),
    (['--flagfile=/nowhere'], "Unable to open flagfile: .*'/nowhere'"),
    ([f'{FASHION}:method'], "'method': expected ratio=50"),
    ([f'{FASHION}:method='], "'method=': expected"),
    ([f'{FASHION}:method=cgan,method=acgan'], "'method=acgan': expected .* each once"),
    ([f'{MNIST}:split=-1'], r"^error: --config=\.\.\.:split=-1: 'split=-1': expected"),
    ([f'{MNIST}:split=50'], r"^error: --config=\.\.\.:split=50: 'split=50': expected"),
    ([f'{_experiment("cars3d")}:set=all,draw=2'], '^error: --config=.*set=all has every draw'),
    ([MNIST, '--config.algorithm.zoom_range=(2,1)'], 'two numbers above 0, in order'),
    ([MNIST, '--config.algorithm.gamma_range=(1,inf)'], 'gamma_range.*two numbers above 0'),
    ([MNIST, '--config.replicas=51'], '51 replicas from split_00 on are too many'),
    (
      [FASHION, '--config.replicas=100000'],
      'config.replicas=100000: the states of unconditional need .* GB, the devices have',
    ),
    (
      [FASHION, '--config.algorithm.generator_width=1000000'],
      'smaller networks',
    ),
    (
      [FASHION, '--workdir=/proc/nowhere'],
      'cannot write to /proc/nowhere .*: choose another --workdir',
    ),
    (
      [FASHION, '--mode='],
      '--mode=: no such mode. Modes: train, plan, evaluate, sample, export, save, report',
    ),
    ([FASHION, '--mode=train', 'stray'], "unknown argument 'stray'"),
    ([FASHION, '--mode=sample'], 'workdir=.*runs/fashion_lt: expected the folder of a run'),
    ([FASHION, '--mode=sample', '--num_images=many'], 'num_images=many: use a whole number'),
    (['--mode=sample'], '--workdir is missing: name a work directory, such as runs/fashion_lt'),
    (['--mode=sample', '--sample_seed=-1'], 'sample_seed=-1: -1 is not an integer in the range'),
    (['--mode=sample', '--replica=-1'], 'replica=-1: -1 is not a non-negative integer'),
    (
      ['--mode=report', '/nowhere'],
      '/nowhere: no such folder; expected a work directory, such as runs/',
    ),
  ],
  ids=lambda value: None if isinstance(value, str) else '-'.join(value).replace(str(ROOT), ''),
)
def test_flags(argv, message, refused):
  refused(argv, message)


GOOD = 'from experiments import fashion_lt\n\n\ndef get_config(argument=""):\n'


@pytest.mark.parametrize(
  ('name', 'text', 'message'),
  [
    (
      'syntax.py',
      'def get_config(:\n',
      'fails with File .* line 1 .* SyntaxError: invalid',
    ),
    ('bytes.py', '\0', 'fails with SyntaxError'),
    ('text.txt', 'hello', r"fails with NameError: name 'hello' is not defined \(line 1\)"),
    ('function.py', 'x = 1\n', r'the file has no function get_config\(argument\)'),
    ('number.py', 'get_config = 3\n', r'the file has no function get_config\(argument\)'),
    ('imports.py', 'import nowhere\n', r"No module named 'nowhere' \(line 1\)"),
    ('exits.py', 'import sys\n\nsys.exit(0)\n', r'fails with SystemExit: 0 \(line 3\)'),
    ('raises.py', f'{GOOD}  raise OSError("boom")\n', r'fails with OSError: boom \(line 5\)'),
    ('divides.py', f'{GOOD}  return 1 / 0\n', r'ZeroDivisionError: division by zero \(line 5\)'),
    ('none.py', f'{GOOD}  pass\n', 'get_config returns a NoneType, not an Experiment'),
    ('dict.py', f'{GOOD}  return {{}}\n', 'get_config returns a dict, not an Experiment'),
    (
      'frozen.py',
      f'{GOOD}  c = fashion_lt.get_config()\n  c.seed = 5\n  return c\n',
      r'fails with .*ValidationError: .* seed Instance is frozen .*\(line 6\)',
    ),
    (
      'value.py',
      f'{GOOD}  c = fashion_lt.get_config()\n'
      '  return fashion_lt.changed(c, {"algorithm.noise_dim": "many"})\n',
      "config.algorithm.noise_dim='many': expected a positive integer",
    ),
    (
      'older.py',
      'class Config:\n  def to_dict(self):\n    return {"methods": ["cgan"]}\n\n\n'
      'def get_config():\n  return Config()\n',
      'the file fails with KeyError: .algorithm',
    ),
  ],
  ids=lambda value: value if value.endswith(('.py', '.txt')) and '\n' not in value else '',
)
def test_experiment_files(name, text, message, refused, tmp_path):
  (tmp_path / name).write_text(text)
  refused([f'--config={tmp_path / name}'], message)


def test_an_experiment_file_without_an_argument_takes_none(refused, tmp_path):
  (tmp_path / 'plain.py').write_text('def get_config():\n  return 1\n')
  refused([f'--config={tmp_path}/plain.py:ratio=3'], 'takes 0 positional arguments but 1 was given')


def test_a_work_directory_that_is_a_file(refused, tmp_path):
  (tmp_path / 'file').write_text('in the way')
  refused(
    [FASHION, f'--workdir={tmp_path}/file'],
    r'cannot write to .*/file \(File exists\): choose another',
  )


def test_valid_command_lines_are_accepted(accepted, tmp_path):
  accepted([FASHION, f'--workdir={tmp_path}/run'])
  # Neither a later bad command nor a good one after a bad one changes the folder.
  accepted([FASHION, f'--workdir={tmp_path}/run', '--config.train.steps=10'])

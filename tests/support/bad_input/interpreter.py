"""Runs command lines of `jaxgan.main` one after another, so that imports are paid for once.

Reads a line of JSON from stdin for each, {"argv": [...], "folder": where it is to run}, and answers
with one on stdout, {"status", "stdout", "stderr"}. Nothing is trained or compiled: a command that
gets so far stops with the status ACCEPTED, or with a traceback where it would compile.
"""

import json
import os
import resource
import signal
import sys
import tempfile
import traceback
import warnings

ACCEPTED = 100  # Exit status of a command line that would now train.
SECONDS = 60  # A command line that takes longer fails.
MEMORY = 12 * 2**30  # Bytes of address space: what decodes a bomb fails.


class Accepted(BaseException):
  """Raised where training would begin."""


def shrink_published_data():
  """Data sets as small as the fixtures here write them; see `tests.support.bad_input.sources`."""
  from data_prep import (
    inaturalist2019,
    long_tail_cifar10,
    long_tail_lsun,
    long_tail_mnist,
    shapenet5,
    youtube_faces40,
  )
  from tests.support import editions

  cifar10 = long_tail_cifar10.COPY._replace(train_per_class=10, test_per_class=2)
  editions.use('long_tail_cifar10', copy=cifar10)
  mnist = long_tail_mnist.LAYOUT._replace(
    published=long_tail_mnist.MNIST._replace(num_train=120, num_test=20),
    split_counts=tuple((k % 13 + 1, *range(9, 0, -1)) for k in range(50)),
  )
  editions.use('long_tail_mnist', layout=mnist)
  editions.use('long_tail_lsun', layout=long_tail_lsun.Layout((5,) * 5, 2, 3, 2))
  editions.use('inaturalist2019', layout=inaturalist2019.Layout(6, 3, 3, 1))
  editions.use('youtube_faces40', layout=youtube_faces40.Layout(3, 2))
  editions.use('shapenet5', layout=shapenet5.Layout(2))


def refuse_to_compute():
  """Training ends in Accepted, and a compiled program in an error where it is called."""
  from jaxgan.config import identity
  from jaxgan.system import compilation
  from jaxgan.training import loop

  def run(job, *_, **__):
    identity.remember(job.folder, job.config)
    raise Accepted

  def jit(*_, **__):
    def called(*_, **__):
      raise AssertionError('bad input was compiled')

    return called

  loop.train, compilation.jit = run, jit


def run(argv):
  """The exit status of one command line; a traceback goes to stderr as Python writes it."""
  from jaxgan import main

  try:
    with warnings.catch_warnings():  # Forgets which warnings were shown before.
      return main.main(['jaxgan', *argv])
  except Accepted:
    return ACCEPTED
  except SystemExit as error:
    return error.code
  except BaseException:
    traceback.print_exc()
    return 1


def captured(argv):
  """Runs with the descriptors of stdout and stderr in files: libraries in C write there, too."""
  kept = os.dup(1), os.dup(2)
  with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    signal.alarm(SECONDS)
    try:
      status = run(argv)
    finally:
      signal.alarm(0)
      sys.stdout.flush()
      sys.stderr.flush()
      os.dup2(kept[0], 1)
      os.dup2(kept[1], 2)
      os.close(kept[0])
      os.close(kept[1])
    texts = []
    for file in (out, err):
      file.seek(0)
      texts.append(file.read().decode(errors='replace'))
  return {'status': status, 'stdout': texts[0], 'stderr': texts[1]}


def serve():
  def too_long(*_):
    raise AssertionError(f'bad input was not refused within {SECONDS} s')

  signal.signal(signal.SIGALRM, too_long)
  resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
  refuse_to_compute()
  shrink_published_data()
  for line in sys.stdin:
    command = json.loads(line)
    os.chdir(command['folder'])
    print(json.dumps(captured(command['argv'])), flush=True)


if __name__ == '__main__':
  serve()

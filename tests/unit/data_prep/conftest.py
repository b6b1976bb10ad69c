"""Fake sources as fixtures, folders of images, a web server."""

import functools
import http.server
import threading

from PIL import Image
import pytest

from data_prep import build, long_tail_cifar10, long_tail_mnist
from tests.support import editions
from tests.support.data_prep.fakes import FakeCifar10, FakeMnist, published_as


@pytest.fixture
def use_edition(monkeypatch):
  """use_edition(name, layout=...) makes a data set expect sources of these sizes."""
  return functools.partial(editions.use, put=monkeypatch.setattr)


@pytest.fixture
def fake_copy():
  """CIFAR-10 with the sizes of the fake."""
  return long_tail_cifar10.COPY._replace(train_per_class=10, test_per_class=2)


@pytest.fixture
def fake_cifar10(use_edition, fake_copy):
  """A fake CIFAR-10, which `long_tail_cifar10` accepts."""
  use_edition('long_tail_cifar10', copy=fake_copy)
  return FakeCifar10()


@pytest.fixture
def make_folder(tmp_path):
  """make_folder({'a/1.png': (size, mode, colour)}, name) -> the folder with these pictures."""

  def make(pictures, name='pets'):
    for path, (size, mode, colour) in pictures.items():
      file = tmp_path / name / path
      file.parent.mkdir(parents=True, exist_ok=True)
      Image.new(mode, size, colour).save(file)
    return tmp_path / name

  return make


@pytest.fixture
def make_mnist():
  """make_mnist(seed) -> a fake MNIST with contents that depend on the seed."""
  return FakeMnist


@pytest.fixture
def mnist_layout():
  """The fake of seed 0 as MNIST; split k has a row that begins with k % 13 + 1.

  The other classes have ten images less one for every class; a ratio of digits has ten images.
  """
  return long_tail_mnist.Layout(
    published_as(FakeMnist(), long_tail_mnist.MNIST),
    tuple((k % 13 + 1, *range(9, 0, -1)) for k in range(50)),
    pair_total=10,
  )


@pytest.fixture
def fake_mnist(use_edition, mnist_layout):
  """A fake MNIST, which `long_tail_mnist` accepts as MNIST; see `mnist_layout`."""
  use_edition('long_tail_mnist', layout=mnist_layout)
  return FakeMnist()


@pytest.fixture
def web_server(tmp_path, monkeypatch):
  """A new folder and the URL where a local server serves it, without a slash at the end."""
  root = tmp_path / 'www'
  root.mkdir()
  handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(root))
  monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, 'log_message', lambda *a: None)
  monkeypatch.setenv('no_proxy', '127.0.0.1')
  with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield root, f'http://127.0.0.1:{server.server_port}'
    server.shutdown()


@pytest.fixture
def write(tmp_path):
  """write({path: shade of a picture, or bytes or text}) -> a folder with these files."""

  def write(contents, name='pets'):
    root = tmp_path / name
    for path, content in contents.items():
      file = root / path
      file.parent.mkdir(parents=True, exist_ok=True)
      if isinstance(content, int):
        Image.new('RGB', (8, 8), (content, 0, 0)).save(file)
      else:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root

  return write


@pytest.fixture
def load(tmp_path):
  """Loads a split of own images, prepared in the folder of the test."""

  def load(source, split='train', /, **options):
    return build.load('long_tail_folder', split, str(source), str(tmp_path / 'tfds'), **options)

  return load

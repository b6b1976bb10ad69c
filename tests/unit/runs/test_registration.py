"""The public functions of registration: where entries go, and which are refused."""

import functools

import pytest

from data_prep.preparation import DATASETS
import jaxgan
from jaxgan.algorithms import classifier, gan_methods
from jaxgan.errors import UserError
from jaxgan.evaluation import metric
from jaxgan.losses import adversarial
from jaxgan.networks import gans, infogans
from jaxgan.runs.families import codes
from tests.support import registered


@pytest.fixture(autouse=True)
def _tables():
  with registered.imported():
    yield


def _pair(real_logits, fake_logits):
  return real_logits, fake_logits


GAN_NETWORK = gans.NETWORKS['sndcgan']
INFOGAN_NETWORK = infogans.NETWORKS['mnist']
GAN_METHOD = gan_methods.GanMethod(labels='uniform', head='projection')
CODES_METHOD = codes.METHODS['elastic_infogan']


@pytest.mark.parametrize(
  ('register', 'entry', 'table'),
  [
    (jaxgan.register_method, GAN_METHOD, gan_methods.METHODS),
    (jaxgan.register_method, CODES_METHOD, codes.METHODS),
    (jaxgan.register_network, GAN_NETWORK, gans.NETWORKS),
    (jaxgan.register_network, INFOGAN_NETWORK, infogans.NETWORKS),
    (jaxgan.register_network, lambda num_classes, config: None, classifier.NETWORKS),
    (jaxgan.register_loss, (_pair, _pair), adversarial.LOSSES),
    (jaxgan.register_loss, lambda config: _pair, classifier.LOSSES),
    (jaxgan.register_dataset, __name__, DATASETS),
    (jaxgan.register_dataset, 'data_prep.npz', DATASETS),
  ],
)
def test_an_entry_goes_to_its_table_on_behalf_of_the_caller(register, entry, table):
  register('mine', entry)
  assert table['mine'] == entry
  assert table.modules['mine'] == __name__


def test_a_metric_goes_to_the_table_of_images_or_codes():
  jaxgan.register_metric(
    'mine', lambda seen: 1, 'one', better='lower', axes='classes', needs=['classes']
  )
  jaxgan.register_metric('own/other', lambda seen, network: 1, of='codes', per_network=True)
  mine, other = metric.GENERATED['mine'], metric.CODES['own/other']
  assert (mine.axes, mine.needs, mine.better) == (('classes',), {'classes'}, metric.LOWER)
  assert other.per_network
  assert {metric.GENERATED.modules['mine'], metric.CODES.modules['own/other']} == {__name__}


@pytest.mark.parametrize(
  ('register', 'name', 'entry', 'message'),
  [
    ('method', 'cgan', GAN_METHOD, "method 'cgan' is registered already, by jaxgan: choose"),
    ('method', 'a/b', GAN_METHOD, "method 'a/b': expected a name of letters, digits, _, - and dot"),
    (
      'method',
      'mine',
      {},
      "method 'mine': expected a GanMethod or a CodesMethod, found a value of type dict",
    ),
    ('method', 'mine', None, 'expected a GanMethod or a CodesMethod, found a value of type None'),
    (
      'method',
      'mine',
      GAN_METHOD._replace(head='none_such'),
      "method 'mine': head='none_such': expected one of",
    ),
    ('network', 'mine', 3, "network 'mine': expected a Network of jaxgan.networks.gans or"),
    (
      'network',
      'mine',
      GAN_NETWORK._replace(make=lambda config: None),
      r"network 'mine', make: expected a function of \(config, image_shape, conditional, head, "
      r'num_classes\), found one of \(config\)',
    ),
    (
      'network',
      'mine',
      INFOGAN_NETWORK._replace(trunk=None),
      r"network 'mine', trunk: expected a function of \(config\), found a value of type None",
    ),
    ('network', 'mine', lambda: None, r'expected a function of \(num_classes, config\), found'),
    ('loss', 'hinge', (_pair, _pair), "loss of GANs 'hinge' is registered already, by jaxgan"),
    (
      'loss',
      'mine',
      (_pair, lambda logits: 0),
      r"loss 'mine' of the generator: expected a function of \(real_logits, fake_logits\), found "
      r'one of \(logits\)',
    ),
    ('loss', 'mine', _pair, r"loss 'mine': expected a function of \(config\), found one of"),
    ('loss', 'mine', 'hinge', r"loss 'mine': expected a pair \(discriminator loss, generator loss"),
    ('metric', 'kid', lambda seen: 1, "metric 'kid' is registered already, by jaxgan"),
    ('metric', 'mine', lambda: 1, r"metric 'mine': expected a function of \(seen\), found one of"),
    ('dataset', 'mine', 'no.such', r"'mine': expected the name of a module, found 'no.such' \(No"),
    ('dataset', 'mine', 'nosuch', r"expected the name of a module, found 'nosuch' \(no such mod"),
    (
      'dataset',
      'mine',
      _pair,
      "data set 'mine': expected the name of a module, found a value of type function",
    ),
  ],
)
def test_a_wrong_entry_is_refused_in_a_line(register, name, entry, message):
  with pytest.raises(UserError, match=message):
    getattr(jaxgan, f'register_{register}')(name, entry)


@pytest.mark.parametrize(
  ('argument', 'message'),
  [
    ({'of': 'labels'}, "metric 'mine': of='labels': expected one of 'images', 'codes'"),
    ({'better': 'higer'}, "better='higer': expected one of '', 'lower', 'higher'"),
    ({'axes': ('class',)}, "axes='class': expected one of 'classes',"),
    ({'needs': 'labels'}, "needs='labels': expected one of 'classes',"),
  ],
)
def test_an_unknown_value_of_a_metric_is_refused(argument, message):
  with pytest.raises(UserError, match=message):
    jaxgan.register_metric('mine', lambda seen: 1, **argument)


def test_functions_without_a_readable_signature_are_taken():
  jaxgan.register_metric('mine', functools.partial(max, default=0))
  assert 'mine' in metric.GENERATED


def test_a_data_set_without_a_recipe_is_named_when_it_is_asked_for():
  from data_prep import preparation

  jaxgan.register_dataset('mine', __name__)
  with pytest.raises(UserError, match=f"data set 'mine': {__name__} needs OPTIONS and recipe"):
    preparation.replica_splits('mine/all', 1)

"""ResNet-50 of VGGFace2 as it was released, for classifiers of faces that begin from its weights.

It differs from `jaxgan.networks.resnet50` in two places, as Caffe's ResNet-50 does: stages two to
four have their stride in the first 1x1 convolution of a block, and the max-pool pads only the right
and lower border. Sources that agree on both: the Caffe models' conversions to PyTorch
(cydonia999/VGGFace2-pytorch, models/resnet.py) and by MatConvNet (resnet50_ft_dag.py of Oxford's
Samuel Albanie); on the stride also the authors' Keras code (WeidiXie/Keras-VGGFace2-ResNet50).

Two layouts of the released arrays are read. The names decide which one it is:

| file                        | names                           | channels of the first kernel |
|-----------------------------|---------------------------------|------------------------------|
| resnet50_ft_dag.pth         | conv2_1_1x1_reduce_bn.weight    | RGB                          |
| resnet50_ft_weight.pkl, npz | layer1.0.bn1.weight             | BGR: turned round here       |

The same holds of resnet50_scratch. The .pkl is a pickle of NumPy arrays, which is not opened here,
as a pickle may run any program; whoever trusts it makes an npz of it:

    with open('resnet50_ft_weight.pkl', 'rb') as file:
      numpy.savez('resnet50_ft.npz', **pickle.load(file, encoding='latin1'))

Images are 224x224, intensities of 0..255 minus the mean (131.0912, 103.8827, 91.4953) in RGB, with
the deviation 1: MEAN and STD are for intensities of 0..1. See "VGGFace2: A dataset for recognising
faces across pose and age", Cao et al. 2018.
"""

from collections.abc import Mapping

from flax import traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.errors import UserError
from jaxgan.networks.resnet50 import ResNet50

RELEASE = 'http://www.robots.ox.ac.uk/~albanie/models/pytorch-mcn/resnet50_ft_dag.pth'
INPUT_SIZE = 224
MEAN = (131.0912 / 255, 103.8827 / 255, 91.4953 / 255)
STD = (1 / 255,) * 3
_IDENTITIES = 8631
_LEAVES = {'kernel': 'weight', 'scale': 'weight', 'mean': 'running_mean', 'var': 'running_var'}
_DAG_LAYERS = {'1': '1x1_reduce', '2': '3x3', '3': '1x1_increase'}  # By number in a block.


def _torch_name(path: tuple[str, ...]) -> str:
  """('layer2_0', 'downsample_1', 'mean') -> 'layer2.0.downsample.1.running_mean'."""
  *modules, leaf = path
  return '.'.join([*(module.replace('_', '.') for module in modules), _LEAVES.get(leaf, leaf)])


def _dag_name(path: tuple[str, ...]) -> str:
  """('layer2_0', 'downsample_1', 'mean') -> 'conv3_1_1x1_proj_bn.running_mean'."""
  *block, layer, leaf = path
  if not block:
    name = 'conv1_7x7_s2' + ('_bn' if layer == 'bn1' else '')
  else:
    stage, number = block[0].removeprefix('layer').split('_')
    is_norm = layer in ('bn1', 'bn2', 'bn3', 'downsample_1')
    kind = '1x1_proj' if layer.startswith('downsample') else _DAG_LAYERS[layer[-1]]
    name = f'conv{int(stage) + 1}_{int(number) + 1}_{kind}' + ('_bn' if is_norm else '')
  return f'{name}.{_LEAVES.get(leaf, leaf)}'


def released_name(path: tuple[str, ...], dag: bool) -> str:
  """Where a released file has a variable.

  Args:
    path: of the variable in the network's `params` or `batch_stats`; the head has no place there.
    dag: of the MatConvNet layout, instead of torchvision's names.
  """
  return _dag_name(path) if dag else _torch_name(path)


def pretrained_variables(arrays: Mapping[str, np.ndarray], network: ResNet50) -> dict:
  """The variables of a network for RGB images from the released arrays, with a new head of zeros.

  Args:
    arrays: name -> array in either layout, kernels `[out, in, k, k]`; of the head of the 8,631
      identities only the shape is read.
    network: a ResNet50 with `caffe` of the same width and stages.

  Returns:
    Variables of `network`, float32 on the host.

  Raises:
    UserError: an array is missing, of another shape or not of floating-point numbers.
  """
  dag = 'classifier.weight' in arrays
  head = 'classifier.weight' if dag else 'fc.weight'
  side = 2 ** (len(network.stages) + 1)
  example = jnp.zeros((1, side, side, 3))
  shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), example, train=False))
  flat = traverse_util.flatten_dict(shapes)
  features = flat['params', 'fc', 'kernel'].shape[0]
  expected = (_IDENTITIES, features, *((1, 1) if dag else ()))
  _array(arrays, head, expected)  # ImageNet's have other strides, channels and classes.
  variables = {}
  for path, leaf in flat.items():
    if path[1] == 'fc':
      variables[path] = np.zeros(leaf.shape, np.float32)
      continue
    name = released_name(path[1:], dag)
    shape = leaf.shape
    if path[-1] == 'kernel':
      array = _array(arrays, name, (shape[3], shape[2], *shape[:2])).transpose(2, 3, 1, 0)
      if path[1] == 'conv1' and not dag:
        array = array[:, :, ::-1]  # From BGR.
    else:
      array = _array(arrays, name, shape)
    variables[path] = np.ascontiguousarray(array, np.float32)
  return traverse_util.unflatten_dict(variables)


def _array(arrays, name, shape) -> np.ndarray:
  if name not in arrays:
    raise UserError(f'{name} is missing: give the weights of the ResNet-50 of VGGFace2')
  array = np.asarray(arrays[name])
  if array.shape != shape or array.dtype.kind != 'f':
    raise UserError(
      f'{name} must be floating-point numbers of shape {shape}, not {array.dtype} of shape '
      f'{array.shape}: give the weights of the ResNet-50 of VGGFace2'
    )
  return array

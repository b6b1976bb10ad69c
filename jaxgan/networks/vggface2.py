"""The released ResNet-50 of VGGFace2, for classifiers of faces that start from its weights.

It differs from `jaxgan.networks.resnet50` in two places, as Caffe's ResNet-50 does: stages two to
four have their stride in the first 1x1 convolution of a block, and the max-pool pads only the right
and lower border. Two conversions of the Caffe models agree on both: cydonia999/VGGFace2-pytorch
(models/resnet.py) and, by MatConvNet, resnet50_ft_dag.py of Oxford's Samuel Albanie. On the stride
the authors' Keras code (WeidiXie/Keras-VGGFace2-ResNet50) agrees, too.

Two layouts of the released arrays are supported and recognised by their names:

| file                        | names                           | channels of the first kernel |
|-----------------------------|---------------------------------|------------------------------|
| resnet50_ft_dag.pth         | conv2_1_1x1_reduce_bn.weight    | RGB                          |
| resnet50_ft_weight.pkl, npz | layer1.0.bn1.weight             | BGR: reversed on reading     |

The layouts of resnet50_scratch are the same. The .pkl is a pickle of NumPy arrays. It is not read,
because a pickle can run any code; convert it to an npz if you trust it:

    with open('resnet50_ft_weight.pkl', 'rb') as file:
      numpy.savez('resnet50_ft.npz', **pickle.load(file, encoding='latin1'))

Images are 224x224, intensities of 0..255 minus the mean (131.0912, 103.8827, 91.4953) in RGB, with
standard deviation 1; MEAN and STD are for intensities of 0..1. See "VGGFace2: A dataset for
recognising faces across pose and age", Cao et al. 2018.
"""

from collections.abc import Mapping

import numpy as np

from jaxgan.networks import released
from jaxgan.networks.resnet50 import ResNet50

RELEASE = 'http://www.robots.ox.ac.uk/~albanie/models/pytorch-mcn/resnet50_ft_dag.pth'
INPUT_SIZE = 224
MEAN = (131.0912 / 255, 103.8827 / 255, 91.4953 / 255)
STD = (1 / 255,) * 3
_IDENTITIES = 8631
_SOURCE = 'the ResNet-50 of VGGFace2'
# Names of layers in the MatConvNet layout: before the blocks, and in a block.
_DAG_STEM = {'conv1': 'conv1_7x7_s2', 'bn1': 'conv1_7x7_s2_bn'}
_DAG_BLOCK = {
  'conv1': '1x1_reduce',
  'bn1': '1x1_reduce_bn',
  'conv2': '3x3',
  'bn2': '3x3_bn',
  'conv3': '1x1_increase',
  'bn3': '1x1_increase_bn',
  'downsample_0': '1x1_proj',
  'downsample_1': '1x1_proj_bn',
}


def released_name(path: tuple[str, ...], dag: bool) -> str:
  """Name of a variable in a released file.

  ('layer2_0', 'downsample_1', 'mean') is `conv3_1_1x1_proj_bn.running_mean` or
  `layer2.0.downsample.1.running_mean`.

  Args:
    path: of the variable in the network's `params` or `batch_stats`, outside the head.
    dag: whether the file has the MatConvNet layout instead of torchvision's names.
  """
  *block, layer, leaf = path
  if not dag:
    name = '.'.join(path[:-1]).replace('_', '.')
  elif not block:
    name = _DAG_STEM[layer]
  else:
    stage, number = block[0].removeprefix('layer').split('_')
    name = f'conv{int(stage) + 1}_{int(number) + 1}_{_DAG_BLOCK[layer]}'
  return f'{name}.{released.torch_leaf(leaf)}'


def pretrained_variables(arrays: Mapping[str, np.ndarray], network: ResNet50) -> dict:
  """Builds variables for RGB images from the released arrays, with a new head of zeros.

  Args:
    arrays: name -> array in either layout, kernels `[out, in, k, k]`; only the shape of the head of
      8,631 identities is read.
    network: a ResNet50 with `caffe` and the same width and stages.

  Returns:
    Variables of `network`, float32 on the host.

  Raises:
    UserError: an array is missing, has another shape or is not floating-point.
  """
  dag, smallest = 'classifier.weight' in arrays, 2 ** (len(network.stages) + 1)
  shapes = released.shapes(network, (smallest, smallest, 3), train=False)
  # Weights of ImageNet have other strides, channels and classes: the head reveals them.
  features, _ = shapes['params', 'fc', 'kernel']
  head, head_shape = 'fc.weight', (_IDENTITIES, features)
  if dag:
    head, head_shape = 'classifier.weight', (_IDENTITIES, features, 1, 1)
  released.array(arrays, head, head_shape, _SOURCE)

  def read(path, shape):
    array = released.torch_array(arrays, released_name(path, dag), shape, _SOURCE)
    # The first kernel of the other layout reads BGR.
    return array if dag or path != ('conv1', 'kernel') else array[:, :, ::-1]

  return released.place(shapes, read, head='fc')

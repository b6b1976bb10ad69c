"""Random weights in the layouts of VGGFace2's ResNet-50, and a small network of that kind."""

from flax import traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.networks import resnet50, vggface2


def small(num_classes: int) -> resnet50.ResNet50:
  """Two stages of two blocks and one, a quarter as wide: compiles in seconds."""
  return resnet50.ResNet50(num_classes, width=16, stages=(2, 1), caffe=True)


def arrays(network: resnet50.ResNet50, dag: bool) -> dict[str, np.ndarray]:
  """Name -> array as PyTorch has them, with the head of 8,631 identities.

  Args:
    network: gives the shapes.
    dag: in the layout of resnet50_ft_dag.pth, where the head is a convolution.
  """
  rng = np.random.default_rng(0)
  side = 2 ** (len(network.stages) + 1)
  shapes = jax.eval_shape(
    lambda: network.init(jax.random.key(0), jnp.zeros((1, side, side, 3)), train=False)
  )
  named = {}
  for path, leaf in traverse_util.flatten_dict(shapes).items():
    if path[1] == 'fc':
      continue
    k, order = leaf.shape, (3, 2, 0, 1)
    shape = tuple(k[i] for i in order) if len(k) == 4 else k
    # Positive variances; a scale about 1 and kernels that keep the size of what they read.
    draw = rng.uniform(0.5, 1.5, shape) if len(k) == 1 else rng.normal(0, 0.2, shape)
    named[vggface2.released_name(path[1:], dag)] = draw.astype(np.float32)
  features = network.width * 2 ** (len(network.stages) + 1)
  head = 'classifier' if dag else 'fc'
  named[f'{head}.weight'] = np.zeros((8631, features, *((1, 1) if dag else ())), np.float32)
  named[f'{head}.bias'] = np.zeros(8631, np.float32)
  return named

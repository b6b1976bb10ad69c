"""Elastic-InfoGAN and its baselines on forty faces of YouTube-Faces (Tables 1-4 of the paper).

    jaxgan train --config=experiments/youtube_faces.py
    jaxgan train --config=experiments/youtube_faces.py:method=uniform_infogan
    jaxgan train --config=experiments/youtube_faces.py --config.replicas=5   its runs
    jaxgan train --config=experiments/youtube_faces.py:annotator=vggface2 \
        --config.annotator.algorithm.weights=resnet50_ft_dag.pth

The crops of the first forty people by name, as imbalanced as they are.

Networks in two stages, batch and positive pairs (mirror, a crop after scaling by 1.1, gamma
contrast) are the paper's (§4, and §4.3 of its supplement); it trained "until convergence", this
experiment for the 600 epochs of its other images. Labels are for evaluation only: a ResNet-50,
trained on the same images, labels the generated ones. It starts from random weights, without any
download; the paper's was pretrained on VGGFace2 (§4.3 of its supplement). `annotator=vggface2`
fine-tunes that network from its released weights, see `jaxgan.networks.vggface2` for the files.

Published NMI / ENT, 5 runs:

| joint_vae   | uniform_infogan | gumbel_softmax | gumbel_softmax_pos | elastic_infogan |
|-------------|-----------------|----------------|--------------------|-----------------|
| 0.45 / 1.72 | 0.67 / 1.03     | 0.76 / 0.76    | 0.76 / 0.72        | 0.79 / 0.64     |

Methods with the true class frequencies: ground_truth_infogan 0.69 / 0.96,
ground_truth_infogan_ntxent 0.74 / 0.77.
"""

from experiments import base, base_codes
from experiments.mnist_lt import METHODS
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import Experiment

ANNOTATORS = {'scratch': base.resnet50_section, 'vggface2': base.vggface2_section}


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes method=... and annotator=scratch|vggface2."""
  chosen = base.parse_argument(argument, method=METHODS, annotator=tuple(ANNOTATORS))
  pretrained = chosen.annotator != 'scratch'
  config = base_codes.codes_config(
    experiment=f'youtube_faces_{chosen.annotator}' if pretrained else 'youtube_faces',
    method=chosen.method,
    dataset='youtube_faces40',
    annotator=ANNOTATORS[chosen.annotator]('youtube_faces40/full'),
  )
  changes = {'published': 'youtube_faces'}
  if chosen.method != 'joint_vae':
    changes |= {
      'algorithm.rotation_degrees': 0.0,
      'algorithm.crop_keep': 1 / 1.1,
      'algorithm.gamma_range': (0.3, 4.0),
    }
  return changed(base_codes.with_stackgan(config, 'stackgan_two_stage'), changes)

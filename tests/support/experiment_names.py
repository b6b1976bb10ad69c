"""The names of the experiments, and what sets some of them apart."""

import importlib
import pathlib

import experiments

FILES = sorted(p.stem for p in pathlib.Path(experiments.__file__).parent.glob('*.py'))
SHARED = ('__init__', 'base', 'base_codes', 'costs', 'downstream', 'joint_vae_sweep', 'rows')
EXPERIMENTS = [name for name in FILES if name not in SHARED]
QUICK = (
  'cars3d', 'chairs3d', 'elastic_infogan_folder', 'fashion_mnist_lt', 'folder_lt',
  'label_free_folder', 'mnist_lt', 'mnist_lt_balanced', 'mnist_pair',
)  # fmt: skip
# Experiments on 64x64 images: name -> (argument, work directory, data set, data set of annotator).
RENDERED = {
  'cars3d': (
    'set=3,draw=1',
    'runs/cars3d_set_3_draw_1',
    'long_tail_cars3d/set_3_draw_1',
    'long_tail_cars3d/set_3_full',
  ),
  'chairs3d': (
    'set=4,draw=2',
    'runs/chairs3d_set_4_draw_2',
    'long_tail_chairs3d/set_4_draw_2',
    'long_tail_chairs3d/set_4_full',
  ),
  'shapenet': ('', 'runs/shapenet', 'shapenet5', 'shapenet5/full'),
  'youtube_faces': ('', 'runs/youtube_faces', 'youtube_faces40', 'youtube_faces40/full'),
}


def module(name):
  """The module of an experiment."""
  return importlib.import_module(f'experiments.{name}')

"""The class-balancing training step in plain eager PyTorch, for comparison only.

Networks, losses, optimisers and work per step are as in `experiments/cifar10_lt.py`: one
discriminator and one generator update with a frozen ResNet-32 in the loop, class counts, and an
exponential moving average. Images stay uint8 in host memory, and each batch is picked by index,
mirrored and scaled. The networks are also the other side of the parity tests. The layout is
PyTorch's `[N, C, H, W]`.
"""

import copy
import math
import time
from typing import Any

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
from torch.nn.utils import spectral_norm


class Generator(nn.Module):
  """SNDCGAN generator (Table 6): noise `[N, Z]` to images `[N, C, S, S]`."""

  def __init__(
    self, image_size: int = 32, channels: int = 3, width: int = 64, noise_dim: int = 128
  ):
    """Builds the layers."""
    super().__init__()
    stages = int(math.log2(image_size // 4))
    self.features = width * 2**stages
    self.dense = nn.Linear(noise_dim, 16 * self.features)
    self.deconvs, self.norms = nn.ModuleList(), nn.ModuleList()
    for stage in reversed(range(stages)):
      out = width * 2**stage
      self.deconvs.append(nn.ConvTranspose2d(2 * out, out, 4, 2, 1))
      self.norms.append(nn.BatchNorm2d(out))
    self.conv = nn.Conv2d(width, channels, 3, 1, 1)
    for module in (self.dense, *self.deconvs, self.conv):
      nn.init.orthogonal_(module.weight)
      nn.init.zeros_(module.bias)

  def forward(self, noise: torch.Tensor) -> torch.Tensor:
    """Applies the network."""
    x = self.dense(noise).view(-1, self.features, 4, 4)
    for deconv, norm in zip(self.deconvs, self.norms, strict=True):
      x = F.leaky_relu(norm(deconv(x)), 0.1)
    return torch.tanh(self.conv(x))


class Discriminator(nn.Module):
  """SNDCGAN discriminator (Table 7): images `[N, C, S, S]` to logits `[N]`."""

  def __init__(self, image_size: int = 32, channels: int = 3, width: int = 64):
    """Builds the layers."""
    super().__init__()
    stages = int(math.log2(image_size // 4))
    convs, features = [], channels
    for stage in range(stages):
      out = width * 2**stage
      convs += [nn.Conv2d(features, out, 3, 1, 1), nn.Conv2d(out, out, 4, 2, 1)]
      features = out
    convs.append(nn.Conv2d(features, width * 2**stages, 3, 1, 1))
    dense = nn.Linear(width * 2**stages, 1)
    for module in (*convs, dense):
      nn.init.orthogonal_(module.weight)
      nn.init.zeros_(module.bias)
    self.convs = nn.ModuleList(map(spectral_norm, convs))
    self.dense = spectral_norm(dense)

  def forward(self, images: torch.Tensor) -> torch.Tensor:
    """Applies the network."""
    x = images
    for conv in self.convs:
      x = F.leaky_relu(conv(x), 0.1)
    return self.dense(x.sum((2, 3)))[:, 0]


class Block(nn.Module):
  """Basic residual block with the parameter-free shortcut (option A)."""

  def __init__(self, features: int, out: int, stride: int):
    """Builds the layers."""
    super().__init__()
    self.conv1 = nn.Conv2d(features, out, 3, stride, 1, bias=False)
    self.norm1 = nn.BatchNorm2d(out)
    self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
    self.norm2 = nn.BatchNorm2d(out)
    self.stride, self.pad = stride, (out - features) // 2

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    """Applies the network."""
    y = F.relu(self.norm1(self.conv1(x)))
    y = self.norm2(self.conv2(y))
    shortcut = x
    if self.stride != 1:
      shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.pad, self.pad))
    return F.relu(shortcut + y)


class ResNet(nn.Module):
  """CIFAR-style residual network of depth 6n + 2: images `[N, C, S, S]` to logits `[N, K]`."""

  def __init__(self, num_classes: int, depth: int = 32, width: int = 16, channels: int = 3):
    """Builds the layers."""
    super().__init__()
    self.conv = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
    self.norm = nn.BatchNorm2d(width)
    blocks, features = [], width
    for stage in range(3):
      for block in range((depth - 2) // 6):
        out, stride = width * 2**stage, 2 if stage and not block else 1
        blocks.append(Block(features, out, stride))
        features = out
    self.blocks = nn.Sequential(*blocks)
    self.dense = nn.Linear(features, num_classes)

  def forward(self, images: torch.Tensor) -> torch.Tensor:
    """Applies the network."""
    x = F.relu(self.norm(self.conv(images)))
    return self.dense(self.blocks(x).mean((2, 3)))


class Trainer:
  """Training state and the step.

  Args:
    config: the experiment's configuration.
    images: uint8 `[N, H, W, C]`, numpy.
    num_classes: K.
    device: 'cpu' or 'cuda'.

  Attributes:
    draw_seconds: host time spent in drawing batches so far.
  """

  def __init__(self, config: Any, images: np.ndarray, num_classes: int, device: str):
    """Builds the networks and optimisers."""
    c = self.config = config.algorithm
    self.batch_size, self.flip, self.device = config.train.batch_size, config.data.flip, device
    size, channels = images.shape[1], images.shape[3]
    self.images = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    self.generator = Generator(size, channels, c.generator_width, c.noise_dim).to(device)
    self.discriminator = Discriminator(size, channels, c.discriminator_width).to(device)
    self.ema = copy.deepcopy(self.generator).requires_grad_(False)
    of = config.classifier.algorithm
    self.classifier = ResNet(num_classes, of.depth, of.width, channels).to(device).eval()
    self.classifier.requires_grad_(False)

    def adam(network):
      betas = (c.beta1, c.beta2)
      return torch.optim.Adam(network.parameters(), c.learning_rate, betas, c.epsilon)

    self.generator_optimizer = adam(self.generator)
    self.discriminator_optimizer = adam(self.discriminator)
    self.counts = torch.tensor(c.count_start, device=device).expand(num_classes).clone()
    self.cycle_counts = torch.full((num_classes,), c.cycle_start, device=device)
    self.order, self.position, self.num_steps, self.draw_seconds = None, 0, 0, 0.0

  def draw(self) -> torch.Tensor:
    """Draws the next batch, float32 `[B, C, H, W]` in [-1, 1], on the device."""
    if self.order is None or self.position + self.batch_size > len(self.images):
      self.order, self.position = torch.randperm(len(self.images)), 0
    indices = self.order[self.position : self.position + self.batch_size]
    self.position += self.batch_size
    batch = self.images[indices]
    if self.device != 'cpu':
      batch = batch.pin_memory().to(self.device, non_blocking=True)
    if self.flip:
      mirrored = torch.rand(self.batch_size, 1, 1, 1, device=self.device) < 0.5
      batch = torch.where(mirrored, batch.flip(3), batch)
    return batch.float() / 127.5 - 1.0

  def noise(self) -> torch.Tensor:
    """Draws noise `[B, noise_dim]`."""
    return torch.randn(self.batch_size, self.config.noise_dim, device=self.device)

  def _autocast(self):
    enabled = self.config.dtype == 'bfloat16'
    return torch.autocast(self.device, torch.bfloat16, enabled=enabled)

  def step(self) -> tuple[torch.Tensor, ...]:
    """Draws a batch and makes one discriminator and one generator update."""
    start = time.perf_counter()
    real_images = self.draw()
    self.draw_seconds += time.perf_counter() - start

    self.discriminator.requires_grad_(True)
    with self._autocast():
      with torch.no_grad():
        fake_images = self.generator(self.noise())
      real, fake = self.discriminator(real_images), self.discriminator(fake_images)
    loss = F.softplus(fake.float() - real.float()).mean()
    self.discriminator_optimizer.zero_grad()
    loss.backward()
    self.discriminator_optimizer.step()

    self.discriminator.requires_grad_(False)
    with self._autocast():
      images = self.generator(self.noise())
      fake, real = self.discriminator(images), self.discriminator(real_images)
      class_logits = self.classifier(images)
    generator_loss = F.softplus(real.float() - fake.float()).mean()
    mean_probs = class_logits.float().softmax(1).mean(0)
    inverse = 1.0 / self.counts
    weights = inverse * (len(inverse) / inverse.sum())
    regulariser = (weights * mean_probs * mean_probs.clamp_min(1e-37).log()).sum()
    self.generator_optimizer.zero_grad()
    (generator_loss + self.config.regulariser_weight * regulariser).backward()
    self.generator_optimizer.step()

    labels = class_logits.argmax(1)
    self.cycle_counts += F.one_hot(labels, len(self.counts)).sum(0)
    self._after_update()
    return loss, generator_loss, regulariser

  @torch.no_grad()
  def _after_update(self):
    """Class counts at the end of a cycle, and the moving average."""
    c = self.config
    decay = 0.0 if self.num_steps < c.ema_start else c.ema_decay
    self.num_steps += 1
    if self.num_steps % c.count_cycle == 0:
      new = c.count_decay * self.counts + (1.0 - c.count_decay) * self.cycle_counts
      self.counts = new.clamp_min(1.0)
      self.cycle_counts.zero_()
    pairs = zip(self.ema.state_dict().values(), self.generator.state_dict().values(), strict=True)
    for average, value in pairs:
      if average.is_floating_point():
        average.lerp_(value, 1.0 - decay)
      else:
        average.copy_(value)

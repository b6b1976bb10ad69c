"""The Elastic-InfoGAN training step in plain eager PyTorch, for comparison only.

Same networks, losses, optimisers and order of work as `jaxgan/algorithms/infogan.py` with a learned
prior, NT-Xent and the trunk trained by D alone. Rotated and zoomed views are made on the device for
the whole batch at once. Layout is PyTorch's `[N, C, H, W]`.
"""

import math
from typing import Any

import torch
from torch import nn
import torch.nn.functional as F


class Generator(nn.Module):
  """Maps noise and codes `[N, Z]` to images `[N, C, S, S]`."""

  def __init__(self, image_size: int, channels: int, inputs: int):
    """Builds the layers."""
    super().__init__()
    self.size = image_size // 4
    self.denses = nn.ModuleList([nn.Linear(inputs, 1024), nn.Linear(1024, 128 * self.size**2)])
    self.dense_norms = nn.ModuleList(nn.BatchNorm1d(d.out_features) for d in self.denses)
    self.deconv1 = nn.ConvTranspose2d(128, 64, 4, 2, 1)
    self.norm = nn.BatchNorm2d(64)
    self.deconv2 = nn.ConvTranspose2d(64, channels, 4, 2, 1)

  def forward(self, codes: torch.Tensor) -> torch.Tensor:
    """Applies the network."""
    x = codes
    for dense, norm in zip(self.denses, self.dense_norms, strict=True):
      x = F.relu(norm(dense(x)))
    x = x.view(-1, 128, self.size, self.size)
    return torch.tanh(self.deconv2(F.relu(self.norm(self.deconv1(x)))))


class Trunk(nn.Module):
  """Maps images `[N, C, S, S]` to the features `[N, 1024]` that D and Q share."""

  def __init__(self, image_size: int, channels: int):
    """Builds the layers."""
    super().__init__()
    self.conv1, self.conv2 = nn.Conv2d(channels, 64, 4, 2, 1), nn.Conv2d(64, 128, 4, 2, 1)
    self.dense = nn.Linear(128 * (image_size // 4) ** 2, 1024)
    self.conv_norm, self.dense_norm = nn.BatchNorm2d(128), nn.BatchNorm1d(1024)

  def forward(self, images: torch.Tensor) -> torch.Tensor:
    """Applies the network."""
    x = F.leaky_relu(self.conv1(images), 0.2)
    x = F.leaky_relu(self.conv_norm(self.conv2(x)), 0.2)
    return F.leaky_relu(self.dense_norm(self.dense(x.flatten(1))), 0.2)


class RecognitionHead(nn.Module):
  """Maps features `[N, 1024]` to logits `[N, k]` and the contrastive features `[N, 128]`."""

  def __init__(self, num_categories: int):
    """Builds the layers."""
    super().__init__()
    self.dense, self.norm = nn.Linear(1024, 128), nn.BatchNorm1d(128)
    self.output = nn.Linear(128, num_categories)

  def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Applies the network."""
    x = F.leaky_relu(self.norm(self.dense(features)), 0.2)
    return self.output(x), x


def nt_xent(features_a: torch.Tensor, features_b: torch.Tensor, temperature: float) -> torch.Tensor:
  """Returns the mean over all 2N images of the cross-entropy with the other view of the image."""
  features = F.normalize(torch.cat([features_a, features_b]))
  similarity = features @ features.T / temperature
  similarity.fill_diagonal_(-torch.inf)
  positives = torch.arange(len(features), device=features.device).roll(len(features_a))
  return F.cross_entropy(similarity, positives)


class Trainer:
  """Training state and the step.

  Args:
    config: the `algorithm` section of `elastic_infogan`, without continuous codes.
    image_shape: (S, S, C).
    num_categories: k.
    device: 'cpu' or 'cuda'.
  """

  def __init__(
    self, config: Any, image_shape: tuple[int, int, int], num_categories: int, device: str
  ):
    """Builds the networks and optimisers."""
    self.config, self.num_categories, self.device = config, num_categories, device
    size, _, channels = image_shape
    self.generator = Generator(size, channels, config.noise_dim + num_categories)
    self.trunk, self.discriminator_head = Trunk(size, channels), nn.Linear(1024, 1)
    self.recognition = RecognitionHead(num_categories)
    self.prior_logits = nn.Parameter(torch.zeros(num_categories, device=device))
    networks = self.generator, self.trunk, self.discriminator_head, self.recognition
    for network in networks:
      network.to(device)
      for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
          nn.init.normal_(module.weight, std=0.02)
          nn.init.zeros_(module.bias)

    def adam(*parameters):
      betas = (config.beta1, config.beta2)
      return torch.optim.Adam(parameters, config.learning_rate, betas, config.epsilon)

    trained = *self.generator.parameters(), *self.recognition.parameters(), self.prior_logits
    self.joint_optimizer = adam(*trained)
    self.discriminator_optimizer = adam(
      *self.trunk.parameters(), *self.discriminator_head.parameters()
    )

  def inputs(self, num: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Draws noise `[N, noise_dim]` and Gumbel-Softmax codes `[N, k]`."""
    noise = torch.randn(num, self.config.noise_dim, device=self.device)
    logits = self.prior_logits.log_softmax(0).expand(num, -1)
    return noise, F.gumbel_softmax(logits, self.config.temperature)

  def views(self, images: torch.Tensor) -> torch.Tensor:
    """Rotates and zooms each image at random; repeats the border."""
    num, limit = len(images), math.radians(self.config.rotation_degrees)
    angle = torch.empty(num, device=self.device).uniform_(-limit, limit)
    zoom = torch.empty(num, 1, 1, device=self.device).uniform_(*self.config.zoom_range)
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    matrices = torch.stack([cos, sin, zero, -sin, cos, zero], 1).view(num, 2, 3) / zoom
    grid = F.affine_grid(matrices, images.shape, align_corners=True)
    return F.grid_sample(images, grid, padding_mode='border', align_corners=True)

  def _discriminate(self, images):
    return self.discriminator_head(self.trunk(images))[:, 0]

  def step(self, real_images: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Updates D, then G, Q and the prior, on real images `[N, C, S, S]`.

    Returns:
      The losses: discriminator, generator, mutual information, contrastive.
    """
    noise, codes = self.inputs(len(real_images))
    images = self.generator(torch.cat([noise, codes], 1))

    for network in (self.trunk, self.discriminator_head):
      network.requires_grad_(True)
    real, fake = self._discriminate(real_images), self._discriminate(images.detach())
    discriminator_loss = F.softplus(-real).mean() + F.softplus(fake).mean()
    self.discriminator_optimizer.zero_grad()
    discriminator_loss.backward()
    self.discriminator_optimizer.step()

    for network in (self.trunk, self.discriminator_head):
      network.requires_grad_(False)
    features = self.trunk(images)
    generator_loss = F.softplus(-self.discriminator_head(features)[:, 0]).mean()
    information = F.cross_entropy(self.recognition(features)[0], codes.argmax(1))
    first = self.recognition(self.trunk(real_images))[1]
    second = self.recognition(self.trunk(self.views(real_images)))[1]
    contrastive = nt_xent(first, second, self.config.contrastive_temperature)
    self.joint_optimizer.zero_grad()
    loss = generator_loss + self.config.mutual_information_weight * information
    (loss + self.config.contrastive_weight * contrastive).backward()
    self.joint_optimizer.step()
    return discriminator_loss, generator_loss, information, contrastive

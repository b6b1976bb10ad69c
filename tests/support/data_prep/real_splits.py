"""Of some splits of the real MNIST, the SHA-256 of the chosen images' positions."""

REAL_SHA256 = {
  0: '22c4faba62a9ffae584ed0163de362d0ea1ec2dd51bee366d62cc9977258ad3a',
  7: '982b813db612b565af1b3018c7e186516514dbbfd3aa7500c5891c3bf7047a02',
  25: '6d907fa5b1b2e4be6e13ab78b8dadaf1d7165f162808654f12e6e71c10062ba2',
  49: '5a79b83b46e36756c52c2f3c5a74d1c2fa407b9e1d1de3f4d026e206ed701975',
}

"""System: processes, devices, compilation, files, checkpoints and registries."""

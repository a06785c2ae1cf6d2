"""The baselines that ship with deblurbench. Importing this package imports no torch."""

from deblurbench_baselines.classical.baseline import ClassicalBaseline
from deblurbench_baselines.trained import CNNConfig, TrainedBaseline, UNetConfig

identity = ClassicalBaseline("identity")
wiener = ClassicalBaseline("wiener")
cnn = TrainedBaseline("cnn", CNNConfig)
unet = TrainedBaseline("unet", UNetConfig)

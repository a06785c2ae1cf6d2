"""The baselines that ship with deblurbench. Importing this package imports no torch."""

from deblurbench_baselines.classical.baseline import ClassicalBaseline
from deblurbench_baselines.trained import CNNConfig, GAN2MConfig, GANConfig, GIRConfig, TrainedBaseline, UNetConfig

identity = ClassicalBaseline("identity")
wiener = ClassicalBaseline("wiener")
cnn = TrainedBaseline("cnn", CNNConfig)
unet = TrainedBaseline("unet", UNetConfig)
gan = TrainedBaseline("gan", GANConfig)
gan_2m = TrainedBaseline("gan-2m", GAN2MConfig)
gir = TrainedBaseline("gir", GIRConfig)

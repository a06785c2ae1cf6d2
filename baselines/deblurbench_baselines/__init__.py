"""The baselines that ship with deblurbench. Importing this package imports no torch."""

from deblurbench_baselines.classical.baseline import ClassicalBaseline
from deblurbench_baselines.configs import (
    CNNConfig,
    CourseUNetConfig,
    GAN2MConfig,
    GANConfig,
    GIRConfig,
    NAFNetConfig,
    UNetConfig,
)
from deblurbench_baselines.trained import TrainedBaseline

identity = ClassicalBaseline("identity")
wiener = ClassicalBaseline("wiener")
cnn = TrainedBaseline("cnn", CNNConfig)
unet = TrainedBaseline("unet", UNetConfig)
unet_8m = TrainedBaseline("unet-8m", CourseUNetConfig)
unet_512 = TrainedBaseline("unet-512", UNetConfig)
unet_1024 = TrainedBaseline("unet-1024", UNetConfig)
unet_3 = TrainedBaseline("unet-3", UNetConfig)
nafnet = TrainedBaseline("nafnet", NAFNetConfig)
gan = TrainedBaseline("gan", GANConfig)
gan_2m = TrainedBaseline("gan-2m", GAN2MConfig)
gir = TrainedBaseline("gir", GIRConfig)

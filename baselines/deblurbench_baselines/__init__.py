"""The baselines that ship with deblurbench. Importing this package imports no torch."""

from deblurbench_baselines.classical.baseline import ClassicalBaseline, DeconvolutionBaseline
from deblurbench_baselines.classical.settings import BlindSettings, KernelSettings, OracleSettings, UnsharpSettings
from deblurbench_baselines.configs import (
    CNNConfig,
    CourseUNetConfig,
    GAN2MConfig,
    GANConfig,
    GIRConfig,
    NAFNetConfig,
    SwiftConfig,
    SwiftGeneralConfig,
    UNetConfig,
)
from deblurbench_baselines.trained import TrainedBaseline

identity = ClassicalBaseline("identity")
unsharp = ClassicalBaseline("unsharp", UnsharpSettings)
wiener = DeconvolutionBaseline("wiener", BlindSettings)
wiener_oracle = DeconvolutionBaseline("wiener-oracle", OracleSettings, module="wiener")
richardson_lucy = DeconvolutionBaseline("richardson-lucy", KernelSettings)
tv = DeconvolutionBaseline("tv", KernelSettings)
cnn = TrainedBaseline("cnn", CNNConfig)
unet = TrainedBaseline("unet", UNetConfig)
unet_8m = TrainedBaseline("unet-8m", CourseUNetConfig)
unet_512 = TrainedBaseline("unet-512", UNetConfig)
unet_1024 = TrainedBaseline("unet-1024", UNetConfig)
unet_3 = TrainedBaseline("unet-3", UNetConfig)
nafnet = TrainedBaseline("nafnet", NAFNetConfig)
swift = TrainedBaseline("swift", SwiftConfig)
swift_general = TrainedBaseline("swift-general", SwiftGeneralConfig)
gan = TrainedBaseline("gan", GANConfig)
gan_2m = TrainedBaseline("gan-2m", GAN2MConfig)
gir = TrainedBaseline("gir", GIRConfig)

"""Phrases that the recipes of several protocols share."""

RGB = "RGB as decoded; no luma"
PICTURES = "8-bit integers; sums in float64"
NO_CROP = "none"
ROUNDED = "floats are clamped to 0 .. 1, times 255 in float32, rounded half to even"
KEPT = "floats are clamped to 0 .. 1 and not rounded"
NO_RANGE = "255"
PER_PICTURE = "arithmetic mean over pictures of each picture's value"
INFINITE = "equal pictures have infinite PSNR, and one makes the mean infinite"
NO_SSIM = "no SSIM"
GAUSSIAN = "SSIM: Gaussian 11 x 11, sigma 1.5, per channel; mean over channels"
UNIFORM = "SSIM: uniform 7 x 7, per channel; mean over channels"
POPULATION = "population (weights sum to 1)"
SAMPLE = "sample (times 49/48)"
VALID = "none: only where the whole window fits"
REFLECTED = "the border is reflected by 5 without repeating its edge, no crop"
REPLICATED = "the border is replicated by 5 on all axes, no crop"
GUESSED = "1 if no sample of the 8-bit prediction is above 1, else 255, for PSNR and SSIM"
CAPPED = "none: 1e-8 is added to the error on a scale of 0 .. 1, so equal pictures have 80 dB"
NO_INFINITIES = "none can arise; equal pictures have SSIM 1"
TO_DIGIT = "1e-9"
FLOAT32_PSNR = "1e-5 dB: the code works in float32"
LIBRARY_FLOATS = "float tensors of samples / 255"
SKIMAGE_READER = (
    "skimage.io.imread: grey stays one channel, alpha and CMYK are channels; no EXIF rotation; 1 bit and 16-bit grey "
    "refused, 16-bit colour PNG cut to 8"
)
OPENCV_READER = (
    "cv2.imread: always three channels, alpha dropped, palettes and CMYK converted, EXIF rotation applied, "
    "16 bits cut to 8"
)
PILLOW_READER = (
    "PIL.Image.open(...).convert('RGB'): always three channels, alpha dropped, palettes and CMYK converted; "
    "no EXIF rotation; 16-bit grey refused, 16-bit colour cut to 8"
)
MATLAB_READER = (
    "MATLAB imread: grey stays one channel, opaque alpha dropped; no EXIF rotation; transparency, palettes, CMYK "
    "and other than 8 bits refused"
)

"""PSNR and SSIM in the forms that published code has, and the fast sums behind them."""

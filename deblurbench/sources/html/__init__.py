"""What an HTML page says of its pictures. Only `deblurbench.sources.page` imports this, when it reads one.

tree (the page) -> pictures and structured (what it shows and describes) -> statements (whose they are) -> offers.
"""

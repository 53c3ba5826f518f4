"""WeChat's side on one's own machine: an aiohttp application with a state of its own.

It shares the signature and the crypto with `wechat` and nothing else, so that one mistake cannot hide in both.
"""

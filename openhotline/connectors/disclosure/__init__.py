"""A CDN's trusted-notifier interface: where is the server behind your edge?"""

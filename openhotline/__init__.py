"""OpenHotline: the case platform an internet hotline runs with the police and the industry."""

__version__ = "0.1.0"

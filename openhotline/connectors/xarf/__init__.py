"""XARF v4.2 reports of web addresses, for abuse desks that read them by machine."""

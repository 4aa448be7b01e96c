"""The prober: all names, registries and pages of the world are looked at by this one process."""

"""The tamper-evident log: every act leaves one entry, in the transaction that did it.

An entry commits to its payload by a salted digest and never holds it, so that erasing a person's data leaves
the proof of everything else whole. What is not here yet: tiles on disk, a signer, witnesses and time stamps;
until they come, removal of entries from the end cannot be detected, and `verify` says so.
"""

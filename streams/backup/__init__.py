"""A backup of everything that stands on the topics, taken while everything runs, and restored to an empty broker. See docs/backup.md.

`lines.py` the files · `manifest.py` what is in a backup, and whether it is whole · `taking.py` from topics to files · `offsets.py` what
changes in records that name others by their offsets · `restoring.py` from files to topics · `lists.py` what stands beside the topics
"""

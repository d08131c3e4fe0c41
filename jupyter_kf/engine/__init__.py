"""Engine room: runs pipelines. ``base`` is the door, ``scheduler`` decides, ``local`` and ``supervisor`` do."""

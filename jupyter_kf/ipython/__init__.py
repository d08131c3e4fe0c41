"""IPython, a face: ``%kubeflow`` and ``%%kubeflow``. Loading the extension is cheap; the rest comes when it is used."""

"""The papermill engine ``jupyter_kf``: ``papermill --engine jupyter_kf in.ipynb out.ipynb``.

papermill loads this module from its entry point while it is itself being imported, and in every process that imports
it, whichever engine is then used; so nothing is imported here, and the class is one by its methods, not by its base.
"""

from __future__ import annotations

from typing import Any


class KfEngine:
    """Executes a notebook as papermill's own engine does, but saves every few seconds instead of twice a cell.

    papermill's default writes the whole notebook before and after each cell, which for n cells is work of n². Here the
    notebook is written at the start, then at most every :data:`~jupyter_kf.nbrun.client.SAVE_EVERY` seconds and never
    for more than a tenth of the time gone by, and at the end or failure; a local file is replaced in one move.
    """

    @classmethod
    def execute_notebook(  # noqa: PLR0917 - papermill's signature
        cls,
        nb: Any,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool | dict[str, Any] = True,
        log_output: bool = False,
        autosave_cell_every: float = 30,
        **kwargs: Any,
    ) -> Any:
        """Execute ``nb`` in place and return it; arguments are papermill's (``papermill.engines.Engine``).

        An error in a cell is not raised: like papermill's engines this one leaves it in the cell's outputs and
        metadata, where papermill finds it.
        """
        from jupyter_kf.nbrun.client import execute_with_papermill

        return execute_with_papermill(
            nb,
            kernel_name,
            output_path=output_path,
            progress_bar=progress_bar,
            log_output=log_output,
            autosave_cell_every=autosave_cell_every,
            **kwargs,
        )

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """Return ``name`` or the kernel that the notebook names; raises ``ValueError`` where neither says one."""
        from papermill.utils import nb_kernel_name

        return str(nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """Return ``language`` or that of the notebook; raises ``ValueError`` where neither says one."""
        from papermill.utils import nb_language

        return str(nb_language(nb, language))

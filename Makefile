# jupyter_kf: what a developer types. Needs python3 (3.11 or newer; PYTHON=… names another) and make.
#
#   make demo    set up, run an example notebook as a pipeline, open its report (or print the report's path)
#   make test    set up, run every check and every test; ends with what was skipped and why
#   make lab     set up JupyterLab and start it on the examples
#   make bench   run the benchmarks and rewrite docs/benchmarks.md      make bench QUICK=1: tiny sizes, writes nothing
#   make clean   remove everything that make made

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# Whatever the demo makes stays in this folder.
DEMO   ?= demo-output
TESTS  ?=
# Options for JupyterLab, such as --no-browser.
LAB    ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lab bench clean

help:
	@sed -n 's/^#  //p' Makefile

demo:
	@$(PYTHON) dev/environment.py $(VENV) examples
	@mkdir -p $(DEMO)
	@echo "Running examples/classification.ipynb as a pipeline:"
	@JUPYTER_KF_HOME="$(CURDIR)/$(DEMO)/home" $(BIN)/jupyter-kf run examples/classification.ipynb --experiment demo
	@JUPYTER_KF_HOME="$(CURDIR)/$(DEMO)/home" $(BIN)/jupyter-kf report last --output $(DEMO)/report.html --open
	@echo "Next:   make lab, or $(BIN)/jupyter-kf run YOUR.ipynb"

# All checks run, whatever the ones before them say; the exit status is 0 only if none failed.
test:
	@$(PYTHON) dev/environment.py $(VENV) test examples postgres mysql s3
	@failed=""; \
	check() { echo "== $$*"; "$(BIN)/$$@" || failed="$$failed\n  $$*"; }; \
	check ruff check . ; \
	check ruff format --check . ; \
	check mypy ; \
	check lint-imports --no-cache ; \
	check python dev/bundle.py link ; \
	check python dev/bundle.py npm run --silent lint ; \
	check python dev/bundle.py npm run --silent generated ; \
	check python dev/bundle.py npm run --silent test ; \
	check codespell jupyter_kf tests docs benchmarks dev examples README.md CONTRIBUTING.md SECURITY.md Makefile ; \
	check pytest $(TESTS) ; \
	if [ -n "$$failed" ]; then printf "Failed:$$failed\n"; exit 1; fi

lab:
	@$(PYTHON) dev/environment.py $(VENV) examples lab
	@$(BIN)/python dev/bundle.py link
	@$(BIN)/jupyter lab $(LAB) examples

bench:
	@$(PYTHON) dev/environment.py $(VENV) test examples
	@$(BIN)/python dev/bundle.py link
	@$(BIN)/python -m benchmarks $(if $(QUICK),--quick)

clean:
	rm -rf labextension/node_modules labextension/lib labextension/tsconfig.tsbuildinfo jupyter_kf/labextension
	rm -rf $(VENV) $(DEMO) .cache build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

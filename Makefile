# A fresh machine needs Python 3.11 or newer, git and make. Everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup audit test lint types smoke kills builtin-models clean

setup: $(VENV)/.done

# torchattacks pins requests 2.25, which nothing else can live with: it needs torch, numpy and scipy alone, and comes without its pins.
$(VENV)/.done: pyproject.toml Makefile
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev,hf,onnx,peers]'
	$(BIN)/python -m pip install --quiet --no-deps 'torchattacks>=3.5'
	touch $@

audit: setup
	$(BIN)/robustkit audit builtin/fashion-robust --threat linf:0.1 -o runs/fashion-robust
	@echo "open runs/fashion-robust/report.html"

# One thread to a process: the networks of the tests are too small to share.
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy cannot see through the import hooks of an editable install, so it reads a plain copy.
types: setup
	rm -rf build
	$(BIN)/python -m pip install --quiet --no-deps --target build/types .
	MYPYPATH=build/types $(BIN)/mypy -p robustkit

smoke: setup
	PYTHON=$(PYTHON) sh .ci/smoke

# Kills audits and trainings a hundred times, resumes them, and compares what they leave (half an hour on 2 cores).
kills: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m robustkit.benchmarks.bench.kills

# Trains the embedded models again (about an hour on 2 cores; builtin/signs-cnn within minutes) and writes weights and cards into the package.
builtin-models: setup
	$(BIN)/robustkit train builtin/fashion-standard --data torchvision/FashionMNIST --epochs 15 --lr 0.002 --augment flip \
		--ema 0.998 -o runs/fashion-standard
	$(BIN)/robustkit train builtin/fashion-robust --data torchvision/FashionMNIST --recipe pgd:steps=3,step_size=0.05 \
		--threat linf:0.1 --epochs 9 --lr 0.002 --weight-decay 0.0001 --ema 0.998 -o runs/fashion-robust
	$(BIN)/python -m robustkit.data.make_signs
	$(BIN)/python -m robustkit.data.make_signs runs/signs.npz
	$(BIN)/robustkit train builtin/signs-cnn --data npz:runs/signs.npz --recipe standard:smoothing=0.1 --epochs 8 --lr 0.002 \
		-o runs/signs-cnn
	$(BIN)/python -m robustkit.models.release runs/fashion-standard builtin/fashion-standard
	$(BIN)/python -m robustkit.models.release runs/fashion-robust builtin/fashion-robust
	$(BIN)/python -m robustkit.models.release runs/signs-cnn builtin/signs-cnn

clean:
	rm -rf $(VENV) runs build dist *.egg-info

# syntax=docker/dockerfile:1
# CPU image: docker build -f docker/cpu.Dockerfile -t medglip:cpu .
# Python of the tested environment; its headers and a compiler for mmcv are in the build stage only.
FROM python:3.11-slim-bookworm AS build
RUN apt-get update \
    && apt-get install --no-install-recommends --yes build-essential libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/medglip
COPY setup.py pyproject.toml README.md LICENSE Makefile ./
COPY requirements requirements
COPY tools tools
COPY mmdet_medglip mmdet_medglip
COPY configs configs
COPY demo_model demo_model
# PyTorch's index has wheels of the same version without CUDA, 2 GB smaller; pip takes them since
# 2.11.0+cpu comes after 2.11.0. All else is pinned in requirements/.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG MAX_JOBS=2
# The cache keeps the wheel of mmcv, so that a change of code does not compile it again.
RUN --mount=type=cache,target=/root/.cache/pip \
    PIP_EXTRA_INDEX_URL=${TORCH_INDEX} MAX_JOBS=${MAX_JOBS} \
    python tools/setup_env.py --venv /opt/medglip/.venv --line maintained --with \
    && .venv/bin/python -m pip install 'starlette==1.10.0' 'uvicorn==0.54.0' 'highdicom==0.28.2'

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --no-install-recommends --yes libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 medglip
COPY --from=build --chown=medglip:medglip /opt/medglip /opt/medglip
ENV PATH=/opt/medglip/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HUB_OFFLINE=1
USER medglip
WORKDIR /opt/medglip
VOLUME ["/opt/medglip/data", "/opt/medglip/work_dirs"]
EXPOSE 7860
ENTRYPOINT ["medglip"]
CMD ["--help"]

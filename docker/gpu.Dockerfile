# syntax=docker/dockerfile:1
# GPU image: docker build -f docker/gpu.Dockerfile -t medglip:gpu .
# CUDA of the wheel of torch in requirements/torch.txt, with nvcc, to compile mmcv's kernels.
FROM nvidia/cuda:13.0.2-devel-ubuntu24.04 AS build
RUN apt-get update \
    && apt-get install --no-install-recommends --yes \
        build-essential libgl1 libglib2.0-0 python3 python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/medglip
COPY setup.py pyproject.toml README.md LICENSE Makefile ./
COPY requirements requirements
COPY tools tools
COPY mmdet_medglip mmdet_medglip
COPY configs configs
COPY demo_model demo_model
# No GPU is seen while an image is built: say that kernels are wanted, and for which GPUs.
# 8.0 A100, 8.6 RTX 30, 8.9 RTX 40 and L4, 9.0 H100, 12.0 RTX 50.
ARG TORCH_CUDA_ARCH_LIST="8.0;8.6;8.9;9.0;12.0+PTX"
ARG MAX_JOBS=4
# The cache keeps the wheel of mmcv, so that a change of code does not compile it again.
RUN --mount=type=cache,target=/root/.cache/pip \
    FORCE_CUDA=1 CUDA_HOME=/usr/local/cuda MAX_JOBS=${MAX_JOBS} \
    TORCH_CUDA_ARCH_LIST="${TORCH_CUDA_ARCH_LIST}" \
    python3 tools/setup_env.py --venv /opt/medglip/.venv --line maintained --with \
    && .venv/bin/python -m pip install 'starlette==1.10.0' 'uvicorn==0.54.0' 'highdicom==0.28.2'

# The wheel of torch brings CUDA's libraries; the machine brings the driver.
FROM nvidia/cuda:13.0.2-base-ubuntu24.04
RUN apt-get update \
    && apt-get install --no-install-recommends --yes libgl1 libglib2.0-0 python3 \
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

# The pipeline: every command of `python -m pipelines`, the embedded model server, and Beam's Python workers.
#
#   docker build --file pipelines/deploy/pipeline.Dockerfile --tag taxi-pipeline:1.0.0 .
#
# The Python version decides the stack: 3.13 the current one, 3.11 (python:3.11.14-slim-bookworm) the portable one. See
# docs/how-to/images.md. pipeline.Dockerfile.dockerignore lists the files that are sent to the builder.
ARG PYTHON=python:3.13.9-slim-trixie

FROM ${PYTHON} AS packages
# The Debian packages of the last stage, listed before a compiler is added to this one.
RUN dpkg-query --show --showformat='${Package} ${Version}\n' >/tmp/debian.txt
# Two Python packages are compiled. With Debian's own Python, add python3-dev.
ARG COMPILER=g++
RUN apt-get update && apt-get install --yes --no-install-recommends ${COMPILER}
# The version of uv that environment/uv.py installs.
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /build
COPY pyproject.toml uv.lock ./
ENV UV_PROJECT_ENVIRONMENT=/opt/pipeline UV_PYTHON=/usr/local/bin/python3 UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1
# The groups are for roll-outs (gateway), traces (tracing), the export of runs (mlflow), and a node's input on Vertex AI
# (kubeflow). GPU=1 adds CUDA's libraries, 3 GB.
ENV SELECTED="--locked --no-default-groups --group gateway --group tracing --group mlflow --group kubeflow"
ARG GPU=
RUN uv sync ${SELECTED} ${GPU:+--extra gpu} --no-install-project
# A list of the image's packages, for vulnerability scanners.
COPY environment/sbom.py ./
RUN uv export ${SELECTED} ${GPU:+--extra gpu} --quiet --preview-features sbom-export --format cyclonedx1.5 >/tmp/locked.json \
    && /opt/pipeline/bin/python sbom.py --locked /tmp/locked.json --debian /tmp/debian.txt --out /opt/pipeline/sbom.cdx.json
WORKDIR /app
COPY components components
COPY data data
COPY serving serving
COPY pipelines pipelines
RUN /opt/pipeline/bin/python -m compileall -q .

FROM ${PYTHON}
COPY --from=packages /opt/pipeline /opt/pipeline
# HOME, and the place of var/, to which runs write: mount a volume here. A new volume takes the folder's owner.
RUN mkdir /work && chown 65532:65532 /work
COPY --from=packages /app /app
WORKDIR /work
ENV PATH=/opt/pipeline/bin:$PATH PYTHONPATH=/app HOME=/work PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
# No entry point: Kubeflow, Vertex AI and Flink's pods pass a command.
CMD ["python", "-m", "pipelines", "--help"]
# Last, because they differ in every commit: the layers above stay in the build cache.
ARG VERSION=1.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="taxi-pipeline" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"

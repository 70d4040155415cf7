# The pipeline: every command of `python -m pipelines`, the embedded model server, and Beam's Python workers.
#
#   docker build --file pipelines/deploy/pipeline.Dockerfile --tag taxi-pipeline:1.0.0 .
#
# Python chooses the stack: 3.13 the current one, 3.11 (python:3.11.14-slim-bookworm) the portable one. docs/how-to/images.md.
# What is sent to the builder stands in pipeline.Dockerfile.dockerignore.
ARG PYTHON=python:3.13.9-slim-trixie

FROM ${PYTHON} AS packages
# What the last stage has of Debian, before a compiler is added here.
RUN dpkg-query --show --showformat='${Package} ${Version}\n' >/tmp/debian.txt
# Two packages are compiled. An interpreter of Debian's own needs python3-dev, too.
ARG COMPILER=g++
RUN apt-get update && apt-get install --yes --no-install-recommends ${COMPILER}
# The uv of environment/uv.py.
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /build
COPY pyproject.toml uv.lock ./
ENV UV_PROJECT_ENVIRONMENT=/opt/pipeline UV_PYTHON=/usr/local/bin/python3 UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1
# Roll-outs, traces, the export of runs and what a node of Vertex AI reads its input with have groups of their own.
# GPU=1 adds CUDA's libraries, 3 GB.
ENV SELECTED="--locked --no-default-groups --group gateway --group tracing --group mlflow --group kubeflow"
ARG GPU=
RUN uv sync ${SELECTED} ${GPU:+--extra gpu} --no-install-project
# What is in the image, for scanners.
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
# HOME, and what runs write below var/: mount a volume here. It takes its owner from the folder.
RUN mkdir /work && chown 65532:65532 /work
COPY --from=packages /app /app
WORKDIR /work
ENV PATH=/opt/pipeline/bin:$PATH PYTHONPATH=/app HOME=/work PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
# No entry point: Kubeflow, Vertex AI and Flink's pods name a command.
CMD ["python", "-m", "pipelines", "--help"]
# Last, since they differ in every commit.
ARG VERSION=1.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="taxi-pipeline" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"

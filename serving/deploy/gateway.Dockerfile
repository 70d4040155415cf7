# The gateway, the roll-out command and what verifies signatures, without TensorFlow:
#
#   docker build --file serving/deploy/gateway.Dockerfile --tag taxi-gateway:1.0.0 .
#
# gateway.Dockerfile.dockerignore lists what is sent to the builder.
ARG PYTHON=python:3.13.9-slim-trixie

FROM ${PYTHON} AS packages
RUN dpkg-query --show --showformat='${Package} ${Version}\n' >/tmp/debian.txt
# The uv of environment/uv.py.
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /app
COPY pyproject.toml uv.lock ./
ENV UV_PROJECT_ENVIRONMENT=/opt/gateway UV_PYTHON=/usr/local/bin/python3 UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1
RUN uv sync --only-group gateway --only-group tracing --locked --no-cache
# What is in the image, for scanners: docs/how-to/images.md.
COPY environment/sbom.py ./
RUN uv export --quiet --locked --preview-features sbom-export --format cyclonedx1.5 \
        --only-group gateway --only-group tracing >/tmp/locked.json \
    && /opt/gateway/bin/python sbom.py --locked /tmp/locked.json --debian /tmp/debian.txt --out /opt/gateway/sbom.cdx.json

FROM ${PYTHON}
COPY --from=packages /opt/gateway /opt/gateway
WORKDIR /app
COPY serving serving
COPY data/schema data/schema
# A volume that is mounted here for the first time takes its owner from the folder.
RUN mkdir -p /var/log/gateway /verified && chown 65532:65532 /var/log/gateway /verified
ENV PATH=/opt/gateway/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["python", "-m", "serving", "gateway"]
# Last, since they differ in every commit.
ARG VERSION=1.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="taxi-gateway" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"

# Flink with Beam's runner on its class path, and Beam's job server (for pipelines/deploy/kubernetes/flink):
#
#   docker build --file pipelines/deploy/flink.Dockerfile --tag taxi-flink:1.0.0 .
#
# The jars are the same as for `make flink-up`: environment/flink/pom.xml names them, jars.sha256 holds their checksums.
ARG FLINK=flink:1.19.3-java17
ARG MAVEN=maven:3.9.11-eclipse-temurin-17

FROM ${MAVEN} AS jars
WORKDIR /build
COPY environment/flink/pom.xml environment/flink/jars.sha256 ./
RUN mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=/build/beam -DincludeScope=runtime \
    && grep '  beam/' jars.sha256 | sha256sum --check --quiet --strict \
    && test "$(ls beam | wc -l)" -eq "$(grep -c '  beam/' jars.sha256)"
# Flink's own jar contains these classes. A second copy on the same class path would shadow it (environment/flink/packages.py).
RUN mkdir flink && mv beam/flink-* beam/slf4j-api-* flink/

FROM ${FLINK}
COPY --from=jars /build/beam /opt/flink/lib
COPY --from=jars /build/flink /opt/beam/flink
COPY pipelines/deploy/job-server /opt/beam/job-server
ARG VERSION=1.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="taxi-flink" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"

# The service's image. `make image` builds it, runs it and checks it.
#
# A release pins the base by its digest: --build-arg BASE=python:3.13-slim@sha256:...
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /src
# What builds the wheel has an environment of its own, and stays behind with this stage.
COPY requirements/build.txt requirements/
RUN python -m venv /build \
    && /build/bin/python -m pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes -r requirements/build.txt
# Slow and seldom changed comes first. Wheels only: no compiler is needed, and no package runs code of its own here.
COPY requirements/image.txt requirements/
RUN python -m venv --without-pip /opt/failover \
    && python -m pip --python /opt/failover/bin/python install --no-cache-dir --no-compile --no-deps --only-binary :all: \
        --require-hashes -r requirements/image.txt
COPY LICENSE README.md pyproject.toml ./
# The sample of `failover demo` is a link to config/services.yaml.
COPY config/services.yaml config/
COPY service/failover_api service/failover_api
# Byte code now: a root that is read-only cannot cache it. With unchecked-hash no file's time has to match its source's.
RUN /build/bin/python -m hatchling build --target wheel --directory /dist \
    && python -m pip --python /opt/failover/bin/python install --no-cache-dir --no-compile --no-deps --no-index /dist/*.whl \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/failover/lib

FROM ${BASE}
# The base comes with pip, which nothing here needs, and with a standard library that has no byte code.
RUN python -m pip uninstall --yes --root-user-action ignore pip \
    && python -c "import shutil, sysconfig; shutil.rmtree(sysconfig.get_path('stdlib') + '/ensurepip')" \
    && python -m compileall -q --invalidation-mode unchecked-hash -x '/(site-packages|test|tests|idlelib|lib2to3)/' \
        "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=build /opt/failover /opt/failover
ENV PATH=/opt/failover/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Relative paths begin here, as the catalog's default: config/services.yaml. Configuration is mounted, never built in.
WORKDIR /app
# As numbers: Kubernetes (runAsNonRoot) cannot look a name up.
USER 1000:1000
EXPOSE 8080
# No HEALTHCHECK: Kubernetes asks /healthz and /readyz itself, and takes no notice of one.
# Without a shell in between, failover is process 1 and gets the signal itself.
STOPSIGNAL SIGTERM
ENTRYPOINT ["failover"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
# Last, since they change with every commit.
ARG SOURCE=""
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.title="failover-api" \
    org.opencontainers.image.description="Moves stateful services between two nodes by changing their manifests in Git, through GitHub's API." \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"

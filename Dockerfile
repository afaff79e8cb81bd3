# One recipe for every service: docker build --build-arg SERVICE=ingest .
# The load test is made by it too: --build-arg SERVICE=loadtest --build-arg KIND=tools
#
# Two parts go into the image, each a layer of its own: /opt/venv with the pinned dependencies, which changes with the
# lock, and /opt/app with our code, which changes with every commit. uv and the build backend stay behind.

ARG PYTHON_IMAGE=python:3.13-slim-bookworm

# --- the dependencies of one service, from pyproject.toml files and the lock alone ------------------------------------------
FROM ${PYTHON_IMAGE} AS dependencies
ARG UV_VERSION=0.13.8
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
SHELL ["/bin/sh", "-euc"]
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore "uv==${UV_VERSION}" \
    && uv venv --no-project --python /usr/local/bin/python3 /opt/venv
WORKDIR /src
COPY pyproject.toml requirements.lock ./
COPY libs/schema/pyproject.toml libs/schema/
COPY libs/runtime/pyproject.toml libs/runtime/
COPY libs/studies/pyproject.toml libs/studies/
COPY libs/ticket/pyproject.toml libs/ticket/
ARG SERVICE
ARG KIND=services
COPY ${KIND}/${SERVICE}/pyproject.toml ${KIND}/${SERVICE}/
# The first command names what this service needs; the second installs that, with the versions and hashes of the lock.
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip compile --quiet "${KIND}/${SERVICE}/pyproject.toml" --constraint requirements.lock --python /opt/venv/bin/python \
        --no-emit-package telemetry-schema --no-emit-package telemetry-runtime --no-emit-package telemetry-ticket \
        --no-emit-package telemetry-studies \
        --no-emit-package "telemetry-${SERVICE}" \
        --output-file /tmp/names.txt \
    && uv pip install --python /opt/venv/bin/python --no-deps --require-hashes --compile-bytecode \
        --requirement /tmp/names.txt --constraint requirements.lock \
    # What packages ship for developers and no program reads: sources, headers and types of compiled modules, and tests, a
    # third of the files of NumPy and pandas. numpy.testing imports one of its tests' modules.
    && find /opt/venv/lib \( -name '*.py[ix]' -o -name '*.px[di]' -o -name '*.[ch]' -o -name '*.hpp' -o -name '*.cuh' \
        -o -name 'test_*.py' -o -name 'test_*.pyc' \) -delete \
    && find /opt/venv/lib -path '*/site-packages/*/tests/*' -type f ! -name '__init__*' ! -name '_natype*' -delete
# Finds /opt/app without an environment variable that a user could lose.
RUN echo /opt/app > "$(echo /opt/venv/lib/python3*/site-packages)/app.pth"

# --- our own code ---------------------------------------------------------------------------------------------------------
FROM dependencies AS code
RUN --mount=type=cache,target=/root/.cache/uv \
    grep -o '^uv-build==[^ ]*' requirements.lock > /tmp/backend.txt \
    && uv pip install --python /opt/venv/bin/python --require-hashes --requirement /tmp/backend.txt --constraint requirements.lock
COPY libs/schema libs/schema
COPY libs/runtime libs/runtime
COPY libs/studies libs/studies
COPY libs/ticket libs/ticket
COPY ${KIND}/${SERVICE} ${KIND}/${SERVICE}
COPY scripts/healthcheck.py /opt/app/healthcheck.py
# The ticket and the studies' package only where they are asked for: only the page has Streamlit, only analytics pandas.
RUN set -- libs/schema libs/runtime \
    && for lib in studies ticket; do \
        if grep -q "telemetry-${lib}" "${KIND}/${SERVICE}/pyproject.toml"; then set -- "$@" "libs/${lib}"; fi; \
    done \
    && uv pip install --no-cache --python /opt/venv/bin/python --target /opt/app --no-deps --no-build-isolation --compile-bytecode \
        "$@" "${KIND}/${SERVICE}" \
    # One name for all services, so that CMD needs no shell: a shell as process 1 would keep SIGTERM to itself.
    && if [ "${KIND}" = services ]; then ln -s "run-${SERVICE}" /opt/app/bin/run-service; fi \
    && rm -f /opt/app/.lock

# --- what runs --------------------------------------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS final
# A number, so that Kubernetes' runAsNonRoot can check it; the volume on /data starts with this owner.
RUN install -d -o 10001 -g 10001 /data
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=code /opt/app /opt/app
ARG SERVICE
ENV PATH=/opt/app/bin:/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 SERVICE=${SERVICE} \
    INGEST_HTTP_HOST=0.0.0.0 INGEST_DATA_DIR=/data INGEST_LOG_FORMAT=json \
    ANALYTICS_HTTP_HOST=0.0.0.0 ANALYTICS_DATA_DIR=/data ANALYTICS_LOG_FORMAT=json \
    UI_HTTP_HOST=0.0.0.0 UI_LOG_FORMAT=json
LABEL org.opencontainers.image.title="trading-telemetry ${SERVICE}" org.opencontainers.image.licenses="Apache-2.0"
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["/opt/venv/bin/python", "-I", "-S", "/opt/app/healthcheck.py"]
CMD ["/opt/app/bin/run-service"]

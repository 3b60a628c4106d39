# A node: docker build -t assetlog . && docker run -p 127.0.0.1:8470:8470 -v assetlog:/data assetlog
# The default command starts a node with a log server of its own; compose.yaml runs the two apart.

FROM python:3.13-slim-bookworm AS build
COPY --from=ghcr.io/astral-sh/uv:0.13 /uv /bin/uv
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PROJECT_ENVIRONMENT=/opt/assetlog
WORKDIR /build
# Dependencies first: they change less often than the code, and so stay in the build's cache.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --extra archive --no-install-project
COPY README.md LICENSE ./
COPY schemas schemas
COPY producers producers
COPY consumers consumers
COPY catalog catalog
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --extra archive --no-editable

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin assetlog
COPY --from=build /opt/assetlog /opt/assetlog
ENV PATH=/opt/assetlog/bin:$PATH PYTHONUNBUFFERED=1 ASSETLOG_HOME=/data ASSETLOG_LOG_FORMAT=json
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8470
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8470/health/ready', timeout=2)"]
ENTRYPOINT ["assetlog"]
# Inside the container every address is public; who may reach it is decided by what is published, and to whom.
CMD ["up", "--host", "0.0.0.0", "--allow-anonymous"]

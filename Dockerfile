# `tracklet serve` in a container; any other command can follow the image's name. Everything comes from the lock file.
#
#   docker build -t tracklet .
#   docker run --restart unless-stopped -e SLACK_APP_TOKEN -e SLACK_BOT_TOKEN -v tracklet:/data tracklet
#
# A folder of the host in place of the volume must belong to the user 10001.

FROM python:3.11-slim AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /app
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --frozen --no-default-groups --no-install-project
COPY app_manifest.yaml ./
COPY bot bot
COPY playground playground
COPY rendering rendering
COPY sample sample
COPY tracking tracking
RUN uv sync --frozen --no-default-groups --no-editable

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home tracklet && mkdir /data && chown tracklet /data
COPY --from=build /app/.venv /app/.venv
# What is fetched once, such as the model, outlives the container with the data.
ENV XDG_CACHE_HOME=/data/cache
# Inside of a container loopback is reachable by nobody; who publishes the port decides who may come.
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 TRACKLET_DATA_DIR=/data TRACKLET_HTTP_HOST=0.0.0.0
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ.get('TRACKLET_HTTP_PORT', '3000')}/healthz\", timeout=4)"]
ENTRYPOINT ["tracklet"]
CMD ["serve"]

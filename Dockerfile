# Zutuan: one image for the server, the worker and every command. See README, "Running it for real".

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
# What builds the wheel stays in this stage; what runs it is pinned by the same file.
COPY requirements.txt ./
RUN python -m venv /builder && /builder/bin/pip install -r requirements.txt
COPY pyproject.toml README.md ./
COPY platform platform
COPY courses courses
COPY migrations migrations
RUN /builder/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .
RUN python -m venv /opt/zutuan && /opt/zutuan/bin/pip install --constraint requirements.txt /wheels/*.whl

FROM python:3.11-slim-bookworm
# Characters of names that the packaged fonts lack (CJK extensions), for papers.
# Debian keeps one version of these packages.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-hanazono fonts-babelstone-han \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin zutuan \
    && install -d -o zutuan -g zutuan -m 0750 /data /data/files /data/access
COPY --from=build /opt/zutuan /opt/zutuan
ENV PATH=/opt/zutuan/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ZUTUAN_FILES=/data/files \
    ZUTUAN_ACCESS_LOGS=/data/access
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=40s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["zutuan"]
CMD ["serve", "--host", "0.0.0.0"]

# A small image of the daemon: the wheel is built in one stage and installed in another that has no compiler and no root.
#   docker build -t syncd .
#   docker run -v syncd-state:/var/lib/syncd -v /etc/syncd:/etc/syncd:ro -p 127.0.0.1:8470:8470 syncd
FROM python:3.11-slim AS build
WORKDIR /src
RUN pip install --no-cache-dir build
COPY setup.cfg pyproject.toml README.md LICENSE constraints.txt ./
COPY syncd syncd
COPY connectors connectors
COPY mappings mappings
RUN python -m build --wheel --outdir /wheels .

FROM python:3.11-slim
COPY --from=build /wheels /wheels
COPY constraints.txt /wheels/
RUN pip install --no-cache-dir --constraint /wheels/constraints.txt "$(echo /wheels/syncd-*.whl)[postgresql,mysql]" \
    && rm -r /wheels \
    && useradd --system --uid 8470 --home-dir /var/lib/syncd --create-home --shell /usr/sbin/nologin syncd \
    && chmod 0700 /var/lib/syncd
# Settings come from /etc/syncd/syncd.toml; secrets from files mounted there, never from the image.
ENV SYNCD__DAEMON__STATE=sqlite:////var/lib/syncd/state.db \
    SYNCD__DAEMON__HTTP=0.0.0.0:8470 \
    PYTHONUNBUFFERED=1
USER syncd
WORKDIR /var/lib/syncd
VOLUME /var/lib/syncd
EXPOSE 8470
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8470/health/live', timeout=4)"]
ENTRYPOINT ["syncd"]
CMD ["run"]

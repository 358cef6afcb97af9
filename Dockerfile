FROM python:3.12-slim-bookworm AS installed
WORKDIR /app
COPY requirements/uv.txt requirements/base.txt requirements/
# uv is only in this stage. The bytecode is compiled here, because Python can't write any at run time.
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements/uv.txt \
    && python -m venv --without-pip .venv \
    && uv pip sync --no-cache --compile-bytecode --require-hashes --python .venv/bin/python requirements/base.txt

FROM python:3.12-slim-bookworm
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin mlproxy \
    && install --directory --owner mlproxy --group mlproxy --mode 700 /app/var /app/var/files
WORKDIR /app
COPY --from=installed /app/.venv .venv
COPY . .
USER mlproxy
CMD [".venv/bin/python", "-m", "tools.launch.web"]

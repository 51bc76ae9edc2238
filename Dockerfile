# Unbuilt here: no engine on the machines that build this project. Made to be built by `docker compose build`.
FROM python:3.11-slim AS build
WORKDIR /app
COPY . .
RUN pip install --no-cache-dir uv==0.13.9 \
 && uv venv /opt/venv \
 && uv pip install --python /opt/venv/bin/python ".[postgres]"

FROM python:3.11-slim
COPY --from=build /opt/venv /opt/venv
RUN useradd --create-home --uid 10001 app && mkdir /data && chown app /data
USER app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1
VOLUME /data
ENTRYPOINT ["prior-auth"]

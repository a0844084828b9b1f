# Debian's PostgreSQL, started as the image of docker.io is.
FROM python:3.11-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql \
    && rm -rf /var/lib/apt/lists/* /var/lib/postgresql \
    && install -d --owner postgres --group postgres --mode 700 /var/lib/postgresql/data
COPY --chmod=755 postgres.sh /postgres.sh
VOLUME /var/lib/postgresql/data
CMD ["/postgres.sh"]

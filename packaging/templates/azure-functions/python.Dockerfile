# A digest after its tag pins an image: python:3.11-slim-bookworm@sha256:...
ARG FUNCTIONS_IMAGE=mcr.microsoft.com/azure-functions/node:4-node22
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG MODEL_DIR=model

FROM ${PYTHON_IMAGE} AS python
COPY requirements.txt /opt/requirements.txt
RUN pip install --no-cache-dir --root-user-action=ignore -r /opt/requirements.txt

# Takes the model from the rest, so that each becomes a layer of its own.
FROM ${PYTHON_IMAGE} AS files
ARG MODEL_DIR
COPY . /home/site/wwwroot
WORKDIR /home/site/wwwroot
# A file that does not compile need not be one that is used.
RUN mkdir -p "${MODEL_DIR}" && mv "${MODEL_DIR}" /model \
 && (python -m compileall -q . || true)

FROM ${FUNCTIONS_IMAGE}
ARG MODEL_DIR
# What Python and many packages load. Debian keeps only the newest version of a package.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libbz2-1.0 libexpat1 libffi8 libgomp1 liblzma5 libncursesw6 libreadline8 libsqlite3-0 libssl3 libuuid1 zlib1g \
 && rm -rf /var/lib/apt/lists/*
COPY --from=python /usr/local /usr/local
# The host keeps its state in its own folder and in /home, the home of its user.
RUN ldconfig \
 && useradd --system --uid 10001 --home-dir /home score \
 && chown score /azure-functions-host \
 && chown -R score /home
COPY --from=files /model /home/site/wwwroot/${MODEL_DIR}
COPY --from=files /home/site/wwwroot /home/site/wwwroot
# Only root may listen on port 80.
ENV ASPNETCORE_URLS=http://+:8080 \
    AzureWebJobsScriptRoot=/home/site/wwwroot \
    AzureFunctionsJobHost__Logging__Console__IsEnabled=true \
    AzureWebJobsDisableHomepage=true \
    SCOREFN_PYTHON=/usr/local/bin/python3 \
    FUNCTIONS_WORKER_RUNTIME=node
EXPOSE 8080
USER 10001
# The image's own command changes files of root's first.
CMD ["/azure-functions-host/Microsoft.Azure.WebJobs.Script.WebHost"]

# A digest after its tag pins an image: mcr.microsoft.com/azure-functions/node:4-node22@sha256:...
ARG FUNCTIONS_IMAGE=mcr.microsoft.com/azure-functions/node:4-node22
ARG MODEL_DIR=model

# Takes the model from the rest, so that each becomes a layer of its own.
FROM ${FUNCTIONS_IMAGE} AS files
ARG MODEL_DIR
COPY . /home/site/wwwroot
WORKDIR /home/site/wwwroot
RUN mkdir -p "${MODEL_DIR}" && mv "${MODEL_DIR}" /model

FROM ${FUNCTIONS_IMAGE}
ARG MODEL_DIR
# The host keeps its state in its own folder and in /home, the home of its user.
RUN useradd --system --uid 10001 --home-dir /home score \
 && chown score /azure-functions-host \
 && chown -R score /home
COPY --from=files /model /home/site/wwwroot/${MODEL_DIR}
COPY --from=files /home/site/wwwroot /home/site/wwwroot
# Only root may listen on port 80.
ENV ASPNETCORE_URLS=http://+:8080 \
    AzureWebJobsScriptRoot=/home/site/wwwroot \
    AzureFunctionsJobHost__Logging__Console__IsEnabled=true \
    AzureWebJobsDisableHomepage=true \
    FUNCTIONS_WORKER_RUNTIME=node
EXPOSE 8080
USER 10001
# The image's own command changes files of root's first.
CMD ["/azure-functions-host/Microsoft.Azure.WebJobs.Script.WebHost"]

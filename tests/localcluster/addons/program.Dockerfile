# One static program, as a user without rights: by its name on the PATH, and as what the image runs.
ARG BASE_IMAGE=python:3.11-slim
FROM ${BASE_IMAGE}
ARG PROGRAM
COPY ${PROGRAM} /usr/local/bin/
RUN ln -s /usr/local/bin/${PROGRAM} /program
USER 65532:65532
ENTRYPOINT ["/program"]

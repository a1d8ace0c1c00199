# One static program, as a user without rights.
ARG BASE_IMAGE=python:3.11-slim
FROM ${BASE_IMAGE}
ARG PROGRAM
COPY ${PROGRAM} /program
USER 65532:65532
ENTRYPOINT ["/program"]

"""Run a Python worker of a Beam job without a container: `python -m pipelines.engines.beam_worker --id=... `.

A TaskManager starts it and passes addresses. It does what the boot program of Beam's container does: it requests the
job's options, puts them into the environment, and runs Beam's worker
(https://beam.apache.org/documentation/runtime/sdk-harness-config, Beam's sdks/python/container/boot.go).
"""

import argparse
import os
import sys
import tempfile

import grpc
from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc, endpoints_pb2
from google.protobuf import json_format, text_format

_SECONDS = 60.0  # for the TaskManager to answer


def main() -> None:
    """Work on the job until its runner ends the connection."""
    parser = argparse.ArgumentParser(prog="beam_worker")
    for name in ("id", "provision_endpoint", "control_endpoint", "logging_endpoint", "artifact_endpoint"):
        parser.add_argument(f"--{name}")
    options, _ = parser.parse_known_args()
    with grpc.insecure_channel(options.provision_endpoint) as channel:
        info = (
            beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
            .GetProvisionInfo(
                beam_provision_api_pb2.GetProvisionInfoRequest(), metadata=[("worker_id", options.id)], timeout=_SECONDS
            )
            .info
        )
    os.environ |= {
        "WORKER_ID": options.id,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "LOGGING_API_SERVICE_DESCRIPTOR": _descriptor(info.logging_endpoint.url or options.logging_endpoint),
        "CONTROL_API_SERVICE_DESCRIPTOR": _descriptor(info.control_endpoint.url or options.control_endpoint),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        "SEMI_PERSISTENT_DIRECTORY": tempfile.gettempdir(),
    }
    from apache_beam.runners.worker import sdk_worker_main  # Imported here: it reads the environment.

    sdk_worker_main.main(sys.argv)


def _descriptor(url: str) -> str:
    return text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url))


if __name__ == "__main__":
    main()

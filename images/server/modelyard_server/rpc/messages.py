"""The protocol's messages: those of package ``inference``, service ``GRPCInferenceService`` in
open_inference_grpc.proto, and those of the model repository extension's calls.

They are built from descriptors at import, in a separate pool: so no code is generated, no compiler version has to match
the library's, and a client's generated copy can be imported beside them.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_VALUE = "bool bool_param 1|int64 int64_param 2|string string_param 3"
_NAME_VERSION = "string name 1|string version 2"
_TENSOR = "string name 1|string datatype 2|repeated int64 shape 3"
_CONTENT = f"{_TENSOR}|map InferParameter parameters 4|InferTensorContents contents 5"
_HEAD = "string model_name 1|string model_version 2|string id 3|map InferParameter parameters 4"
# KServe's clients put the model's name in field 1; Triton's put it in field 2, and in field 1 a repository's name.
_CHANGE = "string repository_name 1|string model_name 2|map ModelRepositoryParameter parameters 3"

INFERENCE: dict[str, str] = {
    "InferParameter": f"{_VALUE}|double double_param 4|uint64 uint64_param 5",
    "InferTensorContents": "repeated bool bool_contents 1|repeated int32 int_contents 2|"
    "repeated int64 int64_contents 3|repeated uint32 uint_contents 4|"
    "repeated uint64 uint64_contents 5|repeated float fp32_contents 6|"
    "repeated double fp64_contents 7|repeated bytes bytes_contents 8",
    "ServerLiveRequest": "",
    "ServerLiveResponse": "bool live 1",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "bool ready 1",
    "ModelReadyRequest": _NAME_VERSION,
    "ModelReadyResponse": "bool ready 1",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": f"{_NAME_VERSION}|repeated string extensions 3",
    "ModelMetadataRequest": _NAME_VERSION,
    "ModelMetadataResponse.TensorMetadata": _TENSOR,
    "ModelMetadataResponse": "string name 1|repeated string versions 2|string platform 3|"
    "repeated ModelMetadataResponse.TensorMetadata inputs 4|repeated ModelMetadataResponse.TensorMetadata outputs 5|"
    "map string properties 6",
    "ModelInferRequest.InferInputTensor": _CONTENT,
    "ModelInferRequest.InferRequestedOutputTensor": "string name 1|map InferParameter parameters 2",
    "ModelInferRequest": f"{_HEAD}|repeated ModelInferRequest.InferInputTensor inputs 5|"
    "repeated ModelInferRequest.InferRequestedOutputTensor outputs 6|repeated bytes raw_input_contents 7",
    "ModelInferResponse.InferOutputTensor": _CONTENT,
    "ModelInferResponse": f"{_HEAD}|repeated ModelInferResponse.InferOutputTensor outputs 5|"
    "repeated bytes raw_output_contents 6",
    "ModelRepositoryParameter": f"{_VALUE}|bytes bytes_param 4",
    "RepositoryIndexRequest": "string repository_name 1|bool ready 2",
    "RepositoryIndexResponse.ModelIndex": f"{_NAME_VERSION}|string state 3|string reason 4",
    "RepositoryIndexResponse": "repeated RepositoryIndexResponse.ModelIndex models 1",
    "RepositoryModelLoadRequest": _CHANGE,
    "RepositoryModelLoadResponse": "string model_name 1|bool isLoaded 2",
    "RepositoryModelUnloadRequest": _CHANGE,
    "RepositoryModelUnloadResponse": "string model_name 1|bool isUnloaded 2",
}
"""Message -> its fields, each "[repeated] type name number", or "map" with the type of the values."""
ONE_OF = {"InferParameter": "parameter_choice", "ModelRepositoryParameter": "parameter_choice"}
HEALTH = {"HealthCheckRequest": "string service 1", "HealthCheckResponse": "int32 status 1"}
"""The messages of package ``grpc.health.v1``. Their status is an enumeration there, which is an int32 on the wire."""


def build(package: str, messages: dict[str, str]) -> dict[str, Any]:
    """Returns message name -> its class."""
    file = FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    descriptors: dict[str, DescriptorProto] = {}
    for name, fields in messages.items():
        outer, _, inner = name.rpartition(".")
        if outer and outer not in descriptors:
            descriptors[outer] = file.message_type.add(name=outer)
        if name not in descriptors:
            descriptors[name] = (
                descriptors[outer].nested_type.add(name=inner) if outer else file.message_type.add(name=name)
            )
        for field in filter(None, fields.split("|")):
            _add(descriptors[name], field, f".{package}")
        if name in ONE_OF:
            descriptors[name].oneof_decl.add(name=ONE_OF[name])
            for item in descriptors[name].field:
                item.oneof_index = 0
    pool = DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call]
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages}


def _add(message: DescriptorProto, field: str, package: str) -> None:
    *label, type_, name, number = field.split(" ")
    repeated = FieldDescriptorProto.LABEL_REPEATED if label else FieldDescriptorProto.LABEL_OPTIONAL
    item = message.field.add(name=name, number=int(number), label=repeated)
    if label == ["map"]:
        # protoc expands `map<string, type>` to this. A type name without a leading dot is resolved inside the message.
        entry = message.nested_type.add(name=f"{name.capitalize()}Entry")
        entry.options.map_entry = True
        _add(entry, "string key 1", package)
        _add(entry, f"{type_} value 2", package)
        item.type, item.type_name = FieldDescriptorProto.TYPE_MESSAGE, entry.name
    elif type_[0].isupper():
        item.type, item.type_name = FieldDescriptorProto.TYPE_MESSAGE, f"{package}.{type_}"
    else:
        item.type = FieldDescriptorProto.Type.Value(f"TYPE_{type_.upper()}")


MESSAGES = build("inference", INFERENCE)
ModelInferRequest, ModelInferResponse = MESSAGES["ModelInferRequest"], MESSAGES["ModelInferResponse"]

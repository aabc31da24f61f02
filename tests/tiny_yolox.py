"""
A YOLOX-shaped network, small enough to be made by a test: it "recognises" red and green areas.

It keeps the family's contract (BGR 0..255 in, one row of offsets, log sizes, objectness and class scores for each cell out), so
the real detector code runs on it, on any machine. Only the finest grid ever answers, with boxes of one fixed size.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STRIDES = (8, 16, 32)


def tiny_yolox(
    path: Path,
    *,
    side: int = 64,
    box: tuple[float, float] = (16.0, 16.0),
    names: str = "",
    decoded: bool = False,
    open_size: bool = False,
    classes: int = 2,
) -> Path:
    """
    Writes the network: class 0 is red, class 1 green, further ones never occur.

    `box` is the width and height that it gives every object, in its input's pixels; an object of 16 pixels around a cell's
    middle is seen by that cell alone. `decoded` gives finished coordinates,
    `open_size` leaves the input's size open, `names` goes into the metadata.
    """
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(name: str, values: object) -> str:
        constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    # How much redder (greener) than the other two channels: a 1 x 1 convolution, then 0..1.
    kernel = np.array([[-0.5, -0.5, 1.0], [-0.5, 1.0, -0.5]], np.float32).reshape(2, 3, 1, 1) / 128
    lead = node("Conv", ["images", constant("kernel", kernel)], "lead")
    node("Clip", [lead, constant("zero", 0.0), constant("one", 1.0)], "hue")
    constant("two", 2.0)
    shape = constant_int(constants, "rows", [1, 2, -1])
    scales = []
    for stride in STRIDES:
        # A cell looks at twice its own width, and answers once more than half of that is covered.
        window = {"kernel_shape": [2 * stride] * 2, "strides": [stride] * 2, "pads": [stride // 2] * 4}
        covered = node("AveragePool", ["hue"], f"covered{stride}", **window)
        doubled = node("Sub", [node("Mul", [covered, "two"], f"double{stride}"), "one"], f"over{stride}")
        pooled = node("Clip", [doubled, "zero", "one"], f"pool{stride}")
        rows = node("Transpose", [node("Reshape", [pooled, shape], f"flat{stride}")], f"scores{stride}", perm=[0, 2, 1])
        if stride != STRIDES[0]:
            rows = node("Mul", [rows, "zero"], f"silent{stride}")
        scales.append(rows)
    node("Concat", scales, "scores", axis=1)
    best = node("ReduceMax", ["scores", constant_int(constants, "last", [2])], "objectness", keepdims=1)
    cells = [(x + 0.5, y + 0.5, stride) for stride in STRIDES for y in range(side // stride) for x in range(side // stride)]
    if decoded:
        geometry = [(x * stride, y * stride, *box) for x, y, stride in cells]
    else:
        geometry = [(0.5, 0.5, math.log(box[0] / stride), math.log(box[1] / stride)) for _, _, stride in cells]
    parts = [constant("geometry", [geometry]), best, "scores"]
    if classes > 2:
        parts.append(constant("never", np.zeros((1, len(cells), classes - 2))))
    node("Concat", parts, "output", axis=2)
    size = "side" if open_size else side
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, size, size])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, len(cells), 5 + classes])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if names:
        helper.set_model_props(model, {"names": names})
    path.write_bytes(model.SerializeToString())
    return path


def constant_int(constants: list[onnx.TensorProto], name: str, values: list[int]) -> str:
    constants.append(numpy_helper.from_array(np.asarray(values, np.int64), name))
    return name

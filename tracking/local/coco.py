"""
The 80 classes of COCO, in the order in which YOLOX counts them, and the Knowledge Graph ids of those that have a public one.

Source of the names: COCO 2017, category ids in rising order. Source of the ids: the TensorFlow models repository,
`mscoco_label_map.pbtxt`, as far as it lists them; the others stay without.
"""

LABELS = (
    *("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light"),
    *("fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow"),
    *("elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee"),
    *("skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard"),
    *("tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple"),
    *("sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch"),
    *("potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone"),
    *("microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear"),
    *("hair drier", "toothbrush"),
)

ENTITY_IDS = {
    "person": "/m/01g317",
    "bicycle": "/m/0199g",
    "car": "/m/0k4j",
    "motorcycle": "/m/04_sv",
    "bus": "/m/01bjv",
    "train": "/m/07jdr",
    "truck": "/m/07r04",
    "traffic light": "/m/015qff",
    "stop sign": "/m/02pv19",
    "cat": "/m/01yrx",
    "dog": "/m/0bt9lr",
    "cow": "/m/01xq0k1",
}

"""Constants."""

CONST = 5
NEGATIVE = -1
TUPLE = (1, "two")
DICT = {"k": [1, 2], 3: None}
SET = {4}
made = [x for x in range(3)]
a = b = 1
a.attribute = 3


class Config:
    size = 10
    names = ["a", "b"]
    computed = size * 2

    def __init__(self, x):
        self.inside = True
        self.given = x


if True:
    HIDDEN = 1

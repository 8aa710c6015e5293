import os

CONST = "a constant"
COMPUTED = os.getcwd()
TYPED: int = 3


class Model:
    size = 128
    ratio: float = 0.5

    class Inner:
        name = "inner"

    def __init__(self):
        self.made = [1, 2]
        local = 5

    def other(self):
        self.unseen = 1

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""c_host.c in Python, with ctypes alone: python3 c_host.py [libnodezero.so]"""

import ctypes
import math
import sys
from ctypes import POINTER, byref, c_char_p, c_double, c_float, c_int64, c_size_t, c_uint64

EXAMPLES = 64
BATCHES = 600
BUFFER_TOO_SMALL = 16


class Options(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("running", ctypes.c_int),
        ("threads", ctypes.c_uint32),
        ("spheres", ctypes.c_uint32),
        ("symmetry", ctypes.c_uint32),
        ("micro_batches", ctypes.c_uint32),
        ("steps_in_epoch", c_uint64),
        ("total_steps", c_uint64),
        ("seed", c_uint64),
        ("learning_rate", c_double),
        ("min_learning_rate", c_double),
        ("warmup", c_uint64),
        ("beta1", c_double),
        ("beta2", c_double),
        ("epsilon", c_double),
        ("weight_decay", c_double),
        ("clip", c_double),
        ("queue_bound", c_size_t),
        ("when_full", ctypes.c_int),
        ("time_per_step", c_double),
        ("folder", c_char_p),
        ("on_step", ctypes.c_void_p),
        ("on_notice", ctypes.c_void_p),
        ("user", ctypes.c_void_p),
        ("execute", ctypes.c_void_p),
    ]


class Status(ctypes.Structure):
    # As many of the C struct's as are of use here; the library is told how many.
    _fields_ = [("size", c_size_t), ("progress", ctypes.c_int), ("time", c_double),
                ("steps", c_uint64), ("epochs", c_uint64), ("version", c_uint64),
                ("loss", c_double)]

    def __init__(self):
        super().__init__()
        library.nodezero_status_init(byref(self), c_size_t(ctypes.sizeof(self)))


library = ctypes.CDLL(sys.argv[1] if len(sys.argv) > 1 else "libnodezero.so")
library.nodezero_version.restype = c_char_p
library.nodezero_advance_to.argtypes = [ctypes.c_void_p, c_double, POINTER(Status)]
for name in ("submit_examples", "predict_examples"):
    getattr(library, "nodezero_" + name).argtypes = [
        ctypes.c_void_p, c_size_t, POINTER(c_float), POINTER(c_float)
    ] + ([POINTER(c_uint64)] if name == "predict_examples" else [])
library.nodezero_save.argtypes = [ctypes.c_void_p, ctypes.c_void_p, POINTER(c_size_t)]
library.nodezero_restore.argtypes = [ctypes.c_void_p, ctypes.c_char_p, c_size_t]
library.nodezero_get_status.argtypes = [ctypes.c_void_p, POINTER(Status)]
library.nodezero_destroy.argtypes = [ctypes.c_void_p]
library.nodezero_destroy.restype = None
library.nodezero_last_error.argtypes = [ctypes.c_void_p, c_char_p, c_size_t]
library.nodezero_last_error.restype = None


class Trainer:
    """A perceptron that learns in steps."""

    def __init__(self, sizes, learning_rate):
        options = Options()
        library.nodezero_options_init(byref(options), c_size_t(ctypes.sizeof(options)))
        options.learning_rate = learning_rate
        self.handle = ctypes.c_void_p()
        message = ctypes.create_string_buffer(256)
        code = library.nodezero_create_perceptron(
            (c_int64 * len(sizes))(*sizes), c_size_t(len(sizes)), byref(options),
            byref(self.handle), message, c_size_t(len(message)))
        if code:
            raise RuntimeError(message.value.decode())

    def __del__(self):
        library.nodezero_destroy(self.handle)

    def check(self, code):
        if code:
            message = ctypes.create_string_buffer(256)
            library.nodezero_last_error(self.handle, message, len(message))
            raise RuntimeError(message.value.decode())

    def submit(self, inputs, targets, examples):
        self.check(library.nodezero_submit_examples(
            self.handle, examples, (c_float * len(inputs))(*inputs),
            (c_float * len(targets))(*targets)))

    def advance_to(self, time):
        status = Status()
        self.check(library.nodezero_advance_to(self.handle, time, byref(status)))
        return status

    def status(self):
        status = Status()
        self.check(library.nodezero_get_status(self.handle, byref(status)))
        return status

    def predict(self, inputs, outputs):
        answer = (c_float * outputs)()
        version = c_uint64()
        self.check(library.nodezero_predict_examples(
            self.handle, 1, (c_float * len(inputs))(*inputs), answer, byref(version)))
        return list(answer), version.value

    def save(self):
        size = c_size_t(0)
        code = library.nodezero_save(self.handle, None, byref(size))
        if code != BUFFER_TOO_SMALL:
            self.check(code)
        state = ctypes.create_string_buffer(size.value)
        self.check(library.nodezero_save(self.handle, state, byref(size)))
        return state.raw

    def restore(self, state):
        self.check(library.nodezero_restore(self.handle, state, len(state)))


def advance(angle, speed):
    for _ in range(10):
        speed += 0.01 * (-9.81 * math.sin(angle) - 0.1 * speed)
        angle += 0.01 * speed
    return angle, speed


def noise(index):
    for _ in range(2):
        index = (index ^ index >> 16) * 0x45D9F3B & 0xFFFFFFFF
    index ^= index >> 16
    return index % 20000 / 10000 - 1


def simulate(trainer, first, last):
    for batch in range(first, last):
        before, after = [], []
        for i in range(EXAMPLES):
            index = 2 * (batch * EXAMPLES + i)
            state = 2 * noise(index), 4 * noise(index + 1)
            before += state
            after += advance(*state)
        trainer.submit(before, after, EXAMPLES)
        status = trainer.advance_to(batch + 1)
    return status.loss


def main():
    print("Node Zero", library.nodezero_version().decode())
    trainer = Trainer([2, 32, 32, 2], 0.01)
    simulate(trainer, 0, BATCHES // 2)
    middle = trainer.save()
    print("saved", len(middle), "bytes in the middle")
    print("loss at the end: %.6f" % simulate(trainer, BATCHES // 2, BATCHES))
    end = trainer.save()
    trainer = Trainer([2, 32, 32, 2], 0.01)
    trainer.restore(middle)
    print("rolled back to step", trainer.status().steps)
    simulate(trainer, trainer.status().steps, BATCHES)
    if trainer.save() != end:
        sys.exit("the second time was different")
    print("the same bits again")
    learned, version = trainer.predict([1.0, 0.0], 2)
    truth = advance(1.0, 0.0)
    print("a tenth of a second later: %.4f %.4f, version %d of the model: %.4f %.4f" %
          (*truth, version, *learned))
    if abs(truth[0] - learned[0]) > 0.1:
        sys.exit("it has not learned")


main()

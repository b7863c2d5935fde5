"""Plays nn~'s part for an exported file, in a process that has torch and nothing of ours.

    python -I -S nn_host.py SITE_PACKAGES FILE.ts

Reads a JSON command a line, answers with a JSON line. Arrays travel as .npy files. The rules are the host's:
buffers are powers of two, no shorter than the largest ratio of any method; of the input the last sample of each
ratio is handed over; the output is repeated by its ratio and must be as long as the buffer; attributes are texts,
turned into what `<attribute>_params` says; a setter that does not answer 0 failed.
"""

import json
import sys
import time

sys.path.append(sys.argv[1])


class Refuse:
    """Nothing of the program that exported the file may be imported here."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "heart":
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, Refuse())
import numpy as np  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)
READ = {0: lambda text: text == "true", 1: lambda text: int(float(text)), 2: float, 3: str}


class Host:
    def __init__(self, file):
        self.model = torch.jit.load(file)
        self.model.eval()
        self.methods = self.model.get_methods()
        self.attributes = self.model.get_attributes()
        self.spent_s = 0.0

    def params(self, name):
        return [int(number) for number in getattr(self.model, f"{name}_params")]

    def about(self):
        labels = {name: getattr(self.model, f"{name}_input_labels") for name in self.methods}
        try:
            import heart

            ours = heart.__file__
        except ModuleNotFoundError:
            ours = None
        return {
            "methods": {name: self.params(name) for name in self.methods},
            "attributes": self.attributes,
            "labels": labels,
            "heart": ours,
            "modules": [name for name in sys.modules if name.partition(".")[0] == "heart"],
        }

    def buffer(self, size):
        size = max(size, *(max(self.params(name)[1::2]) for name in self.methods))
        return 1 << (size - 1).bit_length()

    def perform(self, method, array, size):
        """array: [batch, channels, samples], a multiple of the buffer; what the host would put out, alike."""
        into, ratio_in, out_of, ratio_out = self.params(method)
        size = self.buffer(size)
        given = torch.from_numpy(np.load(array))
        assert given.shape[1] == into
        assert given.shape[2] % size == 0
        parts = []
        for block in given.split(size, 2):
            handed = block.reshape(len(block), into, -1, ratio_in)[..., -1]
            began_s = time.process_time()
            with torch.inference_mode():
                answer = getattr(self.model, method)(handed)
            assert (answer.dtype, answer.dim()) == (torch.float32, 3)
            self.spent_s = time.process_time() - began_s
            answer = answer.repeat_interleave(ratio_out, 2)
            assert answer.shape == (len(block), out_of, size), answer.shape
            assert torch.isfinite(answer).all()
            parts.append(answer)
        np.save(array, torch.cat(parts, 2).numpy())
        return size

    def spent(self):
        """CPU seconds of the last buffer."""
        return self.spent_s

    def get(self, name):
        return getattr(self.model, f"get_{name}")()

    def set(self, name, text):
        assert name in self.attributes
        (kind,) = self.params(name)
        return getattr(self.model, f"set_{name}")(READ[kind](text))


host = Host(sys.argv[2])
for line in sys.stdin:
    command, *given = json.loads(line)
    try:
        answer = getattr(host, command)(*given)
    except Exception as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)

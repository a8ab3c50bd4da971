"""The performance model: how long a call takes by rates and counts, without a run.

`predict` is what others use. `core_work` and `traffic` count what one round of a core and of a
DMA channel does, `balance` how many rounds a call has, `latency` the way to a part of the array
and back, `buffering` what pools of buffers let through; `limits` states the peaks, `measured`
the figures that the model is held against, `picture` draws the roofline.
"""

from runtime.model.limits import DISPATCH_S
from runtime.model.predict import Bound, Kind, Prediction, predict

__all__ = ["DISPATCH_S", "Bound", "Kind", "Prediction", "predict"]

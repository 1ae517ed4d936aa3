"""Which of the processes of a run this one is. Under `accelerate launch` or `torchrun` there may be several."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accelerate import PartialState


def processes() -> "PartialState":
    """Accelerate's state of this run: `num_processes`, `process_index`, `is_main_process`, `wait_for_everyone()`."""
    import torch
    from accelerate import PartialState

    # whoever asks first decides: without a GPU, accelerate counts one process unless it is told that the CPU is meant
    return PartialState(cpu=not (torch.cuda.is_available() or torch.backends.mps.is_available()))


def sharded() -> bool:
    """Whether each process holds only a part of the model (FSDP, DeepSpeed ZeRO-3)."""
    from accelerate.utils import DistributedType

    return processes().distributed_type in (DistributedType.FSDP, DistributedType.DEEPSPEED)

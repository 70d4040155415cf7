"""Run Beam in the process of the run, with its DirectRunner, on one core."""

import contextlib
import dataclasses


@dataclasses.dataclass(frozen=True)
class LocalEngine:
    """The engine that runs all Beam nodes in the process of the run."""

    def beam_args(self) -> tuple[str, ...]:
        """Return Beam's arguments for all nodes."""
        return (
            "--runner=DirectRunner",
            # In one process: Beam's multi-process modes take longer on one machine, and Beam from 2.68 on would
            # otherwise try a runner that it downloads.
            "--direct_running_mode=in_memory",
            "--direct_num_workers=1",
            *COMMON_ARGS,
        )

    def session(self) -> contextlib.AbstractContextManager[None]:
        """Return a context for the nodes of a run that does nothing: jobs end with the process."""
        return contextlib.nullcontext()


# Of the local engine and of Flink.
COMMON_ARGS = (
    # Without this option TFX packs itself into a source distribution for every Beam node, which takes 2 s. The workers
    # of both engines find the code on this machine's disk.
    "--sdk_container_image=none",
    # Batches of up to 8,192 rows. By default Beam adapts their size to the time that they take. This is slower, and the
    # last bits of means and variances would depend on how busy the machine was.
    "--tfxio_use_byte_size_batching",
)

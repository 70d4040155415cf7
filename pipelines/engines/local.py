"""Beam in the process of the run: its DirectRunner, on one core."""

import contextlib
import dataclasses


@dataclasses.dataclass(frozen=True)
class LocalEngine:
    """Every Beam node runs in the process of the run itself."""

    def beam_args(self) -> tuple[str, ...]:
        """Beam's arguments for every node."""
        return (
            "--runner=DirectRunner",
            # In one process: Beam's multi-process modes cost more than they save on one machine, and Beam from 2.68 on
            # would otherwise try a runner that it downloads.
            "--direct_running_mode=in_memory",
            "--direct_num_workers=1",
            *COMMON_ARGS,
        )

    def session(self) -> contextlib.AbstractContextManager[None]:
        """What has to be around the nodes of a run: nothing, since jobs end with the process."""
        return contextlib.nullcontext()


# Of every engine.
COMMON_ARGS = (
    # Without a container image TFX packs itself into a source distribution for every Beam node, 2 s each; the workers
    # of both engines find the code on this machine's disk.
    "--sdk_container_image=none",
    # Batches of up to 8,192 rows. By default Beam sizes batches by the clock: slower, and the last bits of means and
    # variances would depend on how busy the machine was.
    "--tfxio_use_byte_size_batching",
)

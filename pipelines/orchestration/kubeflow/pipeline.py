"""Compile a graph for Kubeflow Pipelines v2: a container task for each node, and one that ends the run.

Loads kfp, but neither TFX nor the task's code.
"""

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kfp import compiler, dsl, kubernetes

from pipelines import nodes
from pipelines.metadata_database import PASSWORD
from pipelines.orchestration.graph_file import Graph, GraphNode
from pipelines.orchestration.kubeflow import task as task_command
from pipelines.orchestration.kubeflow.options import KubeflowOptions
from pipelines.orchestration.kubeflow.parameters import Parameter, Value, choose_defaults

FINISH = "finish"  # the task that is no node
_JOB, _REPORT = "job", "report"  # an input of every task, an output of `finish`
_GIB = 1 << 30
_FINISH_MEMORY = 2  # GiB, for the report's plots
_BACKOFF, _BACKOFF_FACTOR, _BACKOFF_MOST = "10s", 2.0, "120s"
_RETRIES = 2  # of `finish`; the graph holds those of nodes
_PULL_SECONDS = 900  # for the pull of the image, some GB, which counts as the pod's time
_TRAINS = frozenset({nodes.TRAINER, nodes.TUNER})

Inputs = Mapping[str, Any]


def compile_pipeline(graph: Graph, options: KubeflowOptions) -> None:
    """Write the pipeline of a graph, as YAML.

    Args:
        graph: which `read_graph` returned.
        options: what the cluster provides, and where to write.

    Raises:
        ParameterError: An option of the graph names a path that is not below the graph's `var`.
        OSError: The file cannot be written.
    """
    open_, fixed = choose_defaults(graph, f"{options.mount}/var")
    metadata = next(parameter for parameter in open_ if parameter.name == "metadata")
    if options.metadata is not None:
        open_[metadata] = options.metadata
    made = _PipelineMaker(graph, options, open_, fixed, parallel=bool(open_[metadata]) and graph.engine == "local")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(made.pipeline(), str(options.out))


class _PipelineMaker:
    """A builder of the pipeline of one graph."""

    def __init__(
        self,
        graph: Graph,
        options: KubeflowOptions,
        defaults: Mapping[Parameter, Value],
        fixed: Mapping[Parameter, Value],
        *,
        parallel: bool,
    ):
        self._graph = graph
        self._options = options
        self._defaults = {parameter.name: value for parameter, value in defaults.items()}
        self._kinds = {parameter.name: parameter.kind for parameter in defaults}
        self._fixed = [f"--{parameter.option}={value}" for parameter, value in fixed.items()]
        self._parallel = parallel

    def pipeline(self) -> Any:
        """Return the pipeline, as kfp's compiler takes it."""

        def run(**inputs: Any) -> None:
            finish = self._task(FINISH, self._finish_component(), inputs, _FINISH_MEMORY, _RETRIES)
            finish.set_display_name(FINISH)
            with dsl.ExitHandler(finish, name="nodes"):  # `finish` also runs if nodes failed
                self._add_nodes(inputs)

        run.__doc__ = f"Trains, gates and pushes {self._graph.task}: a task is a node of the pipeline."
        described = _typed(run, self._kinds, self._defaults)
        return dsl.pipeline(name=_name(self._graph.task))(described)

    def _add_nodes(self, inputs: Inputs) -> None:
        tasks: dict[str, Any] = {}
        for node in self._graph.nodes:
            # SQLite allows ML Metadata one writer: run one node at a time, in the graph's order.
            before = node.upstream if self._parallel else list(tasks)[-1:]
            memory = math.ceil(node.memory_bytes / _GIB)
            task = self._task(node.id, self._node_component(node), inputs, memory, node.retries)
            task.after(*(tasks[name] for name in before)).set_display_name(node.id)
            kubernetes.set_timeout(task, math.ceil(60 * node.timeout_minutes) + _PULL_SECONDS)
            if node.id in _TRAINS:
                self._accelerate(task)
            tasks[node.id] = task

    def _task(self, name: str, component: Any, inputs: Inputs, memory: int, retries: int) -> Any:
        """Add a task with the settings that all tasks share."""
        task = component(**inputs, **{_JOB: dsl.PIPELINE_JOB_ID_PLACEHOLDER})
        task.set_caching_options(False)  # TFX's cache compares data and code; KFP's only compares parameters
        task.set_retry(retries, _BACKOFF, _BACKOFF_FACTOR, _BACKOFF_MOST)
        task.set_cpu_request(str(self._options.training_cores if name in _TRAINS else 1))
        task.set_memory_request(f"{memory}Gi").set_memory_limit(f"{2 * memory}Gi")
        kubernetes.mount_pvc(task, pvc_name=self._options.claim, mount_path=self._options.mount)
        if self._defaults["metadata"]:
            secret = {self._options.metadata_secret_key: PASSWORD}
            kubernetes.use_secret_as_env(task, self._options.metadata_secret, secret)
        return task

    def _accelerate(self, task: Any) -> None:
        if self._options.accelerators:
            task.set_accelerator_type(self._options.accelerator).set_accelerator_limit(self._options.accelerators)
            # Clouds taint machines with accelerators by this name, to keep other pods off them.
            kubernetes.add_toleration(task, key=self._options.accelerator, operator="Exists", effect="NoSchedule")

    def _node_component(self, node: GraphNode) -> Any:
        def component(**inputs: Any) -> dsl.ContainerSpec:
            return self._container(["--node", node.id], inputs)

        component.__doc__ = f"{node.id} {node.what}."
        return self._component(component, node.id, {})

    def _finish_component(self) -> Any:
        def component(**inputs: Any) -> dsl.ContainerSpec:
            report = inputs.pop(_REPORT)
            return self._container(["--finish", "--report", report.path], inputs)

        component.__doc__ = "Writes the run's record and its report, also if nodes failed."
        return self._component(component, FINISH, {_REPORT: dsl.Output[dsl.HTML]})

    def _component(self, function: Callable[..., Any], name: str, outputs: Mapping[str, Any]) -> Any:
        function.__name__ = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        return dsl.container_component(_typed(function, {_JOB: str} | self._kinds | dict(outputs)))

    def _container(self, what: Sequence[Any], inputs: dict[str, Any]) -> dsl.ContainerSpec:
        job = inputs.pop(_JOB)
        # One argument for each parameter: kfp allows text around one placeholder, but not between two.
        words = [f"--{name.replace('_', '-')}={value}" for name, value in inputs.items()]
        return dsl.ContainerSpec(
            image=self._options.image,
            command=["python", "-m", task_command.__name__],
            args=["--job", job, *what, *self._fixed, *words],
        )


def _typed(function: Callable[..., Any], kinds: Mapping[str, Any], defaults: Mapping[str, Value] | None = None) -> Any:
    """Return a function with the signature that kfp reads, for a function that takes any keywords."""
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            annotation=kind,
            default=inspect.Parameter.empty if defaults is None else defaults[name],
        )
        for name, kind in kinds.items()
    ]
    names = list(kinds)

    def called(*positional: Any, **named: Any) -> Any:
        return function(**dict(zip(names, positional, strict=False)) | named)

    called.__name__, called.__doc__ = function.__name__, function.__doc__
    # kfp reads the parameters from __signature__, an attribute that mypy does not know.
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return called


def _name(task: str) -> str:
    """Return a task's name in the characters that KFP allows in the name of a pipeline."""
    return re.sub(r"[^a-z0-9]+", "-", task.lower()).strip("-")

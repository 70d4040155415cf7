"""Ingest one span: run the pipeline's nodes, and return the outcome."""

import datetime
import functools
import json
import time
from collections.abc import Callable

from components.anomaly_gate.component import AnomalyError
from components.csv_example_gen import csv_files
from components.csv_example_gen.csv_files import SourceError
from components.csv_example_gen.fingerprint import RememberedDigests, fingerprint
from components.row_times.component import REPORT_FILE
from pipelines import nodes
from pipelines.config import IngestionConfig
from pipelines.explain import explain
from pipelines.ingestion.blamed_rows import find_blamed_rows
from pipelines.ingestion.known_spans import KnownSpans
from pipelines.ingestion.origin import check_origin
from pipelines.ingestion.outcome import ACCEPTED, FAILED, IN_QUARANTINE, REFUSED, UNCHANGED, SpanOutcome
from pipelines.ingestion.quarantine import Quarantine, Refusal
from pipelines.ingestion.resolution import Ingestion
from pipelines.runner import launch, node_summary
from pipelines.runner.integrity import ArtifactDigests
from pipelines.runner.results import NodeResult
from pipelines.span_ingestion import create_ingestion_pipeline
from pipelines.spans.sources import SpanSource

_SPLIT = "single_split"  # name of ExampleGen's input split; a fingerprint starts with it
_COMPARISON = "COMPARATOR_"  # prefix of rules that compare spans; no single row breaks them


class SpanIngestion:
    """Ingest the spans of one task, one after the other."""

    def __init__(self, common: Ingestion, run_id: str, digests: RememberedDigests, at_once: int):
        """Store what all spans share.

        Args:
            common: task, contract and digests.
            run_id: prefix of the run names in ML Metadata.
            digests: of the files that were read before.
            at_once: most nodes that run at the same time.
        """
        self._common = common
        self._run_id = run_id
        self._digests = digests
        self._at_once = at_once
        self._quarantine = Quarantine(common.var, common.task.name)

    def ingest(self, source: SpanSource, on_node: Callable[[str], None] = lambda node: None) -> SpanOutcome:
        """Return the outcome of a span; run the nodes unless the same content was judged by the same contract and code.

        Args:
            source: of the span.
            on_node: called with a node's id before the node runs.

        Raises:
            SpanError: The span shares days with an accepted span of another name, or its accepted version came from the
                other source: from files instead of the request log, or the reverse.
        """
        began = time.monotonic()
        known = self._known
        known.check_period(source.span)
        try:
            files = csv_files.find_files(source.path)
            content = fingerprint(_SPLIT, files, self._digests.digest)
        except SourceError as error:  # For example, the folder has no file that can be read.
            return self._refuse(source, known, "", began, {}, error)
        if (outcome := self._recall(source, known, content)) is not None:
            return outcome
        if (accepted := known.find_accepted(source.span.number)) is not None and accepted.fingerprint != content:
            check_origin(source, accepted, self._common.task.name, self._common.var / "metadata.sqlite")
        version = self._choose_version(source, known, content)
        config = self._common.resolve(source, version)
        results = self._run_nodes(config, source, on_node)
        raised = next((result.error for result in results.values() if result.error is not None), None)
        if isinstance(raised, AnomalyError | SourceError) and not self._changed(source, content):
            return self._refuse(source, known, content, began, results, raised)
        if raised is not None:
            return self._describe(FAILED, source, version, content, began, results, explain(raised))
        self._quarantine.release(source.span.name)
        return self._describe(ACCEPTED, source, version, content, began, results)

    @functools.cached_property
    def _known(self) -> KnownSpans:
        return KnownSpans(self._common.var / "metadata.sqlite", self._common.task.name, self._common.judged_by)

    def _choose_version(self, source: SpanSource, known: KnownSpans, content: str) -> int:
        refusal = self._quarantine.find(source.span.name)
        refused = {refusal.version: refusal.fingerprint} if refusal else {}
        return known.choose_version(source.span.number, content, refused)

    def _recall(self, source: SpanSource, known: KnownSpans, content: str) -> SpanOutcome | None:
        """Return an earlier decision on the same content, or None if there is none by the same rules."""
        name, judged_by = source.span.name, self._common.judged_by
        accepted = known.find_accepted(source.span.number)
        make = functools.partial(SpanOutcome, span=name, source=str(source.path), fingerprint=content)
        if accepted is not None and (accepted.fingerprint, accepted.judged_by) == (content, judged_by):
            self._quarantine.release(name)  # Another version may have been refused since.
            return make(state=UNCHANGED, version=accepted.version)
        refusal = self._quarantine.find(name)
        now = (content, judged_by, known.name_before(source.span.number))
        if refusal is not None and (refusal.fingerprint, refusal.judged_by, refusal.compared_with) == now:
            folder = str(self._quarantine.folder(name))
            return make(state=IN_QUARANTINE, version=refusal.version, error=refusal.error, quarantine=folder)
        return None

    def _run_nodes(
        self, config: IngestionConfig, source: SpanSource, on_node: Callable[[str], None]
    ) -> dict[str, NodeResult]:
        self.__dict__.pop("_known", None)  # The nodes change the records; read them again for the next span.
        compiled = launch.compile_pipeline(create_ingestion_pipeline(config), f"{self._run_id}-{source.span.name}")
        ledger = ArtifactDigests(config.artifacts)
        return {result.node: result for result in launch.run_nodes(compiled, ledger, on_node, at_once=self._at_once)}

    def _refuse(
        self,
        source: SpanSource,
        known: KnownSpans,
        content: str,
        began: float,
        results: dict[str, NodeResult],
        error: AnomalyError | SourceError,
    ) -> SpanOutcome:
        accepted = known.find_accepted(source.span.number)
        version = self._choose_version(source, known, content)
        findings = tuple(error.findings) if isinstance(error, AnomalyError) else ()
        columns = {one.feature for one in findings if not one.rule.startswith(_COMPARISON)} if findings else None
        refusal = Refusal(
            task=self._common.task.name,
            span=source.span.name,
            version=version,
            source=str(source.path),
            fingerprint=content,
            judged_by=self._common.judged_by,
            compared_with=known.name_before(source.span.number),
            refused=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            node=nodes.ANOMALY_GATE if findings else nodes.EXAMPLE_GEN,
            error=str(error),
            findings=findings,
            blamed=find_blamed_rows(csv_files.list_matches(source.path), self._common.schema, columns),
            accepted_version=accepted.version if accepted else None,
            contract=str(self._common.task.contract),
        )
        folder = self._quarantine.put(refusal)
        return self._describe(REFUSED, source, version, content, began, results, str(error), str(folder))

    @staticmethod
    def _changed(source: SpanSource, content: str) -> bool:
        """Return whether the files have changed since they were read: then the refusal does not concern them."""
        return fingerprint(_SPLIT, csv_files.find_files(source.path)) != content

    @staticmethod
    def _describe(
        state: str,
        source: SpanSource,
        version: int,
        content: str,
        began: float,
        results: dict[str, NodeResult],
        error: str | None = None,
        quarantine: str | None = None,
    ) -> SpanOutcome:
        return SpanOutcome(
            span=source.span.name,
            state=state,
            version=version,
            source=str(source.path),
            fingerprint=content,
            seconds=time.monotonic() - began,
            rows=node_summary.count_rows(results.get(nodes.EXAMPLE_GEN)),
            times=_read_times(results.get(nodes.ROW_TIMES)),
            error=error,
            quarantine=quarantine,
        )


def _read_times(result: NodeResult | None) -> dict[str, int | str] | None:
    if result is None or not result.outputs:
        return None
    return json.loads((result.uri("report") / REPORT_FILE).read_text())

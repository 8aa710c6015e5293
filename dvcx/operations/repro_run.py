"""Running what is stale: each stage as soon as what it needs is done, as many at once as may be."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from dvcx.base.errors import DvcxError
from dvcx.base.progress import SILENT, Progress, Task
from dvcx.operations.repro_options import Action, ReproOptions, ReproWatcher, StageResult
from dvcx.operations.repro_plan import Decider, Decision
from dvcx.operations.stage_outputs import Batch, OutputKeeper
from dvcx.operations.stage_view import StageView
from dvcx.pipeline.job import Workshop, ending_text, run_stage
from dvcx.pipeline.run_log import LoggedRun
from dvcx.pipeline.slots import Slots
from dvcx.pipeline.staleness import reason_text

_LINGER = 0.02
"""Seconds to wait for one more stage to end before what ended is written: quick stages share the flush."""
_MOST_BATCH = 1.0
"""Seconds after which it is written anyway, so that a kill loses no more."""


@dataclass(slots=True)
class _Ended:
    """A command that came to its end in a thread: how, or why it could not start."""

    decision: Decision
    run: LoggedRun | None
    error: OSError | None


@dataclass(slots=True)
class Running:
    """One run of stages. Only threads that wait for commands are beside the main one: it decides, stores and records.

    `plan` are decisions made beforehand, in order. They hold for stages behind which nothing changed.
    """

    view: StageView
    decider: Decider
    keeper: OutputKeeper
    plan: Sequence[Decision]
    needs: Mapping[str, tuple[str, ...]]
    options: ReproOptions
    watcher: ReproWatcher
    workshop: Workshop
    progress: Progress = SILENT
    _results: dict[str, StageResult] = field(default_factory=dict)
    _missing: dict[str, int] = field(default_factory=dict)
    _users: dict[str, list[str]] = field(default_factory=dict)
    _planned: dict[str, Decision] = field(default_factory=dict)
    _ready: deque[str] = field(default_factory=deque)
    _waiting: deque[Decision] = field(default_factory=deque)
    _restorable: list[Decision] = field(default_factory=list)
    _running: dict[str, Task] = field(default_factory=dict)
    _ended: queue.SimpleQueue[_Ended] = field(default_factory=queue.SimpleQueue)
    _given_up: bool = False

    def run(self) -> tuple[StageResult, ...]:
        """Does it, and gives what became of each stage, in the order of the plan."""
        self._prepare()
        slots = Slots(self.options.jobs, self.options.capacity)
        with ThreadPoolExecutor(max_workers=self.options.jobs, thread_name_prefix="dvcx-stage") as threads:
            try:
                self._move_on(slots, threads)
                while self._running:
                    self._take_ended(slots, threads)
                    self._move_on(slots, threads)
            except BaseException:
                self.workshop.stop.ask()  # an error here: the commands must not go on without us
                raise
            finally:
                for task in self._running.values():
                    task.done()
        for each in self.plan:
            if each.stage.address not in self._results:
                stopped = self.workshop.stop.asked
                self._note(each.stage.address, Action.STOPPED if stopped else Action.BLOCKED, each)
        return tuple(self._results[each.stage.address] for each in self.plan)

    def _prepare(self) -> None:
        self._planned = {each.stage.address: each for each in self.plan}
        for address in self._planned:
            before = [need for need in self.needs.get(address, ()) if need in self._planned]
            self._missing[address] = len(before)
            for need in before:
                self._users.setdefault(need, []).append(address)
            if not before:
                self._ready.append(address)

    def _move_on(self, slots: Slots, threads: ThreadPoolExecutor) -> None:
        """Decides, restores and starts whatever has its turn now."""
        self._decide_ready()
        while self._restorable:
            self._restore_all()
            self._decide_ready()
        self._start(slots, threads)

    def _decide_ready(self) -> None:
        """Decides on every stage whose turn has come: those to run and those to restore are queued."""
        while self._ready and not self._given_up and not self.workshop.stop.asked:
            address = self._ready.popleft()
            decision = self._decided(address)
            if decision is None:
                continue
            if decision.action is Action.RUN:
                if self.options.interactive and not self.watcher.confirm(decision.as_planned()):
                    self._note(address, Action.DECLINED, decision)
                    self._block_behind(address)
                    continue
                self._waiting.append(decision)
            elif decision.action is Action.RESTORE:
                self._restorable.append(decision)
            else:
                self._note(address, Action.SKIP, decision)
                self._done(address)

    def _decided(self, address: str) -> Decision | None:
        """Gives the decision on a stage now, None when it failed at that."""
        early = self._planned[address]
        changed = [need for need in self.needs.get(address, ()) if self._is_new(need)]
        if early.action is Action.SKIP and not changed:
            return early
        try:
            return self.decider.decide(early.stage, changed)
        except (DvcxError, OSError) as error:
            self._fail(early, _message(error), getattr(error, "hint", None))
            return None

    def _is_new(self, address: str) -> bool:
        result = self._results.get(address)
        return result is not None and result.action in (Action.RAN, Action.RESTORED)

    def _start(self, slots: Slots, threads: ThreadPoolExecutor, *, is_storing: bool = False) -> None:
        """Starts what may start now, in order; while outputs are being stored only what needs no data brought."""
        if self._given_up or self.workshop.stop.asked:
            return
        kept: deque[Decision] = deque()
        while self._waiting and len(self._running) < self.options.jobs:
            decision = self._waiting.popleft()
            if (is_storing and decision.current and decision.current.elsewhere) or not slots.take(decision.stage):
                kept.append(decision)
                continue
            if not self._launch(decision, threads):
                slots.give_back(decision.stage)
        self._waiting.extendleft(reversed(kept))

    def _launch(self, decision: Decision, threads: ThreadPoolExecutor) -> bool:
        """Starts a stage; tells whether it runs now."""
        stage = decision.stage
        try:
            decision = self._with_inputs_of_now(decision)
            self.keeper.clear(stage)
        except (DvcxError, OSError) as error:
            self._fail(decision, _message(error), getattr(error, "hint", None))
            return False
        self.watcher.started(decision.as_planned())
        self._running[stage.address] = task = self.progress.start(stage.address, None, "lines")
        threads.submit(self._work, decision, task)
        return True

    def _with_inputs_of_now(self, decision: Decision) -> Decision:
        """Gives the decision with the inputs that the command will see: it may have waited for long."""
        stage = decision.stage
        for dep in stage.deps:
            self.view.present.look_again(dep.path)
        current = self.view.inputs(stage)
        self.keeper.need_inputs(stage, current, pull=self.options.pull)
        return Decision(stage, decision.action, decision.reasons, current)

    def _work(self, decision: Decision, task: Task) -> None:
        """Runs a stage's commands, in a thread."""
        stage = decision.stage

        def tell(text: str) -> None:
            task.advance()
            self.watcher.line(stage.address, text)

        reasons = tuple(map(reason_text, decision.reasons))
        try:
            self._ended.put(_Ended(decision, run_stage(stage, self.workshop, tell, reasons), None))
        except OSError as error:
            self._ended.put(_Ended(decision, None, error))
        except BaseException as error:  # never leave the main thread waiting
            self._ended.put(_Ended(decision, None, OSError(f"{type(error).__name__}: {error}")))
            raise

    def _take_ended(self, slots: Slots, threads: ThreadPoolExecutor) -> None:
        """Waits for stages to end, and stores together what all that ended by then made."""
        ended: _Ended | None = self._ended.get()
        worked: list[str] = []
        until = time.monotonic() + _MOST_BATCH
        with self.keeper.batch() as batch:
            while ended is not None:
                stage = ended.decision.stage
                slots.give_back(stage)
                self._running.pop(stage.address).done()
                if self._is_stored(ended, batch):
                    worked.append(stage.address)
                    self._done(stage.address)
                if time.monotonic() > until:
                    break
                # What waited for it starts now: the disk is waited for once for all that ends in a short time.
                if not self.options.interactive:
                    self._decide_ready()
                    self._start(slots, threads, is_storing=True)
                ended = self._next_ended()
        for address in worked:
            self.watcher.ended(self._results[address])

    def _next_ended(self) -> _Ended | None:
        if not self._running:
            return None
        try:
            return self._ended.get(timeout=_LINGER)
        except queue.Empty:
            return None

    def _is_stored(self, ended: _Ended, batch: Batch) -> bool:
        """Takes in what a stage made and tells that it did, or notes why that cannot be."""
        decision, run = ended.decision, ended.run
        if run is None:
            self._fail(decision, f"its command cannot be started: {_message(ended.error)}", None)
            return False
        if not run.worked:
            stopped = run.ending == "stopped"
            how = None if stopped else ending_text(run, decision.stage.timeout)
            self._fail(decision, how, None, run, Action.STOPPED if stopped else Action.FAILED)
            return False
        assert decision.current is not None
        try:
            batch.take(decision.stage, decision.current.inputs)
        except (DvcxError, OSError) as error:
            self._fail(decision, _message(error), getattr(error, "hint", None), run)
            return False
        self._note(decision.stage.address, Action.RAN, decision, run, tell=False)
        return True

    def _restore_all(self) -> None:
        """Restores the stages that can be, all at once; what the cache turns out not to have whole is made again."""
        wanted, self._restorable = self._restorable, []
        pairs = [(each.stage, each.record) for each in wanted if each.record is not None]
        lacking = self.keeper.restore(pairs)
        with self.keeper.batch() as batch:
            for stage, record in pairs:
                if stage.address not in lacking:
                    batch.take_restored(stage, record)
        for each in wanted:
            if each.stage.address in lacking:
                self._waiting.append(replace(each, action=Action.RUN))
            else:
                self._note(each.stage.address, Action.RESTORED, each)
                self._done(each.stage.address)

    def _done(self, address: str) -> None:
        """Lets the stages that waited for this one have their turn."""
        for user in self._users.get(address, ()):
            self._missing[user] -= 1
            if self._missing[user] == 0 and user not in self._results:
                self._ready.append(user)

    def _fail(
        self,
        decision: Decision,
        problem: str | None,
        hint: str | None,
        run: LoggedRun | None = None,
        action: Action = Action.FAILED,
    ) -> None:
        address = decision.stage.address
        self._note(address, action, decision, run, problem=problem, hint=hint)
        self._block_behind(address)
        if not self.options.keep_going:
            self._given_up = True

    def _block_behind(self, address: str) -> None:
        waiting = list(self._users.get(address, ()))
        while waiting:
            user = waiting.pop()
            if user not in self._results:
                self._note(user, Action.BLOCKED, self._planned[user])
                waiting.extend(self._users.get(user, ()))

    def _note(
        self,
        address: str,
        action: Action,
        decision: Decision,
        run: LoggedRun | None = None,
        *,
        problem: str | None = None,
        hint: str | None = None,
        tell: bool = True,
    ) -> None:
        result = StageResult(address, action, decision.reasons, problem=problem, hint=hint)
        if run is not None:
            result = StageResult(
                address,
                action,
                decision.reasons,
                seconds=run.seconds,
                code=run.code,
                peak_memory=run.peak_memory,
                tries=run.tries,
                problem=problem,
                hint=hint,
            )
        self._results[address] = result
        if tell:
            self.watcher.ended(result)


def _message(error: BaseException | None) -> str:
    if isinstance(error, DvcxError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror.lower()}"
    return str(error)

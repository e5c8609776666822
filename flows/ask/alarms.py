"""Alarms: what looks wrong about a teacher's answers is told at once, and stops it where the recipe says so."""

from typing import Protocol

from cotfactory.flows.ask.stop import Stop
from cotfactory.flows.progress import Progress
from cotfactory.generators.teacher.teacher_watch import AnswerSigns, SignReader, TeacherWatch
from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import AlarmRaised


class AnswerWatch(Protocol):
    """Whoever looks at each answer of a teacher."""

    def observe(self, candidate: Candidate, answered_as: str) -> None:
        """Look at one answer, of the model that calls itself `answered_as`."""
        ...


class TellAlarms:
    """Counts what a teacher's answers show, adds alarms to those of the run, and stops the teacher on some."""

    def __init__(self, watch: TeacherWatch, alarms: list[Alarm], progress: Progress, stop: Stop) -> None:
        self._watch, self._alarms, self._progress, self._stop = watch, alarms, progress, stop

    def count(self, signs: AnswerSigns) -> None:
        """Count one answer."""
        for alarm in self._watch.count(signs):
            self._alarms.append(alarm)
            self._progress.note(f"ALARM, teacher {alarm.teacher!r}, {alarm.kind}: {alarm.text}")
            if self._watch.stops_on(alarm) and self._stop.reason is None:
                self._stop.reason = AlarmRaised(
                    f"Teacher {alarm.teacher!r} was stopped by the alarm {alarm.kind}: {alarm.text}",
                    "what was bought is saved; see to the teacher, or take it out of `alarms.stop_on`, and run again",
                )


class WatchAnswers:
    """Reads answers where they arrive, and counts them there."""

    def __init__(self, reader: SignReader, told: TellAlarms) -> None:
        self._reader, self._told = reader, told

    def observe(self, candidate: Candidate, answered_as: str) -> None:
        """Look at one answer."""
        self._told.count(self._reader.read(candidate, answered_as))

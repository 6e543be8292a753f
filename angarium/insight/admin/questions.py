"""All that can be asked, as one tagged union: what a process decodes."""

from typing import Final

import msgspec

from angarium.insight.admin.alarms import AskAlarms, EndSilence, SilenceAlarms, TryTargets
from angarium.insight.admin.complaints import HearComplaints, SlowSenders
from angarium.insight.admin.connections import EndConnection, ListConnections
from angarium.insight.admin.forgetting import ForgetFailures
from angarium.insight.admin.live import FindLive
from angarium.insight.admin.log_reads import SearchLog
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.queue_acts import (
    AddHoldRule,
    ListHoldRules,
    MoveStart,
    PerformAct,
    RemoveHoldRule,
)
from angarium.insight.admin.queue_reads import (
    BreakDownQueue,
    ExplainMessage,
    FindMessages,
    ListEntries,
    ReadContent,
    ShowMessage,
    SummarizeQueue,
)
from angarium.insight.admin.quotas import AskQuotas
from angarium.insight.admin.rebuilding import RebuildCounters
from angarium.insight.admin.reloading import AskReload
from angarium.insight.admin.rules import ListRules, UndoRule
from angarium.insight.admin.standing import AskListings, AskStanding, ResumeSender
from angarium.insight.admin.status import AskStatus
from angarium.insight.admin.suppressions import (
    AddSuppressions,
    ListSuppressions,
    RemoveSuppressions,
)
from angarium.insight.admin.traffic import AskCensus, AskTraffic
from angarium.insight.admin.warmups import ChangeWarmups, ShowWarmups
from angarium.insight.admin.watch import WatchSessions

AnyQuestion = (
    AskStatus
    | AskReload
    | SummarizeQueue
    | BreakDownQueue
    | ListEntries
    | FindMessages
    | ShowMessage
    | ReadContent
    | ExplainMessage
    | PerformAct
    | AskQuotas
    | MoveStart
    | ListHoldRules
    | AddHoldRule
    | RemoveHoldRule
    | SearchLog
    | FindLive
    | ForgetFailures
    | ListConnections
    | EndConnection
    | AskTraffic
    | AskCensus
    | WatchSessions
    | ShowWarmups
    | ChangeWarmups
    | ListRules
    | UndoRule
    | HearComplaints
    | SlowSenders
    | AskStanding
    | AskListings
    | ResumeSender
    | AskAlarms
    | SilenceAlarms
    | EndSilence
    | TryTargets
    | ListSuppressions
    | AddSuppressions
    | RemoveSuppressions
    | RebuildCounters
)

_QUESTIONS: Final = msgspec.msgpack.Decoder(AnyQuestion)


def read_question(octets: msgspec.Raw) -> AnyQuestion | Refused:
    try:
        question: AnyQuestion = _QUESTIONS.decode(octets)
    except msgspec.DecodeError as error:
        return Refused("malformed", f"no question that this process knows: {error}")
    return question

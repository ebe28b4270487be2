package health

// Kind names what is wrong. docs/health.md says of each what to do.
type Kind string

// The kinds of conditions.
const (
	RulesDeleted     Kind = "rules_deleted"
	RulesShadowed    Kind = "rules_shadowed"
	AuditingOff      Kind = "auditing_off"
	AuditLocked      Kind = "audit_locked"
	SocketLost       Kind = "socket_lost"
	SocketTaken      Kind = "socket_taken"
	DaemonRefused    Kind = "daemon_refused"
	DaemonStopped    Kind = "daemon_stopped"
	DaemonStarted    Kind = "daemon_started"
	SettingChanged   Kind = "setting_changed"
	RecordsLost      Kind = "records_lost"
	ReceiveOverrun   Kind = "receive_overrun"
	SequenceGap      Kind = "sequence_gap"
	RecordsUnread    Kind = "records_unreadable"
	EventsEvicted    Kind = "events_evicted"
	SequencesEvicted Kind = "sequences_evicted"
	AlertsDropped    Kind = "alerts_dropped"
	OutputFailing    Kind = "output_failing"
	ClockJump        Kind = "clock_jump"
	WindowIncomplete Kind = "window_incomplete"
	StatusUnreadable Kind = "status_unreadable"
	RingUnseen       Kind = "ring_unseen"
)

// Kinds lists all kinds.
func Kinds() []Kind {
	return []Kind{
		RulesDeleted, RulesShadowed, AuditingOff, AuditLocked, SocketLost, SocketTaken, DaemonRefused, DaemonStopped,
		DaemonStarted, SettingChanged, RecordsLost, ReceiveOverrun, SequenceGap, RecordsUnread, EventsEvicted,
		SequencesEvicted, AlertsDropped, OutputFailing, ClockJump, WindowIncomplete, StatusUnreadable, RingUnseen,
	}
}

// ecs is how ECS classifies a kind: event.category and event.type, and log.level
// while it is raised.
type ecs struct {
	category, kind, level string
}

// ecs classifies the kind.
func (k Kind) ecs() ecs {
	switch k {
	case RulesDeleted, AuditingOff, RulesShadowed, SocketTaken, SocketLost:
		return ecs{"configuration", "change", "error"}
	case AuditLocked, DaemonRefused, DaemonStarted, SettingChanged:
		return ecs{"configuration", "change", "warning"}
	case RingUnseen:
		return ecs{"process", "info", "warning"}
	case DaemonStopped, ClockJump:
		return ecs{"host", "change", "warning"}
	default:
		return ecs{"host", "info", "error"}
	}
}

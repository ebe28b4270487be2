package normalize

import "tripline/detect"

// description is how ECS names what happened. Empty texts are missing fields.
type description struct {
	category, typ, action string
}

// category is event.category. It is the same for every transport, so that no
// question is asked for it.
func (e *Event) category() detect.Value {
	if e.known().shown == kindConnect {
		return detect.String("network")
	}
	return optional(e.describe().category)
}

// categories are all the values of event.category.
func categories() []string {
	return []string{
		"authentication", "configuration", "driver", "file", "host", "iam", "network", "package", "process", "session",
	}
}

// describe names what happened.
func (e *Event) describe() description {
	return e.known().describe(e.happened())
}

// describe names what happened in an event of a kind.
func (d *details) describe(kind kind) description {
	switch kind {
	case kindAttempt:
		return description{"network", "start", "connection_attempted"}
	case kindPeer:
		return description{"network", "info", "socket_connected"}
	case kindDisconnect:
		return description{"network", "info", "socket_disconnected"}
	case kindSession:
		return description{"process", "change", "session_id_change"}
	case kindExec:
		return description{"process", "start", "exec"}
	}
	if kind == kindRecord {
		return describeRecord(d.typ)
	}
	if d.beside != 0 {
		return describeRecord(d.beside)
	}
	action := d.name
	if action == "" {
		action = "syscall"
	}
	switch kind {
	case kindExit:
		return description{"process", "end", action}
	case kindNetwork:
		return description{"network", "info", action}
	case kindFile:
		return description{"file", "info", action}
	default:
		return description{"process", "info", action}
	}
}

// describeRecord names what a record of a type other than SYSCALL stands for. The
// action is the type's name in lower case.
func describeRecord(typ RecordType) description {
	category, kind := categorize(typ)
	return description{category, kind, lowerName(typ)}
}

// categorize gives event.category and event.type of a record type.
func categorize(typ RecordType) (category, kind string) {
	switch typ {
	case 1100, 1101, 1103, 1104, 1108, 1110, 1119, 1125: // USER_AUTH, USER_ACCT, CRED_*, …
		return "authentication", "info"
	case 1112: // USER_LOGIN
		return "authentication", "start"
	case 1113: // USER_LOGOUT
		return "authentication", "end"
	case 1105: // USER_START
		return "session", "start"
	case 1106: // USER_END
		return "session", "end"
	case TypeLogin:
		return "session", "info"
	case 1114: // ADD_USER
		return "iam", "creation"
	case 1115, 1117: // DEL_USER, DEL_GROUP
		return "iam", "deletion"
	case 1116: // ADD_GROUP
		return "iam", "creation"
	case 1102, 1132, 1135, 1136: // USER_MGMT, GRP_MGMT, ACCT_LOCK, ACCT_UNLOCK
		return "iam", "change"
	case typeServiceStart:
		return "process", "start"
	case typeServiceStop:
		return "process", "end"
	case 1123, 1124, 1319, 1701: // USER_CMD, USER_TTY, TTY, ANOM_ABEND
		return "process", "info"
	case typeSystemBoot:
		return "host", "start"
	case 1128: // SYSTEM_SHUTDOWN
		return "host", "end"
	case 1138: // SOFTWARE_UPDATE
		return "package", "info"
	case 1305, 1325, 1328, 1203: // CONFIG_CHANGE, NETFILTER_CFG, FEATURE_CHANGE, DAEMON_CONFIG
		return "configuration", "change"
	case 1330: // KERN_MODULE
		return "driver", "info"
	case 1324, 1700: // NETFILTER_PKT, ANOM_PROMISCUOUS
		return "network", "info"
	}
	return "", "info"
}

// lowerNames has recordTypeNames in lower case under the same indexes as
// namesByNumber.
//
//nolint:gochecknoglobals // an index of a table that nothing changes
var lowerNames = indexLowerNames()

// lowerName is the type's name as auditd.message_type and event.action show it.
func lowerName(typ RecordType) string {
	if typ >= firstNamedType && typ <= lastNamedType {
		if name := lowerNames[typ-firstNamedType]; name != "" {
			return name
		}
	}
	return "unknown"
}

// optional is the value of a text, missing when it is empty.
func optional(s string) detect.Value {
	if s == "" {
		return detect.Value{}
	}
	return detect.String(s)
}

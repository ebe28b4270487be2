package normalize

import (
	"strings"
)

// TypeConfigChange is the type of a record about a change of audit's own
// configuration (AUDIT_CONFIG_CHANGE in linux/audit.h).
const TypeConfigChange RecordType = 1305

// ConfigChange is a change of audit's own configuration, or a refused one.
type ConfigChange struct {
	// Operation is "add_rule", "remove_rule", "set" and so on, in the spelling of
	// newer kernels.
	Operation string
	// Key is the key of a rule that was added or removed; several are separated
	// by the byte 1.
	Key string
	// Setting is the setting that was changed, "audit_enabled", with its values.
	Setting  string
	Old, New uint32
	// Done says that the change was made, not refused.
	Done bool
}

// ConfigChange reads the event as a change of audit's configuration; false when
// it is something else.
func (e *Event) ConfigChange() (ConfigChange, bool) {
	record := e.record(TypeConfigChange)
	if record == nil {
		return ConfigChange{}, false
	}
	change := ConfigChange{Done: true}
	scan := scanner{rest: e.body(record)}
	var p pair
	for scan.next(&p) {
		switch key := string(p.key); {
		case key == "op":
			change.Operation = strings.ReplaceAll(string(p.value), " ", "_")
		case key == "key" && !p.missing():
			change.Key = string(p.value)
			if p.encoded() {
				change.Key = string(appendHex(nil, p.value))
			}
		case key == "res":
			change.Done = string(p.value) != "0"
		case key == "old":
			old, _ := parseDecimal(p.value)
			change.Old = uint32(old)
		case strings.HasPrefix(key, "audit_"):
			now, _ := parseDecimal(p.value)
			change.Setting, change.New = key, uint32(now)
		}
	}
	if change.Operation == "" && change.Setting != "" { // before Linux 2.6.37
		change.Operation = "set"
	}
	return change, true
}

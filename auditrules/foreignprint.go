package auditrules

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/elastic/go-libaudit/v2/auparse"
)

// Line is the rule as auditctl lists it on a machine (as uname(2) names it),
// fit for a shell: what others wrote into it is quoted where it has to be.
func (r *KernelRule) Line(machine string) string {
	if line, ok := r.watchLine(); ok {
		return line
	}
	parts := []string{"-a " + actionName(r.Action) + "," + listName(r.List)}
	arch := ""
	if one, found := r.has(fieldArch); found {
		var text string
		text, arch = archText(one.Value, machine)
		parts = append(parts, "-F arch"+operatorText(one.Operator)+text)
	}
	if calls := r.callsText(arch); calls != "" {
		parts = append(parts, "-S "+calls)
	}
	for _, one := range r.Conditions {
		if one.Field != fieldArch {
			parts = append(parts, one.text()...)
		}
	}
	return strings.Join(parts, " ")
}

// Deletion is the auditctl command that deletes the rule.
func (r *KernelRule) Deletion(machine string) string {
	line := r.Line(machine)
	if rest, found := strings.CutPrefix(line, "-w "); found {
		return "auditctl -W " + rest
	}
	return "auditctl " + deletion(line)
}

// watchLine is the short form for a rule that watches a file or folder.
func (r *KernelRule) watchLine() (string, bool) {
	if r.List != listExit || r.Action != actionAlways || !r.allCalls() {
		return "", false
	}
	path, permissions, keys := "", "", ""
	for _, one := range r.Conditions {
		switch one.Field {
		case fieldWatch, fieldFolder:
			path = shellWord(one.Text)
		case fieldPermission:
			permissions = permissionText(one.Value)
		case fieldKey:
			keys += keysText(one.Text, "-k ")
		default:
			return "", false
		}
	}
	if path == "" || permissions == "" {
		return "", false
	}
	return "-w " + path + " -p " + permissions + keys, true
}

// keysText writes the keys of a rule, which are separated by a byte 1.
func keysText(text, flag string) string {
	written := ""
	for key := range strings.SplitSeq(text, "\x01") {
		written += " " + flag + shellWord(key)
	}
	return written
}

// archText names a system-call interface as auditctl does on the machine, and as
// the tables of system calls do.
func archText(value uint32, machine string) (short, arch string) {
	arch = auparse.AuditArchNames[auparse.AuditArch(value)]
	abis, err := abisOf(machine)
	if err == nil {
		for _, one := range abis {
			if one.arch == value {
				return one.short, arch
			}
		}
	}
	return "0x" + strconv.FormatUint(uint64(value), 16), arch
}

// callsText lists the rule's system calls by name, those without a name by
// number; empty where the list has none.
func (r *KernelRule) callsText(arch string) string {
	if r.List == listUser || r.List == listTask || r.List == listExclude {
		return ""
	}
	if r.allCalls() {
		return "all"
	}
	table := auparse.AuditSyscalls[arch]
	var names []string
	for call := range 32 * maskWords {
		if !r.selects(call) {
			continue
		}
		name := table[call]
		if name == "" {
			name = strconv.Itoa(call)
		}
		names = append(names, name)
	}
	return strings.Join(names, ",")
}

// text is the condition as flags of auditctl.
func (c KernelCondition) text() []string {
	operator := operatorText(c.Operator)
	switch {
	case c.Field == fieldKey:
		return []string{strings.TrimPrefix(keysText(c.Text, "-k "), " ")}
	case c.Field == fieldComparison && int64(c.Value) < int64(len(comparisons)) && comparisons[c.Value] != "":
		left, right, _ := strings.Cut(comparisons[c.Value], " ")
		return []string{"-C " + left + operator + right}
	}
	value := c.valueText()
	if strings.ContainsAny(operator, "<>&") {
		return []string{"-F '" + fieldName(c.Field) + operator + value + "'"}
	}
	return []string{"-F " + fieldName(c.Field) + operator + value}
}

// valueText writes a value as auditctl does.
func (c KernelCondition) valueText() string {
	hex := "0x" + strconv.FormatUint(uint64(c.Value), 16)
	switch {
	case hasText(c.Field):
		return shellWord(c.Text)
	case c.Field == fieldMessageType && (c.Operator == operEqual || c.Operator == operNotEqual):
		if name := auparse.AuditMessageType(c.Value).String(); !strings.HasPrefix(name, "UNKNOWN") {
			return name
		}
	case c.Field == fieldPermission:
		return permissionText(c.Value)
	case c.Field == fieldFileType:
		return fileTypeText(c.Value)
	case c.Field == fieldPersonality, c.Field == fieldFilesystem, c.Field >= fieldArgument0 && c.Field <= fieldArgument3:
		return hex
	case c.Field == fieldExit, c.Field >= firstIdentity && c.Field <= lastIdentity && c.Value == unsetIdentity:
		return strconv.Itoa(int(int32(c.Value)))
	}
	return strconv.FormatUint(uint64(c.Value), 10)
}

// permissionText writes the accesses of a watch (AUDIT_PERM_* in linux/audit.h).
func permissionText(value uint32) string {
	written := ""
	for _, one := range []struct {
		bit    uint32
		letter string
	}{{4, "r"}, {2, "w"}, {1, "x"}, {8, "a"}} {
		if value&one.bit != 0 {
			written += one.letter
		}
	}
	return written
}

// fileTypeText names a file type (S_IF* in linux/stat.h).
func fileTypeText(value uint32) string {
	switch value {
	case 0o100000:
		return "file"
	case 0o040000:
		return "dir"
	case 0o140000:
		return "socket"
	case 0o120000:
		return "symlink"
	case 0o060000:
		return "block"
	case 0o020000:
		return "character"
	case 0o010000:
		return "fifo"
	}
	return strconv.FormatUint(uint64(value), 10)
}

// shellWord writes text so that a shell reads it as one word and a terminal
// shows it as it is.
func shellWord(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,@+%") == "" {
		return text
	}
	if !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	quoted := strings.Builder{}
	quoted.WriteString("$'")
	for i := range len(text) {
		switch b := text[i]; {
		case b == '\'' || b == '\\':
			quoted.WriteByte('\\')
			quoted.WriteByte(b)
		case b < ' ' || b > '~':
			fmt.Fprintf(&quoted, `\x%02x`, b)
		default:
			quoted.WriteByte(b)
		}
	}
	return quoted.String() + "'"
}
